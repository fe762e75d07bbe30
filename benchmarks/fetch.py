"""Chips per second from the Earth Engine emulator, packed and one a request.

    python -m benchmarks.fetch --chips 2000 --latency 0 0.2 1

Beside the job, in as many threads and for the same windows: the client alone, its
arrays thrown away; and the client with the plainest code that stores, which cuts,
encodes and writes the same files, byte for byte, but checks, limits, flushes and
records nothing.

The emulator runs in a process of its own, on the same cores, and takes the latency of a
far service. What it computes it takes from us, which a far service does not; so all is
measured again with an emulator that remembers its answers, behind a network of a
gigabit a second, and once more behind none.
"""

from __future__ import annotations

import argparse
import json
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
from google.auth.credentials import AnonymousCredentials
from PIL import Image
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
from benchmarks.emulated import CONDUCTS, Conduct, Service, side_of, write_raster
from loaders.earth_engine import pixels
from loaders.earth_engine.expressions import expression
from loaders.rasters import RasterOptions, load
from skyscript_db import queries
from skyscript_db.fetching import pack
from skyscript_db.jobs import fetch_chips
from skyscript_db.jobs.planned import planned_chips
from skyscript_db.jobs.runner import Work, list_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.common import Connection
    from skyscript_db.config import Settings
    from skyscript_db.fetching import Pack

SQL = queries.beside(__file__)

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
    parser.add_argument("--depth", type=float, default=1, help="chips over a pixel")
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
        side_px = side_of(chosen.chips / chosen.depth, chosen.chip_side)
        raster = write_raster(Path(folder), side_px)
        service = Service(Path(folder))
        settings = plain.model_copy(
            update={
                "earth_engine_url": service.url,
                "earth_engine_project": "benchmark",
                "request_concurrency": CONCURRENT,
                "requests_per_second": 10_000,
            }
        )
        with connected(url) as conn:
            _plan(conn, raster, side_px, chosen.chips, chosen.chip_side)
            bench = _Bench(conn, settings, service, chosen.rounds)
            told = [name.replace("_", " ") for name in _Row._fields]
            print_table(told, bench.rows(chosen.latency, chosen.chips))
            service.behave(CONDUCTS[0])
            _watch(conn, url, settings)
        service.close()


# --- the world ------------------------------------------------------------------------


def _plan(
    conn: Connection, raster: Path, side_px: int, n_chips: int, side: int
) -> None:
    """Plan chips in clusters, as features lie: eight within half a chip each."""
    load(conn, [raster], RasterOptions("bench", bands="1,2,3")).check()
    conn.execute(SQL.serve_scene)
    values = {"n": n_chips, "side_px": side, "room_px": side_px - 2 * side}
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
    service: Service
    rounds: int

    def rows(self, latencies_s: list[float], n_chips: int) -> list[_Row]:
        """Measure all sides, with either emulator and each latency."""
        alone = self.settings.model_copy(update={"max_request_mib": 0.001})
        ways = [("packed", self.settings, n_chips)]
        ways.append(("one a request", alone, min(n_chips, MAX_ALONE)))
        return [
            row
            for conduct in CONDUCTS
            for latency_s in latencies_s
            for packing, settings, n in ways
            for row in self._compared(
                conduct._replace(latency_s=latency_s), packing, settings, n
            )
        ]

    def _compared(
        self, conduct: Conduct, packing: str, settings: Settings, n_chips: int
    ) -> list[_Row]:
        packs = _packs(self.conn, settings, n_chips)
        sides: dict[str, Callable[[], _Taken]] = {
            JOB: lambda: _job(self.conn, settings, n_chips),
            BARE: lambda: _bare(settings, packs, None),
            STORING: lambda: _bare(settings, packs, settings.home / "plain"),
        }
        self.service.behave(conduct._replace(latency_s=0, mbit_per_s=None))
        sides[BARE]()
        self.service.behave(conduct)
        taken = _interleaved(sides, self.rounds)
        _check_files(packs, settings)
        start = (conduct.name, conduct.latency_s, packing)
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
