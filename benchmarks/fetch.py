"""Chips per second from the Earth Engine emulator, packed and one a request.

    python -m benchmarks.fetch --chips 2000

Beside the job: the bare client, asked for the same packs in as many threads, its bytes
thrown away. The emulator runs in a process of its own, on the same cores, and takes the
latency of a far service.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

from benchmarks.common import (
    Unequal,
    connected,
    interleaved,
    one,
    peak_mb,
    print_machine,
    print_table,
    server,
)
from loaders.earth_engine import pixels
from loaders.earth_engine.emulator import Emulator, Rule
from loaders.earth_engine.session import Session
from loaders.rasters import RasterOptions, load
from skyscript_db import queries
from skyscript_db.fetching import pack
from skyscript_db.jobs import fetch_chips
from skyscript_db.jobs.planned import planned_chips
from skyscript_db.jobs.runner import Work, list_ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection as Pipe

    from benchmarks.common import Connection
    from skyscript_db.config import Settings
    from skyscript_db.fetching import Pack

SQL = queries.beside(__file__)

SIDE_PX = 8192
PAUSE_S = 0.05
# The emulator's machine is ours: more threads would only wait for the processor.
CONCURRENT = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chips", type=int, default=400)
    parser.add_argument("--chip-side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds a request")
    chosen = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory() as folder, server() as (url, plain):
        raster = _write_raster(Path(folder))
        told, emulator = _start_emulator(Path(folder), chosen.latency)
        settings = plain.model_copy(
            update={
                "earth_engine_url": told,
                "earth_engine_project": "benchmark",
                "request_concurrency": CONCURRENT,
                "requests_per_second": 10_000,
            }
        )
        with connected(url) as conn:
            _plan(conn, raster, chosen.chips, chosen.chip_side)
            _compare(conn, url, settings, chosen.rounds)
            _watch(conn, url, settings)
        emulator.terminate()
        emulator.join()


# --- the world ------------------------------------------------------------------------


def _write_raster(folder: Path) -> Path:
    """Write an image of blocks and noise, which compresses as photographs do."""
    path = folder / "BENCH" / "ORTHOS" / "a.tif"
    path.parent.mkdir(parents=True)
    draw = np.random.default_rng(7)
    coarse = draw.integers(30, 200, (3, SIDE_PX // 32, SIDE_PX // 32))
    values = coarse.repeat(32, 1).repeat(32, 2)
    values += draw.integers(0, 20, (1, SIDE_PX, SIDE_PX))
    profile = {
        "driver": "GTiff",
        "crs": "EPSG:32632",
        "transform": Affine(0.5, 0, 537000, 0, -0.5, 5220000),
        "count": 3,
        "width": SIDE_PX,
        "height": SIDE_PX,
        "dtype": "uint8",
        "tiled": True,
    }
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(values.astype("uint8"))
        dataset.descriptions = ("R", "G", "B")
    return path


def _serve(folder: Path, latency_s: float, pipe: Pipe) -> None:
    with Emulator.of_folder(folder) as emulator:
        if latency_s:
            slow = Rule("slow", path="computePixels", seconds=latency_s)
            emulator.misbehaviour.add(slow)
        pipe.send(emulator.url)
        while True:
            time.sleep(1)


def _start_emulator(folder: Path, latency_s: float) -> tuple[str, Any]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_serve, args=(folder, latency_s, theirs), daemon=True
    )
    process.start()
    return ours.recv(), process


def _plan(conn: Connection, raster: Path, n_chips: int, side: int) -> None:
    """Plan chips in clusters, as features lie: eight within half a chip each."""
    load(conn, [raster], RasterOptions("bench", bands="1,2,3")).check()
    conn.execute(SQL.serve_scene)
    values = {"n": n_chips, "side_px": side, "room_px": SIDE_PX - 2 * side}
    conn.execute(SQL.insert_chips, values)
    conn.execute(SQL.analyze_chips)


# --- the sides ------------------------------------------------------------------------


def _compare(conn: Connection, url: str, settings: Settings, rounds: int) -> None:
    alone = settings.model_copy(update={"max_request_mib": 0.001})
    n_requests = {
        "packed": len(_packs(conn, settings)),
        "one a request": len(_packs(conn, alone)),
    }
    sides: dict[str, Callable[[], float]] = {
        "fetch_chips, packed": lambda: _job(conn, settings),
        "bare client, packed": lambda: _bare(conn, url, settings),
        "fetch_chips, one a request": lambda: _job(conn, alone),
        "bare client, one a request": lambda: _bare(conn, url, alone),
    }
    seconds = interleaved(sides, rounds=rounds)
    (n_chips,) = one(conn, SQL.count_chips)
    rows = []
    for name, taken in seconds.items():
        n = n_requests[name.partition(", ")[2]]
        bare = seconds[name.replace("fetch_chips", "bare client")]
        rows.append((name, taken, n_chips / taken, n / n_chips, taken / bare))
    header = (
        "side",
        "seconds (median)",
        "chips/s",
        "requests a chip",
        "of bare client",
    )
    print_table(header, rows)


def _job(conn: Connection, settings: Settings) -> float:
    conn.execute(SQL.forget)
    began = time.perf_counter()
    fetch_chips.run(Work(conn, settings))
    taken = time.perf_counter() - began
    (n_ok,), (n_chips,) = one(conn, SQL.count_ok), one(conn, SQL.count_chips)
    if n_ok != n_chips:
        raise Unequal(f"{n_ok} of {n_chips} chips were fetched")
    return taken


def _packs(conn: Connection, settings: Settings) -> list[Pack]:
    conn.execute(SQL.forget)
    parameters = fetch_chips.parameters(settings)
    list_ids(Work(conn, settings), fetch_chips.SQL.list_pending, parameters, unit="")
    max_bytes = settings.max_request_mib * 2**20
    max_bytes *= pixels.PACKED_BYTES / pixels.COUNTED_BYTES
    return list(pack(planned_chips(conn, settings, "earth-engine"), int(max_bytes)))


def _bare(conn: Connection, url: str, settings: Settings) -> float:
    """Ask the client for the same windows: no limits, checks, files or rows."""
    packs = _packs(conn, settings)

    def ask(packed: Pack) -> None:
        sides = (packed.right - packed.left, packed.bottom - packed.top)
        window = Window(packed.left, packed.top, *sides)
        pixels.compute(packed.chips[0].grid, window)

    began = time.perf_counter()
    with (
        Session(settings, url),
        ThreadPoolExecutor(settings.request_concurrency) as pool,
    ):
        list(pool.map(ask, packs))
    return time.perf_counter() - began


def _watch(conn: Connection, url: str, settings: Settings) -> None:
    """Print the peak memory of the job as a command of its own."""
    conn.execute(SQL.forget)
    told = {
        name: str(getattr(settings, name))
        for name in (
            *("home", "earth_engine_url", "earth_engine_project"),
            *("request_concurrency", "requests_per_second"),
        )
    }
    env = {f"SKYSCRIPT_{name.upper()}": value for name, value in told.items()}
    env |= os.environ | {"SKYSCRIPT_DATABASE_URL": url}
    command = [sys.executable, "-m", "skyscript_db", "run", "fetch_chips", "--json"]
    peak = 0.0
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as child:
        while child.poll() is None:
            try:
                peak = max(peak, peak_mb(child.pid))
            except (FileNotFoundError, ProcessLookupError):
                break
            time.sleep(PAUSE_S)
        out = child.stdout.read() if child.stdout else b""
    print(f"peak memory of the job: {peak:,.0f} MB; {json.loads(out)['n_ok']} chips ok")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
