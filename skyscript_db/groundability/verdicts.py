"""Verdicts on tags: why, which ones, and how to overrule them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyscript_db import queries
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from skyscript_db.groundability.encoders import Tag

SQL = queries.beside(__file__)

N_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one source says of a tag.

    Attributes:
        source: override, label, rule, wildcard or classifier:ID.
        max_gsd_m: Largest GSD at which the tag can be seen, in metres; None: at none.
        probability: Of the classifier, that it can be seen at all.
        reason: Why, in a few words.
    """

    source: str
    max_gsd_m: float | None
    probability: float | None
    reason: str

    def allows(self, gsd_m: float) -> bool:
        """Return whether the tag can be seen at a GSD in metres."""
        return self.max_gsd_m is not None and self.max_gsd_m >= gsd_m


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A labelled tag that reads alike."""

    tag: str
    max_gsd_m: float | None
    similarity: float


@dataclass(frozen=True, slots=True)
class Why:
    """Everything that is known of a tag's groundability.

    Attributes:
        tag: Key and value.
        n_features: Loaded features that carry it.
        verdicts: In the order in which they count: the first decides.
        nearest: Labelled tags nearest to it, where a classifier read it.
        telling: What a chip of the GSD asked about would tell, as a sentence.
    """

    tag: Tag
    n_features: int
    verdicts: list[Verdict]
    nearest: list[Neighbour]
    telling: str | None


def parse_tag(text: str) -> Tag:
    """Read KEY=VALUE.

    Raises:
        UsageError: It is not.
    """
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise UsageError(f"{text!r} is no tag: write KEY=VALUE, such as shop=bakery")
    return key, value


def why(conn: psycopg.Connection[Any], tag: Tag, *, gsd_m: float | None = None) -> Why:
    """Explain a tag, whether or not any feature carries it."""
    values = {"key": tag[0], "value": tag[1]}
    verdicts = [Verdict(*row) for row in conn.execute(SQL.explain, values)]
    row = conn.execute(SQL.select_tag, values).fetchone()
    nearest = conn.execute(SQL.select_nearest, {**values, "n": N_NEAREST})
    return Why(
        tag,
        0 if row is None else row[1],
        verdicts,
        [Neighbour(*each) for each in nearest],
        None if gsd_m is None else _telling(conn, tag, gsd_m, verdicts),
    )


def _telling(
    conn: psycopg.Connection[Any],
    tag: Tag,
    gsd_m: float,
    verdicts: Sequence[Verdict],
) -> str:
    values = {"key": tag[0], "value": tag[1], "gsd_m": gsd_m}
    row = conn.execute(SQL.select_telling, values).fetchone()
    assert row is not None  # noqa: S101 - one row, whatever the tag
    text, role, generic = row
    at = f"at {gsd_m:g} m"
    if verdicts and verdicts[0].allows(gsd_m):
        if role == "primary":
            return f'{at} a caption tells it: "{text}"'
        return f'{at} a caption tells it beside what the object is: "{text}"'
    if generic is not None:
        return f'{at} a caption tells its key alone: "{generic}"'
    return f"{at} no caption tells it"


def override(
    conn: psycopg.Connection[Any], tag: Tag, *, max_gsd_m: float | None, reason: str
) -> None:
    """Overrule whatever else is said of a tag; None as ``max_gsd_m`` refuses it.

    Raises:
        UsageError: The tag has not been collected, or the GSD is none.
    """
    if max_gsd_m is not None and not 0 < max_gsd_m < 100_000:
        raise UsageError(f"a GSD is a positive number of metres, not {max_gsd_m:g}")
    values = {"tag_id": _id(conn, tag), "max_gsd_m": max_gsd_m, "reason": reason}
    conn.execute(SQL.insert_override, values)


def clear_override(conn: psycopg.Connection[Any], tag: Tag) -> bool:
    """Take an override back; return whether there was one."""
    values = {"tag_id": _id(conn, tag)}
    return bool(conn.execute(SQL.delete_override, values).rowcount)


def _id(conn: psycopg.Connection[Any], tag: Tag) -> int:
    values = {"key": tag[0], "value": tag[1]}
    row = conn.execute(SQL.select_tag, values).fetchone()
    if row is None:
        raise UsageError(
            f"no feature carries {tag[0]}={tag[1]}: load an extract that has it and "
            "run `skyscript run collect_tags`"
        )
    return int(row[0])
