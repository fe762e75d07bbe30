"""What is said of files beside them: ``collection.toml``, and one for each file.

Both hold the same words, and a file's own win:

``bands``
    Names of its bands, in order.
``start``, ``end``
    When it was taken: a date, or a date and time.
``updated``
    When it last changed, instead of what the file system says.
``gsd``
    Becomes the property ``gsd``, in metres.
``properties``
    A table of the image's properties.
``geometry``
    Its footprint, as GeoJSON, instead of the outline of its pixels.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# An image that nobody dated; a fixed one, so that answers are the same every day.
UNDATED = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class About:
    """What is said of an image, or of all images of a collection."""

    bands: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    updated: datetime | None = None
    gsd: float | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    geometry: Mapping[str, Any] | None = None

    def over(self, other: About) -> About:
        """Return this, with the other's word where this has none."""
        said = {
            item.name: getattr(self, item.name) or getattr(other, item.name)
            for item in fields(self)
        }
        said["properties"] = {**other.properties, **self.properties}
        return About(**said)


def read(path: Path) -> About:
    """Read a TOML or JSON file; nothing is said by a file that is not there.

    Raises:
        UsageError: It is not TOML (JSON), or says what is not understood.
    """
    if not path.is_file():
        return About()
    try:
        return of_mapping(_parse(path))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path}: {error}; correct it") from error


def _parse(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    parsed = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    if not isinstance(parsed, dict):
        raise TypeError("holds no table")
    return parsed


def of_mapping(said: Mapping[str, Any]) -> About:
    """Make sense of what is said.

    Raises:
        ValueError: A word or a time is not understood.
    """
    known = {item.name for item in fields(About)}
    if unknown := sorted(set(said) - known):
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(sorted(known))}")
    times = {
        key: _time(said[key]) for key in ("start", "end", "updated") if key in said
    }
    return About(**{**said, **times, "bands": tuple(said.get("bands", ()))})


def _time(value: Any) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is no date")
    return value if value.tzinfo else value.replace(tzinfo=UTC)
