"""Caption recipes: which there are, and what their settings may say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from skyscript_db import queries
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    import psycopg

SQL = queries.beside(__file__)

# What a recipe's settings may hold, and the values of those that are words.
SETTINGS: dict[str, tuple[object, ...] | type] = {
    "merge": ("count", "once"),
    "order": ("size", "salience"),
    "max_neighbours": int,
    "spatial": bool,
    "aerial_max_gsd_m": float,
    "base": str,
    "prompt": str,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How captions are told: a row of ``caption_recipe``."""

    name: str
    style: str
    prefix: str
    settings: dict[str, Any]


def find(conn: psycopg.Connection[Any], name: str) -> Recipe:
    """Return the recipe of a name.

    Raises:
        UsageError: There is none; tells those that there are.
    """
    with conn.cursor(row_factory=class_row(Recipe)) as cursor:
        known = {r.name: r for r in cursor.execute(SQL.list_recipes)}
    if name not in known:
        raise UsageError(
            f"no caption recipe named {name!r}; there are: {', '.join(known)}. "
            "Add a row to skyscript.caption_recipe for another."
        )
    return known[name]


def check_settings(recipe: Recipe) -> None:
    """Check that a recipe's settings are ones.

    Raises:
        UsageError: One of them means nothing.
    """
    for key, value in recipe.settings.items():
        allowed = SETTINGS.get(key)
        if allowed is None:
            raise UsageError(
                f"caption recipe {recipe.name!r} has an unknown setting {key!r}; "
                f"there are: {', '.join(SETTINGS)}"
            )
        if not _fits(value, allowed):
            told = allowed.__name__ if isinstance(allowed, type) else allowed
            raise UsageError(
                f"caption recipe {recipe.name!r}: the setting {key!r} is {value!r}, "
                f"and must be {told}"
            )


def _fits(value: object, allowed: tuple[object, ...] | type) -> bool:
    if isinstance(allowed, tuple):
        return value in allowed
    if allowed is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is allowed
