"""``skyscript load earth-engine``, against the emulator."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Skyscript
from tests.fix_earth_engine import EarthEngine
from tests.fix_rasters import noise

AREA = ("--area", "-77.1,38.8,-77.0,38.9")
# One metre a pixel in Washington, in UTM zone 18 N.
PLACE = (1, 0, 323000, 0, -1, 4306000)


@pytest.fixture
def load(skyscript: Skyscript, earth_engine: EarthEngine):
    """Return a function that runs the command on a NAIP of two images and a bad one."""
    from affine import Affine

    for name, year in (("m_1", 2018), ("m_2", 2020)):
        bands = ["R", "G", "B", "N"]
        add(earth_engine, name, year, bands, Affine(*PLACE))
    add(earth_engine, "c_3", 2004, ["N", "R", "G"], Affine(*PLACE))
    variables = {
        "SKYSCRIPT_EARTH_ENGINE_URL": earth_engine.url,
        "SKYSCRIPT_EARTH_ENGINE_PROJECT": earth_engine.project,
        "SKYSCRIPT_REQUEST_TRIES": "1",
    }

    def run(*words: str, **more: str):
        words = ("load", "earth-engine", *words)
        return skyscript(*words, **{**variables, **more})

    return run


def add(earth_engine: EarthEngine, name: str, year: int, bands, transform) -> None:
    about = f"start = {year}-07-01\nend = {year}-07-02"
    options = {"names": bands, "crs": "EPSG:32618", "transform": transform}
    earth_engine.add("USDA/NAIP/DOQQ", name, noise(len(bands)), about, **options)


def test_scenes_are_loaded_and_counted(load) -> None:
    told = load("USDA/NAIP/DOQQ", *AREA)
    assert told.out == "USDA/NAIP/DOQQ: 3 listed = 2 new + 1 rejected\n"
    assert told.err.startswith("rejected 1: it has no band B for its colours")
    assert told.status == 1
    told = load("us", *AREA, "--start", "2018-01-01", "--end", "2019-01-01")
    assert (told.status, told.err) == (0, "")
    assert told.out == "USDA/NAIP/DOQQ: 1 listed = 1 unchanged\n"


def test_a_dry_run_in_json(load) -> None:
    found = load("US", *AREA, "--start", "2018-01-01", "--dry-run", "--json").json()
    assert found == {
        "collection": "USDA/NAIP/DOQQ",
        "listed": 2,
        "new": 0,
        "unchanged": 0,
        "replaced": 0,
        "matching": 2,
        "n_chips_dropped": 0,
        "left_out": {},
        "rejected": {},
        "n_regions": 1,
    }


def test_no_features_lack_imagery(load) -> None:
    told = load("US", "--for-features")
    assert (told.status, told.out) == (0, "USDA/NAIP/DOQQ: 0 listed = 0\n")
    assert told.err == "no feature that it could show lacks imagery\n"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("moon", *AREA), 2, "the catalogue has no collection 'moon'"),
        (("US", "--area", "2,2,3,3"), 2, "outside of what USDA/NAIP/DOQQ covers"),
        (("US", *AREA, "--end", "1990-01-01"), 2, "has scenes from 2002-06-15 on"),
        (
            ("US", *AREA, "--start", "2019-01-01", "--end", "2018-01-01"),
            2,
            "--end 2018-01-01 is not after --start 2019-01-01",
        ),
        (("CH", "--area", "7,46,8,47"), 1, "has no asset Switzerland/SWISSIMAGE"),
    ],
)
def test_what_cannot_be_loaded_is_told_in_a_line(load, words, status, message) -> None:
    told = load(*words)
    assert (told.status, told.out) == (status, "")
    assert told.err.startswith("skyscript: ")
    assert message in told.err


def test_without_a_project_it_says_how_to_name_one(load) -> None:
    told = load("US", *AREA, SKYSCRIPT_EARTH_ENGINE_PROJECT="")
    assert told.status == 2
    assert "set SKYSCRIPT_EARTH_ENGINE_PROJECT to its id" in told.err


def test_an_expired_login_ends_the_load(load, earth_engine: EarthEngine) -> None:
    earth_engine.misbehave(401, path="listAssets")
    told = load("US", *AREA)
    assert told.status == 1
    assert "log in again with `earthengine authenticate`" in told.err
