"""``skyscript model``: CLIP models on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from skyscript_db.cli.common import Context, pass_context


@click.group()
def model() -> None:
    """Look after CLIP models."""


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
