from __future__ import annotations

import pytest
from affine import Affine

from loaders.earth_engine import load as module
from tests.fix_rasters import VADUZ
from tests.loaders.earth_engine.helpers import (
    JULY,
    VADUZ_AREA,
    add_cloudy,
    add_ortho,
    day,
    run_load,
    scenes,
)

# --- what a scene is ------------------------------------------------------------------


def test_an_image_becomes_a_scene(database, ready, earth_engine):
    add_ortho(earth_engine, "one", JULY + '\nproperties = {STATE = "LI"}')
    result = run_load(database, ready, area=VADUZ_AREA)
    assert (result.new, result.n_listed) == (1, 1)
    scene = scenes(database)["one"]
    assert scene["collection"] == "orthos"
    assert scene["uri"] == "Test/orthos/one"
    assert scene["acquired_at"] == day("2018-07-01")
    assert (scene["crs"], scene["srid"]) == ("EPSG:32632", 32632)
    assert scene["transform"] == list(VADUZ)[:6]
    assert (scene["width_px"], scene["height_px"]) == (64, 64)
    assert scene["gsd_m"] == 1
    assert scene["area_m2"] == pytest.approx(64 * 64, rel=0.01)
    assert scene["bands"] == {"rgb": ["R", "G", "B"]}
    assert scene["stretch"] == {"method": "none"}
    assert scene["version"].startswith("2019-01-01T00:00:00")
    assert scene["properties"]["STATE"] == "LI"
    assert scene["cloud_fraction"] is None


def test_the_collection_is_entered_with_its_terms(database, ready, earth_engine):
    add_cloudy(earth_engine, "one", 5)
    run_load(database, ready, "cloudy", area=VADUZ_AREA)
    row = database.conn.execute(
        "SELECT provider, alias, gsd_m, cloud_property, max_cloud_fraction, source,"
        " stretch FROM skyscript.collection"
    ).fetchone()
    assert row == (
        "earth-engine",
        "TC",
        10,
        "CLOUDY_PIXEL_PERCENTAGE",
        0.2,
        {"asset": "Test/cloudy"},
        {"method": "linear", "min": [0, 0, 0], "max": [3000, 3000, 3000]},
    )


def test_the_gsd_and_the_cloud_are_the_collections(database, ready, earth_engine):
    add_cloudy(earth_engine, "one", 12.5)
    run_load(database, ready, "cloudy", area=VADUZ_AREA)
    scene = scenes(database)["one"]
    assert (scene["gsd_m"], scene["cloud_fraction"]) == (10, 0.125)
    assert scene["bands"] == {
        "rgb": ["B4", "B3", "B2"],
        "cloud": {"band": "SCL", "values": [3, 8, 9, 10]},
    }


def test_a_cloud_cover_that_is_not_known_is_none(database, ready, earth_engine):
    add_cloudy(earth_engine, "one", -1)
    run_load(database, ready, "cloudy", area=VADUZ_AREA)
    assert scenes(database)["one"]["cloud_fraction"] is None


def test_scenes_of_several_systems_share_a_collection(database, ready, earth_engine):
    add_ortho(earth_engine, "utm")
    degrees = Affine(1e-5, 0, 9.487, 0, -1e-5, 47.133)
    add_ortho(earth_engine, "degrees", crs="EPSG:4326", transform=degrees)
    assert run_load(database, ready, area=VADUZ_AREA).new == 2
    found = scenes(database)
    assert found["degrees"]["srid"] == 4326
    # Not in metres: measured on the ground, the mean of both directions.
    assert found["degrees"]["gsd_m"] == pytest.approx(0.919, abs=0.002)


def test_the_footprint_is_what_earth_engine_says_within_the_grid(
    database, ready, earth_engine
):
    half = (
        '[geometry]\ntype = "Polygon"\ncoordinates = [[[9.0, 47.0], [9.4882, 47.0],'
        " [9.4882, 48.0], [9.0, 48.0], [9.0, 47.0]]]"
    )
    add_ortho(earth_engine, "one", half)
    run_load(database, ready, area=VADUZ_AREA)
    area_m2 = scenes(database)["one"]["area_m2"]
    assert 0 < area_m2 < 64 * 64 * 0.9


def test_one_image_is_a_collection_of_one(database, ready, earth_engine):
    add_ortho(earth_engine, "one")
    own = ready.home / "collections.toml"
    own.write_text(own.read_text().replace('"Test/orthos"', '"Test/orthos/one"'))
    assert run_load(database, ready).new == 1
    assert scenes(database)["one"]["uri"] == "Test/orthos/one"


# --- what is wanted -------------------------------------------------------------------


def test_dates_are_those_of_the_first_moment(database, ready, earth_engine):
    for date in ("2018-06-30", "2018-07-01", "2018-07-31", "2018-08-01"):
        about = f"start = {date}\nend = {date}T23:59:59"
        add_ortho(earth_engine, date, about)
    result = run_load(database, ready, start=day("2018-07-01"), end=day("2018-08-01"))
    assert set(scenes(database)) == {"2018-07-01", "2018-07-31"}
    assert result.left_out == {"taken after the end": 1}


def test_the_cloud_limit_is_the_collections_or_ours(database, ready, earth_engine):
    for percent in (5, 20, 35):
        add_cloudy(earth_engine, f"c{percent}", percent)
    assert run_load(database, ready, "cloudy", area=VADUZ_AREA).n_listed == 2
    more = run_load(database, ready, "cloudy", area=VADUZ_AREA, max_cloud=40)
    assert (more.new, more.unchanged) == (1, 2)
    assert (
        run_load(database, ready, "cloudy", area=VADUZ_AREA, max_cloud=100).n_listed
        == 3
    )


def test_only_scenes_in_the_area_are_taken(database, ready, earth_engine):
    add_ortho(earth_engine, "here")
    add_ortho(earth_engine, "away", transform=Affine(1, 0, 547000, 0, -1, 5220000))
    result = run_load(database, ready, area=VADUZ_AREA)
    assert (result.new, result.n_listed) == (1, 1)
    assert set(scenes(database)) == {"here"}


def test_an_area_of_many_points_is_asked_by_its_box_and_met_exactly(
    database, ready, earth_engine
):
    add_ortho(earth_engine, "here")
    ring = database.conn.execute(
        "SELECT ST_AsText(ST_Buffer(ST_Point(9.55, 47.19, 4326), 0.07, 40))"
    ).fetchone()[0]
    result = run_load(database, ready, area=ring)
    assert result.left_out == {"outside the area": 1}
    assert (result.n_listed, result.new) == (1, 0)


def test_pages_follow_one_another(database, ready, earth_engine, monkeypatch):
    monkeypatch.setattr(module, "PAGE_SIZE", 2)
    for n in range(5):
        add_ortho(earth_engine, f"n{n}")
    result = run_load(database, ready, area=VADUZ_AREA)
    assert (result.new, result.n_requests) == (5, 3)


def test_a_limit_ends_the_load(database, ready, earth_engine, monkeypatch):
    monkeypatch.setattr(module, "PAGE_SIZE", 2)
    for n in range(5):
        add_ortho(earth_engine, f"n{n}")
    result = run_load(database, ready, area=VADUZ_AREA, limit=3)
    assert (result.new, len(scenes(database))) == (3, 3)


def test_a_dry_run_counts_and_enters_nothing(database, ready, earth_engine):
    add_ortho(earth_engine, "one")
    result = run_load(database, ready, area=VADUZ_AREA, is_dry_run=True)
    assert (result.matching, result.new) == (1, 0)
    count = database.conn.execute("SELECT count(*) FROM skyscript.collection")
    assert count.fetchone() == (0,)
