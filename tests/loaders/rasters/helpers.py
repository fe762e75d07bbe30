"""What the tests of the raster loader share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from affine import Affine
from psycopg.rows import dict_row

from loaders.rasters import RasterOptions, load

if TYPE_CHECKING:
    from pathlib import Path

Connection = psycopg.Connection[Any]


def load_one(conn: Connection, path: Path, **options: Any) -> dict[str, Any]:
    """Load a file that must be taken; return its scene."""
    load(conn, [path], RasterOptions("orthos", **options)).check()
    cursor = conn.cursor(row_factory=dict_row)
    row = cursor.execute(
        "SELECT *, ST_Area(footprint::geography) AS area_m2,"
        " ST_NumGeometries(footprint) AS n_parts, ST_NPoints(footprint) AS n_points,"
        " ST_IsValid(footprint) AS is_valid"
        " FROM skyscript.scene WHERE name = %s",
        (path.stem,),
    ).fetchone()
    assert row is not None
    return row


def reason(conn: Connection, path: Path, **options: Any) -> str:
    """Load a file that must be rejected; return why."""
    result = load(conn, [path], RasterOptions("orthos", **options))
    assert result.n_in == len(result.rejected) == 1
    assert conn.execute("SELECT count(*) FROM skyscript.scene").fetchone() == (0,)
    return next(iter(result.rejected.values()))


def covers(conn: Connection, scene: dict[str, Any], col: float, row: float) -> bool:
    """Return whether the footprint covers the place of a pixel."""
    x, y = Affine(*scene["transform"]) @ (col, row)
    found = conn.execute(
        "SELECT ST_Covers(footprint, ST_Transform(ST_SetSRID(ST_Point(%s, %s), srid),"
        " 4326)) FROM skyscript.scene WHERE id = %s",
        (x, y, scene["id"]),
    ).fetchone()
    assert found is not None
    return bool(found[0])
