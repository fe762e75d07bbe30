"""Render an orthophoto-like GeoTIFF from the OSM features in the database.

    python -m examples.helsinki.render OUT.tif [--gsd 0.5] [--bounds W,S,E,N]

The picture is SYNTHETIC, and says so in its tags: it stands in for an aerial
photograph where none may be shipped. The same features give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import rasterio.shutil
from psycopg.rows import dict_row
from rasterio.transform import from_origin
from rasterio.windows import Window

from examples.helsinki.canvas import Canvas
from examples.helsinki.feature import Feature
from examples.helsinki.paint import paint
from skyscript_db import database, queries
from skyscript_db.config import Settings
from skyscript_db.errors import SkyscriptError, StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import psycopg

SRID = 3067
# Finland, and as far around it as its projection stays true to scale.
MAP_BOUNDS = (19.0, 55.0, 35.0, 72.0)
BLOCK_PX = 1024
MAX_SIDE_PX = 20_000
# Nothing reaches farther than the shadow of the highest building.
REACH_M = 42.0
DESCRIPTION = (
    "SYNTHETIC rendering of OpenStreetMap data, (c) OpenStreetMap contributors, ODbL; "
    "not a photograph"
)
COPYRIGHT = "(c) OpenStreetMap contributors, Open Database License 1.0"
NO_FEATURES = (
    "no OpenStreetMap features lie {where}: load an extract that covers it with "
    "`skyscript load osm FILE`, or give other --bounds W,S,E,N"
)

Bounds = tuple[float, float, float, float]
_SQL = queries.beside(__file__)


def render(
    conn: psycopg.Connection[Any], out: Path, *, gsd_m: float, bounds: Bounds | None
) -> None:
    """Write the picture of an area as a cloud-optimised GeoTIFF.

    Args:
        conn: A database in which ``osm.feature`` holds the area.
        out: The file to write; what was there stays until the new one is whole.
        gsd_m: Metres a pixel.
        bounds: West, south, east and north in degrees; without it, where the data are.

    Raises:
        UsageError: There are no features in the area, or it is too large.
        StorageError: The folder to write to does not exist.
    """
    if not gsd_m > 0:
        raise UsageError(f"a pixel of {gsd_m} m is no size: give a --gsd above 0")
    if not out.parent.is_dir():
        raise StorageError(f"there is no folder {out.parent}: make it first")
    grid = _grid(_map_bounds(conn, bounds), gsd_m)
    changed_at = _newest_change(conn, _box(grid, gsd_m))
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".render-") as folder:
        raw, whole = Path(folder, "raw.tif"), Path(folder, "whole.tif")
        _write_blocks(conn, raw, grid=grid, gsd_m=gsd_m, changed_at=changed_at)
        rasterio.shutil.copy(
            raw,
            whole,
            driver="COG",
            compress="JPEG",
            quality=92,
            blocksize=256,
            overview_resampling="average",
        )
        whole.replace(out)


def _map_bounds(conn: psycopg.Connection[Any], bounds: Bounds | None) -> Bounds:
    """Return the bounds in metres on the map."""
    if bounds is not None and not _is_on_map(bounds):
        raise UsageError(
            f"bounds {bounds} are not west, south, east, north within {MAP_BOUNDS}, "
            f"degrees that EPSG:{SRID} maps without distortion: give --bounds there"
        )
    if bounds is None:
        params: dict[str, float] = {"srid": SRID, "share": 0.01}
        row = conn.execute(_SQL.dense_bounds, params).fetchone()
    else:
        params = dict(zip(("west", "south", "east", "north"), bounds, strict=True))
        row = conn.execute(_SQL.projected_bounds, params | {"srid": SRID}).fetchone()
    if row is None:
        raise UsageError(NO_FEATURES.format(where="in the database"))
    return (row[0], row[1], row[2], row[3])


def _is_on_map(bounds: Bounds) -> bool:
    west, south, east, north = bounds
    least_west, least_south, most_east, most_north = MAP_BOUNDS
    return least_west <= west < east <= most_east and (
        least_south <= south < north <= most_north
    )


def _grid(bounds: Bounds, gsd_m: float) -> tuple[int, int, int, int]:
    """Return the column, row, width and height in pixels from the map's origin."""
    west, south, east, north = bounds
    column, row = math.floor(west / gsd_m), math.floor(-north / gsd_m)
    width = math.ceil(east / gsd_m) - column
    height = math.ceil(-south / gsd_m) - row
    if max(width, height) > MAX_SIDE_PX:
        raise UsageError(
            f"the picture would be {width} x {height} pixels, more than {MAX_SIDE_PX} "
            "a side: give smaller --bounds or a coarser --gsd"
        )
    return column, row, width, height


def _box(window: tuple[int, int, int, int], gsd_m: float) -> dict[str, float]:
    """Return the window's sides in metres on the map, as parameters of a query."""
    column, row, width, height = window
    return {
        "west": column * gsd_m,
        "south": -(row + height) * gsd_m,
        "east": (column + width) * gsd_m,
        "north": -row * gsd_m,
        "srid": SRID,
    }


def _newest_change(
    conn: psycopg.Connection[Any], box: dict[str, float]
) -> datetime | None:
    """Return when the newest of the features was changed, if that is known."""
    row = conn.execute(_SQL.newest_change, box).fetchone()
    if row is None or not row[0]:
        raise UsageError(NO_FEATURES.format(where="in these bounds"))
    changed_at: datetime | None = row[1]
    return changed_at


def _write_blocks(
    conn: psycopg.Connection[Any],
    path: Path,
    *,
    grid: tuple[int, int, int, int],
    gsd_m: float,
    changed_at: datetime | None,
) -> None:
    """Render block by block, so that memory does not grow with the area."""
    column, row, width, height = grid
    sea = [
        np.array(json.loads(found[0])["coordinates"][0])
        for found in conn.execute(_SQL.sea, _box(grid, gsd_m))
    ]
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": 3,
        "width": width,
        "height": height,
        "crs": f"EPSG:{SRID}",
        "transform": from_origin(column * gsd_m, -row * gsd_m, gsd_m, gsd_m),
        "photometric": "RGB",
        "tiled": True,
    }
    with rasterio.open(path, "w", **profile) as image:
        image.update_tags(**_tags(changed_at))
        for left, top, wide, high in _blocks(width, height):
            block = (column + left, row + top, wide, high)
            pixels = _render_block(conn, block, gsd_m, sea)
            image.write(pixels.transpose(2, 0, 1), window=Window(left, top, wide, high))


def _tags(changed_at: datetime | None) -> dict[str, str]:
    tags = {
        "TIFFTAG_IMAGEDESCRIPTION": DESCRIPTION,
        "TIFFTAG_COPYRIGHT": COPYRIGHT,
        "TIFFTAG_SOFTWARE": "SkyScript DB, examples/helsinki/render.py",
    }
    if changed_at is not None:
        tags["TIFFTAG_DATETIME"] = f"{changed_at:%Y:%m:%d %H:%M:%S}"
    return tags


def _blocks(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Return windows of at most ``BLOCK_PX`` a side that cover the picture."""
    for top in range(0, height, BLOCK_PX):
        for left in range(0, width, BLOCK_PX):
            yield left, top, min(BLOCK_PX, width - left), min(BLOCK_PX, height - top)


def _render_block(
    conn: psycopg.Connection[Any],
    block: tuple[int, int, int, int],
    gsd_m: float,
    sea: list[np.ndarray],
) -> np.ndarray:
    """Return a block's pixels, (height, width, 3), with what casts shadows into it."""
    margin = math.ceil(REACH_M / gsd_m)
    column, row, width, height = block
    window = (column - margin, row - margin, width + 2 * margin, height + 2 * margin)
    canvas = Canvas(window, gsd_m)
    paint(canvas, sea, _features(conn, _box(window, gsd_m)))
    return canvas.develop(REACH_M)[margin:-margin, margin:-margin]


def _features(conn: psycopg.Connection[Any], box: dict[str, float]) -> list[Feature]:
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_SQL.features_in, box).fetchall()
    return [_feature(**row) for row in rows]


def _feature(*, geometry: str, **identity: Any) -> Feature:
    """Return a feature with the coordinates of its GeoJSON as arrays."""
    shape = json.loads(geometry)
    coordinates = shape["coordinates"]
    depth = {"Point": [[coordinates]], "LineString": [coordinates]}
    rings = depth.get(shape["type"], coordinates)
    return Feature(**identity, rings=[np.array(ring, float)[:, :2] for ring in rings])


def _bounds(text: str) -> Bounds:
    """Read bounds from the command line."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not west,south,east,north in degrees, "
            "such as 24.936,60.165,24.953,60.178"
        ) from None
    return west, south, east, north


def main() -> int:
    """Render as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        description="Render a synthetic orthophoto from the features in the database."
    )
    parser.add_argument("out", type=Path, help="the GeoTIFF to write")
    parser.add_argument("--gsd", type=float, default=0.5, help="metres a pixel")
    parser.add_argument("--bounds", type=_bounds, help="W,S,E,N in degrees")
    args = parser.parse_args()
    try:
        with database.connect(database.conninfo(Settings())) as conn:
            render(conn, args.out, gsd_m=args.gsd, bounds=args.bounds)
    except SkyscriptError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"wrote {args.out}, a synthetic picture at {args.gsd:g} m a pixel")
    return 0


if __name__ == "__main__":
    sys.exit(main())
