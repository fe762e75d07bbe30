"""The collections that services offer: what they are called, show, and allow.

``db/reference/collections.toml`` lists the public ones; an entry in a file of the same
form, ``collections.toml`` in the home folder, adds to it or replaces one by name.
"""

from __future__ import annotations

import logging
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from skyscript_db.catalogue.entry import Band, CatalogueEntry, Cloud, Stretch
from skyscript_db.errors import UsageError
from skyscript_db.paths import DB

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from skyscript_db.config import Settings

__all__ = ["Band", "CatalogueEntry", "Cloud", "Stretch", "all", "find", "own_file"]

logger = logging.getLogger(__name__)

BUILT_IN = DB / "reference" / "collections.toml"


def all(settings: Settings) -> list[CatalogueEntry]:  # noqa: A001 - catalogue.all
    """Return all entries, the built-in ones first.

    An entry of the user's that is not right is told in the log, and left out; so is the
    built-in one that it would have replaced.

    Raises:
        UsageError: The user's file is no list of entries.
    """
    entries, faults = _sorted_out(settings)
    _warn(faults)
    return entries


def find(settings: Settings, name: str) -> CatalogueEntry:
    """Return the entry of this name, or else the one with this asset or alias.

    Raises:
        UsageError: There is none, or the user's own is not right.
    """
    entries, faults = _sorted_out(settings)
    wanted = name.strip().casefold()
    for key in ("name", "asset", "alias"):
        for fault in faults:
            if str(fault.told.get(key) or "").casefold() == wanted:
                raise UsageError(fault.message)
        found = [e for e in entries if (getattr(e, key) or "").casefold() == wanted]
        if len(found) == 1:
            _warn(faults)
            return found[0]
    raise UsageError(
        f"the catalogue has no collection {name!r}: choose one that `skyscript "
        f"collections` lists, or add an entry to {own_file(settings)} (docs/"
        "earth-engine.md shows one)"
    )


def own_file(settings: Settings) -> Path:
    """Return where the user's own entries are, or would be."""
    return settings.home / "collections.toml"


@dataclass(frozen=True, slots=True)
class Fault:
    """An entry that is not right: what it says, and what is wrong with it."""

    told: dict[str, Any]
    message: str


def _sorted_out(settings: Settings) -> tuple[list[CatalogueEntry], list[Fault]]:
    entries = {entry.name: entry for entry in _read(BUILT_IN)}
    own = own_file(settings)
    faults: list[Fault] = []
    for found in read(own) if own.is_file() else []:
        if isinstance(found, Fault):
            faults.append(found)
            entries.pop(str(found.told.get("name")), None)
        else:
            entries[found.name] = found
    return list(entries.values()), faults


def _warn(faults: Iterable[Fault]) -> None:
    for fault in faults:
        logger.warning("left out: %s", fault.message)


def read(path: Path) -> list[CatalogueEntry | Fault]:
    """Read the entries of a file.

    Raises:
        UsageError: It cannot be read, or is no list of entries.
    """
    try:
        parsed = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}; correct it") from error
    tables = parsed.get("collection")
    if not isinstance(tables, list) or set(parsed) != {"collection"}:
        raise UsageError(
            f"{path} has to be a list of [[collection]] tables: correct it"
        )
    return [_entry(path, n, table) for n, table in enumerate(tables, start=1)]


@lru_cache(maxsize=4)
def _read(path: Path) -> tuple[CatalogueEntry, ...]:
    return tuple(entry for entry in read(path) if isinstance(entry, CatalogueEntry))


def _entry(path: Path, n: int, table: Any) -> CatalogueEntry | Fault:
    try:
        return CatalogueEntry.model_validate(table)
    except ValidationError as error:
        told = table if isinstance(table, dict) else {}
        name = told.get("name", f"number {n}")
        faults = "; ".join(map(_told, error.errors()))
        return Fault(told, f"{path}, collection {name}: {faults}; correct it")


def _told(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    if fault["loc"][:1] == ("rgb",):
        message += " (three bands: red, green and blue)"
    return f"{place}: {message}" if place else message
