"""``skyscript failures``: why chips have no image, and what to do about it."""

from __future__ import annotations

from typing import Any

import click
from psycopg.rows import dict_row

from skyscript_db import queries
from skyscript_db.cli.common import Context, json_option, pass_context, print_json
from skyscript_db.jobs.fetch_chips import MAX_ATTEMPTS

SQL = queries.beside(__file__)


@click.command()
@json_option
@pass_context
def failures(context: Context, *, as_json: bool) -> None:
    """Group the chips that failed or were rejected by cause, with a remedy each."""
    values = {"max_attempts": MAX_ATTEMPTS}
    with context.conn.cursor(row_factory=dict_row) as cursor:
        causes = cursor.execute(SQL.failures, values).fetchall()
        pauses = cursor.execute(SQL.pauses).fetchall()
    if as_json:
        print_json({"causes": causes, "pauses": pauses})
        return
    for pause in pauses:
        until = pause["paused_until"].strftime("%Y-%m-%d %H:%M:%S")
        click.echo(
            f"{pause['service']} is paused until {until} UTC: {pause['pause_cause']}"
        )
    for cause in causes:
        _print(cause)
    if not causes:
        click.echo("no chip failed or was rejected")


def _print(cause: dict[str, Any]) -> None:
    status = f" (HTTP {cause['http_status']})" if cause["http_status"] else ""
    click.echo(f"{cause['n_chips']:>9,} {cause['state']}{status}: {cause['cause']}")
    facts = [", ".join(cause["collections"]), f"last {cause['last_at']:%Y-%m-%d %H:%M}"]
    if cause["state"] == "failed":
        facts.append(f"{cause['n_tried_again']:,} are tried again by the next run")
    click.echo(f"{'':>9} {'; '.join(facts)}")
    click.echo(f"{'':>9} -> {cause['remedy']}")
