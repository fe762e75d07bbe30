"""The functions that compute pixels from pixels, band by band.

Everything is computed in double precision. What is said of types: comparisons give 8
bits, whole numbers stay whole under addition, subtraction and multiplication, all else
is double.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from loaders.earth_engine.emulator.answers import invalid, not_emulated
from loaders.earth_engine.emulator.images import (
    Band,
    Image,
    Mask,
    Pixels,
    Values,
    cast,
    constant,
)

if TYPE_CHECKING:
    from loaders.earth_engine.emulator.expressions import Arguments, Function
    from loaders.earth_engine.emulator.grids import PixelGrid

DType = np.dtype[Any]
Unary = Callable[[Values], Values]
Binary = Callable[[Values, Values], Values]

BYTE, INT, LONG = (np.dtype(name) for name in ("uint8", "int32", "int64"))
FLOAT, DOUBLE = np.dtype("float32"), np.dtype("float64")


def as_image(value: Any) -> Image:
    """Return an image; numbers become constant ones."""
    if isinstance(value, Image):
        return value
    numbers = value if isinstance(value, list) else [value]
    if not numbers or not all(isinstance(n, int | float) for n in numbers):
        raise invalid(f"Image.constant: {value!r} is no number or list of numbers.")
    names = ["constant", *(f"constant_{n}" for n in range(1, len(numbers)))]
    bands = zip(numbers, names, strict=True)
    return Image(tuple(constant(number, name) for number, name in bands))


def _per_band(name: str, value: Unary, dtype: DType | None = None) -> Function:
    """Return a function of one image; by default it keeps the type of whole bands."""

    def function(arguments: Arguments) -> Image:
        image = as_image(_first(arguments, name, ("value", "input", "image")))
        return image.with_bands(_mapped(band, value, dtype) for band in image.bands)

    return function


def _first(arguments: Arguments, name: str, keys: Sequence[str]) -> Any:
    for key in keys:
        if key in arguments:
            return arguments[key]
    raise invalid(f"{name}: Parameter '{keys[0]}' is required.")


def _mapped(band: Band, value: Unary, dtype: DType | None) -> Band:
    def pixels(grid: PixelGrid) -> Pixels:
        values, mask = band.pixels(grid)
        return _told(value(values), mask)

    kept = band.dtype if band.dtype.kind != "f" else DOUBLE
    return replace(band, dtype=dtype or kept, pixels=pixels)


def _told(values: Values, mask: Mask) -> Pixels:
    """Mask what has no value, as a division by zero has none."""
    return values.astype(np.float64), mask & np.isfinite(values)


def _pairwise(
    name: str, value: Binary, dtype: Callable[[DType, DType], DType]
) -> Function:
    """Return a function of two images, whose bands are matched."""

    def function(arguments: Arguments) -> Image:
        first = as_image(arguments["image1"])
        pairs = _matched(name, first, as_image(arguments["image2"]))
        return first.with_bands(_paired(a, b, value, dtype) for a, b in pairs)

    return function


def _matched(name: str, first: Image, second: Image) -> list[tuple[Band, Band]]:
    if set(first.names) == set(second.names):
        return [(band, second.band(band.name)) for band in first.bands]
    n_first, n_second = len(first.bands), len(second.bands)
    if n_second == 1:
        return [(band, second.bands[0]) for band in first.bands]
    if n_first == 1:
        one = first.bands[0]
        return [(replace(one, name=band.name), band) for band in second.bands]
    if n_first != n_second:
        raise not_emulated(f"{name} of images with {n_first} and {n_second} bands")
    return list(zip(first.bands, second.bands, strict=True))


def _paired(
    first: Band, second: Band, value: Binary, dtype: Callable[[DType, DType], DType]
) -> Band:
    def pixels(grid: PixelGrid) -> Pixels:
        (a, mask_a), (b, mask_b) = first.pixels(grid), second.pixels(grid)
        with np.errstate(all="ignore"):
            return _told(value(a, b), mask_a & mask_b)

    told = dtype(first.dtype, second.dtype)
    return Band(first.name, told, pixels, first.grid or second.grid)


def _whole_or_double(a: DType, b: DType) -> DType:
    if "f" in {a.kind, b.kind}:
        return DOUBLE
    return INT if max(a.itemsize, b.itemsize) < 4 else LONG


def _wider(a: DType, b: DType) -> DType:
    return np.result_type(a, b)


def _byte(_a: DType, _b: DType) -> DType:
    return BYTE


def _double(_a: DType, _b: DType) -> DType:
    return DOUBLE


def _cast_to(name: str, dtype: DType) -> Function:
    def to_type(values: Values) -> Values:
        return cast(values, dtype).astype(np.float64)

    return _per_band(name, to_type, dtype)


def clamp(arguments: Arguments) -> Image:
    """Image.clamp."""
    low, high = float(arguments["low"]), float(arguments["high"])
    image = as_image(arguments["input"])
    return image.with_bands(
        _mapped(band, lambda values: values.clip(low, high), None)
        for band in image.bands
    )


def _round_half_up(values: Values) -> Values:
    return np.floor(values + 0.5)


def _logical(function: Binary) -> Binary:
    return lambda a, b: function(a != 0, b != 0)


_UNARY: dict[str, tuple[Unary, DType | None]] = {
    "abs": (np.abs, None),
    "ceil": (np.ceil, None),
    "floor": (np.floor, None),
    "round": (_round_half_up, None),
    "sqrt": (np.sqrt, DOUBLE),
    "exp": (np.exp, DOUBLE),
    "log": (np.log, DOUBLE),
    "log10": (np.log10, DOUBLE),
    "not": (lambda values: (values == 0).astype(np.float64), BYTE),
}
_BINARY: dict[str, tuple[Binary, Callable[[DType, DType], DType]]] = {
    "add": (np.add, _whole_or_double),
    "subtract": (np.subtract, _whole_or_double),
    "multiply": (np.multiply, _whole_or_double),
    "divide": (np.divide, _double),
    "mod": (np.fmod, _whole_or_double),
    "pow": (np.power, _double),
    "min": (np.minimum, _wider),
    "max": (np.maximum, _wider),
    "eq": (np.equal, _byte),
    "neq": (np.not_equal, _byte),
    "lt": (np.less, _byte),
    "lte": (np.less_equal, _byte),
    "gt": (np.greater, _byte),
    "gte": (np.greater_equal, _byte),
    "and": (_logical(np.logical_and), _byte),
    "or": (_logical(np.logical_or), _byte),
    "bitwiseAnd": (
        lambda a, b: (a.astype(np.int64) & b.astype(np.int64)).astype(np.float64),
        _wider,
    ),
    "rightShift": (
        lambda a, b: (a.astype(np.int64) >> b.astype(np.int64)).astype(np.float64),
        lambda a, _b: a,
    ),
}
_TYPES = {
    **dict.fromkeys(("toByte", "toUint8", "byte", "uint8"), "uint8"),
    **dict.fromkeys(("toInt8", "int8"), "int8"),
    **dict.fromkeys(("toUint16", "uint16"), "uint16"),
    **dict.fromkeys(("toInt16", "toShort", "int16", "short"), "int16"),
    **dict.fromkeys(("toUint32", "uint32"), "uint32"),
    **dict.fromkeys(("toInt", "toInt32", "int", "int32"), "int32"),
    **dict.fromkeys(("toLong", "toInt64", "long", "int64"), "int64"),
    **dict.fromkeys(("toFloat", "float"), "float32"),
    **dict.fromkeys(("toDouble", "double"), "float64"),
}


def _image(name: str) -> str:
    return f"Image.{name}"


FUNCTIONS: dict[str, Function] = {
    **{_image(n): _per_band(_image(n), *how) for n, how in _UNARY.items()},
    **{_image(n): _pairwise(_image(n), *how) for n, how in _BINARY.items()},
    **{_image(n): _cast_to(_image(n), np.dtype(t)) for n, t in _TYPES.items()},
    "Image.clamp": clamp,
    "Image.constant": lambda arguments: as_image(arguments["value"]),
}
