"""The GeoTIFF files behind the images, open for as long as one request takes."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window

from loaders.earth_engine.emulator.answers import ApiError
from loaders.earth_engine.emulator.grids import PixelGrid, Placement, place
from skyscript_db import rasters

if TYPE_CHECKING:
    from pathlib import Path

    from loaders.earth_engine.emulator.assets import FileBand
    from loaders.earth_engine.emulator.images import Pixels


class Files:
    """The files that one request reads: each is opened once, each window read once."""

    def __init__(self) -> None:
        self.natives: dict[str, PixelGrid] = {}
        self._stack = ExitStack()
        self._open: dict[Path, Any] = {}
        self._read: dict[tuple[Path, int], tuple[PixelGrid, Pixels]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def read(self, key: str, band: FileBand, at: PixelGrid) -> Pixels:
        """Read a band of an image at a grid; what lies outside the file is masked.

        Where the file's pixels are larger than the grid's, each is told many times.

        Raises:
            ApiError: The grid does not fit the file's own, or the file is damaged.
        """
        source = band.path, band.number
        known = self._read.get(source)
        if known is None or known[0] != at:
            self.natives.setdefault(key, band.grid)
            known = at, self._told(*source, at, place(at, band.grid))
            self._read[source] = known
        return known[1]

    def _told(self, path: Path, number: int, at: PixelGrid, where: Placement) -> Pixels:
        columns = _Span.of(where.col_off, at.width, where.factor)
        rows = _Span.of(where.row_off, at.height, where.factor)
        values, mask = self._window(path, number, columns, rows)
        if where.factor == 1:
            return values, mask
        index = np.ix_(rows.indices(where.factor), columns.indices(where.factor))
        return values[index], mask[index]

    def _window(self, path: Path, number: int, cols: _Span, rows: _Span) -> Pixels:
        dataset = self._dataset(path)
        values = np.zeros((rows.n_source, cols.n_source))
        mask = np.zeros(values.shape, dtype=bool)
        inside_rows, inside_cols = (
            rows.within(dataset.height),
            cols.within(dataset.width),
        )
        if inside_rows and inside_cols:
            window = Window.from_slices(inside_rows, inside_cols)
            into = rows.target(inside_rows), cols.target(inside_cols)
            values[into], mask[into] = _read(dataset, path, number, window)
        return values, mask

    def _dataset(self, path: Path) -> Any:
        if path not in self._open:
            self._open[path] = self._stack.enter_context(rasters.opened(path))
        return self._open[path]


def _read(dataset: Any, path: Path, number: int, window: Window) -> Pixels:
    try:
        values = dataset.read(number, window=window)
        mask = _mask(dataset, number, values, window)
    except (RasterioError, OSError) as error:
        raise ApiError(500, f"{path.name} is damaged: {error}") from error
    return values.astype(np.float64), mask & np.isfinite(values)


def _mask(dataset: Any, number: int, values: Any, window: Window) -> Any:
    """Return where a band holds data: by its nodata value, opacity or mask."""
    flags = dataset.mask_flag_enums[number - 1]
    if MaskFlags.nodata in flags:
        nodata = np.array(dataset.nodatavals[number - 1])
        is_float = np.issubdtype(values.dtype, np.floating)
        return values != (nodata.astype(values.dtype) if is_float else nodata)
    if MaskFlags.alpha in flags:
        opacity = dataset.colorinterp.index(ColorInterp.alpha) + 1
        return dataset.read(opacity, window=window) > 0
    if MaskFlags.per_dataset in flags:
        return dataset.read_masks(number, window=window) > 0
    return np.ones(values.shape, dtype=bool)


class _Span:
    """Pixels of one axis: which of the asked there are, and which of the file's."""

    def __init__(self, first: int, count: int, source: int, n_source: int) -> None:
        self.first, self.count = first, count
        self.source, self.n_source = source, n_source

    @classmethod
    def of(cls, first: int, count: int, factor: int) -> _Span:
        source = first // factor
        return cls(first, count, source, (first + count - 1) // factor - source + 1)

    def indices(self, factor: int) -> Any:
        return np.arange(self.first, self.first + self.count) // factor - self.source

    def within(self, size: int) -> slice | None:
        start, stop = max(self.source, 0), min(self.source + self.n_source, size)
        return slice(start, stop) if start < stop else None

    def target(self, inside: slice) -> slice:
        return slice(inside.start - self.source, inside.stop - self.source)
