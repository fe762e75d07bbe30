"""The caption grammar in Python, as a loop over chips: what the job is held against.

It reads the same tables, says the same things, and keeps what it has said of a set of
tags. It lives here alone: the project's own grammar is in SQL.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.common import one
from skyscript_db import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.common import Connection

SQL = queries.beside(str(Path(__file__).with_name("captions.py")))

_PIECES = re.compile(r"[^\W\d_]+|\d|(?:[^\w\s]|_)+")
_FALLEN = {
    *("no", "proposed", "planned", "construction", "demolished", "destroyed"),
    *("removed", "razed", "collapsed", "ruins", "abandoned", "underground"),
}
_READABLE = str.maketrans("_:", "  ")

Caption = tuple[int, str, str]


class Rule(NamedTuple):
    """A row of caption_rule, without its key."""

    role: str
    rank: int
    word: str
    form: str
    plural: str
    counted: str
    is_generic: bool


class Texts(NamedTuple):
    """One feature in words."""

    alone: str
    one: str
    many: str | None
    n_tokens: int


def plural(noun: str) -> str:
    if re.search(r"(s|x|z|ch|sh)$", noun):
        return noun + "es"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + "s"


def counted(one: str, many: str | None, n: int) -> str:
    if many is None or n == 1:
        return one
    if n < 10:
        return f"{ {2: 'two', 3: 'three'}.get(n, 'several') } {many}"
    return f"many {many}"


class Grammar:
    """The rules, verdicts and words of a database."""

    def __init__(self, conn: Connection, recipe: str) -> None:
        rules = conn.execute(SQL.select_rules).fetchall()
        self.rules = {key: Rule(*rest) for key, *rest in rules}
        verdicts = conn.execute(SQL.select_verdicts).fetchall()
        self.max_gsd_m = {(key, value): gsd_m for key, value, gsd_m in verdicts}
        self.hiding = conn.execute(SQL.select_hiding_tags).fetchall()
        self.words = dict(conn.execute(SQL.select_word_tokens).fetchall())
        self.prefix, max_tokens, self.min_size_px = one(
            conn, SQL.select_recipe, {"recipe": recipe}
        )
        self.max_tokens = max_tokens - 2 - self.count(self.prefix)
        self.texts = lru_cache(maxsize=None)(self._texts)

    def count(self, text: str) -> int:
        """Return an upper bound of a text's tokens."""
        words = self.words
        pieces = _PIECES.findall(text.lower())
        return sum(words.get(x) or len(x.encode()) for x in pieces)

    def captions(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[Caption]:
        """Tell each chip; rows of one chip come together."""
        for chip_id, links in groupby(rows, key=lambda row: row[0]):
            yield from self._chip(chip_id, links)

    def _chip(self, chip_id: int, links: Iterable[tuple[Any, ...]]) -> list[Caption]:
        focus, around = None, []
        for _, role, kind, tags, width_px, height_px, gsd_m in links:
            if role == "focus":
                focus = self.texts(tags, kind, gsd_m)
            elif kind == "n" or max(width_px, height_px) >= self.min_size_px:
                texts = self.texts(tags, kind, gsd_m)
                if texts:
                    size = apparent_size_px2(kind, width_px, height_px, gsd_m)
                    around.append((texts, size))
        if focus is None:
            return []
        said = [("focus", focus.alone), ("multi_feature", self._multi(focus, around))]
        return [
            (chip_id, kind, self.prefix + text)
            for kind, text in said
            if self.count(text) <= self.max_tokens
        ]

    def _multi(self, focus: Texts, around: list[tuple[Texts, float]]) -> str:
        groups: dict[tuple[str, str | None], list[tuple[Texts, float]]]
        groups = defaultdict(list)
        for texts, size in around:
            if texts.many is not None or texts.one != focus.one:
                groups[texts.one, texts.many].append((texts, size))
        merged = sorted(
            (
                -max(size for _, size in members),
                counted(*key, len(members)),
                max(texts.n_tokens for texts, _ in members),
            )
            for key, members in groups.items()
        )
        room = self.max_tokens - self.count(focus.one) - 2
        told, used = [], 0
        for _, phrase, n_tokens in merged:
            used += n_tokens + 1
            if used <= room:
                told.append(phrase)
        return focus.one + (f", surrounded by {'; '.join(told)}" if told else "")

    def _texts(self, tags: str, kind: str, gsd_m: float) -> Texts | None:
        told = sorted(self._told(json.loads(tags), kind, gsd_m))
        if not any(role == "primary" for _, _, role, _, _ in told):
            return None
        ones = [text for *_, text, _ in told]
        many = told[0][4]
        rest = f" with {' and '.join(ones[1:])}" if ones[1:] else ""
        plurals = None if many is None else many + rest
        longest = (ones[0] if many is None else f"many {many}") + rest
        return Texts(", ".join(ones), ones[0] + rest, plurals, self.count(longest))

    def _told(
        self, tags: dict[str, str], kind: str, gsd_m: float
    ) -> Iterator[tuple[float, str, str, str, str | None]]:
        if any(
            tags.get(key) == value and unless not in tags
            for key, value, unless in self.hiding
        ):
            return
        for key, value in tags.items():
            rule = self.rules.get(key)
            told = self._value(key, value, rule, gsd_m)
            if told is None:
                continue
            if rule is None:
                word = key.translate(_READABLE)
                yield float("inf"), key, "attribute", _text(word, told, None), None
            else:
                text = _text(rule.word, told, rule.form)
                many = _many(rule, told) if kind in rule.counted else None
                yield rule.rank, key, rule.role, text, many

    def _value(
        self, key: str, value: str, rule: Rule | None, gsd_m: float
    ) -> str | None:
        if (self.max_gsd_m.get((key, value)) or -1) >= gsd_m:
            return value
        if rule and rule.is_generic and value not in _FALLEN:
            return "yes" if (self.max_gsd_m.get((key, "yes")) or -1) >= gsd_m else None
        return None


def apparent_size_px2(kind: str, width: float, height: float, gsd_m: float) -> float:
    if kind == "a":
        return width * height
    return max(width, height) * 6 / gsd_m if kind == "w" else 25 / (gsd_m * gsd_m)


def _text(word: str, value: str, form: str | None) -> str:
    if value == "yes":
        return word
    readable = value.translate(_READABLE)
    return f"{word} {readable}" if form == "key value" else f"{word} of {readable}"


def _many(rule: Rule, value: str) -> str:
    if value == "yes":
        return rule.plural
    readable = value.translate(_READABLE)
    if rule.form == "key value":
        return f"{rule.word} {plural(readable)}"
    return f"{rule.plural} of {readable}"
