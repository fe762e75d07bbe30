"""The functions that load images and collections, and read what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from loaders.earth_engine.emulator import descriptions, selection
from loaders.earth_engine.emulator.answers import invalid, not_emulated
from loaders.earth_engine.emulator.assets import ImageAsset, Library, key_of
from loaders.earth_engine.emulator.images import Band, Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from loaders.earth_engine.emulator.expressions import Arguments, Function
    from loaders.earth_engine.emulator.files import Files


@dataclass(frozen=True, slots=True)
class Collection:
    """Images in order."""

    asset_id: str | None
    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class Instant:
    """A date and time, in milliseconds since 1970."""

    milliseconds: float


def loading(library: Library, files: Files) -> dict[str, Function]:
    """Return the functions that load assets; pixels are read through ``files``."""

    def load_image(arguments: Arguments) -> Image:
        name = arguments["id"]
        return _loaded(library.image(key_of(name)), name, files)

    def load_collection(arguments: Arguments) -> Collection:
        name = arguments["id"]
        images = library.images(key_of(name))
        told = (_loaded(i, f"{name}/{i.key.rpartition('/')[2]}", files) for i in images)
        return Collection(name, tuple(told))

    return {"Image.load": load_image, "ImageCollection.load": load_collection}


def _loaded(asset: ImageAsset, name: str, files: Files) -> Image:
    def band(number: int) -> Band:
        it = asset.bands[number]
        return Band(
            it.name,
            np.dtype(it.dtype),
            lambda grid: files.read(asset.key, it, grid),
            it.grid,
        )

    bands = tuple(band(number) for number in range(len(asset.bands)))
    return Image(bands, descriptions.properties(asset), asset.footprint, name)


def _collection(arguments: Arguments) -> Collection:
    collection = arguments["collection"]
    if not isinstance(collection, Collection):
        raise not_emulated(f"a collection of type {type(collection).__name__}")
    return collection


def _filter(arguments: Arguments) -> Collection:
    collection, test = _collection(arguments), arguments["filter"]
    if not callable(test):
        raise not_emulated("a filter given as text")
    images = tuple(image for image in collection.images if test(image))
    return replace(collection, images=images)


def _limit(arguments: Arguments) -> Collection:
    collection, key = _collection(arguments), arguments.get("key")
    images = list(collection.images)
    if key is not None:
        images = [image for image in images if key in image.properties]
        images.sort(
            key=lambda image: image.properties[key],
            reverse=arguments.get("ascending") is False,
        )
    return replace(collection, images=tuple(images[: arguments.get("limit")]))


def _first(arguments: Arguments) -> Image | None:
    images = _collection(arguments).images
    return images[0] if images else None


def _map(arguments: Arguments) -> Collection:
    collection, function = _collection(arguments), arguments["baseAlgorithm"]
    images = tuple(function({"image": image}) for image in collection.images)
    return replace(collection, images=images)


def _to_list(arguments: Arguments) -> list[Image]:
    offset = int(arguments.get("offset") or 0)
    images = _collection(arguments).images[offset:]
    return list(images[: arguments.get("count")])


def _gathered(arguments: Arguments) -> list[Any]:
    name, images = arguments["property"], _collection(arguments).images
    return [image.properties[name] for image in images if name in image.properties]


def _aggregated(function: Callable[[list[Any]], Any]) -> Function:
    def aggregate(arguments: Arguments) -> Any:
        values = _gathered(arguments)
        return function(values) if values else None

    return aggregate


def _instant(arguments: Arguments) -> Instant:
    return Instant(_milliseconds(arguments["value"]))


def _milliseconds(value: Any) -> float:
    if isinstance(value, Instant):
        return value.milliseconds
    if isinstance(value, int | float):
        return float(value)
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise invalid(f"Date: cannot parse {value!r}") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000


def _date_range(arguments: Arguments) -> tuple[float, float]:
    start, end = _milliseconds(arguments["start"]), arguments.get("end")
    return start, start + 1 if end is None else _milliseconds(end)


def _polygon(arguments: Arguments) -> Any:
    rings = [[*ring, ring[0]] for ring in arguments["coordinates"]]
    return {"type": "Polygon", "coordinates": rings}


def _rectangle(arguments: Arguments) -> Any:
    if "coordinates" in arguments:
        (west, south), (east, north) = arguments["coordinates"]
    else:
        west, south, east, north = (
            arguments[side] for side in ("west", "south", "east", "north")
        )
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _geometry(kind: str) -> Function:
    return lambda arguments: {"type": kind, "coordinates": arguments["coordinates"]}


def _feature(arguments: Arguments) -> Any:
    properties = arguments.get("metadata") or {}
    return {
        "type": "Feature",
        "geometry": arguments["geometry"],
        "properties": properties,
    }


def _property(arguments: Arguments) -> Any:
    return arguments["object"].properties.get(arguments["property"])


def _date_of(arguments: Arguments) -> Instant:
    return Instant(arguments["image"].properties["system:time_start"])


def _projection(arguments: Arguments) -> Any:
    grid = arguments["image"].grid
    if grid is None:
        raise not_emulated("Image.projection of an image without a grid")
    told = descriptions.projection(grid)
    return {
        "type": "Projection",
        "crs": told["crs"],
        "transform": told["crs_transform"],
    }


def _set(arguments: Arguments) -> Image:
    image: Image = arguments["object"]
    changed = {arguments["key"]: arguments["value"]}
    return replace(image, properties={**image.properties, **changed})


FUNCTIONS: dict[str, Function] = {
    "Collection.filter": _filter,
    "Collection.limit": _limit,
    "Collection.first": _first,
    "Collection.map": _map,
    "Collection.toList": _to_list,
    "Collection.size": lambda arguments: len(_collection(arguments).images),
    "AggregateFeatureCollection.array": _gathered,
    "AggregateFeatureCollection.min": _aggregated(min),
    "AggregateFeatureCollection.max": _aggregated(max),
    "AggregateFeatureCollection.sum": _aggregated(sum),
    "AggregateFeatureCollection.count": lambda arguments: len(_gathered(arguments)),
    **selection.FUNCTIONS,
    "Date": _instant,
    "DateRange": _date_range,
    "Feature": _feature,
    "GeometryConstructors.Point": _geometry("Point"),
    "GeometryConstructors.MultiPolygon": _geometry("MultiPolygon"),
    "GeometryConstructors.Polygon": _polygon,
    "GeometryConstructors.Rectangle": _rectangle,
    "GeometryConstructors.BBox": _rectangle,
    "Element.get": _property,
    "Element.set": _set,
    "Element.propertyNames": lambda a: sorted(a["element"].properties),
    "Element.toDictionary": lambda a: dict(a["element"].properties),
    "Image.bandNames": lambda arguments: arguments["image"].names,
    "Image.date": _date_of,
    "Image.geometry": lambda arguments: arguments["feature"].footprint,
    "Image.id": lambda arguments: arguments["image"].asset_id or "",
    "Image.projection": _projection,
}


def plain(value: Any) -> Any:
    """Return a computed value as JSON, as ``getInfo`` hands it out."""
    if isinstance(value, Image):
        return descriptions.info(value)
    if isinstance(value, Instant):
        return {"type": "Date", "value": value.milliseconds}
    if isinstance(value, Collection):
        return {
            "type": "ImageCollection",
            "id": value.asset_id,
            "bands": [],
            "features": [plain(image) for image in value.images],
        }
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    raise not_emulated(f"a result of type {type(value).__name__}")
