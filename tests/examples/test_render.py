from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
import rasterio.warp
import rasterio.windows

from examples.helsinki.render import render
from skyscript_db.errors import StorageError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    Connection = psycopg.Connection[Any]

BOUNDS = (25.000, 60.0, 25.004, 60.002)
# Water in the west, a wood in the east, a street between them, a house by the street.
FEATURES = [
    ("a", {"natural": "water"}, (25.0, 60.0, 25.0015, 60.002)),
    ("a", {"natural": "wood"}, (25.0025, 60.0, 25.004, 60.002)),
    ("w", {"highway": "primary", "lanes": "3"}, (25.002, 60.0, 25.002, 60.002)),
    ("a", {"building": "yes"}, (25.0022, 60.001, 25.0024, 60.0012)),
    ("n", {"natural": "tree"}, (25.0018, 60.001, 25.0018, 60.001)),
]


@pytest.fixture
def town(conn: Connection) -> Connection:
    conn.execute(
        "CREATE TABLE osm.feature_t "
        "PARTITION OF osm.extract_feature FOR VALUES IN ('t')"
    )
    for osm_id, (kind, tags, corners) in enumerate(FEATURES, start=1):
        add_feature(conn, osm_id, kind, tags, corners)
    return conn


def add_feature(
    conn: Connection,
    osm_id: int,
    kind: str,
    tags: dict[str, str],
    corners: tuple[float, float, float, float],
) -> None:
    """Insert a box, or a straight line or a point from one corner to the other."""
    conn.execute(
        """
        INSERT INTO osm.extract_feature (
            extract, osm_type, osm_id, kind, tags, geom, version, changed_at, is_current
        )
        SELECT
            't', %(osm_type)s, %(osm_id)s, %(kind)s::text, %(tags)s,
            CASE %(kind)s::text
                WHEN 'a' THEN ST_Envelope(shape.line)
                WHEN 'w' THEN shape.line
                ELSE ST_StartPoint(shape.line)
            END,
            1, %(changed_at)s, true
        FROM (
            SELECT ST_MakeLine(
                ST_Point(%(west)s, %(south)s, 4326), ST_Point(%(east)s, %(north)s, 4326)
            ) AS line
        ) AS shape
        """,
        {
            "osm_type": "N" if kind == "n" else "W",
            "osm_id": osm_id,
            "kind": kind,
            "tags": json.dumps(tags),
            "changed_at": datetime(2024, 6, osm_id, 9, 30, tzinfo=UTC),
        }
        | dict(zip(("west", "south", "east", "north"), corners, strict=True)),
    )


def pixels_around(path: Path, lon: float, lat: float) -> np.ndarray:
    """Return the mean red, green and blue of 21 x 21 pixels."""
    with rasterio.open(path) as image:
        (x,), (y,) = rasterio.warp.transform("EPSG:4326", image.crs, [lon], [lat])
        row, column = image.index(x, y)
        window = rasterio.windows.Window(column - 10, row - 10, 21, 21)
        return image.read(window=window).mean(axis=(1, 2))


def test_picture_lies_on_the_finnish_grid_and_says_that_it_is_synthetic(
    town: Connection, tmp_path: Path
) -> None:
    render(town, tmp_path / "t.tif", gsd_m=0.5, bounds=BOUNDS)
    with rasterio.open(tmp_path / "t.tif") as image:
        assert image.crs.to_epsg() == 3067
        assert image.res == (0.5, 0.5)
        assert image.dtypes == ("uint8", "uint8", "uint8")
        assert (image.width, image.height) == pytest.approx((462, 461), abs=4)
        assert image.block_shapes[0] == (256, 256)
        tags = image.tags()
    assert tags["TIFFTAG_IMAGEDESCRIPTION"] == (
        "SYNTHETIC rendering of OpenStreetMap data, (c) OpenStreetMap contributors, "
        "ODbL; not a photograph"
    )
    assert tags["TIFFTAG_COPYRIGHT"].startswith("(c) OpenStreetMap contributors")
    assert tags["TIFFTAG_DATETIME"] == "2024:06:05 09:30:00"


def test_water_is_bluer_than_wood_and_a_street_is_grey(
    town: Connection, tmp_path: Path
) -> None:
    render(town, tmp_path / "t.tif", gsd_m=0.5, bounds=BOUNDS)
    water = pixels_around(tmp_path / "t.tif", 25.0007, 60.001)
    wood = pixels_around(tmp_path / "t.tif", 25.0033, 60.001)
    street = pixels_around(tmp_path / "t.tif", 25.002, 60.0005)
    assert water[2] > water[0] + 20
    assert wood[1] > wood[2] + 10
    assert np.ptp(street) < 12


def test_a_building_shades_the_ground_to_its_north_west(
    town: Connection, tmp_path: Path
) -> None:
    corners = (25.0016, 60.0004, 25.0019, 60.0006)
    add_feature(town, 6, "a", {"building": "yes", "height": "30"}, corners)
    town.execute("DELETE FROM osm.extract_feature WHERE osm_id IN (1, 3, 5)")
    render(town, tmp_path / "t.tif", gsd_m=0.5, bounds=BOUNDS)
    shaded = pixels_around(tmp_path / "t.tif", 25.00155, 60.00068)
    lit = pixels_around(tmp_path / "t.tif", 25.00205, 60.00025)
    assert shaded.mean() < 0.7 * lit.mean()


def test_rendering_twice_gives_the_same_bytes(town: Connection, tmp_path: Path) -> None:
    for name in ("one.tif", "two.tif"):
        render(town, tmp_path / name, gsd_m=0.5, bounds=BOUNDS)
    assert (tmp_path / "one.tif").read_bytes() == (tmp_path / "two.tif").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.tif", "two.tif"]


def test_sea_lies_to_the_right_of_the_coastline(
    town: Connection, tmp_path: Path
) -> None:
    town.execute("DELETE FROM osm.extract_feature")
    # Northwards, and ending short of both edges: the sea is in the east.
    corners = (25.002, 60.0001, 25.002, 60.0019)
    add_feature(town, 1, "w", {"natural": "coastline"}, corners)
    render(town, tmp_path / "t.tif", gsd_m=0.5, bounds=BOUNDS)
    east = pixels_around(tmp_path / "t.tif", 25.003, 60.001)
    west = pixels_around(tmp_path / "t.tif", 25.001, 60.001)
    assert east[2] > east[0] + 20
    assert west[2] < west[0]


def test_without_bounds_the_picture_is_where_the_data_are(
    town: Connection, tmp_path: Path
) -> None:
    render(town, tmp_path / "t.tif", gsd_m=1.0, bounds=None)
    with rasterio.open(tmp_path / "t.tif") as image:
        west, south, east, north = rasterio.warp.transform_bounds(
            image.crs, "EPSG:4326", *image.bounds
        )
    assert BOUNDS[0] < west < east < BOUNDS[2]
    assert BOUNDS[1] < south < north < BOUNDS[3]


@pytest.mark.parametrize(
    ("gsd_m", "bounds", "message"),
    [
        (0.5, (26.0, 61.0, 26.001, 61.001), "no OpenStreetMap features lie in these"),
        (0.5, (-75.0, 40.0, -74.9, 40.1), "give --bounds there"),
        (0.5, (25.004, 60.0, 25.0, 60.002), "give --bounds there"),
        (0.5, (24.0, 60.0, 26.0, 61.0), "a coarser --gsd"),
        (0.0, BOUNDS, "give a --gsd above 0"),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_the_remedy(
    town: Connection,
    tmp_path: Path,
    gsd_m: float,
    bounds: tuple[float, float, float, float],
    message: str,
) -> None:
    with pytest.raises(UsageError, match=message):
        render(town, tmp_path / "t.tif", gsd_m=gsd_m, bounds=bounds)
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_features_is_refused(
    conn: Connection, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="skyscript load osm FILE"):
        render(conn, tmp_path / "t.tif", gsd_m=0.5, bounds=None)


def test_a_missing_folder_is_refused(conn: Connection, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="make it first"):
        render(conn, tmp_path / "none" / "t.tif", gsd_m=0.5, bounds=BOUNDS)
