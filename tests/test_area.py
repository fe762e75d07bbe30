"""Areas as users write them, and what is said of those that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from skyscript_db import area
from skyscript_db.errors import UsageError
from tests.fix_rows import add_feature

Connection = psycopg.Connection[Any]

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
FAR = {"type": "Polygon", "coordinates": [[[5, 5], [6, 5], [6, 6], [5, 5]]]}
FEATURE = {"type": "Feature", "properties": {"a": 1}, "geometry": SQUARE}
TRIANGLE = "POLYGON((0 0,1 0,1 1,0 0))"
IN_PIECES = "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))"


def text_of(conn: Connection, words: str) -> str:
    found = conn.execute(
        "SELECT ST_AsText(g, 4), ST_SRID(g) FROM (SELECT %s::geometry AS g) AS a",
        [area.parse(conn, words)],
    ).fetchone()
    assert found is not None
    assert found[1] == 4326
    return str(found[0])


def collection(*geometries: object) -> dict[str, object]:
    features = [{**FEATURE, "geometry": geometry} for geometry in geometries]
    return {"type": "FeatureCollection", "features": features}


AREAS = {
    "box": (
        "85.5, 27.6,85.6 ,27.7",
        "POLYGON((85.5 27.6,85.5 27.7,85.6 27.7,85.6 27.6,85.5 27.6))",
    ),
    "box across the antimeridian": (
        "179.9,-17,-179.9,-16",
        "MULTIPOLYGON(((179.9 -17,179.9 -16,180 -16,180 -17,179.9 -17)),"
        "((-180 -17,-180 -16,-179.9 -16,-179.9 -17,-180 -17)))",
    ),
    "WKT": (TRIANGLE, TRIANGLE),
    "WKT in lower case": (" polygon((0 0, 1 0, 1 1, 0 0))\n", TRIANGLE),
    "WKT with heights": ("POLYGON Z((0 0 9,1 0 9,1 1 9,0 0 9))", TRIANGLE),
    "EWKT": (f"SRID=4326;{TRIANGLE}", TRIANGLE),
    "EWKT in metres": (
        "SRID=3857;POLYGON((0 0,100000 0,100000 100000,0 0))",
        "POLYGON((0 0,0.8983 0,0.8983 0.8983,0 0))",
    ),
    "with a point": (f"GEOMETRYCOLLECTION(POINT(9 9),{TRIANGLE})", IN_PIECES),
    "GeoJSON geometry": (json.dumps(SQUARE), IN_PIECES),
    "GeoJSON feature": (json.dumps(FEATURE), IN_PIECES),
    "GeoJSON features": (
        json.dumps(collection(SQUARE, FAR)),
        "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))",
    ),
}


@pytest.mark.parametrize("case", AREAS)
def test_every_way_to_write_an_area(conn: Connection, case: str) -> None:
    words, expected = AREAS[case]
    assert text_of(conn, words) == expected


@pytest.mark.parametrize("suffix", [".geojson", ".json", ".GeoJSON"])
def test_a_geojson_file(conn: Connection, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a town{suffix}"
    path.write_text(json.dumps(collection(SQUARE)), encoding="utf-8-sig")
    assert text_of(conn, str(path)) == IN_PIECES


def test_a_circle_has_as_many_corners_as_it_takes(conn: Connection) -> None:
    words = "CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0))"
    assert text_of(conn, words).startswith("POLYGON((0 0,")


def test_a_bow_tie_is_made_valid(conn: Connection) -> None:
    bow = area.parse(conn, "POLYGON((0 0,2 2,2 0,0 2,0 0))")
    found = conn.execute("SELECT ST_IsValid(%s), ST_Area(%s)", [bow, bow]).fetchone()
    assert found == (True, 2)


def test_both_sides_of_the_antimeridian_are_in_the_box(conn: Connection) -> None:
    add_feature(conn, "POINT(179.95 -16.5)", osm_id=1, natural="tree")
    add_feature(conn, "POINT(-179.95 -16.5)", osm_id=2, natural="tree")
    add_feature(conn, "POINT(0 -16.5)", osm_id=3, natural="tree")
    add_feature(
        conn, "LINESTRING(179.85 -16.5, 179.99 -16.5)", osm_id=4, highway="footway"
    )
    found = conn.execute(
        "SELECT osm_id, round(visible_fraction::numeric, 2)::text"
        " FROM skyscript.features_in(%s::geometry, NULL) ORDER BY 1",
        [area.parse(conn, "179.9,-17,-179.9,-16")],
    ).fetchall()
    assert found == [(1, "1.00"), (2, "1.00"), (4, "0.64")]


@pytest.mark.parametrize(
    ("box", "width", "swapped"),
    [
        ("10,46,9,47", "359", "9,46,10,47"),
        ("0.5,-10,0.25,10", "359.75", "0.25,-10,0.5,10"),
        ("80,0,-99,1", "181", "-99,0,80,1"),
    ],
)
def test_a_box_round_most_of_the_earth_is_told(
    conn: Connection,
    caplog: pytest.LogCaptureFixture,
    box: str,
    width: str,
    swapped: str,
) -> None:
    west, _, east, _ = box.split(",")
    assert text_of(conn, box).startswith("MULTIPOLYGON")
    assert caplog.messages == [
        f"the box has its west at {west} and its east at {east}, so it crosses the "
        f"antimeridian and is {width} degrees wide: if that is not meant, give W,S,E,N,"
        f" with the west first: {swapped}"
    ]


@pytest.mark.parametrize(
    "box", ["179.9,-17,-179.9,-16", "80,0,-100,1", "-180,-90,180,90", "9,46,10,47"]
)
def test_other_boxes_are_taken_without_a_word(
    conn: Connection, caplog: pytest.LogCaptureFixture, box: str
) -> None:
    area.parse(conn, box)
    assert caplog.messages == []


NO_AREAS = {
    "nothing": ("", "parse error"),
    "three numbers": ("1,2,3", "four finite numbers, not 1, 2, 3"),
    "not a number": ("nan,0,1,1", "four finite numbers, not nan, 0, 1, 1"),
    "infinite": ("0,0,inf,1", "four finite numbers"),
    "words": ("a,b,c,d", "parse error"),
    "no width": ("10,0,10,1", "west at 10 and its east at 10: they must differ"),
    "no height": ("10,0,11,0", "south must be the smaller"),
    "south above north": ("10,1,11,0", "its south at 1 and its north at 0"),
    "beyond the pole": ("0,80,1,91", "within -90 and 90"),
    "beyond the antimeridian": ("179,0,181,1", "within -180 and 180"),
    "only the antimeridian": ("180,0,-180,1", "no extent"),
    "point": ("POINT(1 1)", "not a polygon"),
    "line": ("LINESTRING(0 0,1 1)", "not a polygon"),
    "empty": ("POLYGON EMPTY", "not a polygon"),
    "all in one place": ("POLYGON((1 1,1 1,1 1,1 1))", "no extent"),
    "flat": ("POLYGON((0 0,1 1,2 2,0 0))", "no extent"),
    "not closed": ("POLYGON((0 0,1 0,1 1,0 1))", "non-closed rings"),
    "cut short": ("POLYGON((0 0,1 0,1", "parse error"),
    "metres without a reference": ("POLYGON((0 0,9999 0,9999 9,0 0))", "beyond 180"),
    "no such reference": (f"SRID=99999;{TRIANGLE}", "Cannot find SRID"),
    "a NUL": (f"{TRIANGLE}\0", "NUL"),
    "an injection": ("'; DROP SCHEMA skyscript; --", "parse error"),
    "GeoJSON point": ('{"type": "Point", "coordinates": [1, 2]}', "not a polygon"),
    "GeoJSON cut short": ('{"type": "Polygon", "coordi', "not GeoJSON"),
    "GeoJSON of nothing": ("{}", "invalid GeoJSON"),
    "GeoJSON without a place": ('{"type":"Feature","geometry":null}', "no geometry"),
    "GeoJSON without features": ('{"type":"FeatureCollection"}', "no list of features"),
    "GeoJSON of no features": (json.dumps(collection()), "not a polygon"),
    "GeoJSON of numbers": (
        '{"type":"FeatureCollection","features":[1]}',
        "feature of that GeoJSON is no object",
    ),
    "GeoJSON that goes deep": ('{"a":' * 100_000, "not GeoJSON"),
    "no such file": ("nowhere.geojson", "cannot read nowhere.geojson: No such file"),
}


@pytest.mark.parametrize("case", NO_AREAS)
def test_what_is_no_area_is_refused_with_the_remedy(
    conn: Connection, case: str
) -> None:
    words, message = NO_AREAS[case]
    with pytest.raises(UsageError, match=message) as error:
        area.parse(conn, words)
    assert str(error.value).endswith(area.REMEDY)
    assert conn.execute("SELECT 1").fetchone() == (1,)  # the transaction lives on


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"", "not GeoJSON"),
        (b"[1, 2]", "no GeoJSON object"),
        (b"hello", "not GeoJSON"),
    ],
)
def test_a_file_that_is_no_geojson_is_refused(
    conn: Connection, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "a.geojson"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        area.parse(conn, str(path))


def test_a_lost_server_is_no_fault_of_the_area(server_url: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as conn:
        with psycopg.connect(server_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            area.parse(conn, "0,0,1,1")
