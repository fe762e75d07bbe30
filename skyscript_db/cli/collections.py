"""``skyscript collections``: what services offer, and what of it is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click
from psycopg.rows import class_row

from skyscript_db import catalogue, queries
from skyscript_db.cli.common import (
    Context,
    json_option,
    pass_context,
    print_json,
    print_table,
    rounded,
)

if TYPE_CHECKING:
    from skyscript_db.catalogue import CatalogueEntry

SQL = queries.beside(__file__)

HEADERS = (
    *("collection", "provider", "alias", "GSD m", "region", "dates", "cloud %"),
    *("licence", "scenes"),
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A collection that is in the database."""

    name: str
    provider: str
    alias: str
    gsd_m: float | None
    licence: str | None
    n_scenes: int


@click.command()
@json_option
@pass_context
def collections(context: Context, *, as_json: bool) -> None:
    """List the collections of the catalogue, and those that are loaded."""
    cursor = context.conn.cursor(row_factory=class_row(Loaded))
    loaded = {row.name: row for row in cursor.execute(SQL.count_scenes)}
    entries = catalogue.all(context.settings)
    known = {entry.name for entry in entries}
    others = [row for name, row in loaded.items() if name not in known]
    if as_json:
        listed = [_facts(entry, loaded.get(entry.name)) for entry in entries]
        print_json(listed + [{**asdict(row), "is_loaded": True} for row in others])
        return
    rows = [_row(entry, loaded.get(entry.name)) for entry in entries]
    print_table(HEADERS, rows + [_loaded_row(row) for row in others])


def _facts(entry: CatalogueEntry, loaded: Loaded | None) -> dict[str, Any]:
    facts = entry.model_dump(mode="json", exclude_none=True)
    n_scenes = loaded.n_scenes if loaded else 0
    return {**facts, "is_loaded": loaded is not None, "n_scenes": n_scenes}


def _row(entry: CatalogueEntry, loaded: Loaded | None) -> tuple[object, ...]:
    return (
        entry.name,
        entry.provider,
        entry.alias,
        _gsd(entry),
        "global" if entry.is_global else _region(entry),
        f"{entry.start or '?'} to {entry.end or 'now'}",
        "" if entry.max_cloud is None else f"{entry.max_cloud:g}",
        entry.licence,
        "" if loaded is None else f"{loaded.n_scenes:,}",
    )


def _loaded_row(loaded: Loaded) -> tuple[object, ...]:
    gsd = "by scene" if loaded.gsd_m is None else rounded(loaded.gsd_m)
    return (
        *(loaded.name, loaded.provider, loaded.alias, gsd, "", "", "", loaded.licence),
        f"{loaded.n_scenes:,}",
    )


def _gsd(entry: CatalogueEntry) -> str:
    if entry.gsd_m is not None:
        return rounded(entry.gsd_m)
    finest = entry.finest_gsd_m
    return "by scene" if finest is None else f"from {rounded(finest)}"


def _region(entry: CatalogueEntry) -> str:
    return " ".join(",".join(f"{side:g}" for side in box) for box in entry.coverage)
