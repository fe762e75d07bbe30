"""Tags through the funnel, caption groups, caps and weights."""

from __future__ import annotations

import pytest

from tests.fix_rows import add_feature, add_scene, mark_fetched
from tests.jobs.test_plan_chips import point

JOBS = ("collect_tags", "ground_tags", "plan_chips")


@pytest.fixture
def told(database, run_job):
    """Nine trees and a water_tower under a tree, told; a bench that is none."""
    add_scene(database.conn)
    for n in range(9):
        add_feature(database.conn, point(200 + n, 500), osm_id=n, natural="tree")
    add_feature(
        database.conn,
        point(1500, 1500),
        osm_id=50,
        natural="tree",
        man_made="water_tower",
    )
    add_feature(database.conn, point(500, 500), osm_id=60, amenity="bench")
    run_job(database.conn, *JOBS)
    mark_fetched(database.conn)
    run_job(database.conn, "link_features", "write_captions")
    return database.conn


def test_each_tag_is_counted_through_the_funnel(told):
    rows = told.execute(
        "SELECT key, value, n_features, is_focus, n_chips_planned, n_chips_on_disk,"
        " n_chips_told FROM skyscript.tag_funnel ORDER BY key, value"
    ).fetchall()
    assert rows == [
        ("amenity", "bench", 1, False, 0, 0, 0),
        ("man_made", "water_tower", 1, True, 1, 1, 1),
        ("natural", "tree", 10, True, 10, 10, 10),
    ]


def test_the_funnel_counts_a_building_of_an_unseen_kind(database, run_job):
    add_scene(database.conn)
    add_feature(database.conn, point(500, 500), osm_id=1, building="office")
    run_job(database.conn, "collect_tags", "ground_tags", "plan_chips")
    database.conn.execute("UPDATE skyscript.tag_groundability SET max_gsd_m = NULL")
    database.conn.execute(
        "INSERT INTO skyscript.tag (key, value, text, n_features)"
        " VALUES ('building', 'yes', 'building', 0)"
    )
    database.conn.execute(
        "INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)"
        " SELECT id, 'override', 10, 'test' FROM skyscript.tag WHERE value = 'yes'"
    )
    rows = database.conn.execute("SELECT n_rows FROM skyscript.funnel() ORDER BY n")
    assert [n for (n,) in rows][:2] == [1, 1]


def test_a_chip_counts_for_its_rarest_tag(told):
    rows = told.execute(
        "SELECT t.value, t.n_chips, count(*) FROM skyscript.chip_tag AS t"
        " GROUP BY 1, 2 ORDER BY 1"
    ).fetchall()
    assert rows == [("tree", 10, 9), ("water_tower", 1, 1)]


def test_weights_temper_the_common_and_are_one_on_average(told):
    rows = told.execute(
        "SELECT value, min(n_of_tag), max(nth_of_tag), min(weight), max(weight)"
        " FROM skyscript.pair_balance WHERE caption_kind = 'focus'"
        " GROUP BY value ORDER BY value"
    ).fetchall()
    (_, n_trees, nth_tree, low, high), (_, n_mills, _, mill, _) = rows
    assert (n_trees, nth_tree, n_mills) == (9, 9, 1)
    assert low == high
    assert mill / low == pytest.approx(3)  # the root of nine
    assert (9 * low + mill) / 10 == pytest.approx(1)


def test_equal_captions_make_a_group(told):
    rows = told.execute(
        "SELECT n_in_group, array_agg(nth_in_group ORDER BY nth_in_group)"
        " FROM skyscript.pair_balance WHERE caption_kind = 'focus'"
        " GROUP BY text_id, n_in_group ORDER BY 1"
    ).fetchall()
    assert rows == [(1, [1]), (9, list(range(1, 10)))]
