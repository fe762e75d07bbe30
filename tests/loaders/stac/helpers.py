"""What the tests of the STAC loader share."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from loaders.scenes import SceneLoad
from loaders.stac import StacOptions, load
from skyscript_db.config import Settings

Connection = psycopg.Connection[Any]
AREA = "9.48,47.12,9.52,47.15"


def run(
    conn: Connection, settings: Settings, address: str, **options: Any
) -> SceneLoad:
    return load(conn, settings, conn.info.dsn, address, StacOptions(**options))


def scene(conn: Connection, name: str) -> dict[str, Any]:
    cursor = conn.cursor(row_factory=dict_row)
    row = cursor.execute(
        "SELECT *, ST_Area(footprint::geography) AS area_m2,"
        " ST_NumGeometries(footprint) AS n_parts FROM skyscript.scene WHERE name = %s",
        (name,),
    ).fetchone()
    assert row is not None
    return row


def names(conn: Connection) -> list[str]:
    found = conn.execute("SELECT name FROM skyscript.scene ORDER BY name").fetchall()
    return [name for (name,) in found]
