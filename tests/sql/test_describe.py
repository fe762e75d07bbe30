from __future__ import annotations

import psycopg
import pytest

from tests.fix_rows import add_feature

BOX = "skyscript.box(10, 50, 10.002, 50.002)"


@pytest.fixture
def village(conn):
    """Return a connection to a few features near 10 E, 50 N, with judged tags."""
    add_feature(
        conn,
        "POLYGON((9.99 49.99, 10.01 49.99, 10.01 50.01, 9.99 50.01, 9.99 49.99))",
        osm_id=1,
        landuse="farmland",
        name="Long Acre",
    )
    for n in range(4):
        west, south = 10.0002 + n * 0.0004, 50.001
        add_feature(
            conn,
            f"POLYGON(({west} {south}, {west + 0.0002} {south}, {west + 0.0002}"
            f" {south + 0.0001}, {west} {south + 0.0001}, {west} {south}))",
            osm_id=10 + n,
            building="yes",
        )
    add_feature(
        conn, "LINESTRING(9.999 50.0005, 10.001 50.0005)", osm_id=20, highway="primary"
    )
    add_feature(conn, "POINT(10.0015 50.0015)", osm_id=30, amenity="bench")
    from skyscript_db.jobs import collect_tags, ground_tags

    conn.execute(collect_tags.SQL.count_tags)
    conn.execute(collect_tags.SQL.insert_tags)
    conn.execute(ground_tags.SQL.upsert_verdicts, {"limit": None})
    return conn


def test_features_in_gives_what_could_be_seen(village):
    rows = village.execute(
        "SELECT osm_id, phrase, round(visible_fraction::numeric, 2), round(width_px)"
        f" FROM skyscript.features_in({BOX}, 0.5) ORDER BY osm_id"
    ).fetchall()
    width_px = 286  # 0.002 degrees at 50 N are 143.1 m
    assert [row[:2] for row in rows] == [
        (1, "landuse of farmland"),
        (10, "building"),
        (11, "building"),
        (12, "building"),
        (13, "building"),
        (20, "road of primary"),
    ]
    assert float(rows[0][2]) == 0.01
    assert rows[0][3] == width_px
    assert float(rows[5][2]) == 0.5


def test_features_in_without_a_gsd_gives_everything(village):
    rows = village.execute(
        f"SELECT phrase FROM skyscript.features_in({BOX}, NULL) ORDER BY osm_id"
    ).fetchall()
    assert rows[0] == ("landuse of farmland with name of Long Acre",)
    assert rows[-1] == ("amenity of bench",)


def test_describe_tells_the_largest_first_and_counts(village):
    caption = village.execute(f"SELECT skyscript.describe({BOX}, 0.5)").fetchone()
    assert caption == (
        "landuse of farmland, surrounded by road of primary; several buildings",
    )


def test_what_another_tag_hides_is_not_told(village):
    add_feature(
        village,
        "LINESTRING(10 50.0005, 10.002 50.0005)",
        osm_id=21,
        highway="primary",
        tunnel="yes",
    )
    add_feature(village, "POINT(10.001 50.0011)", osm_id=22, natural="tree", level="-1")
    test_describe_tells_the_largest_first_and_counts(village)
    test_features_in_gives_what_could_be_seen(village)
    (told,) = village.execute(
        f"SELECT skyscript.describe({BOX}, 0.5, 'plain')"
    ).fetchone()
    assert "tree" not in told


def test_describe_of_an_empty_place_is_null(village):
    nowhere = village.execute(
        "SELECT skyscript.describe(skyscript.box(0, 0, 1, 1), 0.5)"
    ).fetchone()
    assert nowhere == (None,)


def test_describe_takes_an_area_in_any_reference_system(village):
    same = village.execute(
        f"SELECT skyscript.describe({BOX}, 0.5)"
        f" = skyscript.describe(ST_Transform({BOX}, 3857), 0.5)"
    ).fetchone()
    assert same == (True,)


@pytest.mark.parametrize(
    ("area", "message"),
    [
        ("NULL::geometry", "not a polygon"),
        ("ST_GeomFromText('POINT(1 1)', 4326)", "not a polygon"),
        ("ST_GeomFromText('POLYGON EMPTY', 4326)", "not a polygon"),
        ("ST_MakeEnvelope(0, 0, 1, 1)", "no reference system"),
    ],
)
def test_an_area_that_is_none_is_refused_with_the_remedy(conn, area, message):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=message) as error:
        conn.execute(f"SELECT skyscript.describe({area}, 0.5)")
    assert error.value.diag.message_hint


def test_a_bow_tie_is_made_valid(village):
    caption = village.execute(
        "SELECT skyscript.describe(ST_GeomFromText("
        "'POLYGON((10 50, 10.002 50.002, 10.002 50, 10 50.002, 10 50))', 4326), 0.5)"
    ).fetchone()
    assert caption[0].startswith("landuse of farmland")


def test_a_box_across_the_antimeridian_is_two(conn):
    add_feature(conn, "POINT(179.95 -16.5)", osm_id=1, natural="tree")
    add_feature(conn, "POINT(-179.95 -16.5)", osm_id=2, natural="tree")
    add_feature(conn, "POINT(0 -16.5)", osm_id=3, natural="tree")
    rows = conn.execute(
        "SELECT osm_id FROM skyscript.features_in("
        "skyscript.box(179.9, -17, -179.9, -16), NULL) ORDER BY osm_id"
    ).fetchall()
    assert rows == [(1,), (2,)]


def test_features_in_uses_the_spatial_index(village):
    village.execute("SET LOCAL enable_seqscan = off")
    plan = village.execute(
        f"EXPLAIN (FORMAT TEXT) SELECT * FROM skyscript.features_in({BOX}, 0.5)"
    ).fetchall()
    assert any("_geom_idx" in line for (line,) in plan)


@pytest.mark.parametrize("style", ["skyscript-1", "plain"])
@pytest.mark.parametrize("gsd_m", [0, -1, None])
def test_a_gsd_that_is_no_size_is_refused(conn, style, gsd_m):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="is no size"):
        conn.execute(
            "SELECT skyscript.describe(skyscript.box(9, 47, 9.001, 47.001), %s, %s)",
            (gsd_m, style),
        )
