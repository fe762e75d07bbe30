"""``skyscript tags`` and ``scorers``: what the dataset holds, and who judged it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

import click
from psycopg.rows import dict_row

from skyscript_db import queries
from skyscript_db.cli.common import (
    Context,
    json_option,
    pass_context,
    print_json,
    print_table,
)
from skyscript_db.cli.pending import tell_pending

if TYPE_CHECKING:
    import psycopg

SQL = queries.beside(__file__)


@click.command()
@click.option("--key", help="Only tags of this key.")
@click.option(
    "--groundable/--not-groundable",
    "is_groundable",
    default=None,
    help="Only tags that can, or cannot, be seen from above.",
)
@click.option(
    "--source",
    help="Only verdicts of override, label or classifier; none: pending tags.",
)
@click.option("--by-chips", is_flag=True, help="Most chips first, not most features.")
@click.option("-n", "limit", type=click.IntRange(min=1), default=50, show_default=True)
@json_option
@pass_context
def tags(context: Context, /, *, as_json: bool, **query: Any) -> None:
    """Show tags, their verdicts, and how many features and chips carry each."""
    _print(_rows(context.conn, SQL.tags, query), as_json=as_json)
    # Who asks for pending tags knows of them: the hint would point at itself.
    if not as_json and query["source"] != "none":
        tell_pending(context.conn, err=True)


@click.command()
@click.option(
    "--fraction",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.3,
    show_default=True,
    help="Share of the pairs that each scorer's top holds.",
)
@json_option
@pass_context
def scorers(context: Context, *, fraction: float, as_json: bool) -> None:
    """Show the models that scored the pairs, and how far their top pairs agree."""
    found = _rows(context.conn, SQL.scorers, {})
    overlap = _rows(context.conn, SQL.overlap, {"fraction": fraction})
    if as_json:
        print_json({"scorers": found, "fraction": fraction, "overlap": overlap})
        return
    _print(found, as_json=False)
    if overlap:
        click.echo(f"\nOf the top {fraction:.0%} of each")
        _print(overlap, as_json=False)


def _rows(
    conn: psycopg.Connection[Any], statement: LiteralString, values: dict[str, Any]
) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, values).fetchall()


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("none")
