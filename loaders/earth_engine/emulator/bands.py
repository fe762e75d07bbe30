"""The functions that choose, name, mask, join and reduce bands."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from loaders.earth_engine.emulator.answers import invalid, not_emulated
from loaders.earth_engine.emulator.arithmetic import BYTE, DOUBLE, FLOAT, INT, as_image
from loaders.earth_engine.emulator.images import Band, Image, Pixels, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loaders.earth_engine.emulator.expressions import Arguments, Function
    from loaders.earth_engine.emulator.grids import PixelGrid


def select(arguments: Arguments) -> Image:
    """Image.select: by names, regular expressions or places."""
    image = as_image(arguments["input"])
    selectors = arguments["bandSelectors"]
    wanted = selectors if isinstance(selectors, list) else [selectors]
    chosen = [band for selector in wanted for band in _selected(image, selector)]
    names = arguments.get("newNames")
    return image.with_bands(chosen if names is None else _renamed(chosen, names))


def _selected(image: Image, selector: Any) -> list[Band]:
    if isinstance(selector, int | float):
        if not -len(image.bands) <= selector < len(image.bands):
            raise invalid(f"Image.select: Band index {selector} is out of range.")
        return [image.bands[int(selector)]]
    if selector in image.names:
        return [image.band(selector)]
    matching = [band for band in image.bands if re.fullmatch(selector, band.name)]
    return matching or [image.band(selector)]


def _renamed(bands: list[Band], names: list[str]) -> list[Band]:
    if len(bands) != len(names):
        raise invalid(
            f"Image.rename: The number of names ({len(names)}) must match the number "
            f"of bands ({len(bands)})."
        )
    pairs = zip(bands, names, strict=True)
    return [replace(band, name=name) for band, name in pairs]


def rename(arguments: Arguments) -> Image:
    """Image.rename."""
    image = as_image(arguments["input"])
    return image.with_bands(_renamed(list(image.bands), arguments["names"]))


def add_bands(arguments: Arguments) -> Image:
    """Image.addBands."""
    image, source = as_image(arguments["dstImg"]), as_image(arguments["srcImg"])
    names = arguments.get("names")
    added = source.bands if names is None else [source.band(name) for name in names]
    bands = {band.name: band for band in image.bands}
    for band in added:
        is_replaced = bool(arguments.get("overwrite"))
        name = band.name if is_replaced else _free(band.name, bands)
        bands[name] = replace(band, name=name)
    return image.with_bands(bands.values())


def _free(name: str, taken: Mapping[str, Band]) -> str:
    number, free = 0, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def mask(arguments: Arguments) -> Image:
    """Image.mask: the masks of an image, or an image under a mask."""
    image = as_image(arguments["image"])
    if arguments.get("mask") is not None:
        return _masked(image, as_image(arguments["mask"]), is_both=False)
    return image.with_bands(_own_mask(band) for band in image.bands)


def _own_mask(band: Band) -> Band:
    def pixels(grid: PixelGrid) -> Pixels:
        _, told = band.pixels(grid)
        return told.astype(np.float64), np.ones(told.shape, dtype=bool)

    return replace(band, dtype=FLOAT, pixels=pixels)


def update_mask(arguments: Arguments) -> Image:
    """Image.updateMask."""
    image = as_image(arguments["image"])
    return _masked(image, as_image(arguments["mask"]), is_both=True)


def self_mask(arguments: Arguments) -> Image:
    """Image.selfMask."""
    image = as_image(arguments["image"])
    return _masked(image, image, is_both=True)


def _masked(image: Image, by: Image, *, is_both: bool) -> Image:
    masks = by.bands * len(image.bands) if len(by.bands) == 1 else by.bands
    if len(masks) != len(image.bands):
        raise invalid(
            f"Image.mask: The mask has {len(masks)} bands, the image "
            f"{len(image.bands)}; it must have as many, or one."
        )
    pairs = zip(image.bands, masks, strict=True)
    return image.with_bands(_masked_band(a, b, is_both=is_both) for a, b in pairs)


def _masked_band(band: Band, by: Band, *, is_both: bool) -> Band:
    def pixels(grid: PixelGrid) -> Pixels:
        values, known = band.pixels(grid)
        chosen, is_told = by.pixels(grid)
        told = is_told & (chosen != 0)
        return values, told & known if is_both else told

    return replace(band, pixels=pixels)


def unmask(arguments: Arguments) -> Image:
    """Image.unmask; values reach over the whole grid, whatever the footprint."""
    image = as_image(arguments["input"])
    value = arguments.get("value")
    filler = as_image(0 if value is None else value).bands
    fillers = filler * len(image.bands) if len(filler) == 1 else filler
    pairs = zip(image.bands, fillers, strict=True)
    return image.with_bands(_filled(band, by) for band, by in pairs)


def _filled(band: Band, by: Band) -> Band:
    def pixels(grid: PixelGrid) -> Pixels:
        (values, known), (other, is_told) = band.pixels(grid), by.pixels(grid)
        return np.where(known, values, other), known | is_told

    return replace(band, dtype=np.result_type(band.dtype, by.dtype), pixels=pixels)


def remap(arguments: Arguments) -> Image:
    """Image.remap."""
    image = as_image(arguments["image"])
    name = arguments.get("bandName")
    band = image.bands[0] if name is None else image.band(name)
    source, target = arguments["from"], arguments["to"]
    if len(source) != len(target):
        raise invalid("Image.remap: 'from' and 'to' must have the same size.")
    table = dict(zip(source, target, strict=True))
    default = arguments.get("defaultValue")

    def pixels(grid: PixelGrid) -> Pixels:
        values, known = band.pixels(grid)
        mapped = np.full(values.shape, 0.0 if default is None else float(default))
        is_found = np.full(values.shape, default is not None)
        for old, new in table.items():
            mapped[values == old] = new
            is_found |= values == old
        return mapped, known & is_found

    whole = all(float(n).is_integer() for n in [*target, default or 0])
    return image.with_bands(
        [Band("remapped", INT if whole else DOUBLE, pixels, band.grid)]
    )


@dataclass(frozen=True, slots=True)
class Reducer:
    """A way to make one value of many: (bands, height, width) to (height, width).

    Values of masked pixels are NaN.
    """

    name: str
    combine: Callable[[Any], Any]
    dtype: np.dtype[Any] | None = None


def reduce(arguments: Arguments) -> Image:
    """Image.reduce, of the bands that are not masked."""
    image, reducer = as_image(arguments["image"]), arguments["reducer"]

    def pixels(grid: PixelGrid) -> Pixels:
        told = [band.pixels(grid) for band in image.bands]
        known = np.logical_or.reduce([mask for _, mask in told])
        stack = np.stack([np.where(mask, values, np.nan) for values, mask in told])
        combined = reducer.combine(np.where(known, stack, 0))
        return np.where(known, combined, 0), known

    dtype = reducer.dtype or np.result_type(*(band.dtype for band in image.bands))
    return image.with_bands([Band(reducer.name, dtype, pixels, image.grid)])


def _reducer(
    name: str, combine: Callable[[Any], Any], dtype: np.dtype[Any] | None = None
) -> Function:
    def function(arguments: Arguments) -> Reducer:
        if any(value not in {None, 1} for value in arguments.values()):
            raise not_emulated(f"Reducer.{name} of several inputs")
        return Reducer(name, combine, dtype)

    return function


def _over_bands(function: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda stack: function(stack, axis=0)


_REDUCERS: dict[str, Function] = {
    "Reducer.max": _reducer("max", _over_bands(np.nanmax)),
    "Reducer.min": _reducer("min", _over_bands(np.nanmin)),
    "Reducer.sum": _reducer("sum", _over_bands(np.nansum), DOUBLE),
    "Reducer.mean": _reducer("mean", _over_bands(np.nanmean), DOUBLE),
    "Reducer.anyNonZero": _reducer(
        "any", lambda stack: (np.nan_to_num(stack) != 0).any(axis=0), BYTE
    ),
    "Reducer.allNonZero": _reducer("all", lambda stack: (stack != 0).all(axis=0), BYTE),
}


def visualize(arguments: Arguments) -> Image:
    """Image.visualize, about as Earth Engine does: ``min`` and ``max``, or ``gain``."""
    image = as_image(arguments["image"])
    for name in ("palette", "gamma", "opacity"):
        if arguments.get(name) is not None:
            raise not_emulated(f"Image.visualize with {name}")
    chosen = arguments.get("bands")
    names = [chosen] if isinstance(chosen, str) else chosen or image.names[:3]
    scaled = [
        _to_byte(image.band(name), *_scale(arguments, number))
        for number, name in enumerate(names)
    ]
    layers = scaled * 3 if len(scaled) == 1 else scaled
    if len(layers) != 3:
        raise invalid("Image.visualize: Must specify 1 or 3 bands.")
    return image.with_bands(_renamed(layers, ["vis-red", "vis-green", "vis-blue"]))


def _scale(arguments: Arguments, number: int) -> tuple[float, float]:
    gain, bias = _nth(arguments, "gain", number), _nth(arguments, "bias", number)
    if gain is not None:
        return gain, bias or 0.0
    low, high = _nth(arguments, "min", number), _nth(arguments, "max", number)
    low, high = 0.0 if low is None else low, 255.0 if high is None else high
    factor = 255 / (high - low) if high != low else 0.0
    return factor, -low * factor


def _nth(arguments: Arguments, name: str, number: int) -> float | None:
    value = arguments.get(name)
    if isinstance(value, list):
        value = value[number] if len(value) > 1 else value[0]
    return None if value is None else float(value)


def _to_byte(band: Band, gain: float, bias: float) -> Band:
    def pixels(grid: PixelGrid) -> Pixels:
        values, known = band.pixels(grid)
        return cast(np.rint(values * gain + bias), BYTE).astype(np.float64), known

    return replace(band, dtype=BYTE, pixels=pixels)


FUNCTIONS: dict[str, Function] = {
    "Image.select": select,
    "Image.rename": rename,
    "Image.addBands": add_bands,
    "Image.mask": mask,
    "Image.updateMask": update_mask,
    "Image.selfMask": self_mask,
    "Image.unmask": unmask,
    "Image.remap": remap,
    "Image.reduce": reduce,
    "Image.visualize": visualize,
    **_REDUCERS,
}
