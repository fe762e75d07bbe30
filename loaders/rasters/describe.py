"""What a raster file says of itself: the columns of a scene, but for its geometry."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from loaders.rasters.bands import Rgb, band_names, find_rgb
from loaders.rasters.footprint import MAX_CELLS, valid_pixels
from skyscript_db import rasters
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from skyscript_db.imagery import Stretch, Valid

# Of when it was taken, before the one that often means when the file was written.
_DATE_TAGS = (
    "ACQUISITIONDATETIME",
    "ACQUISITION_DATETIME",
    "ACQUISITION_DATE",
    "DATE_ACQUIRED",
    "TIFFTAG_DATETIME",
)
_TIFF_DATE = re.compile(r"^(\d{4}):(\d\d):(\d\d)")
_FIRST_PHOTOGRAPH = datetime(1858, 1, 1, tzinfo=UTC)
_DRAWN = re.compile(r"\bSYNTHETIC\b(?! APERTURE)")


@dataclass(frozen=True, slots=True)
class RasterFile:
    """One file, read and found fit to be a scene.

    ``authority`` is the name and code of the reference system, None where only
    ``wkt`` tells; ``valid_px`` the valid part as GeoJSON in pixels; ``tolerance_px``
    how far that may be simplified.
    """

    name: str
    path: Path
    sha256: str
    n_bytes: int
    width_px: int
    height_px: int
    transform: tuple[float, ...]
    authority: tuple[str, str] | None
    wkt: str
    rgb: Rgb
    band_names: list[str]
    stretch: Stretch
    valid_px: str
    tolerance_px: float
    acquired_at: datetime | None
    date_tag: str | None
    copyright: str | None
    is_synthetic: bool


def describe(path: Path, *, bands: str | None, stretch: str | None) -> RasterFile:
    """Read what a scene's row needs of a file.

    Raises:
        LoaderError: It cannot be a scene; the message says why and what to do.
    """
    _check_name(path)
    sha256 = rasters.sha256(path)
    with warnings.catch_warnings():
        # Said by us, with a remedy, as an error.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasters.opened(path) as dataset:
                return _describe(dataset, path, sha256, bands=bands, stretch=stretch)
        except (RasterioError, UnicodeDecodeError) as error:
            raise LoaderError(
                f"it is damaged: {error}; get it again or check it with `rio info`"
            ) from error


def _check_name(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise LoaderError("its name is not in UTF-8: rename it") from error
    if not path.is_file():
        raise LoaderError("no such file: name a GeoTIFF on this machine, or a folder")


def _describe(
    dataset: Any, path: Path, sha256: str, *, bands: str | None, stretch: str | None
) -> RasterFile:
    _check_georeference(dataset)
    rgb = find_rgb(dataset, bands)
    valid_px, tolerance_px = valid_pixels(dataset, rgb)
    tags = _tags(dataset)
    acquired_at, date_tag = _acquired_at(tags)
    return RasterFile(
        name=path.stem,
        path=path,
        sha256=sha256,
        n_bytes=path.stat().st_size,
        width_px=dataset.width,
        height_px=dataset.height,
        transform=tuple(dataset.transform)[:6],
        authority=dataset.crs.to_authority(),
        wkt=dataset.crs.to_wkt(),
        rgb=rgb,
        band_names=band_names(dataset),
        stretch=_stretch(dataset, rgb, stretch),
        valid_px=valid_px,
        tolerance_px=tolerance_px,
        acquired_at=acquired_at,
        date_tag=date_tag,
        copyright=tags.get("TIFFTAG_COPYRIGHT") or None,
        is_synthetic=bool(_DRAWN.search(tags.get("TIFFTAG_IMAGEDESCRIPTION", ""))),
    )


def _check_georeference(dataset: Any) -> None:
    if dataset.transform.is_identity:
        by_points = bool(dataset.gcps[0]) or dataset.rpcs is not None
        raise LoaderError(
            "it has ground control points but no pixel grid: make one with `rio warp`"
            if by_points
            else "it does not say where it lies: give it a transform with `rio "
            "edit-info --transform`"
        )
    if not dataset.crs:
        raise LoaderError(
            "it has no reference system (CRS): name it with `rio edit-info --crs "
            "EPSG:...`"
        )
    determinant = dataset.transform.determinant
    if not np.isfinite(determinant) or determinant == 0:
        raise LoaderError(
            "its transform maps all pixels to a line: give it another with `rio "
            "edit-info --transform`"
        )
    if determinant > 0:
        raise LoaderError(
            "it is stored mirrored, south up: turn it with `rio warp`, or its chips "
            "would show a mirrored ground"
        )


def _stretch(dataset: Any, rgb: Rgb, wanted: str | None) -> Stretch:
    is_8_bit = {dataset.dtypes[band - 1] for band in rgb} == {"uint8"}
    if wanted == "none" and not is_8_bit:
        raise LoaderError("--stretch none takes 8-bit files: leave it to percentile")
    if wanted == "none" or (wanted is None and is_8_bit):
        return {"method": "none"}
    if wanted in {None, "percentile"}:
        return rasters.percentile_stretch(*_overview(dataset, rgb))
    return _linear(str(wanted))


def _overview(dataset: Any, rgb: Rgb) -> tuple[rasters.Values, Valid]:
    scale = min(1.0, MAX_CELLS / max(dataset.shape))
    height, width = (max(1, round(side * scale)) for side in dataset.shape)
    return rasters.read(dataset, rgb, shape=(height, width))


def _linear(wanted: str) -> Stretch:
    try:
        low, high = (float(part) for part in wanted.split(","))
    except ValueError:
        low = high = 0.0
    if not (np.isfinite([low, high]).all() and low < high):
        raise LoaderError(
            f"--stretch {wanted} is none of: none, percentile, or MIN,MAX, such as "
            "0,3000"
        )
    return {"method": "linear", "min": [low] * 3, "max": [high] * 3}


def _tags(dataset: Any) -> Mapping[str, str]:
    tags = {**dataset.tags(), **dataset.tags(ns="IMAGERY")}
    return {key.upper(): value for key, value in tags.items()}


def _acquired_at(tags: Mapping[str, str]) -> tuple[datetime | None, str | None]:
    for tag in _DATE_TAGS:
        moment = _moment(tags.get(tag, "").strip())
        if moment and _FIRST_PHOTOGRAPH < moment < datetime.now(UTC):
            return moment, tag
    return None, None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_TIFF_DATE.sub(r"\1-\2-\3", text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
