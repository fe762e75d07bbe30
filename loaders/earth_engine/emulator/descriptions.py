"""Assets and images in the API's own words, as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from loaders.earth_engine.emulator.assets import PUBLIC, FileBand, ImageAsset
from loaders.earth_engine.emulator.grids import PixelGrid, crs_to_json
from loaders.earth_engine.emulator.sidecars import UNDATED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loaders.earth_engine.emulator.images import Band, Image

Json = dict[str, Any]


def asset(image: ImageAsset, prefix: str, *, is_basic: bool = False) -> Json:
    """Describe an image as ``assets.get`` and ``listAssets`` do."""
    said = {"type": "IMAGE", **_named(image.key, prefix)}
    if is_basic:
        return said
    return said | {
        "updateTime": _timestamp(updated(image)),
        "startTime": _timestamp(start(image)),
        "endTime": _timestamp(end(image)),
        "properties": own_properties(image),
        "geometry": image.footprint,
        "bands": [_band(band) for band in image.bands],
        "sizeBytes": str(image.n_bytes),
    }


def folder(key: str, prefix: str, *, is_collection: bool) -> Json:
    """Describe a folder or a collection."""
    kind = "IMAGE_COLLECTION" if is_collection else "FOLDER"
    return {"type": kind, **_named(key, prefix)}


def _named(key: str, prefix: str) -> Json:
    name = prefix + key
    return {"name": name, "id": key if prefix == PUBLIC else name}


def start(image: ImageAsset) -> datetime:
    """Return when an image was taken."""
    return image.about.start or UNDATED


def end(image: ImageAsset) -> datetime:
    """Return when the taking ended."""
    return image.about.end or start(image)


def updated(image: ImageAsset) -> datetime:
    """Return when an image last changed."""
    at = image.about.updated or datetime.fromtimestamp(image.updated_s, UTC)
    return at.astimezone(UTC)


def own_properties(image: ImageAsset) -> Json:
    """Return an image's properties but for the system's."""
    gsd = {"gsd": image.about.gsd} if image.about.gsd else {}
    return {**gsd, **image.about.properties}


def properties(image: ImageAsset) -> Json:
    """Return all properties that an expression can see."""
    return own_properties(image) | {
        "system:index": image.key.rpartition("/")[2],
        "system:time_start": _milliseconds(start(image)),
        "system:time_end": _milliseconds(end(image)),
        "system:asset_size": image.n_bytes,
        "system:footprint": _ring(image.footprint),
    }


def _ring(footprint: Mapping[str, Any]) -> Mapping[str, Any]:
    if footprint["type"] != "Polygon":
        return footprint
    return {"type": "LinearRing", "coordinates": footprint["coordinates"][0]}


def _band(band: FileBand) -> Json:
    return {
        "id": band.name,
        "dataType": _api_type(np.dtype(band.dtype)),
        "grid": band.grid.to_json(),
        "pyramidingPolicy": "MEAN",
    }


def _api_type(dtype: np.dtype[Any]) -> Json:
    if dtype.kind == "f":
        return {"precision": "FLOAT" if dtype.itemsize == 4 else "DOUBLE"}
    bounds = np.iinfo(dtype)
    span = {"min": int(bounds.min), "max": int(bounds.max)}
    return {"precision": "INT", "range": {k: v for k, v in span.items() if v}}


def info(image: Image) -> Json:
    """Describe an image as ``getInfo`` does."""
    said: Json = {"type": "Image", "bands": [_band_info(band) for band in image.bands]}
    if image.asset_id:
        said["id"] = image.asset_id
    if image.properties:
        said["properties"] = dict(image.properties)
    return said


def _band_info(band: Band) -> Json:
    return {
        "id": band.name,
        "data_type": _pixel_type(band.dtype),
        **_grid_info(band.grid),
    }


def _pixel_type(dtype: np.dtype[Any]) -> Json:
    if dtype.kind == "f":
        precision = "float" if dtype.itemsize == 4 else "double"
        return {"type": "PixelType", "precision": precision}
    bounds = np.iinfo(dtype)
    span = {"min": int(bounds.min), "max": int(bounds.max)}
    return {"type": "PixelType", "precision": "int", **span}


def _grid_info(grid: PixelGrid | None) -> Json:
    if grid is None:
        return {"crs": "EPSG:4326", "crs_transform": [1, 0, 0, 0, 1, 0]}
    return {"dimensions": [grid.width, grid.height], **projection(grid)}


def projection(grid: PixelGrid) -> Json:
    """Describe a grid as expressions do."""
    name = next(iter(crs_to_json(grid.crs).values()))
    return {"crs": name, "crs_transform": list(grid.transform)}


def _timestamp(at: datetime) -> str:
    text = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
