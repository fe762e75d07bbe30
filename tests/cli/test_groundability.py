"""What the commands on groundability say."""

from __future__ import annotations

from pathlib import Path

import pytest

from skyscript_db.groundability import curve, stages
from tests.cli.conftest import Skyscript


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_why(on_town: Skyscript) -> None:
    told = on_town("why", "natural=tree", "--gsd", "0.5")
    assert (told.status, told.err) == (0, "")
    first, counts, telling = lines(told.out)
    assert first == "natural=tree: 21 loaded features carry it"
    assert counts.startswith("counts label: seen up to 0.6 m - ")
    assert telling == 'at 0.5 m a caption tells it: "natural tree"'
    assert on_town("groundability", "why", "natural=tree", "--gsd", "0.5") == told


def test_why_of_a_tag_that_nothing_carries(on_town: Skyscript) -> None:
    told = on_town("why", "shop=bakery", "--gsd", "0.3", "--json").json()
    assert (told["tag"], told["n_features"], told["nearest"]) == ("shop=bakery", 0, [])
    assert told["verdicts"][0]["source"] in {"label", "wildcard"}
    assert told["telling"] == "at 0.3 m no caption tells it"


def test_override_and_back(skyscript: Skyscript, database) -> None:
    database.conn.execute(
        "INSERT INTO skyscript.tag (key, value, text, n_features)"
        " VALUES ('shop', 'bakery', 'shop of bakery', 2)"
    )
    words = ("groundability", "override", "shop=bakery")
    told = skyscript(*words, "--max-gsd", "0.3", "--reason", "loaves on the roofs")
    assert (told.status, told.err) == (0, "")
    assert "counts override: seen up to 0.3 m - loaves on the roofs" in lines(told.out)
    shown = skyscript("groundability", "show", "--source", "override", "--json").json()
    assert [(x["key"], x["max_gsd_m"]) for x in shown] == [("shop", 0.3)]
    told = skyscript(*words, "--max-gsd", "none", "--reason", "no loaves")
    assert "counts override: not seen - no loaves" in lines(told.out)
    told = skyscript(*words, "--clear")
    assert told.out == "shop=bakery: override taken back\n"
    assert skyscript(*words, "--clear").out == "shop=bakery: no override\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["shop"], "'shop' is no tag: write KEY=VALUE"),
        (["shop=bakery"], "say --max-gsd METRES or none, and --reason"),
        (["shop=bakery", "--max-gsd", "1"], "say --max-gsd METRES or none, and"),
        (["a=b", "--max-gsd", "1", "--reason", "x"], "no feature carries a=b: load"),
        (["a=b", "--max-gsd", "wide"], "'wide' is neither none nor a number"),
    ],
)
def test_overrides_that_are_refused(
    skyscript: Skyscript, words: list[str], message: str
) -> None:
    told = skyscript("groundability", "override", *words)
    assert (told.status, told.out) == (2, "")
    assert message in told.err


def test_show(on_town: Skyscript) -> None:
    told = on_town("groundability", "show", "--key", "building")
    assert (told.status, told.err) == (0, "")
    header, *rows = lines(told.out)
    assert header == "key value n_features verdict max_gsd_m source probability reason"
    assert {row.split()[0] for row in rows} == {"building"}
    found = on_town("groundability", "show", "--verdict", "not groundable", "--json")
    assert {row["verdict"] for row in found.json()} == {"not groundable"}
    assert on_town("groundability", "show", "--disagreements", "--json").json() == []


def test_train_by_the_text_tower_of_a_clip(
    skyscript: Skyscript, database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "STRENGTHS", (3.0,))
    monkeypatch.setattr(curve, "SHARES", (0.5, 1.0))
    monkeypatch.setattr(curve, "N_DRAWS", 1)
    database.conn.execute(
        "DELETE FROM skyscript.tag_label"
        " WHERE key NOT IN ('aeroway', 'golf', 'power', 'service', 'water')"
    )
    words = ["--encoder", "clip", "--inputs", "key value"]
    told = skyscript("groundability", "train", *words)
    assert (told.status, told.err) == (0, "")
    first, *metrics, last = lines(told.out)
    assert first.startswith("classifier ")
    assert [line.partition(":")[0] for line in metrics] == [
        *("F1, plain", "within one class, plain"),
        *("F1, grouped by key", "within one class, grouped by key"),
    ]
    assert last == "0 tags = 0 groundable + 0 not + 0 pending"
    (found,) = skyscript("groundability", "list", "--json").json()
    assert (found["inputs"], found["default"]) == ("key value", True)
    (model,) = (
        line.split()[0]
        for line in lines(skyscript("model", "list").out)
        if "for tags" in line
    )
    refused = skyscript("model", "default", model)
    assert (refused.status, refused.out) == (2, "")
    assert f"model {model} reads tags for the classifier and embeds no" in refused.err
    again = skyscript("groundability", "train", *words)
    assert "was here already, trained on" in again.out
    told = skyscript("groundability", "default", "none")
    assert told.out == "the verdicts of none count\n"
    page = tmp_path / "page.md"
    told = skyscript("groundability", "evaluate", *words, "--markdown", str(page))
    assert (told.status, told.err) == (0, f"wrote {page}\n")
    assert told.out == page.read_text(encoding="utf-8") + "\n"


def test_an_encoder_that_there_is_not(skyscript: Skyscript) -> None:
    told = skyscript("groundability", "train", "--encoder", "nonsense")
    assert (told.status, told.out) == (2, "")
    assert "no text encoder 'nonsense': give all-MiniLM-L6-v2, clip" in told.err
