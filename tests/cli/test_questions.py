"""Commands that ask a project that is built, and change nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PIL import Image

from skyscript_db.clip.weights import write_stand_in
from tests.cli.conftest import Skyscript
from tests.fix_stages import Site

ONE = "10.002,0.007,10.003,0.008"
CAPTION = (
    "landuse of forest, surrounded by road of footway; road of residential; natural "
    "water; leisure of pitch with sport of soccer; two buildings of house; two "
    "buildings; several natural trees"
)
BAD_AREAS = {
    "words": ("nonsense", "not an area: parse error"),
    "point": ("POINT(1 1)", "the area is not a polygon"),
    "three numbers": ("1,2,3", "a box has four finite numbers, not 1, 2, 3"),
    "upside down": ("0,1,1,0", "south must be the smaller"),
    "beyond the world": ("0,0,999,1", "within -180 and 180"),
    "GeoJSON": ("{", "that is not GeoJSON"),
    "file": ("none.geojson", "cannot read none.geojson: No such file or directory"),
}


@pytest.mark.parametrize("case", BAD_AREAS)
@pytest.mark.parametrize(
    "command",
    [
        ["describe", "{}", "--gsd", "1"],
        ["status", "--area", "{}"],
        ["search", "tree", "--area", "{}"],
        ["export", "nowhere", "--format", "csv", "--area", "{}"],
        ["sheet", "nowhere.png", "--area", "{}"],
    ],
    ids=lambda words: words[0],
)
def test_what_is_no_area_is_refused(
    on_town: Skyscript, command: list[str], case: str
) -> None:
    area, message = BAD_AREAS[case]
    told = on_town(*(area if word == "{}" else word for word in command))
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("skyscript: ")
    assert message in told.err
    assert "Give W,S,E,N in degrees" in told.err
    assert not Path("nowhere").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["describe", "{}", "--gsd", "0.5"],
        ["status", "--area", "{}"],
        ["search", "tree", "--area", "{}"],
        ["export", "{out}", "--format", "csv", "--name", "round", "--area", "{}"],
        ["sheet", "{out}.png", "--area", "{}"],
    ],
    ids=lambda words: words[0],
)
def test_a_box_with_its_sides_swapped_is_told(
    on_town: Skyscript,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    command: list[str],
) -> None:
    swapped = {"{}": "10.003,0.007,10.002,0.008"}
    words = (swapped.get(x, x.replace("{out}", f"{tmp_path}/out")) for x in command)
    assert on_town(*words).status == 0
    (message,) = caplog.messages
    assert "give W,S,E,N, with the west first: 10.002,0.007,10.003,0.008" in message


def test_describe(on_town: Skyscript) -> None:
    told = on_town("describe", ONE, "--gsd", "0.5")
    assert (told.status, told.out, told.err) == (0, f"{CAPTION}\n", "")
    assert on_town("describe", ONE, "--gsd", "0.5", "--json").json() == {
        "area": ONE,
        "gsd_m": 0.5,
        "recipe": "skyscript-1",
        "caption": CAPTION,
    }


def test_describe_where_nothing_is(on_town: Skyscript) -> None:
    told = on_town("describe", "0,0,1,1", "--gsd", "0.5")
    assert (told.status, told.out, told.err) == (
        1,
        "",
        "nothing that is loaded there can be seen at this GSD\n",
    )
    found = on_town("describe", "0,0,1,1", "--gsd", "0.5", "--json").json()
    assert found["caption"] is None


@pytest.mark.parametrize("gsd", ["0", "-1", "nan", "inf", "1e-300"])
def test_describe_at_no_gsd(on_town: Skyscript, gsd: str) -> None:
    told = on_town("describe", ONE, "--gsd", gsd)
    assert (told.status, told.out, told.err) == (
        2,
        "",
        "skyscript: the GSD is in metres a pixel, from 0.001 to 100000, not "
        f"{float(gsd):g}\n",
    )


def test_describe_by_no_recipe(on_town: Skyscript) -> None:
    told = on_town("describe", ONE, "--gsd", "0.5", "--recipe", "nope")
    assert (told.status, told.out, told.err) == (
        2,
        "",
        "skyscript: no caption recipe is named nope: See the table "
        "skyscript.caption_recipe.\n",
    )


def test_search(on_town: Skyscript) -> None:
    told = on_town("search", "a tree", "-k", "3", "--collection", "orthos")
    assert (told.status, told.err) == (0, "3 of 3 asked for (exact)\n")
    lines = told.out.splitlines()
    assert lines[0].split() == ["similarity", "caption", "collection", "gsd_m", "image"]
    assert [line.split()[-1][-4:] for line in lines[1:]] == [".jpg"] * 3
    assert "\x1b" not in told.out
    filters = ["--tag", "natural=tree", "--area", ONE, "--split", "train"]
    found = on_town("search", "a tree", *filters, "--json").json()
    assert len(found) == 4
    assert {hit["osm_type"] for hit in found} == {"N"}
    assert found == sorted(found, key=lambda hit: -hit["similarity"])
    assert all(hit["caption"].startswith("natural tree") for hit in found)


def test_search_that_finds_nothing(on_town: Skyscript) -> None:
    told = on_town("search", "a tree", "--area", "50,50,51,51")
    assert told.status == 0
    assert told.err == "0 of 10 asked for (no chip fits the filter)\n"
    told = on_town("search", "a tree", "--tag", "natural=no'such", "--json")
    assert told.json() == []


def test_search_by_another_model(on_town: Skyscript, tmp_path: Path) -> None:
    write_stand_in(tmp_path / "other", seed=1)
    told = on_town("search", "tree", SKYSCRIPT_CLIP_MODEL=str(tmp_path / "other"))
    assert (told.status, told.out) == (1, "")
    assert "skyscript: nothing is embedded by other" in told.err
    assert "models in use: tiny" in told.err
    told = on_town("search", "tree", SKYSCRIPT_CLIP_MODEL="nope")
    assert (told.status, told.out) == (2, "")
    assert "open_clip has no model 'nope'" in told.err


def test_search_for_too_long_a_text(on_town: Skyscript) -> None:
    told = on_town("search", "tree " * 200)
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("skyscript: ")
    assert "Traceback" not in told.err


def test_status(on_town: Skyscript) -> None:
    told = on_town("status")
    assert (told.status, told.err) == (0, "")
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert "west west.opl 2020-01-01 00:00 33 78 no tags" in lines
    assert "orthos raster 4 0.555 0.557 CC0-1.0" in lines
    assert [x for x in lines if x.startswith("fetch_chips finished 46 44 2 0 ")]
    assert "pairs 88" in lines
    found = on_town("status", "--area", ONE, "--tag", "natural=tree", "--json").json()
    funnel = {row["stage"]: row["n"] for row in found["funnel"]}
    assert (funnel["OSM features"], funnel["chips planned"]) == (6, 6)
    assert (funnel["chips on disk"], funnel["pairs scored"]) == (4, 8)
    assert [job["status"] for job in found["jobs"]] == ["finished"] * 11


def test_tags(on_town: Skyscript) -> None:
    told = on_town("tags", "--key", "natural")
    assert (told.status, told.err) == (0, "")
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert lines[0] == (
        "tag features max_gsd_m source focus planned on_disk told reason"
    )
    assert lines[1].startswith("natural=tree 21 0.6 label yes 19 17 17 ")
    hidden = on_town("tags", "--not-groundable", "--json", "-n", "3").json()
    assert [tag["max_gsd_m"] for tag in hidden] == [None] * 3
    assert on_town("tags", "--key", "nothing").out == "none\n"


def test_scorers(on_town: Skyscript) -> None:
    told = on_town("scorers")
    assert (told.status, told.err) == (0, "")
    assert "yes" in told.out
    (scorer,) = on_town("scorers", "--json").json()["scorers"]
    assert scorer["pairs"] > 0
    assert scorer["lowest"] <= scorer["median"] <= scorer["highest"]


def test_export(on_town: Skyscript, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    told = on_town("export", str(folder), "--format", "csv", "--split", "train")
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith(
        f"{folder}: 21 chips = 21 written + 0 rejected; 42 pairs, version 1\n"
        "       21 train\n"
    )
    with next(folder.rglob("*.csv")).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 21
    words = ("--format", "csv", "--no-surrounding", "--limit", "1")
    assert on_town("export", str(tmp_path / "short"), *words).status == 0
    text = (tmp_path / "short/metadata.jsonl").read_text(encoding="utf-8")
    assert '"surrounding_tags" : null, "surrounding_osm" : null' in text
    told = on_town("export", str(tmp_path / "tar"), "--format", "webdataset", "--json")
    assert told.json()["splits"] == {"test": 18, "train": 21, "unsplit": 5}
    told = on_town(
        "export", str(tmp_path / "no"), "--format", "csv", "--area", "0,0,1,1"
    )
    assert (told.status, told.out) == (2, "")
    assert "no pair passes, so nothing was written" in told.err
    assert not (tmp_path / "no").exists()


def test_export_tells_of_chips_that_are_in_no_split(
    on_town: Skyscript, town: Site, tmp_path: Path
) -> None:
    words = ("--format", "csv", "--name", "splits", "--limit", "44")
    told = on_town("export", str(tmp_path / "drawn"), *words)
    assert "        5 unsplit (reaching into another split, or newer than" in told.out
    assert told.err == ""
    (scheme,) = town.conn.execute("SELECT skyscript.current_scheme()").fetchone()
    show = (
        "UPDATE skyscript.job_run"
        " SET parameters = parameters || jsonb_build_object('scheme', %s::text)"
        " WHERE job = 'split_pairs'"
    )
    town.conn.execute(show, ("another",))
    try:
        told = on_town("export", str(tmp_path / "not"), *words)
    finally:
        town.conn.execute(show, (scheme,))
    assert told.status == 0
    assert told.err == (
        "no chip is in a split: draw train, val and test with `skyscript run "
        "split_pairs`, and export again with --overwrite\n"
    )
    told = on_town("export", str(tmp_path / "not"), *words)
    assert told.status == 2
    assert "holds an earlier export: give another folder, or --overwrite" in told.err
    assert on_town("export", str(tmp_path / "not"), *words, "--overwrite").status == 0


def test_sheet(on_town: Skyscript, tmp_path: Path) -> None:
    file = tmp_path / "sheet.png"
    told = on_town("sheet", str(file), "-n", "4", "--columns", "2")
    assert (told.status, told.out, told.err) == (0, f"{file}: 4 chips\n", "")
    with Image.open(file) as image:
        assert image.format == "PNG"
    told = on_town("sheet", str(file), "--recipe", "nope")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("skyscript: no caption recipe named 'nope'; there are: ")
    assert on_town("-s", "caption_recipe=nope", "sheet", str(file)) == told


def test_a_statement_that_the_server_gives_up_is_told(
    on_town: Skyscript, town_url: str
) -> None:
    url = f"{town_url} options='-c statement_timeout=20'"
    told = on_town("run", "plan_chips", SKYSCRIPT_DATABASE_URL=url)
    if told.status:  # a fast machine may be done
        assert (told.status, told.out) == (1, "")
        assert told.err.startswith("skyscript: the server gave up: canceling statement")
