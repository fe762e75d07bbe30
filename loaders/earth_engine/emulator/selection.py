"""The functions that make filters: tests of an image by what is said of it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loaders.earth_engine.emulator import geometry
from loaders.earth_engine.emulator.answers import not_emulated
from loaders.earth_engine.emulator.images import Image

if TYPE_CHECKING:
    from loaders.earth_engine.emulator.expressions import Arguments, Function

Test = Callable[[Image], bool]


def _field(arguments: Arguments, name: str, test: Callable[[Any, Any], Any]) -> Test:
    """Return a test of a property against a value, whichever stands on the left."""
    if "leftField" in arguments and "rightValue" in arguments:
        key, wanted = arguments["leftField"], arguments["rightValue"]
        return lambda image: _fits(test, image.properties.get(key), wanted)
    if "rightField" in arguments and "leftValue" in arguments:
        key, wanted = arguments["rightField"], arguments["leftValue"]
        return lambda image: _fits(test, wanted, image.properties.get(key))
    raise not_emulated(f"{name} of two fields")


def _fits(test: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    try:
        return bool(test(left, right))
    except TypeError:
        return False


def _compared(name: str, test: Callable[[Any, Any], Any]) -> Function:
    return lambda arguments: _field(arguments, name, test)


def _intersects(arguments: Arguments) -> Test:
    value = arguments.get("rightValue", arguments.get("leftValue"))
    region = value["geometry"] if value and value.get("type") == "Feature" else value
    if region is None:
        raise not_emulated("Filter.intersects of two fields")
    return lambda image: geometry.intersects(image.footprint or region, region)


def _not(arguments: Arguments) -> Test:
    test = arguments["filter"]
    return lambda image: not test(image)


def _all(arguments: Arguments) -> Test:
    tests = arguments["filters"]
    return lambda image: all(test(image) for test in tests)


def _any(arguments: Arguments) -> Test:
    tests = arguments["filters"]
    return lambda image: any(test(image) for test in tests)


def _not_null(arguments: Arguments) -> Test:
    names = arguments["properties"]
    return lambda image: all(image.properties.get(name) is not None for name in names)


def _within(times: tuple[float, float], at: Any) -> bool:
    return bool(times[0] <= at < times[1])


FUNCTIONS: dict[str, Function] = {
    "Filter.equals": _compared("Filter.equals", operator.eq),
    "Filter.lessThan": _compared("Filter.lessThan", operator.lt),
    "Filter.greaterThan": _compared("Filter.greaterThan", operator.gt),
    "Filter.lessThanOrEquals": _compared("Filter.lessThanOrEquals", operator.le),
    "Filter.greaterThanOrEquals": _compared("Filter.greaterThanOrEquals", operator.ge),
    "Filter.listContains": _compared("Filter.listContains", operator.contains),
    "Filter.stringContains": _compared("Filter.stringContains", operator.contains),
    "Filter.dateRangeContains": _compared("Filter.dateRangeContains", _within),
    "Filter.intersects": _intersects,
    "Filter.not": _not,
    "Filter.and": _all,
    "Filter.or": _any,
    "Filter.notNull": _not_null,
}
