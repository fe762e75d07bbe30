"""``skyscript model``: CLIP models on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from skyscript_db import queries
from skyscript_db.cli.common import Context, pass_context, print_table
from skyscript_db.errors import UsageError

SQL = queries.beside(__file__)


@click.group()
def model() -> None:
    """Look after CLIP models."""


@model.command(name="list")
@pass_context
def list_models(context: Context) -> None:
    """Show the models that embedded something here."""
    rows = context.conn.execute(SQL.list_models).fetchall()
    print_table(["id", "name", "weights", "dimension", "default", "n_chips"], rows)


@model.command()
@click.argument("number", metavar="ID", type=int)
@pass_context
def default(context: Context, *, number: int) -> None:
    """Let skyscript.pair show the scores of the model ID."""
    if context.conn.execute(SQL.reads_tags, {"id": number}).fetchone() == (True,):
        raise UsageError(
            f"model {number} reads tags for the classifier and embeds no image, so it "
            "scores no pair: give a CLIP of `skyscript model list`, or see "
            "`skyscript groundability default` for whose verdicts count"
        )
    with context.conn.transaction():
        context.conn.execute(SQL.clear_default)
        if not context.conn.execute(SQL.make_default, {"id": number}).rowcount:
            raise UsageError(f"no model {number}: see `skyscript model list`")
    click.echo(f"skyscript.pair shows the scores of model {number}")


@model.command()
@pass_context
def fetch(context: Context) -> None:
    """Fetch the configured weights, or say how to supply them."""
    from skyscript_db.clip import load  # noqa: PLC0415 - slow

    found = load(context.settings)
    click.echo(f"{found.name} ({found.weights}), {found.dimension} dimensions")


@model.command(name="stand-in")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=0, show_default=True)
def stand_in(*, folder: Path, seed: int) -> None:
    """Write a tiny CLIP with random weights into FOLDER, to try the machinery.

    It has the real architecture, and its similarities mean nothing. Use it with
    SKYSCRIPT_CLIP_MODEL=FOLDER where no weights can be had.
    """
    from skyscript_db.clip import weights  # noqa: PLC0415 - imports torch

    weights.write_stand_in(folder, seed=seed)
    click.echo(f"wrote a stand-in with random weights: SKYSCRIPT_CLIP_MODEL={folder}")
