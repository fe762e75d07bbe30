"""The filter language of ``listAssets``, as today's client writes it.

``startTime >= "2020-01-01T00:00:00Z" AND endTime < "2021-01-01T00:00:00Z" AND
intersects("{'type': 'Point', 'coordinates': [0, 0]}") AND properties.CLOUD_COVER<=20``
with AND, OR, NOT and parentheses. A property that an image lacks fits no comparison.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from loaders.earth_engine.emulator import descriptions, geometry
from loaders.earth_engine.emulator.answers import invalid, not_emulated
from loaders.earth_engine.emulator.assets import ImageAsset

Test = Callable[[ImageAsset], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<sign><=|>=|!=|==|=|<|>|\(|\)|:)
      | (?P<word>[^\s"()<>=!:]+)
    )""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TIMES: dict[str, Callable[[ImageAsset], datetime]] = {
    "startTime": descriptions.start,
    "endTime": descriptions.end,
    "updateTime": descriptions.updated,
}


def parse(text: str) -> Test:
    """Return the test that a filter asks for.

    Raises:
        ApiError: It is not understood.
    """
    tokens = _Tokens(text)
    test = _any_of(tokens) if text.strip() else (lambda _: True)
    if not tokens.is_done:
        raise invalid(f"Invalid filter: unexpected {tokens.peek()!r} in: {text}")
    return test


class _Tokens:
    """The words of a filter, taken one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words: list[str] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise invalid(f"Invalid filter: cannot read {text[at:]!r}")
            self._words.append(match.group().strip())
            at = match.end()
        self._words.reverse()

    @property
    def is_done(self) -> bool:
        return not self._words

    def peek(self) -> str:
        return self._words[-1] if self._words else ""

    def take(self) -> str:
        if not self._words:
            raise invalid(f"Invalid filter: it ends too soon: {self._text}")
        return self._words.pop()

    def skip(self, word: str) -> bool:
        is_next = self.peek() == word
        if is_next:
            self.take()
        return is_next


def _any_of(tokens: _Tokens) -> Test:
    tests = [_all_of(tokens)]
    while tokens.skip("OR"):
        tests.append(_all_of(tokens))
    return lambda image: any(test(image) for test in tests)


def _all_of(tokens: _Tokens) -> Test:
    tests = [_one(tokens)]
    while tokens.skip("AND"):
        tests.append(_one(tokens))
    return lambda image: all(test(image) for test in tests)


def _one(tokens: _Tokens) -> Test:
    if tokens.skip("NOT"):
        test = _one(tokens)
        return lambda image: not test(image)
    if tokens.skip("("):
        test = _any_of(tokens)
        _expect(tokens, ")")
        return test
    word = tokens.take()
    return _meets(tokens) if word == "intersects" else _compared(word, tokens)


def _expect(tokens: _Tokens, word: str) -> None:
    if not tokens.skip(word):
        raise invalid(f"Invalid filter: {word!r} expected before {tokens.peek()!r}")


def _meets(tokens: _Tokens) -> Test:
    _expect(tokens, "(")
    region = _unquoted(tokens.take())
    _expect(tokens, ")")
    if not region.lstrip().startswith("{"):
        raise not_emulated("a region in WKT")
    try:
        # The client turns the double quotes of GeoJSON into single ones.
        wanted = json.loads(region.replace("'", '"'))
    except ValueError as error:
        raise invalid(f"Invalid GeoJSON region: {error}") from error
    return lambda image: geometry.intersects(image.footprint, wanted)


def _compared(name: str, tokens: _Tokens) -> Test:
    sign, text = tokens.take(), tokens.take()
    if sign not in _COMPARE:
        raise not_emulated(f"the operator {sign} in filters")
    compare = _COMPARE[sign]
    if name in _TIMES:
        told, wanted_at = _TIMES[name], _instant(_unquoted(text))
        return lambda image: bool(compare(told(image), wanted_at))
    if not name.startswith("properties."):
        raise not_emulated(f"the field {name} in filters")
    key, wanted = name.removeprefix("properties."), _value(text)
    return lambda image: _fits(compare, descriptions.properties(image).get(key), wanted)


def _fits(compare: Callable[[Any, Any], Any], value: Any, wanted: Any) -> bool:
    is_number = isinstance(value, int | float)
    if value is None or is_number != isinstance(wanted, int | float):
        return False
    return bool(compare(value, wanted))


def _value(text: str) -> Any:
    if text.startswith('"'):
        return _unquoted(text)
    try:
        return float(text)
    except ValueError:
        return text


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid(f"Invalid timestamp: {text}") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
