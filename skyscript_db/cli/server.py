"""``skyscript db``: the server and the schema."""

from __future__ import annotations

import os
import shutil

import click

from skyscript_db import database, schema
from skyscript_db.cli.common import Context, json_option, pass_context, print_json
from skyscript_db.cluster import Cluster, check_extensions
from skyscript_db.errors import ServerError, UsageError


@click.group()
def db() -> None:
    """Start, stop and look after the database."""


@db.command()
@pass_context
def start(context: Context) -> None:
    """Start the embedded server and bring its schema up to date."""
    _own(context)
    warnings = check_extensions(context.conn)
    click.echo(f"running: {database.conninfo(context.settings)}")
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


@db.command()
@pass_context
def stop(context: Context) -> None:
    """Stop the embedded server."""
    click.echo("stopped" if _own(context).stop() else "was not running")


@db.command()
@json_option
@pass_context
def status(context: Context, *, as_json: bool) -> None:
    """Say which server is used and how it is."""
    facts = _facts(context)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        click.echo(f"{name:<9} {value if value is not None else '-'}")


def _facts(context: Context) -> dict[str, object]:
    if not database.is_embedded(context.settings):
        with database.connect(database.conninfo(context.settings)) as conn:
            return {
                "server": "your own",
                "running": True,
                "version": conn.info.parameter_status("server_version"),
                "revision": schema.current_revision(conn),
            }
    found = Cluster(context.settings.home).status()
    return {
        "server": "embedded",
        "running": found.running,
        "pid": found.pid,
        "version": found.version,
        "data": str(found.data),
        "socket": str(found.socket),
    }


@db.command()
@pass_context
def url(context: Context) -> None:
    """Print the connection string, for psql and others; starts the server."""
    _ = context.conn
    click.echo(database.conninfo(context.settings))


@db.command()
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@pass_context
def shell(context: Context, arguments: tuple[str, ...]) -> None:
    """Open psql on the database; ARGUMENTS are psql's own, after a --."""
    psql = shutil.which("psql")
    if psql is None:
        raise ServerError("psql is not installed: run db/install.sh")
    _ = context.conn
    # In the environment, where other users cannot read it as they can arguments.
    environment = {**os.environ, **database.environment(context.settings)}
    os.execve(psql, [psql, *arguments], environment)  # noqa: S606


@db.command()
@pass_context
def upgrade(context: Context) -> None:
    """Bring the schema up to date."""
    schema.upgrade(database.conninfo(context.settings))
    click.echo(f"at revision {schema.head_revision()}")


@db.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def reset(context: Context, *, yes: bool) -> None:
    """Delete the embedded server with all its data, and the chips."""
    cluster = _own(context)
    chips = context.settings.chips
    if not (cluster.is_there or chips.exists()):
        click.echo(f"nothing to delete: no database in {cluster.folder}")
        return
    if not yes:
        click.confirm(
            f"Delete the database in {cluster.folder} and the images in {chips}?",
            abort=True,
        )
    cluster.reset()
    shutil.rmtree(chips, ignore_errors=True)
    click.echo("deleted")


def _own(context: Context) -> Cluster:
    if not database.is_embedded(context.settings):
        raise UsageError(
            "SKYSCRIPT_DATABASE_URL or a PG* variable names a server of your own: "
            "unset it to use the embedded one"
        )
    return Cluster(context.settings.home)
