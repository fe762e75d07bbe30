"""Asking the emulator for pixels through the real client."""

from __future__ import annotations

import io
from typing import Any

import ee
import numpy as np

from tests.fix_rasters import VADUZ

AFFINE = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")


def grid_at(
    col: float,
    row: float,
    width: int,
    height: int,
    *,
    crs: str = "EPSG:32632",
    transform: Any = VADUZ,
) -> dict[str, Any]:
    """Return the grid of a window of a raster."""
    a, b, c, d, e, f = transform[:6]
    moved = (a, b, a * col + b * row + c, d, e, d * col + e * row + f)
    return {
        "crsCode": crs,
        "affineTransform": dict(zip(AFFINE, moved, strict=True)),
        "dimensions": {"width": width, "height": height},
    }


def compute(image: ee.Image, grid: dict[str, Any] | None, **more: Any) -> np.ndarray:
    """Return the pixels that computePixels sends, as a structured array."""
    params = {"expression": image, "fileFormat": "NPY", **more}
    if grid is not None:
        params["grid"] = grid
    return np.load(io.BytesIO(ee.data.computePixels(params)))
