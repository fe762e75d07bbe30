from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from tests.fix_rows import add_feature, add_scene, mark_fetched
from tests.jobs.test_plan_chips import point

JOBS = ("collect_tags", "ground_tags", "plan_chips")


@pytest.fixture
def trees(database, run_job):
    add_scene(database.conn)
    for n in range(3):
        add_feature(database.conn, point(500 + n, 500), osm_id=n + 1, natural="tree")
    add_feature(database.conn, point(500, 500), osm_id=9, amenity="bench")
    run_job(database.conn, *JOBS)
    mark_fetched(database.conn)
    run_job(database.conn, "link_features", "write_captions")
    return database.conn


def funnel(conn, **query: object) -> list[int]:
    values = {"tags": None, "collection": None, "max_gsd_m": None, **query}
    rows = conn.execute(
        "SELECT n_rows FROM skyscript.funnel(collection => %(collection)s,"
        " tags => %(tags)s, max_gsd_m => %(max_gsd_m)s) ORDER BY n",
        values,
    ).fetchall()
    return [n for (n,) in rows]


def test_each_stage_is_counted(trees):
    assert funnel(trees) == [4, 3, 1, 3, 3, 3, 3, 6, 0]


def test_a_filter_shows_where_the_rows_go(trees):
    assert funnel(trees, tags=Jsonb({"amenity": "bench"})) == [1, 0, 1, *[0] * 6]
    assert funnel(trees, max_gsd_m=0.1) == [4, 3, *[0] * 7]
    assert funnel(trees, collection="none") == [4, 3, *[0] * 7]


def test_pairs_of_a_removed_extract_are_still_counted(trees):
    trees.execute("DELETE FROM osm.extract_feature")
    assert funnel(trees, tags=Jsonb({"natural": "tree"}))[5:] == [3, 3, 6, 0]
    (n_pairs,) = trees.execute("SELECT count(*) FROM skyscript.pair").fetchone()
    assert n_pairs == 6


def test_what_another_tag_hides_is_no_focus(database, run_job):
    add_scene(database.conn)
    add_feature(database.conn, point(500, 500), osm_id=1, natural="tree")
    add_feature(database.conn, point(510, 500), osm_id=2, natural="tree", level="-1")
    run_job(database.conn, *JOBS)
    assert funnel(database.conn)[:4] == [2, 1, 1, 1]
    hidden = database.conn.execute(
        "SELECT h.reason FROM osm.feature AS f, skyscript.hidden_by(f.tags) AS h"
    ).fetchall()
    assert hidden == [("lies below the ground",)]


def test_what_covers_is_seen(conn):
    hidden = [
        conn.execute(
            "SELECT key FROM skyscript.hidden_by(%s)", [Jsonb(tags)]
        ).fetchone()
        for tags in (
            {"highway": "footway", "covered": "yes"},
            {"building": "roof", "covered": "yes"},
            {"building": "yes", "location": "underground"},
        )
    ]
    assert hidden == [("covered",), None, ("location",)]
