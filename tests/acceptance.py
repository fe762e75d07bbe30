"""Chips of services, held against the rasters that the services show."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from PIL import Image
from rasterio.windows import Window

from skyscript_db import rasters
from tests.fix_project import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skyscript_db.config import Settings
    from tests.fix_database import Database

ROOT = Path(__file__).parent.parent
KILLED_WITHIN_S = 40
OTHERS = """
SELECT count(*)::integer FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Source:
    """Where a scene's red, green and blue really are: a file and a band of each."""

    bands: tuple[tuple[Path, int], ...]
    stretch: Mapping[str, Any]

    def cut(self, col: int, row: int, side: int) -> tuple[np.ndarray, float]:
        """Return a window's 8-bit pixels, and the share that holds no data."""
        window = Window(col, row, side, side)
        values, valids = [], []
        for path, band in self.bands:
            with rasterio.open(path) as dataset:
                value, valid = rasters.read(dataset, [band], window)
            values.append(value)
            valids.append(valid)
        valid = np.logical_or.reduce(valids)
        pixels = rasters.to_8_bits(np.concatenate(values), valid, self.stretch)
        return pixels, 1 - float(valid.mean())


def linear(low: float, high: float) -> dict[str, Any]:
    """Return a stretch that is the same for red, green and blue."""
    return {"method": "linear", "min": [low] * 3, "max": [high] * 3}


def landscape(n_bands: int, side: int, dtype: str, highest: int) -> np.ndarray:
    """Return fields of 16 pixels with noise on them, no two windows of them alike."""
    draw = np.random.default_rng(n_bands * side)
    fields = draw.integers(1, highest, (n_bands, side // 16, side // 16))
    values = fields.repeat(16, 1).repeat(16, 2)
    values += draw.integers(0, highest // 10, (n_bands, side, side))
    return values.astype(dtype)


def plan(database: Database, scene: str, n_chips: int, side_px: int) -> None:
    """Plan chips on a scene, here and there, half of them near another."""
    database.conn.execute(
        "INSERT INTO skyscript.chip (id, scene_id, osm_type, osm_id, kind, plan,"
        " footprint, lon, lat, gsd_m, col_off_px, row_off_px, width_px, height_px)"
        " SELECT (SELECT coalesce(max(id), 0) FROM skyscript.chip) + n, s.id, 'N', n,"
        " 'n', 'test', ST_GeometryN(s.footprint, 1), 0, 0, s.gsd_m,"
        " n / 2 * 397 %% (s.width_px - 2 * %(side)s) + n %% 2 * 21,"
        " n / 2 * 653 %% (s.height_px - 2 * %(side)s) + n %% 2 * 34,"
        " %(side)s, %(side)s"
        " FROM skyscript.scene AS s, generate_series(1, %(n)s) AS n"
        " WHERE s.name = %(scene)s",
        {"scene": scene, "n": n_chips, "side": side_px},
    )


def files_of(database: Database, settings: Settings) -> dict[int, tuple[int, int]]:
    """Return what tells writings of a file apart, of the chips recorded as ok."""
    rows = database.conn.execute(
        "SELECT id, image_path FROM skyscript.chip WHERE state = 'ok'"
    ).fetchall()
    found = {chip: (settings.chips / path).stat() for chip, path in rows}
    return {chip: (told.st_ino, told.st_mtime_ns) for chip, told in found.items()}


def fetch_and_kill(database: Database, settings: Settings, *, after: int) -> int:
    """Kill -9 the command amid its work; return how many chips were ok by then."""
    command = [sys.executable, "-m", "skyscript_db", "run", "fetch_chips"]
    variables = environment(settings) | {"SKYSCRIPT_DATABASE_URL": database.info}
    process = subprocess.Popen(
        command,
        env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    ends = time.monotonic() + KILLED_WITHIN_S
    while states(database)["ok"] < after:
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < ends, "it has fetched too little"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # The server takes a moment to see that its client is gone, and to free its locks.
    while database.conn.execute(OTHERS).fetchone() != (0,):
        time.sleep(0.02)
    return states(database)["ok"]


def states(database: Database) -> Counter[str]:
    """Return how many chips are in which state."""
    rows = database.conn.execute("SELECT state FROM skyscript.chip").fetchall()
    return Counter(state for (state,) in rows)


def assert_chips_are_right(
    database: Database, settings: Settings, sources: Mapping[str, Source]
) -> None:
    """Hold every chip against its source: its pixels, or why it has none."""
    rows = database.conn.execute(
        "SELECT s.name, c.state, c.cause, c.image_path, c.nodata_fraction,"
        " c.col_off_px, c.row_off_px, c.width_px"
        " FROM skyscript.chip AS c JOIN skyscript.scene AS s ON s.id = c.scene_id"
    ).fetchall()
    for name, state, cause, image_path, nodata, *window in rows:
        if state == "failed":
            assert cause
            continue
        pixels, nodata_fraction = sources[name].cut(*window)
        assert abs(nodata - nodata_fraction) < 1e-6
        if state == "ok":
            with Image.open(settings.chips / image_path) as image:
                assert np.array_equal(np.asarray(image), pixels), (name, *window)
        else:
            assert (state, nodata_fraction > 0.5) == ("rejected", True), cause


def busiest(times_s: Sequence[float], seconds: float = 1.0) -> int:
    """Return the most moments within any so many seconds."""
    moments = np.sort(times_s)
    ends = np.searchsorted(moments, moments + seconds, side="right")
    return int((ends - np.arange(len(moments))).max(initial=0))
