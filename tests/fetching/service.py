"""A service for tests: windows of numbers, asked for within limits, with faults."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rasterio.windows import Window

from skyscript_db.fetching import Chip
from skyscript_db.imagery import Cut, Grid
from skyscript_db.images import Encoding
from skyscript_db.remote import Remote

GRID = Grid(
    provider="earth-engine",
    uri="TEST/SCENE",
    crs="EPSG:32632",
    transform=(1, 0, 0, 0, -1, 0),
    width_px=100_000,
    height_px=100_000,
    bands={"rgb": ["R", "G", "B"]},
    stretch={"method": "none"},
)


def chip(
    n: int, col: int, row: int, side: int = 32, scene: str = "a", grid: Grid = GRID
) -> Chip:
    window = Window(col, row, side, side)
    return Chip(n, scene, grid, window, f"00/{n}.png", Encoding("png"))


def pixels(col: int, row: int, width: int, height: int) -> np.ndarray:
    """Return what the scene holds there: each pixel tells its place."""
    rows, cols = np.mgrid[row : row + height, col : col + width]
    return np.stack([cols % 251, rows % 241, (cols + rows) % 239], -1).astype("uint8")


@dataclass
class Service:
    """A provider whose requests are counted and may be scripted to fail."""

    remote: Remote | None = None
    max_request_bytes: int | None = 48 << 20
    concurrency: int = 4
    before: Callable[[int], None] = lambda n: None
    windows: list[tuple[int, int, int, int]] = field(default_factory=list)
    n_now: int = 0
    most_at_once: int = 0
    is_closed: bool = False
    lock: Any = field(default_factory=threading.Lock)

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *exc: object) -> None:
        self.is_closed = True
        if self.remote is not None:
            self.remote.close()

    def cut(self, grid: Grid, windows: Sequence[Window]) -> Generator[Any, None, None]:
        left = min(int(w.col_off) for w in windows)
        top = min(int(w.row_off) for w in windows)
        right = max(int(w.col_off + w.width) for w in windows)
        bottom = max(int(w.row_off + w.height) for w in windows)
        box = (left, top, right - left, bottom - top)
        ask = self.remote.call if self.remote is not None else lambda f: f()
        whole = ask(lambda: self._request(box))
        for w in windows:
            row, col = int(w.row_off) - top, int(w.col_off) - left
            part = whole[row : row + int(w.height), col : col + int(w.width)]
            yield Cut(part, np.ones(part.shape[:2], bool))

    def _request(self, box: tuple[int, int, int, int]) -> np.ndarray:
        with self.lock:
            self.windows.append(box)
            n = len(self.windows)
            self.n_now += 1
            self.most_at_once = max(self.most_at_once, self.n_now)
        try:
            self.before(n)
            return pixels(*box)
        finally:
            with self.lock:
                self.n_now -= 1
