"""``skyscript status``: what is loaded, what the jobs did, and the funnel."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, LiteralString

import click
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from skyscript_db import area as areas
from skyscript_db import queries
from skyscript_db.cli.common import (
    Context,
    area_option,
    json_option,
    pass_context,
    print_json,
    print_table,
    tag_option,
)
from skyscript_db.cli.pending import tell_pending
from skyscript_db.jobs import JOBS
from skyscript_db.jobs.runner import name_of

if TYPE_CHECKING:
    import psycopg

SQL = queries.beside(__file__)

# So much of an error is shown: enough for most with their remedy.
ERROR_CHARS = 240


@click.command()
@area_option
@tag_option
@click.option("--collection", help="Only scenes of this collection.")
@click.option(
    "--max-gsd",
    type=click.FloatRange(min=0, min_open=True),
    help="Only scenes at least so fine, in metres.",
)
@json_option
@pass_context
def status(
    context: Context,
    *,
    area: str | None,
    tags: dict[str, str] | None,
    collection: str | None,
    max_gsd: float | None,
    as_json: bool,
) -> None:
    """Show what is loaded, what each job did last, and the funnel of a query."""
    conn = context.conn
    query = {
        "area": areas.parse(conn, area) if area else None,
        "tags": Jsonb(tags) if tags else None,
        "collection": collection,
        "max_gsd_m": max_gsd,
    }
    facts = {
        "extracts": _rows(conn, SQL.extracts),
        "collections": _rows(conn, SQL.collections),
        "jobs": _rows(conn, SQL.jobs, {"jobs": [name_of(job) for job in JOBS]}),
        "funnel": _rows(conn, SQL.funnel, query),
        "failures": _rows(conn, SQL.failures),
    }
    if as_json:
        print_json(facts)
    else:
        _print(conn, facts)


def _rows(
    conn: psycopg.Connection[Any],
    statement: LiteralString,
    values: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, values).fetchall()


def _print(
    conn: psycopg.Connection[Any], facts: dict[str, list[dict[str, Any]]]
) -> None:
    for name, rows in facts.items():
        click.echo(f"\n{name.upper()}")
        if rows:
            headers = [header for header in rows[0] if header != "error"]
            print_table(headers, [[_short(row[h]) for h in headers] for row in rows])
        else:
            click.echo("none")
        if name == "jobs":
            _print_errors(rows)
            # As of now: the ledger has those of the last run.
            tell_pending(conn)
    if facts["failures"]:
        click.echo("`skyscript failures` tells the causes, and what to do about them")


def _print_errors(jobs: list[dict[str, Any]]) -> None:
    told = [(job, " ".join(job["error"].split())) for job in jobs if job["error"]]
    for job, error in told:
        line = textwrap.shorten(error, ERROR_CHARS, placeholder=" …")
        click.echo(f"{job['job']} {job['status']}: {line}")
    if any(len(error) > ERROR_CHARS for _, error in told):
        click.echo("`skyscript status --json` tells errors in full")


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        reasons = sorted(value.items(), key=lambda item: -item[1])
        return "; ".join(f"{n:,} {reason}" for reason, n in reasons)
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%d %H:%M")
    return value
