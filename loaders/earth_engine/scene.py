"""What Earth Engine says of an image, as a scene."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rasterio.crs import CRS
from rasterio.errors import CRSError

from loaders import ground
from loaders.ground import PixelGrid
from loaders.reference import find_or_register
from loaders.scenes import SceneRow
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg

    from skyscript_db.catalogue import CatalogueEntry

Image = dict[str, Any]

_AFFINE = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
# Of the image itself; its geometry is a column, and its bands are known.
_LEFT_OUT = {"system:footprint", "system:bands", "system:band_names"}


@dataclass(frozen=True, slots=True)
class _Native:
    """The grid that an image's colours share, as Earth Engine tells it."""

    crs: CRS
    transform: tuple[float, ...]
    width_px: int
    height_px: int


def acquired_at(image: Image) -> datetime | None:
    """Return when an image was taken, or None where it is not dated."""
    try:
        return datetime.fromisoformat(image["startTime"])
    except (KeyError, ValueError):
        return None


def name_of(image: Image) -> str:
    """Return an image's name within its collection."""
    return str(image["id"]).rsplit("/", 1)[-1]


def describe(
    conn: psycopg.Connection[Any], entry: CatalogueEntry, image: Image
) -> SceneRow:
    """Return the row of an image.

    Raises:
        LoaderError: It cannot be a scene; the message says why.
    """
    native = _grid(entry, image)
    crs, srid = find_or_register(conn, _authority(native.crs), native.crs.to_wkt())
    grid = PixelGrid(crs, srid, native.transform, native.width_px, native.height_px)
    place = ground.measure(conn, grid)
    properties = image.get("properties", {})
    return SceneRow(
        name=name_of(image),
        uri=str(image["id"]),
        footprint=ground.clip_footprint(conn, place, image.get("geometry")),
        acquired_at=acquired_at(image),
        gsd_m=_gsd_m(entry, properties) or ground.nominal_gsd_m(grid, place),
        crs=crs,
        srid=srid,
        transform=native.transform,
        width_px=native.width_px,
        height_px=native.height_px,
        bands=_bands(entry, image),
        stretch=entry.stretch.as_json(),
        is_synthetic=entry.is_synthetic,
        cloud_fraction=_cloud_fraction(entry, properties),
        version=image.get("updateTime"),
        properties=_properties(image),
    )


def _grid(entry: CatalogueEntry, image: Image) -> _Native:
    bands = {band["id"]: band for band in image.get("bands", [])}
    missing = [band.key for band in entry.rgb if band.key not in bands]
    if missing:
        raise LoaderError(
            f"it has no band {' or '.join(missing)} for its colours, but "
            f"{', '.join(bands) or 'none'}: name three of them as rgb in the catalogue"
        )
    if entry.stretch.method == "none":
        _check_8_bits([bands[band.key] for band in entry.rgb])
    red, *others = [bands[band.key].get("grid", {}) for band in entry.rgb]
    if any(other != red for other in others):
        raise LoaderError("its colours lie on grids of their own, not on one")
    return _read_grid(red)


def _check_8_bits(bands: list[Mapping[str, Any]]) -> None:
    for band in bands:
        told = band.get("dataType", {})
        reach = told.get("range", {})
        lowest, highest = reach.get("min", 0), reach.get("max", 255)
        if told.get("precision") in {"FLOAT", "DOUBLE"}:
            what = f"is {told['precision']}: fractions, not 8 bits"
        elif highest > 255:
            what = f"reaches {highest:g}, more than 8 bits hold"
        elif lowest < 0:
            what = f"reaches down to {lowest:g}, which 8 bits do not hold"
        else:
            continue
        raise LoaderError(
            f"its band {band['id']} {what}: give a linear stretch in the catalogue"
        )


def _read_grid(grid: Mapping[str, Any]) -> _Native:
    size = grid.get("dimensions", {})
    affine = grid.get("affineTransform")
    told_crs = grid.get("crsCode") or grid.get("crsWkt")
    if not (affine and told_crs and size.get("width") and size.get("height")):
        raise LoaderError("it has no pixel grid of its own: it is computed, or endless")
    # Zeros are left out of the answer.
    a, b, c, d, e, f = (float(affine.get(key, 0)) for key in _AFFINE)
    if not a * e - b * d < 0:
        raise LoaderError("its grid is mirrored, or maps all pixels to a line")
    return _Native(
        _crs(told_crs), (a, b, c, d, e, f), int(size["width"]), int(size["height"])
    )


def _crs(told: str) -> CRS:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return CRS.from_string(told)
    except CRSError as error:
        raise LoaderError(
            f"its reference system is not known here: {told[:80]}"
        ) from error


def _authority(crs: CRS) -> tuple[str, str] | None:
    found: tuple[str, str] | None = crs.to_authority()
    return found


def _gsd_m(entry: CatalogueEntry, properties: Mapping[str, Any]) -> float | None:
    if entry.gsd_m is not None or entry.gsd_property is None:
        return entry.gsd_m
    told = _number(properties.get(entry.gsd_property))
    if told is None or told <= 0:
        raise LoaderError(f"its property {entry.gsd_property} tells no GSD in metres")
    return told


def _cloud_fraction(
    entry: CatalogueEntry, properties: Mapping[str, Any]
) -> float | None:
    """Return the share under cloud; -1 is how Landsat says that it is not known."""
    if entry.cloud_property is None:
        return None
    told = _number(properties.get(entry.cloud_property))
    return told / 100 if told is not None and 0 <= told <= 100 else None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _bands(entry: CatalogueEntry, image: Image) -> dict[str, Any]:
    bands: dict[str, Any] = {"rgb": [band.key for band in entry.rgb]}
    has_cloud = entry.cloud and any(
        band["id"] == entry.cloud.key for band in image.get("bands", [])
    )
    if entry.cloud and has_cloud:
        bands["cloud"] = {"band": entry.cloud.key, **entry.cloud.tells}
    return bands


def _properties(image: Image) -> dict[str, Any]:
    told = {
        key: value
        for key, value in image.get("properties", {}).items()
        if key not in _LEFT_OUT
    }
    return {**told, "endTime": image["endTime"]} if "endTime" in image else told
