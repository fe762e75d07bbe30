"""Pixel grids as the API tells them, and where one lies on another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError

from loaders.earth_engine.emulator.answers import invalid, not_emulated

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLERANCE_PX = 1e-3
_AFFINE = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")


@dataclass(frozen=True, slots=True)
class PixelGrid:
    """A reference system, an affine (a, b, c, d, e, f), and a size in pixels."""

    crs: CRS
    transform: tuple[float, ...]
    width: int
    height: int

    @classmethod
    def of_json(cls, asked: Mapping[str, Any], native: PixelGrid | None) -> PixelGrid:
        """Read a request's grid; what it leaves out is the image's own."""
        crs = _crs(asked) or (native and native.crs)
        transform = _affine(asked) or (native and native.transform)
        size = _size(asked) or (native and (native.width, native.height))
        if not (crs and transform and size):
            raise invalid(
                "The image has no fixed projection: the grid must have a crsCode or "
                "crsWkt, an affineTransform and dimensions."
            )
        return cls(crs, transform, *size)

    def to_json(self) -> dict[str, Any]:
        """Return it as the API does, which leaves zeros out."""
        affine = zip(_AFFINE, self.transform, strict=True)
        return {
            **crs_to_json(self.crs),
            "dimensions": {"width": self.width, "height": self.height},
            "affineTransform": {name: value for name, value in affine if value},
        }

    def rows(self, first: int, n_rows: int) -> PixelGrid:
        """Return some rows of this grid, as a grid."""
        a, b, c, d, e, f = self.transform
        moved = (a, b, c + b * first, d, e, f + e * first)
        return replace(self, transform=moved, height=n_rows)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an asked grid begins on another, in pixels of the asked.

    ``factor`` is how many of the asked pixels lie side by side in one of the other.
    """

    col_off: int
    row_off: int
    factor: int


def crs_to_json(crs: CRS) -> dict[str, str]:
    """Return a reference system by its code, or by WKT if it has none."""
    authority = crs.to_authority()
    return {"crsCode": ":".join(authority)} if authority else {"crsWkt": crs.to_wkt()}


def place(asked: PixelGrid, native: PixelGrid) -> Placement:
    """Find an asked grid on an image's own.

    Raises:
        ApiError: It lies askew, between the pixels, or in another reference system.
    """
    if asked.crs != native.crs:
        raise not_emulated(
            f"resampling from {_name(native.crs)}, the image's own, to "
            f"{_name(asked.crs)}"
        )
    asked_axes, asked_origin = _split(asked.transform)
    native_axes, native_origin = _split(native.transform)
    ratio = np.linalg.norm(native_axes, axis=0)[0] / _length(asked_axes)
    factor = round(float(ratio))
    if factor < 1 or not np.allclose(native_axes, factor * asked_axes, rtol=1e-9):
        raise not_emulated("resampling to a grid of another scale or direction")
    offset = np.linalg.solve(asked_axes, asked_origin - native_origin)
    if np.abs(offset - np.rint(offset)).max() > TOLERANCE_PX:
        raise not_emulated("resampling to a grid whose pixels lie between the image's")
    return Placement(round(float(offset[0])), round(float(offset[1])), factor)


def _length(axes: Any) -> float:
    length = float(np.linalg.norm(axes, axis=0)[0])
    if length == 0 or np.linalg.det(axes) == 0:
        raise invalid("The affine transform of the grid is not invertible.")
    return length


def _split(transform: tuple[float, ...]) -> tuple[Any, Any]:
    a, b, c, d, e, f = transform
    return np.array([[a, b], [d, e]]), np.array([c, f])


def _crs(asked: Mapping[str, Any]) -> CRS | None:
    text = asked.get("crsCode") or asked.get("crsWkt")
    if text is None:
        return None
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise invalid(
            f"Projection: The CRS of a map projection could not be parsed: {text}"
        ) from error


def _affine(asked: Mapping[str, Any]) -> tuple[float, ...] | None:
    said = asked.get("affineTransform")
    return said and tuple(float(said.get(name, 0)) for name in _AFFINE)


def _size(asked: Mapping[str, Any]) -> tuple[int, int] | None:
    said = asked.get("dimensions")
    if said is None:
        return None
    size = int(said.get("width", 0)), int(said.get("height", 0))
    if min(size) < 1:
        raise invalid("Pixel grid dimensions must be positive.")
    return size


def _name(crs: CRS) -> str:
    return next(iter(crs_to_json(crs).values()))
