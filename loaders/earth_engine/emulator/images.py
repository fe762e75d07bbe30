"""Images as Earth Engine thinks of them: named bands, told pixel by pixel when asked.

Values are computed in double precision, whatever the type that is said of a band; a
mask is on or off, never in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loaders.earth_engine.emulator.answers import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from loaders.earth_engine.emulator.grids import PixelGrid

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Pixels = tuple[Values, Mask]

# Rows are computed so many pixels at a time, which bounds the memory of a request.
STRIP_PX = 1 << 18


@dataclass(frozen=True, slots=True)
class Band:
    """A band: its name, the type of its values, its own grid, and how it is told."""

    name: str
    dtype: np.dtype[Any]
    pixels: Callable[[PixelGrid], Pixels]
    grid: PixelGrid | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """Bands and properties; ``footprint`` is GeoJSON, None where it is everywhere."""

    bands: tuple[Band, ...]
    properties: Mapping[str, Any] = field(default_factory=dict)
    footprint: Mapping[str, Any] | None = None
    asset_id: str | None = None

    @property
    def names(self) -> list[str]:
        """The names of the bands, in order."""
        return [band.name for band in self.bands]

    @property
    def grid(self) -> PixelGrid | None:
        """The grid of the first band that has one."""
        return next((band.grid for band in self.bands if band.grid), None)

    def with_bands(self, bands: Iterable[Band]) -> Image:
        """Return an image with other bands and these properties."""
        return replace(self, bands=tuple(bands), asset_id=None)

    def band(self, name: str) -> Band:
        """Return a band by name."""
        for band in self.bands:
            if band.name == name:
                return band
        raise invalid(
            f"Image.select: Band pattern '{name}' did not match any bands. "
            f"Available bands: [{', '.join(self.names)}]"
        )


def constant(value: float, name: str = "constant") -> Band:
    """Return a band that has one value everywhere."""
    dtype = np.dtype(np.float64 if isinstance(value, float) else _smallest(value))

    def pixels(grid: PixelGrid) -> Pixels:
        shape = grid.height, grid.width
        return np.full(shape, float(value)), np.ones(shape, dtype=bool)

    return Band(name, dtype, pixels)


def _smallest(value: int) -> np.dtype[Any]:
    return np.dtype(np.uint8) if 0 <= value <= 255 else np.dtype(np.int32)


def compute(image: Image, grid: PixelGrid) -> tuple[npt.NDArray[Any], Mask]:
    """Compute an image: a structured array (height, width), and the masks of its bands.

    Masked pixels are 0, as they are in what Earth Engine sends.
    """
    shape = grid.height, grid.width
    values = np.zeros(shape, dtype=[(band.name, band.dtype) for band in image.bands])
    masks = np.zeros((len(image.bands), *shape), dtype=bool)
    n_rows = max(1, STRIP_PX // grid.width)
    for first in range(0, grid.height, n_rows):
        rows = slice(first, min(first + n_rows, grid.height))
        strip = grid.rows(first, rows.stop - first)
        for number, band in enumerate(image.bands):
            told, mask = band.pixels(strip)
            values[band.name][rows] = cast(np.where(mask, told, 0), band.dtype)
            masks[number, rows] = mask
    return values, masks


def cast(values: Values, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Cast to a type; whole ones are cut off at the point and at the type's range."""
    if dtype.kind == "f":
        return values.astype(dtype)
    bounds = np.iinfo(dtype)
    whole = np.trunc(np.nan_to_num(values))
    return whole.clip(bounds.min, bounds.max).astype(dtype)
