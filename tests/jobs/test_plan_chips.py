from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fix_rows import add_feature, add_scene

# A scene of 2000 x 2000 pixels of 0.00001 degrees, from (10, 0) down to (10.02, -0.02).
DEG = 0.00001

WINDOWS = """
SELECT osm_id, width_px, height_px, col_off_px, row_off_px
FROM skyscript.chip ORDER BY osm_id
"""


def square(col: int, row: int, side_px: int) -> str:
    """Return a square of the scene's pixels as WKT."""
    west, north = 10 + col * DEG, -row * DEG
    east, south = west + side_px * DEG, north - side_px * DEG
    return (
        f"POLYGON(({west} {south}, {east} {south}, {east} {north}, {west} {north},"
        f" {west} {south}))"
    )


def point(col: int, row: int) -> str:
    return f"POINT({10 + col * DEG} {-row * DEG})"


@pytest.fixture
def plan(database, run_job):
    """Return a function that plans chips from scratch and returns their windows."""

    def run(**changes):
        run_job(database.conn, "collect_tags", "ground_tags")
        plan.counts = run_job(database.conn, "plan_chips", **changes)
        return database.conn.execute(WINDOWS).fetchall()

    plan = run
    return run


def test_a_point_gets_a_square_that_holds_it_off_centre(database, plan):
    add_scene(database.conn)
    add_feature(database.conn, point(1000, 500), osm_id=1, natural="tree")
    ((_, width, height, col, row),) = plan()
    assert (width, height) == (256, 256)
    assert abs(col + 128 - 1000) <= 64
    assert abs(row + 128 - 500) <= 64
    assert (col + 128, row + 128) != (1000, 500)


def test_an_area_gets_its_box_with_a_margin(database, plan):
    add_scene(database.conn)
    add_feature(database.conn, square(500, 500, 200), osm_id=1, building="yes")
    ((_, width, height, col, row),) = plan()
    assert (width, height) == (300, 300)
    assert 400 <= col <= 500
    assert 400 <= row <= 500


def test_a_long_area_gets_room_on_its_short_side(database, plan):
    add_scene(database.conn)
    long = (
        f"POLYGON((10.005 -0.005, 10.009 -0.005, 10.009 {-505 * DEG}, 10.005 -0.005))"
    )
    add_feature(database.conn, long, osm_id=1, building="yes")
    ((_, width, height, _, row),) = plan()
    assert (width, height) == (600, 300)
    assert row <= 500
    assert row + height >= 505


def test_a_line_gets_a_square_around_one_of_its_vertices_in_the_scene(database, plan):
    add_scene(database.conn)
    add_feature(
        database.conn,
        f"LINESTRING(9 -0.005, {10 + 700 * DEG} {-600 * DEG}, 11 -0.005)",
        osm_id=1,
        highway="primary",
    )
    ((_, width, _, col, row),) = plan()
    assert width == 256
    assert col <= 700 <= col + 256
    assert row <= 600 <= row + 256


def test_what_cannot_be_cut_is_counted_by_reason(database, plan, run_job):
    add_scene(database.conn, gsd_m=0.5)
    add_feature(database.conn, square(100, 100, 30), osm_id=1, building="yes")
    add_feature(database.conn, square(100, 100, 900), osm_id=2, building="yes")
    add_feature(database.conn, square(-50, 500, 200), osm_id=3, building="yes")
    add_feature(database.conn, point(5000, 0), osm_id=4, natural="tree")
    add_feature(database.conn, point(800, 800), osm_id=5, amenity="bench")
    add_feature(database.conn, point(800, 800), osm_id=6, power="pole")
    add_feature(database.conn, point(800, 800), osm_id=7, natural="tree")
    assert [row[0] for row in plan()] == [7]
    counts = run_job(database.conn, "plan_chips")
    assert counts.n_ok == 1
    assert counts.rejected == {
        "chip under 100 px": 1,
        "chip over 1000 px": 1,
        "reaches outside the scene": 1,
        "no imagery covers it": 1,
        "no primary tag can be seen": 1,
        "imagery too coarse for its tags": 1,
    }


def test_a_feature_at_the_scenes_edge_is_shifted_in_where_a_quarter_suffices(
    database, plan
):
    add_scene(database.conn)
    add_feature(database.conn, point(70, 1000), osm_id=1, natural="tree")
    add_feature(database.conn, point(60, 1000), osm_id=2, natural="tree")
    ((osm_id, _, _, col, _),) = plan()
    assert osm_id == 1
    assert 0 <= col <= 6


def test_the_chip_lies_in_the_valid_part_of_the_scene(database, plan):
    add_scene(database.conn)
    database.conn.execute(
        "UPDATE skyscript.scene SET footprint ="
        " ST_Multi(ST_MakeEnvelope(10, -0.02, 10.01, 0, 4326))"
    )
    add_feature(database.conn, point(500, 1000), osm_id=1, natural="tree")
    add_feature(database.conn, point(990, 1000), osm_id=2, natural="tree")
    assert [row[0] for row in plan()] == [1]


def test_the_footprint_is_the_window_on_the_ground(database, plan):
    add_scene(database.conn)
    add_feature(database.conn, point(1000, 1000), osm_id=1, natural="tree")
    ((_, width, height, col, row),) = plan()
    box = database.conn.execute(
        "SELECT ST_XMin(footprint), ST_YMax(footprint), ST_XMax(footprint),"
        " ST_YMin(footprint), lon, lat FROM skyscript.chip"
    ).fetchone()
    west, north = 10 + col * DEG, -row * DEG
    assert box == pytest.approx(
        (
            *(west, north, west + width * DEG, north - height * DEG),
            *(west + width * DEG / 2, north - height * DEG / 2),
        )
    )


POLICIES = [
    ("finest", ["fine"]),
    ("newest", ["new"]),
    ("nearest-date", ["near"]),
    ("all", ["fine", "near", "new"]),
]


@pytest.mark.parametrize(("policy", "chosen"), POLICIES)
def test_the_policy_chooses_the_scene(database, plan, policy, chosen):
    add_scene(database.conn, name="fine", gsd_m=0.2, acquired_at="2000-01-01Z")
    add_scene(database.conn, name="new", gsd_m=0.5, acquired_at="2024-01-01Z")
    add_scene(database.conn, name="near", gsd_m=0.5, acquired_at="2010-02-01Z")
    add_feature(
        database.conn,
        point(1000, 1000),
        osm_id=1,
        changed_at="2010-01-01Z",
        natural="tree",
    )
    plan(scene_policy=policy)
    names = database.conn.execute(
        "SELECT s.name FROM skyscript.chip AS c"
        " JOIN skyscript.scene AS s ON s.id = c.scene_id ORDER BY 1"
    ).fetchall()
    assert [name for (name,) in names] == chosen


def test_a_coarser_scene_serves_where_the_finest_does_not_reach(database, plan):
    add_scene(database.conn, name="fine", gsd_m=0.2, lon=10.015)
    add_scene(database.conn, name="coarse", gsd_m=0.5)
    add_feature(database.conn, point(1505, 1000), osm_id=1, natural="tree")
    plan()
    names = database.conn.execute(
        "SELECT s.name FROM skyscript.chip AS c"
        " JOIN skyscript.scene AS s ON s.id = c.scene_id"
    ).fetchall()
    assert names == [("coarse",)]


def test_a_finer_scene_loaded_later_adds_no_second_chip(database, plan, run_job):
    add_scene(database.conn, name="coarse", gsd_m=0.5)
    add_feature(database.conn, point(1000, 1000), osm_id=1, natural="tree")
    first = plan()
    add_scene(database.conn, name="fine", gsd_m=0.2)
    assert plan() == first
    counts = run_job(database.conn, "plan_chips")
    assert (counts.n_ok, counts.n_pending) == (1, 0)


def test_a_scene_loaded_later_is_pending_where_all_are_taken(database, plan, run_job):
    add_scene(database.conn, name="one")
    add_feature(database.conn, point(1000, 1000), osm_id=1, natural="tree")
    plan(scene_policy="all")
    add_scene(database.conn, name="two")
    work = {"scene_policy": "all", "limit": 1}
    assert run_job(database.conn, "plan_chips", **work).n_pending == 0
    assert len(database.conn.execute(WINDOWS).fetchall()) == 2


def test_a_second_run_changes_nothing(database, plan):
    add_scene(database.conn)
    add_feature(database.conn, point(1000, 1000), osm_id=1, natural="tree")
    first = plan()
    assert plan() == first


def test_a_limit_leaves_the_rest_pending(database, plan, run_job):
    add_scene(database.conn)
    for n in range(5):
        add_feature(database.conn, point(500 + n, 500), osm_id=n + 1, natural="tree")
    run_job(database.conn, "collect_tags", "ground_tags")
    counts = run_job(database.conn, "plan_chips", limit=2)
    assert (counts.n_in, counts.n_ok, counts.n_pending) == (5, 2, 3)
    counts = run_job(database.conn, "plan_chips")
    assert (counts.n_in, counts.n_ok, counts.n_pending) == (5, 5, 0)


def test_ids_and_windows_depend_on_names_and_seed_alone(database, plan):
    add_scene(database.conn)
    add_feature(database.conn, point(1000, 1000), osm_id=1, natural="tree")
    plan()
    (chip,) = database.conn.execute("SELECT id FROM skyscript.chip").fetchall()
    assert chip == (2664700219315141562,)
    plan(seed=1)
    windows = database.conn.execute(WINDOWS).fetchall()
    assert len(set(windows)) == 2


@pytest.mark.parametrize(
    ("transform", "srid"),
    [
        ([0.5, 0, 500_000, 0, -0.5, 5_600_000], 32632),
        ([0.4, 0.3, 500_000, 0.3, -0.4, 5_600_000], 32632),
        ([0.5, 0, 1_000_000, 0, -0.5, 6_000_000], 3857),
    ],
    ids=["UTM", "UTM rotated", "web mercator"],
)
def test_pixels_and_ground_are_each_others_inverse(conn, transform, srid):
    row = conn.execute(
        "SELECT ST_X(there), ST_Y(there), ST_X(back), ST_Y(back) FROM (SELECT"
        " skyscript.to_ground(ST_Point(300, 700), %(s)s, %(t)s) AS ground) AS g,"
        " LATERAL (SELECT ST_Transform(ground, %(s)s) AS there,"
        " skyscript.to_pixels(ground, %(s)s, %(t)s) AS back) AS x",
        {"s": srid, "t": [float(value) for value in transform]},
    ).fetchone()
    a, b, c, d, e, f = transform
    assert row[:2] == pytest.approx((a * 300 + b * 700 + c, d * 300 + e * 700 + f))
    assert row[2:] == pytest.approx((300, 700), abs=1e-4)


def offset(low: float, high: float, side: int, scene: int, chance: float) -> int | None:
    """Return what skyscript.window_offset should, found by trying all offsets."""
    centre = (low + high) / 2
    fits = [
        first
        for first in range(scene - side + 1)
        if first <= low
        and high <= first + side
        and abs(first + side / 2 - centre) <= side / 4
    ]
    return fits[int(chance * len(fits))] if fits else None


@given(
    low=st.integers(-50, 450),
    size=st.integers(0, 200),
    side=st.sampled_from([64, 100, 256]),
    chance=st.floats(0, 0.999),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_window_offset_is_one_of_those_that_fit(conn, low, size, side, chance):
    (found,) = conn.execute(
        "SELECT skyscript.window_offset(%s, %s, %s, 400, %s)",
        (low, low + size, side, chance),
    ).fetchone()
    assert found == offset(low, low + size, side, 400, chance)


def test_long_seeds_make_plans_of_their_own(database, plan):
    add_scene(database.conn)
    add_feature(database.conn, point(1000, 500), osm_id=1, natural="tree")
    plan(seed=1234567)
    assert len(plan(seed=1234568)) == 2
