"""Tags that nobody has judged, which several commands tell of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from skyscript_db import queries

if TYPE_CHECKING:
    import psycopg

SQL = queries.beside(__file__)


def tell_pending(conn: psycopg.Connection[Any], *, err: bool = False) -> None:
    """Print how many tags nobody has judged and who judges them, if there are any."""
    row = conn.execute(SQL.count_pending).fetchone()
    if row and row[0]:
        click.echo(_hint(row[0]), err=err)


def _hint(n: int) -> str:
    return (
        f"pending tags: {n:,}; no caption tells what nobody has judged. `skyscript "
        "groundability train` judges them by a classifier, `skyscript groundability "
        "override KEY=VALUE` one by hand; `skyscript tags --source none` lists them"
    )
