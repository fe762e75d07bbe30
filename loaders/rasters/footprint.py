"""The part of a raster that holds data, as polygons on its pixel grid.

Where a file says that all of it is valid, the outline stands. Elsewhere the mask is
read whole, block by block, and reduced to cells of at most ``MAX_CELLS`` a side, in
which every pixel must hold data; so a footprint never covers nodata, but for specks
that lie alone within data: those are for the chips themselves to count.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.features import shapes, sieve
from rasterio.transform import Affine
from rasterio.windows import Window

from skyscript_db import rasters
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyscript_db.imagery import Valid

MAX_CELLS = 1000
SPECK_PX = 16
READ_PX = 1 << 24
MAX_POINTS = 400

Ring = list[tuple[float, float]]


def valid_pixels(dataset: Any, bands: Sequence[int]) -> tuple[str, float]:
    """Return the valid part as GeoJSON in pixels, and how far to simplify it, in px.

    Raises:
        LoaderError: No part of it holds data.
    """
    if rasters.is_whole(dataset, bands):
        return _outline(dataset), 0
    size_px = max(1, math.ceil(max(dataset.shape) / MAX_CELLS))
    cells = _without_specks(_valid_cells(dataset, bands, size_px), size_px)
    if cells.all():
        return _outline(dataset), 0
    polygons = list(_polygons(cells, dataset, size_px))
    tolerance_px = 0
    if sum(len(ring) for polygon in polygons for ring in polygon) > MAX_POINTS:
        # Simplifying moves the edge by up to a cell: step back by one first.
        polygons = list(_polygons(_eroded(cells), dataset, size_px))
        tolerance_px = size_px
    if not polygons:
        raise LoaderError(
            "it holds no data: all of it is nodata or transparent; leave it out, or "
            "correct its nodata value with `rio edit-info --nodata`"
        )
    return _geojson(polygons), tolerance_px


def _outline(dataset: Any) -> str:
    right, bottom = float(dataset.width), float(dataset.height)
    corners = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom), (0.0, 0.0)]
    return _geojson([[corners]])


def _geojson(polygons: list[list[Ring]]) -> str:
    return json.dumps({"type": "MultiPolygon", "coordinates": polygons})


def _valid_cells(dataset: Any, bands: Sequence[int], size_px: int) -> Valid:
    shape = (math.ceil(dataset.height / size_px), math.ceil(dataset.width / size_px))
    cells = np.empty(shape, dtype=bool)
    for window in _windows(dataset, size_px):
        _, valid = rasters.read(dataset, bands, window)
        part = _reduce(valid, size_px)
        row, col = window.row_off // size_px, window.col_off // size_px
        cells[row : row + part.shape[0], col : col + part.shape[1]] = part
    return cells


def _windows(dataset: Any, size_px: int) -> Iterator[Window]:
    """Cover the raster by windows of whole cells that suit its blocks."""
    is_striped = dataset.block_shapes[0][1] > dataset.width // 2
    width = dataset.width if is_striped else _whole_cells(4096, size_px)
    height = _whole_cells(READ_PX // width, size_px)
    for row in range(0, dataset.height, height):
        for col in range(0, dataset.width, width):
            yield Window(
                col,
                row,
                min(width, dataset.width - col),
                min(height, dataset.height - row),
            )


def _whole_cells(wanted_px: int, size_px: int) -> int:
    return max(1, wanted_px // size_px) * size_px


def _reduce(valid: Valid, size_px: int) -> Valid:
    rows = np.arange(0, valid.shape[0], size_px)
    cols = np.arange(0, valid.shape[1], size_px)
    by_row = np.logical_and.reduceat(valid, rows, axis=0)
    return np.logical_and.reduceat(by_row, cols, axis=1)


def _without_specks(cells: Valid, size_px: int) -> Valid:
    n_cells = max(2, SPECK_PX // size_px**2)
    if cells.size <= n_cells or not cells.any():
        return cells
    sieved: Valid = sieve(cells.astype(np.uint8), size=n_cells) > 0
    return sieved


def _eroded(cells: Valid) -> Valid:
    """Take one cell, in all eight directions, off wherever nodata begins."""
    padded = np.pad(cells, 1, constant_values=True)
    height, width = cells.shape
    eroded = cells.copy()
    for row in range(3):
        for col in range(3):
            eroded &= padded[row : row + height, col : col + width]
    return eroded


def _polygons(cells: Valid, dataset: Any, size_px: int) -> Iterator[list[Ring]]:
    found = shapes(cells.astype(np.uint8), mask=cells, transform=Affine.scale(size_px))
    for geometry, _ in found:
        yield [
            [(min(x, dataset.width), min(y, dataset.height)) for x, y in ring]
            for ring in geometry["coordinates"]
        ]
