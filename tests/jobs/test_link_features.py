from __future__ import annotations

import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from skyscript_db.jobs.link_features import SQL
from tests.fix_rows import add_extract, add_feature, add_scene

# The chip of most tests: 0.01 degrees and 100 pixels a side, around the focus tree.
SQUARE = shapely.box(10, 50, 10.01, 50.01)
TREE = "POINT(10.005 50.005)"

LINKS = (
    "SELECT osm_id, role, round(visible_fraction::numeric, 6)::float,"
    " round(width_px::numeric, 3)::float, round(height_px::numeric, 3)::float,"
    " touches_edge FROM skyscript.chip_feature WHERE osm_id <> 1 ORDER BY osm_id"
)
ROWS = (
    "SELECT chip_id, osm_type, osm_id, role, tags, version, visible_fraction,"
    " width_px, height_px, touches_edge FROM skyscript.chip_feature"
    " ORDER BY chip_id, osm_type, osm_id"
)


def add_chip(conn, footprint=SQUARE, *, chip_id=1, focus=("N", 1), side_px=100):
    scene = conn.execute("SELECT max(id) FROM skyscript.scene").fetchone()[0]
    conn.execute(
        "INSERT INTO skyscript.chip (id, scene_id, osm_type, osm_id, kind, plan,"
        " footprint, lon, lat, gsd_m, col_off_px, row_off_px, width_px, height_px,"
        " state, image_path, sha256) VALUES (%(id)s, %(scene)s, %(type)s, %(osm_id)s,"
        " 'n', 'test', ST_GeomFromText(%(wkt)s, 4326), %(lon)s, %(lat)s, 1, 0, 0,"
        " %(side)s, %(side)s, 'ok', %(id)s::text, 'none')",
        {
            "id": chip_id,
            "scene": scene or add_scene(conn),
            "type": focus[0],
            "osm_id": focus[1],
            "wkt": footprint.wkt,
            "lon": footprint.centroid.x,
            "lat": footprint.centroid.y,
            "side": side_px,
        },
    )


@pytest.fixture
def chip(conn):
    """Return a connection to a database with the chip and its focus."""
    add_feature(conn, TREE, osm_id=1, natural="tree")
    add_chip(conn)
    return conn


@pytest.mark.parametrize(
    ("wkt", "expected"),
    [
        pytest.param("POINT(10.002 50.002)", (1, 0, 0, False), id="point inside"),
        pytest.param(
            "LINESTRING(9.99 50.004, 10.01 50.004)",
            (0.5, 100, 0, True),
            id="line half outside",
        ),
        pytest.param(
            "POLYGON((10.008 50.008, 10.012 50.008, 10.012 50.012, 10.008 50.012,"
            " 10.008 50.008))",
            (0.25, 20, 20, True),
            id="area a quarter inside",
        ),
        pytest.param(
            "POLYGON((10.008 50.004, 10.009 50.004, 10.009 50.006, 10.008 50.004))",
            (1, 10, 20, False),
            id="area inside",
        ),
        pytest.param(
            "POLYGON((9.99 49.99, 10.02 49.99, 10.02 50.02, 9.99 50.02, 9.99 49.99))",
            (0.111111, 100, 100, True),
            id="area around the chip",
        ),
        pytest.param(
            "POLYGON((10.01 50.002, 10.02 50.002, 10.02 50.004, 10.01 50.004,"
            " 10.01 50.002))",
            (0, 0, 20, True),
            id="area touching the edge from outside",
        ),
        pytest.param(
            "LINESTRING(10 49, 10 51)", (0.005, 0, 100, True), id="line on the edge"
        ),
        pytest.param("POINT(10.01 50.01)", (1, 0, 0, True), id="point on the corner"),
        pytest.param(
            "MULTIPOLYGON(((10.001 50.001, 10.002 50.001, 10.002 50.002, 10.001 50.001"
            ")), ((11 51, 11.001 51, 11.001 51.001, 11 51)))",
            (0.5, 10, 10, True),
            id="one of two parts",
        ),
    ],
)
def test_a_feature_is_linked_with_its_visible_part(chip, run_job, wkt, expected):
    add_feature(chip, wkt, osm_id=2, name="x")
    counts = run_job(chip, "link_features")
    assert (counts.n_in, counts.n_ok) == (1, 1)
    [row] = chip.execute(LINKS).fetchall()
    assert row[:2] == (2, "surrounding")
    assert row[2:5] == pytest.approx(expected[:3], abs=1e-3)
    assert row[5] is expected[3]


@pytest.mark.parametrize(
    "wkt",
    [
        pytest.param("POINT(10.0100002 50.005)", id="a centimetre outside"),
        pytest.param("LINESTRING(9.99 50.009, 10.001 50.02)", id="past the corner"),
        pytest.param(
            "POLYGON((9.9 49.9, 10.1 49.9, 10.1 50.1, 9.9 50.1, 9.9 49.9),"
            "(9.95 49.95, 10.05 49.95, 10.05 50.05, 9.95 50.05, 9.95 49.95))",
            id="with the chip in its hole",
        ),
    ],
)
def test_what_does_not_meet_the_chip_is_not_linked(chip, run_job, wkt):
    add_feature(chip, wkt, osm_id=2, name="x")
    run_job(chip, "link_features")
    assert chip.execute(LINKS).fetchall() == []


def test_the_focus_is_marked_and_tags_are_kept_as_seen_then(chip, run_job):
    run_job(chip, "link_features")
    chip.execute("UPDATE osm.extract_feature SET tags = '{}', version = 2")
    assert chip.execute(ROWS).fetchall() == [
        (1, "N", 1, "focus", {"natural": "tree"}, 1, 1.0, 0.0, 0.0, False)
    ]


def test_a_chip_that_stands_askew_sees_what_lies_in_its_corners_only(conn, run_job):
    diamond = shapely.Polygon([(10, 50.01), (10.01, 50), (10, 49.99), (9.99, 50)])
    add_feature(conn, "POINT(10 50)", osm_id=1, natural="tree")
    add_feature(conn, "POINT(10.009 50.009)", osm_id=2, name="in its box only")
    add_feature(conn, "LINESTRING(10 50, 10.02 50)", osm_id=3, name="half")
    add_feature(
        conn, "POLYGON((10 50, 10.02 50, 10.02 50.02, 10 50.02, 10 50))", osm_id=4
    )
    add_feature(conn, "LINESTRING(10 49.999, 10 50.001)", osm_id=5, name="inside")
    add_chip(conn, diamond)
    run_job(conn, "link_features")
    assert conn.execute(LINKS).fetchall() == [
        (3, "surrounding", 0.5, 50.0, 0.0, True),
        (4, "surrounding", 0.125, 50.0, 50.0, True),
        (5, "surrounding", 1.0, 0.0, 10.0, False),
    ]


def test_an_object_of_two_extracts_is_linked_once_in_its_newest_version(chip, run_job):
    add_feature(chip, "POINT(10.001 50.001)", osm_id=2, extract="new", name="new")
    add_feature(chip, "POINT(10.001 50.001)", osm_id=2, extract="old", name="old")
    chip.execute(
        "UPDATE osm.extract_feature SET is_current = false WHERE extract = 'old'"
    )
    run_job(chip, "link_features")
    tags = chip.execute("SELECT tags FROM skyscript.chip_feature WHERE osm_id = 2")
    assert tags.fetchall() == [({"name": "new"},)]


def test_a_second_run_changes_nothing(database, run_job):
    conn = database.conn
    add_feature(conn, TREE, osm_id=1, natural="tree")
    add_feature(conn, "LINESTRING(9 50.003, 11 50.003)", osm_id=2, highway="path")
    add_chip(conn)
    first, before = run_job(conn, "link_features"), conn.execute(ROWS).fetchall()
    assert len(before) == 2
    assert run_job(conn, "link_features") == first
    assert conn.execute(ROWS).fetchall() == before


def test_no_chips_are_no_error(conn, run_job):
    assert run_job(conn, "link_features").n_in == 0


def test_a_chip_whose_focus_is_gone_or_has_moved_is_rejected_run_after_run(
    conn, run_job
):
    add_extract(conn)
    add_feature(conn, "POINT(20 20)", osm_id=1, natural="tree")
    add_feature(conn, "POINT(10.001 50.001)", osm_id=2, natural="tree")
    add_chip(conn, chip_id=1, focus=("N", 1))
    add_chip(conn, chip_id=2, focus=("N", 9))
    for _ in range(2):
        assert run_job(conn, "link_features").rejected == {
            "focus feature is not loaded any more": 1,
            "focus feature lies outside the chip now": 1,
        }
    assert conn.execute(LINKS).fetchall() == []


def test_a_limit_does_part_of_the_chips(conn, run_job):
    add_feature(conn, TREE, osm_id=1, natural="tree")
    for chip_id in (1, 2, 3):
        add_chip(conn, chip_id=chip_id)
    counts = run_job(conn, "link_features", limit=2)
    assert (counts.n_ok, counts.n_pending) == (2, 1)
    assert run_job(conn, "link_features").n_ok == 3


# --- against shapely ------------------------------------------------------------------

# Thousandths of a degree: edges, corners and crossings meet the chip's own.
_coordinate = st.integers(-3, 13)
_vertex = st.tuples(_coordinate, _coordinate)


def _on_ground(shape):
    return shapely.transform(shape, lambda xy: xy / 1000 + (10, 50))


_points = _vertex.map(shapely.Point)
_lines = st.lists(_vertex, min_size=2, max_size=4, unique=True).map(shapely.LineString)
_boxes = st.tuples(_vertex, _vertex).map(
    lambda p: shapely.box(*map(min, *p), *map(max, *p))
)
_holed = st.tuples(_boxes, _boxes).map(lambda p: p[0].difference(p[1]))
_hulls = st.lists(_vertex, min_size=3, max_size=6).map(
    lambda p: shapely.MultiPoint(p).convex_hull
)
_shapes = (
    st.one_of(_points, _lines, _boxes, _holed, _hulls)
    .filter(lambda g: g.is_valid and g.is_simple and not g.is_empty)
    .filter(lambda g: g.area > 0 or g.geom_type in {"Point", "LineString"})
)
_footprints = st.sampled_from(
    [
        shapely.box(0, 0, 10, 10),
        shapely.box(2, 1, 9, 10),
        shapely.Polygon([(0, 1), (9, 0), (10, 9), (1, 10)]),
        shapely.Polygon([(5, 0), (10, 5), (5, 10), (0, 5)]),
    ]
)


def _expected(shape, footprint):
    """Return fraction, sides in degrees and edge flag, or None, by shapely alone."""
    if not footprint.intersects(shape):
        return None
    part = footprint.intersection(shape)
    whole, seen = (
        (1, 1)
        if shape.geom_type == "Point"
        else (shape.length, part.length)
        if shape.geom_type == "LineString"
        else (shape.area, part.area)
    )
    west, south, east, north = part.bounds
    is_inside = footprint.contains_properly(shape)
    return (min(1, seen / whole), east - west, north - south, not is_inside)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(footprint=_footprints, shapes=st.lists(_shapes, min_size=1, max_size=12))
@example(
    footprint=shapely.box(2, 1, 9, 10),
    shapes=[shapely.LineString([(2, 1), (0, 8), (3, 11)])],
)
def test_links_are_those_of_shapely(conn, footprint, shapes):
    footprint, shapes = _on_ground(footprint), [_on_ground(x) for x in shapes]
    rows = conn.execute(
        "SELECT v.fraction, v.width_deg, v.height_deg, v.touches_edge"
        " FROM ST_GeomFromText(%s, 4326) AS area"
        " CROSS JOIN skyscript.frame(area) AS frame"
        " CROSS JOIN unnest(%s::text[], %s::text[]) WITH ORDINALITY AS s (wkt, kind, n)"
        " CROSS JOIN ST_GeomFromText(s.wkt, 4326) AS geom"
        " LEFT JOIN LATERAL skyscript.visible_part("
        "geom, s.kind, area, frame.box, frame.core) AS v ON geom && area"
        " ORDER BY s.n",
        (footprint.wkt, [x.wkt for x in shapes], [_kind(x) for x in shapes]),
    ).fetchall()
    for shape, row in zip(shapes, rows, strict=True):
        expected = _expected(shape, footprint)
        if expected is None or row[0] is None:
            # A rounding apart: one holds what the other has beside the edge.
            assert (expected is None) == (row[0] is None) or (
                shape.distance(footprint.boundary) < 1e-12
            )
            continue
        # A shape that meets the edge in a point, by exact numbers, misses it or not by
        # how these are rounded; a footprint larger by that is met.
        grown = _expected(shape, footprint.buffer(1e-12, join_style="mitre"))
        near = [pytest.approx(x[:3], abs=1e-6) for x in (expected, grown)]
        assert row[:3] in near, shape.wkt
        assert row[3] == expected[3] or shape.distance(footprint.boundary) < 1e-12


def _kind(shape) -> str:
    return {"Point": "n", "LineString": "w"}.get(shape.geom_type, "a")


# --- plan -----------------------------------------------------------------------------


def test_features_are_found_by_the_spatial_index(chip):
    for n in range(300):
        add_feature(chip, f"POINT({n / 10} {n / 10})", osm_id=n + 10, name="x")
    chip.execute("ANALYZE osm.extract_feature; ANALYZE skyscript.chip")
    chip.execute(
        "CREATE TEMPORARY TABLE pending (n bigint PRIMARY KEY, id bigint);"
        " INSERT INTO pending VALUES (1, 1); ANALYZE pending"
    )
    statement = "EXPLAIN " + SQL.link
    rows = chip.execute(statement, {"first": 1, "last": 5000}).fetchall()
    plan = "\n".join(line for (line,) in rows)
    assert "geom_idx" in plan
    assert "Index Cond: (geom && chip.footprint)" in plan
    assert "Hash Semi Join" not in plan
