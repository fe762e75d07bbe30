"""The emulator of Earth Engine, in a process of its own, answering as it is told."""

from __future__ import annotations

import math
import multiprocessing
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

from loaders.earth_engine.emulator import Emulator, Network, Rule

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe
    from pathlib import Path

# Of the image, which is written in strips of it.
STEP_PX = 512
MBIT_PER_S = 1000


def side_of(n_chips: float, chip_side_px: int) -> int:
    """Return the side of an image with as many pixels as chips, or some more."""
    steps = math.ceil(chip_side_px * math.sqrt(n_chips) / STEP_PX)
    return STEP_PX * max(steps, 4 * chip_side_px // STEP_PX + 1)


def write_raster(folder: Path, side_px: int) -> Path:
    """Write an image of blocks and noise, which compresses as photographs do."""
    path = folder / "BENCH" / "ORTHOS" / "a.tif"
    path.parent.mkdir(parents=True)
    profile = {
        "driver": "GTiff",
        "crs": "EPSG:32632",
        "transform": Affine(0.5, 0, 537000, 0, -0.5, 5220000),
        "count": 3,
        "width": side_px,
        "height": side_px,
        "dtype": "uint8",
        "tiled": True,
    }
    draw = np.random.default_rng(7)
    with rasterio.open(path, "w", **profile) as dataset:
        for top in range(0, side_px, STEP_PX):
            coarse = draw.integers(30, 200, (3, STEP_PX // 32, side_px // 32))
            values = coarse.repeat(32, 1).repeat(32, 2)
            values += draw.integers(0, 20, (1, STEP_PX, side_px))
            window = Window(0, top, side_px, STEP_PX)
            dataset.write(values.astype("uint8"), window=window)
        dataset.descriptions = ("R", "G", "B")
    return path


class Conduct(NamedTuple):
    """How the service answers from now on; a network of None is as fast as can be."""

    name: str
    remembers: bool
    mbit_per_s: float | None = None
    latency_s: float = 0


CONDUCTS = (
    Conduct("computes", remembers=False),
    Conduct("remembers, 1 Gbit/s", remembers=True, mbit_per_s=MBIT_PER_S),
    Conduct("remembers", remembers=True),
)


def _serve(folder: Path, pipe: Pipe) -> None:
    """Serve, and take orders."""
    with Emulator.of_folder(folder) as emulator:
        pipe.send(emulator.url)
        while conduct := pipe.recv():
            emulator.misbehaviour.clear()
            if conduct.latency_s:
                slow = Rule("slow", path="computePixels", seconds=conduct.latency_s)
                emulator.misbehaviour.add(slow)
            emulator.remember(conduct.remembers)
            emulator.network = Network(conduct.mbit_per_s)
            pipe.send("done")


class Service:
    """The emulator, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (folder, theirs)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        self.url: str = self._pipe.recv()

    def behave(self, conduct: Conduct) -> None:
        """Answer in this way from now on."""
        self._pipe.send(conduct)
        self._pipe.recv()

    def close(self) -> None:
        """End it."""
        self._pipe.send(None)
        self._process.join()
