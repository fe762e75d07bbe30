"""Rasters loaded, chips planned on them, and what a run of fetch_chips leaves."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg

from loaders.rasters import RasterOptions, load
from skyscript_db.jobs import fetch_chips, runner
from skyscript_db.jobs.runner import Counts, Work
from tests.fix_rasters import write_raster

if TYPE_CHECKING:
    from skyscript_db.config import Settings

Connection = psycopg.Connection[Any]

ROOT = Path(__file__).parent.parent.parent

# Chips that overlap, on a scene of 512 pixels.
GRID = [(col, row, 32, 32) for row in range(0, 400, 16) for col in range(0, 400, 16)]


def add_scene(conn: Connection, path: Path, pixels: np.ndarray, **options: Any) -> None:
    """Write a raster and load it; numbers stand for its bands."""
    write_raster(path, pixels, **options)
    load(conn, [path], RasterOptions("orthos", bands="1,2,3")).check()


def add_chips(
    conn: Connection, *windows: tuple[int, int, int, int], scene: str = "a"
) -> None:
    """Plan chips numbered from 1: first column, first row, columns, rows."""
    for number, window in enumerate(windows, start=1):
        conn.execute(
            "INSERT INTO skyscript.chip (id, scene_id, osm_type, osm_id, kind, plan,"
            " footprint, lon, lat, gsd_m, col_off_px, row_off_px, width_px, height_px)"
            " SELECT %s, id, 'N', 1, 'n', 'test', ST_GeometryN(footprint, 1),"
            " 9.5, 47.1, gsd_m, %s, %s, %s, %s FROM skyscript.scene WHERE name = %s",
            (number, *window, scene),
        )


def fetch(conn: Connection, settings: Settings, limit: int | None = None) -> Counts:
    return runner.run(fetch_chips, Work(conn, settings, limit=limit))


def states(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT id, state, cause, n_attempts FROM skyscript.chip ORDER BY id"
    ).fetchall()


def content(conn: Connection, settings: Settings) -> tuple[list[Any], dict[str, str]]:
    """Return all that a run leaves, but for times: rows, and files with hashes."""
    rows = conn.execute(
        "SELECT id, state, cause, n_attempts, image_path, sha256, file_bytes,"
        " nodata_fraction FROM skyscript.chip ORDER BY id"
    ).fetchall()
    files = {
        str(path.relative_to(settings.chips)): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in settings.chips.rglob("*")
        if path.is_file()
    }
    return rows, files


def forget(conn: Connection) -> None:
    """Plan all chips afresh."""
    conn.execute(
        "UPDATE skyscript.chip SET state = 'planned', sha256 = NULL, image_path = NULL,"
        " file_bytes = NULL, nodata_fraction = NULL, fetched_at = NULL, n_attempts = 0"
    )
