"""Small GeoTIFF files for tests, and the pixels in them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

if TYPE_CHECKING:
    from pathlib import Path

# One metre a pixel near Vaduz, in UTM zone 32 N.
VADUZ = Affine(1, 0, 537000, 0, -1, 5220000)


def noise(n_bands: int, side_px: int = 64, dtype: str = "uint8") -> np.ndarray:
    """Return pixels between 1 and 200, the same each time."""
    numbers = np.random.default_rng(7).integers(1, 201, (n_bands, side_px, side_px))
    return numbers.astype(dtype)


def write_raster(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    """Write (bands, height, width) as GeoTIFF.

    Beside rasterio's own options: ``names`` of bands, ``tags``, ``colours``, ``mask``.
    """
    after = {
        key: options.pop(key, None) for key in ("names", "tags", "colours", "mask")
    }
    count, height, width = pixels.shape
    profile = {
        "driver": "GTiff",
        "crs": "EPSG:32632",
        "transform": VADUZ,
        "count": count,
        "height": height,
        "width": width,
        "dtype": pixels.dtype,
        **options,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(path, "w", **profile) as dataset,
        ):
            dataset.write(pixels)
            dataset.update_tags(**(after["tags"] or {}))
            if after["names"]:
                dataset.descriptions = after["names"]
            if after["colours"]:
                dataset.colorinterp = after["colours"]
            if after["mask"] is not None:
                dataset.write_mask(after["mask"])
    return path
