from __future__ import annotations

import pytest
from affine import Affine

from skyscript_db.errors import LoaderError, UsageError
from tests.fix_rasters import noise
from tests.fix_rows import add_feature
from tests.loaders.earth_engine.helpers import (
    VADUZ_AREA,
    add_cloudy,
    add_ortho,
    day,
    run_load,
    scenes,
)

# --- what cannot be a scene -----------------------------------------------------------


def test_an_image_without_rgb_is_rejected_and_the_others_go_on(
    database, ready, earth_engine
):
    add_ortho(earth_engine, "good")
    add_ortho(earth_engine, "infrared", names=["N", "R", "G"])
    result = run_load(database, ready, area=VADUZ_AREA)
    assert (result.new, result.n_listed) == (1, 2)
    reason = result.rejected["infrared"]
    assert reason.startswith("it has no band B for its colours, but N, R, G")
    assert set(scenes(database)) == {"good"}


@pytest.mark.parametrize(
    ("dtype", "why"),
    [
        ("uint16", "reaches 65535, more than 8 bits hold"),
        ("int8", "reaches down to -128, which 8 bits do not hold"),
        ("float32", "is FLOAT: fractions, not 8 bits"),
    ],
)
def test_what_is_not_8_bits_needs_a_stretch(
    database, ready, earth_engine, dtype: str, why: str
):
    values = (noise(3) // 2).astype(dtype)
    earth_engine.add("Test/orthos", "deep", values, names=["R", "G", "B"])
    result = run_load(database, ready, area=VADUZ_AREA)
    assert why in result.rejected["deep"]


def test_the_same_reasons_are_counted_together(database, ready, earth_engine):
    for name in ("a", "b"):
        add_ortho(earth_engine, name, names=["N", "R", "G"])
    assert list(run_load(database, ready, area=VADUZ_AREA).reasons.values()) == [2]


# --- what cannot be asked -------------------------------------------------------------


@pytest.mark.parametrize(
    ("collection", "options", "told"),
    [
        ("moon", {}, "the catalogue has no collection 'moon'"),
        (
            "orthos",
            {"area": "20,10,21,11"},
            "outside of what orthos covers: W,S,E,N 9,",
        ),
        ("orthos", {"area": "nowhere"}, "not an area"),
        (
            "orthos",
            {"start": day("2020-02-01"), "end": day("2020-02-01")},
            "--end 2020-02-01 is not after --start 2020-02-01",
        ),
        ("orthos", {"end": day("2009-01-01")}, "has scenes from 2010-01-01 on"),
        ("orthos", {"max_cloud": 10}, "does not tell how cloudy"),
        ("cloudy", {}, "covers the Earth: say where with --area"),
        (
            "cloudy",
            {"area": VADUZ_AREA, "max_cloud": 101},
            "--max-cloud 101 is no",
        ),
        ("cloudy", {"area": VADUZ_AREA, "limit": 0}, "--limit 0 leaves nothing"),
    ],
)
def test_what_can_match_nothing_is_refused_unasked(
    database, ready, earth_engine, collection, options, told
):
    with pytest.raises(UsageError) as error:
        run_load(database, ready, collection, **options)
    assert told in str(error.value)
    assert earth_engine.counts.requests == 0


def test_dates_after_the_collections_end_are_refused(database, ready):
    with pytest.raises(UsageError, match="from 2017-01-01 until 2021-01-01"):
        run_load(database, ready, "CH", start=day("2024-01-01"))


def test_an_unknown_asset_is_told(database, ready):
    with pytest.raises(LoaderError, match="has no asset Test/orthos, or does not show"):
        run_load(database, ready, area=VADUZ_AREA)


def test_a_name_that_is_taken_is_told(database, ready, earth_engine):
    add_ortho(earth_engine, "one")
    database.conn.execute(
        "INSERT INTO skyscript.collection (name, alias, provider)"
        " VALUES ('orthos', 'TO', 'raster')"
    )
    with pytest.raises(UsageError, match="holds images of another provider"):
        run_load(database, ready, area=VADUZ_AREA)


def test_an_alias_that_is_taken_is_told(database, ready, earth_engine):
    add_ortho(earth_engine, "one")
    database.conn.execute(
        "INSERT INTO skyscript.collection (name, alias, provider)"
        " VALUES ('mine', 'TO', 'raster')"
    )
    with pytest.raises(UsageError, match="alias TO is that of collection mine"):
        run_load(database, ready, area=VADUZ_AREA)


# --- what features lack ---------------------------------------------------------------


@pytest.fixture
def tree(database, run_job):
    """A tree in the middle of the rasters, which can be seen at 0.6 m or finer."""
    add_feature(database.conn, "POINT(9.4881 47.1327)", osm_id=1, natural="tree")
    run_job(database.conn, "collect_tags", "ground_tags")
    verdict = database.conn.execute(
        "SELECT max_gsd_m FROM skyscript.tag_verdict WHERE value = 'tree'"
    )
    assert verdict.fetchone() == (0.6,)


def test_features_without_imagery_are_asked_for(database, ready, earth_engine, tree):
    fine = Affine(0.5, 0, 536850, 0, -0.5, 5220150)
    earth_engine.add(
        "Test/orthos", "here", noise(3, 600), names=["R", "G", "B"], transform=fine
    )
    add_ortho(earth_engine, "away", transform=Affine(1, 0, 547000, 0, -1, 5220000))
    result = run_load(database, ready, for_features=True)
    assert (result.n_regions, result.new) == (1, 1)
    assert set(scenes(database)) == {"here"}
    again = run_load(database, ready, for_features=True)
    assert again.n_listed == 0


def test_features_elsewhere_are_not_asked_for(database, ready, earth_engine, tree):
    add_ortho(earth_engine, "here")
    result = run_load(database, ready, for_features=True, area="9.1,47.1,9.2,47.2")
    assert (result.n_regions, result.n_requests) == (0, 0)


def test_features_that_it_cannot_show_are_not_asked_for(
    database, ready, earth_engine, tree
):
    add_cloudy(earth_engine, "one", 5)
    assert run_load(database, ready, "cloudy", for_features=True).n_regions == 0
