"""Tags that nobody expects, and areas that hold anything."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies
from psycopg.types.json import Jsonb

from skyscript_db import api
from skyscript_db.errors import UsageError
from tests.fix_database import Database
from tests.fix_project import WEIRD, Project
from tests.fix_rows import add_extract
from tests.fix_stages import Site
from tests.loaders.osm_files import escape, write

Connection = Any


def test_odd_tags_are_kept_and_never_told(town: Site) -> None:
    odd = "natural:odd"
    carriers = town.conn.execute(
        "SELECT tags FROM osm.feature WHERE tags ? %s", [odd]
    ).fetchall()
    assert carriers == [({"natural": "tree", **WEIRD},)] * 4
    kept = town.conn.execute(
        "SELECT key, value FROM skyscript.tag WHERE n_features = 4"
    ).fetchall()
    assert set(kept) >= set(WEIRD.items())
    texts = [x for (x,) in town.conn.execute("SELECT text FROM skyscript.caption_text")]
    assert len(texts) > 20
    assert set("".join(texts)) <= set("abcdefghijklmnopqrstuvwxyz ,;")
    assert [x for x in texts if "odd" in x or "drop" in x or "xx" in x] == []
    ended = town.run("status")
    assert (ended.status, ended.err) == (0, "")
    assert "FUNNEL" in ended.out


def test_a_tag_of_5000_characters_is_refused_with_the_remedy(
    database: Database, project: Project, tmp_path: Path
) -> None:
    chosen = project.on(database.info, tmp_path)
    path = write(tmp_path / "a.opl", f"n1 v1 Tname={'x' * 5000} x1 y1")
    with pytest.raises(UsageError, match=r"1,024 bytes.*shorten the tag or remove"):
        api.load_osm(database.conn, chosen, path)


def test_tags_as_long_as_osm2pgsql_takes_them(
    database: Database, project: Project, tmp_path: Path
) -> None:
    chosen = project.on(database.info, tmp_path)
    key, value = "\U0001f3f0" * 255, "\u0645" * 511
    tags = f"{escape(key)}={escape(value)},natural=tree"
    api.load_osm(
        database.conn, chosen, write(tmp_path / "a.opl", f"n1 v1 T{tags} x1 y1")
    )
    assert database.conn.execute(
        "SELECT key, value FROM skyscript.tag ORDER BY key"
    ).fetchall() == [("natural", "tree"), (key, value)]
    assert api.describe(database.conn, "0,0,2,2", gsd_m=0.5) == "natural tree"


text = strategies.text(
    strategies.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    max_size=60,
)
words = strategies.sampled_from(
    ["building", "natural", "highway", "name", "yes", "tree", "house", "no", "*", ""]
)
any_tags = strategies.dictionaries(words | text, words | text, max_size=8)
quick = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def judged(conn: Connection) -> Callable[[dict[str, str]], None]:
    """Return a function that collects and judges the tags of one feature."""

    def judge(tags: dict[str, str]) -> None:
        conn.execute("DELETE FROM skyscript.tag")
        conn.execute(
            "INSERT INTO skyscript.tag (key, value, text, n_features)"
            " SELECT key, value, skyscript.tag_text(key, value), 1"
            " FROM jsonb_each_text(%s)",
            [Jsonb(tags)],
        )
        from skyscript_db.jobs import ground_tags

        conn.execute(ground_tags.SQL.upsert_verdicts, {"limit": None})

    return judge


@quick
@given(any_tags)
def test_any_tags_make_a_phrase_or_none(
    conn: Connection, judged: Callable[[dict[str, str]], None], tags: dict[str, str]
) -> None:
    judged(tags)
    everything, seen, n_tokens = conn.execute(
        "SELECT skyscript.feature_phrase(t.tags, NULL),"
        " skyscript.feature_phrase(t.tags, 0.5),"
        " (SELECT n_tokens FROM skyscript.feature_texts(t.tags, 'a', 0.5))"
        " FROM (SELECT %s::jsonb AS tags) AS t",
        [Jsonb(tags)],
    ).fetchone()
    assert (everything is None) == (not tags)
    assert (seen is None) == (n_tokens is None)
    if seen is not None:
        assert seen.strip()
        assert n_tokens > 0
        assert set(seen) <= set("abcdefghijklmnopqrstuvwxyz0123456789 ")


@quick
@given(any_tags, any_tags)
def test_any_tags_make_captions_within_the_budget(
    conn: Connection,
    judged: Callable[[dict[str, str]], None],
    focus: dict[str, str],
    other: dict[str, str],
) -> None:
    judged({**focus, **other})
    told = conn.execute(
        "SELECT skyscript.multi_caption(a.one, ARRAY[b.one, b.one], ARRAY[b.many,"
        " b.many], ARRAY[b.n_tokens, b.n_tokens], ARRAY[5.0, 4.0], 40)"
        " FROM skyscript.feature_texts(%s, 'a', 0.5) AS a,"
        " skyscript.feature_texts(%s, 'n', 0.5) AS b",
        [Jsonb(focus), Jsonb(other)],
    ).fetchone()
    if told is not None:
        assert "\n" not in told[0]
        n_tokens = conn.execute("SELECT skyscript.n_tokens(%s)", told).fetchone()[0]
        focus_tokens = conn.execute(
            "SELECT n_tokens FROM skyscript.feature_texts(%s, 'a', 0.5)",
            [Jsonb(focus)],
        ).fetchone()[0]
        assert n_tokens <= max(40, focus_tokens)


@quick
@given(
    west=strategies.floats(9.99, 10.06),
    south=strategies.floats(-0.01, 0.02),
    width=strategies.floats(1e-9, 0.02),
    height=strategies.floats(1e-9, 0.02),
    gsd_m=strategies.floats(1e-3, 1e5),
)
def test_describe_of_any_box_gives_a_caption_or_none(
    town: Site,
    west: float,
    south: float,
    width: float,
    height: float,
    gsd_m: float,
) -> None:
    box = f"{west!r},{south!r},{west + width!r},{south + height!r}"
    caption = api.describe(town.conn, box, gsd_m=gsd_m)
    assert caption is None or caption.strip() == caption
    if caption is not None:
        n_tokens = town.conn.execute(
            "SELECT skyscript.n_tokens(%s)", [caption]
        ).fetchone()
        assert n_tokens[0] <= 75


STYLES = ["skyscript-1", "paper-1", "plain-1", "plain-view-1"]
odd_words = words | strategies.sampled_from(
    [*("amenity", "surface", "landuse", "addr:street", "alt_name", "12", "a;b", " ")]
)
all_visible = strategies.dictionaries(odd_words | text, odd_words | text, max_size=8)


@pytest.mark.parametrize("style", STYLES)
@quick
@given(tags=all_visible)
def test_any_tags_that_somebody_calls_visible_make_a_caption_or_none(
    conn: Connection, style: str, tags: dict[str, str]
) -> None:
    conn.execute("DELETE FROM skyscript.tag")
    conn.execute(
        "WITH added AS (INSERT INTO skyscript.tag (key, value, text, n_features)"
        " SELECT key, value, '', 1 FROM jsonb_each_text(%s) RETURNING id)"
        " INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)"
        " SELECT id, 'override', 10, 'for the test' FROM added",
        [Jsonb(tags)],
    )
    told = conn.execute(
        "SELECT t.alone, t.one, t.many, (SELECT r.role FROM skyscript.told_tags("
        "x.tags, 'a', 0.5) AS r WHERE r.n = 1) FROM (SELECT %s::jsonb AS tags) AS x"
        " CROSS JOIN LATERAL skyscript.style_texts(%s, x.tags, 'a', 0.5) AS t",
        [Jsonb(tags), style],
    ).fetchone()
    if told is None:
        return
    alone, one, _, first_role = told
    assert first_role == "primary"
    for said in (alone, one):
        assert said == " ".join(said.split()) != ""
        assert not {unicodedata.category(mark) for mark in said} & {"Cc", "Zl", "Zp"}
    private = {
        value
        for key, value in tags.items()
        if "name" in key.split(":")[-1].split("_") or key.startswith("addr:")
    }
    others = {value for key, value in tags.items()} - private
    secret = {x for x in private if len(x) > 9 and not any(x in y for y in others)}
    assert not [x for x in secret if x in alone]


@quick
@given(tags=all_visible)
@pytest.mark.parametrize("style", ["paper", "plain"])
def test_describe_in_any_style_keeps_to_clips_tokens(
    conn: Connection, style: str, tags: dict[str, str]
) -> None:
    conn.execute("DELETE FROM skyscript.tag; DELETE FROM osm.extract_feature")
    add_extract(conn)
    for n, size in ((1, 0.002), (2, 0.0005)):
        conn.execute(
            "INSERT INTO osm.extract_feature (extract, osm_type, osm_id, kind, tags,"
            " geom, is_current) VALUES ('test', 'W', %s, 'a', %s,"
            " ST_MakeEnvelope(0, 0, %s, %s, 4326), true)",
            (n, Jsonb({**tags, "building": "yes"}), size, size),
        )
    conn.execute(
        "WITH added AS (INSERT INTO skyscript.tag (key, value, text, n_features)"
        " SELECT key, value, '', 1 FROM jsonb_each_text(%s) RETURNING id)"
        " INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)"
        " SELECT id, 'override', 10, 'for the test' FROM added",
        [Jsonb({**tags, "building": "yes"})],
    )
    caption, n_tokens = conn.execute(
        "SELECT c, skyscript.n_tokens(c) FROM skyscript.describe("
        "skyscript.box(-0.001, -0.001, 0.003, 0.003), 0.5, %s) AS c",
        [style],
    ).fetchone()
    if caption is not None and style == "plain":
        assert caption[0] == caption[0].upper()
        assert caption.endswith(".")
    if caption is not None:
        assert n_tokens <= 75
        assert caption == caption.strip()
