"""The pixel grids of an item's files, as it tells them or as they are."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.transform import Affine

from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pystac

    from loaders.stac.files import By, Files


@dataclass(frozen=True, slots=True)
class FileGrid:
    """The grid of a file: its reference system as ``authority`` or WKT, and pixels."""

    authority: tuple[str, str] | None
    wkt: str
    transform: tuple[float, ...]
    shape: tuple[int, int]


def told(item: pystac.Item, assets: Sequence[pystac.Asset]) -> FileGrid | None:
    """Return the grid that an item tells of its assets, None where it does not.

    Raises:
        LoaderError: It tells several.
    """
    grids = [of_fields({**item.properties, **a.extra_fields}) for a in assets]
    known = [grid for grid in grids if grid is not None]
    return _common(known) if len(known) == len(grids) else None


def read(assets: Sequence[pystac.Asset], by: By, files: Files) -> FileGrid:
    """Return the grid that the files of assets have.

    Raises:
        LoaderError: They have several, or none.
        RequestFailed: A file cannot be had.
    """
    hrefs = dict.fromkeys(asset.href for asset in assets)
    return _common([_read_grid(href, by, files) for href in hrefs])


def _common(grids: Sequence[FileGrid]) -> FileGrid:
    first, *others = grids
    if not all(is_same(first, other) for other in others):
        raise LoaderError(
            "its red, green and blue are on different grids: name assets of one "
            "resolution with --assets"
        )
    return first


def is_same(first: FileGrid, second: FileGrid) -> bool:
    """Return whether two files have the same pixels."""
    pairs = zip(first.transform, second.transform, strict=True)
    is_same_crs = first.authority == second.authority or first.wkt == second.wkt
    return (is_same_crs and first.shape == second.shape) and all(
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in pairs
    )


def of_fields(told: Mapping[str, Any]) -> FileGrid | None:
    """Return the grid that fields of the projection extension tell, if all do."""
    crs = _told_crs(told)
    transform, shape = told.get("proj:transform"), told.get("proj:shape")
    if crs is None or not isinstance(transform, list) or not isinstance(shape, list):
        return None
    if len(transform) not in {6, 9} or len(shape) != 2:
        return None
    with suppress(TypeError, ValueError):
        height, width = (int(side) for side in shape)
        numbers = tuple(float(number) for number in transform[:6])
        if min(height, width) > 0 and all(map(math.isfinite, numbers)):
            return FileGrid(crs.to_authority(), crs.to_wkt(), numbers, (height, width))
    return None


def _told_crs(told: Mapping[str, Any]) -> CRS | None:
    code, epsg = told.get("proj:code"), told.get("proj:epsg")
    with suppress(CRSError, TypeError, ValueError):
        if code:
            return CRS.from_string(str(code))
        if epsg:
            return CRS.from_epsg(int(epsg))
        if told.get("proj:wkt2"):
            return CRS.from_wkt(str(told["proj:wkt2"]))
    return None


def _read_grid(href: str, by: By, files: Files) -> FileGrid:
    with files.opened(href, by) as opened:
        dataset = opened.dataset
        if not dataset.crs:
            raise LoaderError(
                f"neither it nor {opened.name} says in what reference system it lies: "
                "tell its publisher"
            )
        return FileGrid(
            dataset.crs.to_authority(),
            dataset.crs.to_wkt(),
            tuple(dataset.transform)[:6],
            dataset.shape,
        )


def check_upright(grid: FileGrid) -> None:
    """Refuse a grid on which chips would be mirrored.

    Raises:
        LoaderError: It is one.
    """
    determinant = Affine(*grid.transform).determinant
    if not math.isfinite(determinant) or determinant >= 0:
        raise LoaderError(
            "its transform is mirrored, or maps all pixels to a line: chips of it "
            "would not show the ground; tell its publisher"
        )
