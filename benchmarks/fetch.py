"""Chips per second from the Earth Engine emulator, packed and one a request.

    python -m benchmarks.fetch --chips 2000 --latency 0 0.2 1

Beside the job, in as many threads and for the same windows: the client alone, its
arrays thrown away; and the client with the plainest code that stores, which cuts,
encodes and writes the same files, byte for byte, but checks, limits, flushes and
records nothing.

The emulator runs in a process of its own, on the same cores, and takes the latency of a
far service. What it computes it takes from us, which a far service does not; so all is
measured a second time with an emulator that remembers its answers.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import ee
import numpy as np
import rasterio
from google.auth.credentials import AnonymousCredentials
from PIL import Image
from rasterio.transform import Affine
from rasterio.windows import Window

from benchmarks.common import (
    Unequal,
    check_equal,
    connected,
    one,
    peak_mb,
    print_machine,
    print_table,
    server,
)
from loaders.earth_engine import pixels
from loaders.earth_engine.emulator import Emulator, Rule
from loaders.earth_engine.expressions import expression
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
# A request of one chip takes as long as one of many: some are enough.
MAX_ALONE = 64
JOB, BARE, STORING = "fetch_chips", "bare client", "bare client that stores"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chips", type=int, default=400)
    parser.add_argument("--chip-side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        *("--latency",),
        type=float,
        nargs="+",
        default=[0.0, 0.2, 1.0],
        help="seconds a request",
    )
    chosen = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory() as folder, server() as (url, plain):
        raster = _write_raster(Path(folder))
        service = _Service(Path(folder))
        settings = plain.model_copy(
            update={
                "earth_engine_url": service.url,
                "earth_engine_project": "benchmark",
                "request_concurrency": CONCURRENT,
                "requests_per_second": 10_000,
            }
        )
        with connected(url) as conn:
            _plan(conn, raster, chosen.chips, chosen.chip_side)
            bench = _Bench(conn, settings, service, chosen.rounds)
            header = (*_Row._fields,)
            told = [name.replace("_", " ") for name in header]
            print_table(told, bench.rows(chosen.latency, chosen.chips))
            service.behave(0, remembers=False)
            _watch(conn, url, settings)
        service.close()


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


def _serve(folder: Path, pipe: Pipe) -> None:
    """Serve, and take orders: a latency, and whether to remember answers."""
    with Emulator.of_folder(folder) as emulator:
        pipe.send(emulator.url)
        while order := pipe.recv():
            latency_s, remembers = order
            emulator.misbehaviour.clear()
            if latency_s:
                slow = Rule("slow", path="computePixels", seconds=latency_s)
                emulator.misbehaviour.add(slow)
            emulator.remember(remembers)
            pipe.send("done")


class _Service:
    """The emulator, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (folder, theirs)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        self.url: str = self._pipe.recv()

    def behave(self, latency_s: float, *, remembers: bool) -> None:
        """Take so long for a request from now on."""
        self._pipe.send((latency_s, remembers))
        self._pipe.recv()

    def close(self) -> None:
        """End it."""
        self._pipe.send(None)
        self._process.join()


def _plan(conn: Connection, raster: Path, n_chips: int, side: int) -> None:
    """Plan chips in clusters, as features lie: eight within half a chip each."""
    load(conn, [raster], RasterOptions("bench", bands="1,2,3")).check()
    conn.execute(SQL.serve_scene)
    values = {"n": n_chips, "side_px": side, "room_px": SIDE_PX - 2 * side}
    conn.execute(SQL.insert_chips, values)
    conn.execute(SQL.analyze_chips)


# --- the sides ------------------------------------------------------------------------


class _Taken(NamedTuple):
    """What a side took: of wall time, and of processor time in this process."""

    seconds: float
    cpu_s: float


class _Row(NamedTuple):
    service: str
    latency_s: float
    packing: str
    side: str
    requests_a_chip: float
    chips_per_s: float
    of_bare: float
    of_storing: float
    cpu_ms_a_chip: float


@dataclass(frozen=True, slots=True)
class _Bench:
    conn: Connection
    settings: Settings
    service: _Service
    rounds: int

    def rows(self, latencies_s: list[float], n_chips: int) -> list[_Row]:
        """Measure all sides, with either emulator and each latency."""
        alone = self.settings.model_copy(update={"max_request_mib": 0.001})
        ways = [("packed", self.settings, n_chips)]
        ways.append(("one a request", alone, min(n_chips, MAX_ALONE)))
        return [
            row
            for remembers in (False, True)
            for latency_s in latencies_s
            for packing, settings, n in ways
            for row in self._compared(latency_s, remembers, packing, settings, n)
        ]

    def _compared(
        self,
        latency_s: float,
        remembers: bool,  # noqa: FBT001
        packing: str,
        settings: Settings,
        n_chips: int,
    ) -> list[_Row]:
        packs = _packs(self.conn, settings, n_chips)
        sides: dict[str, Callable[[], _Taken]] = {
            JOB: lambda: _job(self.conn, settings, n_chips),
            BARE: lambda: _bare(settings, packs, None),
            STORING: lambda: _bare(settings, packs, settings.home / "plain"),
        }
        self.service.behave(0, remembers=remembers)
        sides[BARE]()
        self.service.behave(latency_s, remembers=remembers)
        taken = _interleaved(sides, self.rounds)
        _check_files(packs, settings)
        where = "remembers" if remembers else "computes"
        start = (where, latency_s, packing)
        return [
            _Row(
                *(*start, side, len(packs) / n_chips, n_chips / own.seconds),
                own.seconds / taken[BARE].seconds,
                own.seconds / taken[STORING].seconds,
                1000 * own.cpu_s / n_chips,
            )
            for side, own in taken.items()
        ]


def _interleaved(
    sides: dict[str, Callable[[], _Taken]], rounds: int
) -> dict[str, _Taken]:
    """Run the sides in turn, A B A B, and return the medians of each."""
    taken: dict[str, list[_Taken]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name].append(side())
    return {
        name: _Taken(*map(statistics.median, zip(*some, strict=True)))
        for name, some in taken.items()
    }


class _Watch:
    """Measures what is done within it."""

    def __enter__(self) -> _Watch:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *exc: object) -> None:
        wall, cpu = self._began
        self.taken = _Taken(time.perf_counter() - wall, time.process_time() - cpu)


def _job(conn: Connection, settings: Settings, n_chips: int) -> _Taken:
    conn.execute(SQL.forget)
    shutil.rmtree(settings.chips, ignore_errors=True)
    with _Watch() as watch:
        fetch_chips.run(Work(conn, settings, n_chips))
    (n_ok,) = one(conn, SQL.count_ok)
    if n_ok != n_chips:
        raise Unequal(f"{n_ok} of {n_chips} chips were fetched")
    return watch.taken


def _packs(conn: Connection, settings: Settings, n_chips: int) -> list[Pack]:
    conn.execute(SQL.forget)
    parameters = fetch_chips.parameters(settings)
    work = Work(conn, settings, n_chips)
    list_ids(work, fetch_chips.SQL.list_pending, parameters, unit="")
    max_bytes = settings.max_request_mib * 2**20
    max_bytes *= pixels.PACKED_BYTES / pixels.COUNTED_BYTES
    return list(pack(planned_chips(conn, settings, "earth-engine"), int(max_bytes)))


def _bare(settings: Settings, packs: list[Pack], folder: Path | None) -> _Taken:
    """Ask the client, with its own transport, for the same windows."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    def ask(packed: Pack) -> None:
        sides = (packed.right - packed.left, packed.bottom - packed.top)
        grid = packed.chips[0].grid
        window = Window(packed.left, packed.top, *sides)
        array = ee.data.computePixels(
            {
                "expression": expression(grid.uri, grid.bands, grid.stretch),
                "fileFormat": "NUMPY_NDARRAY",
                "grid": pixels.pixel_grid(grid, window),
            }
        )
        if folder is not None:
            _store(packed, array, folder)

    with _Watch() as watch:
        ee.Reset()
        nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
        url, project = settings.earth_engine_url, settings.earth_engine_project
        ee.Initialize(nobody, url=url, project=project)
        with ThreadPoolExecutor(settings.request_concurrency) as pool:
            list(pool.map(ask, packs))
    return watch.taken


def _store(packed: Pack, array: Any, folder: Path) -> None:
    for chip in packed.chips:
        window = chip.window
        top, left = window.row_off - packed.top, window.col_off - packed.left
        part = array[top : top + window.height, left : left + window.width]
        colours = np.dstack([part["red"], part["green"], part["blue"]])
        path = folder / chip.path
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(colours).save(path, quality=95, subsampling=0)


def _check_files(packs: list[Pack], settings: Settings) -> None:
    paths = [chip.path for packed in packs for chip in packed.chips]
    n_equal = sum(
        (settings.chips / path).read_bytes()
        == (settings.home / "plain" / path).read_bytes()
        for path in paths
    )
    check_equal("files", n_equal, len(paths))


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
    main()
