from __future__ import annotations

from tests.cli.conftest import Skyscript
from tests.fix_database import Database
from tests.fix_rows import add_scene


def test_the_catalogue_is_listed(skyscript: Skyscript) -> None:
    told = skyscript("collections")
    assert (told.status, told.err) == (0, "")
    line = next(row for row in told.out.splitlines() if "S2_SR_HARMONIZED" in row)
    assert line.split()[:4] == [
        "COPERNICUS/S2_SR_HARMONIZED",
        "earth-engine",
        "S2",
        "10",
    ]
    assert "-180,-56,180,83" in line
    assert "2017-03-28 to now" in line


def test_what_is_loaded_is_told(skyscript: Skyscript, database: Database) -> None:
    add_scene(database.conn, collection="USDA/NAIP/DOQQ")
    add_scene(database.conn, collection="mine")
    listed = {row["name"]: row for row in skyscript("collections", "--json").json()}
    assert (listed["USDA/NAIP/DOQQ"]["is_loaded"], listed["mine"]["n_scenes"]) == (
        True,
        1,
    )
    assert listed["USDA/NAIP/DOQQ"]["n_scenes"] == 1
    assert not listed["Finland/SMK/V/50cm"]["is_loaded"]
    assert listed["mine"] == {
        "name": "mine",
        "provider": "raster",
        "alias": "MI",
        "gsd_m": None,
        "licence": "CC0-1.0",
        "n_scenes": 1,
        "is_loaded": True,
    }
