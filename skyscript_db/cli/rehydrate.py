"""``skyscript rehydrate``: the images of an exported manifest, fetched again."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click

from skyscript_db.cli.common import (
    Context,
    json_option,
    pass_context,
    print_json,
    progress,
)
from skyscript_db.database import conninfo_of


@click.command()
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the images; that of the manifest by default.",
)
@click.option(
    "--rasters",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the files of local scenes, which a manifest has by name alone.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many images.")
@json_option
@pass_context
def rehydrate(
    context: Context,
    *,
    manifest: Path,
    output: Path | None,
    rasters: Path | None,
    limit: int | None,
    as_json: bool,
) -> int:
    """Fetch the images that MANIFEST names and verify that they are the same."""
    from skyscript_db.rehydrate import rehydrate as fetch  # noqa: PLC0415 - slow

    with progress() as bar:
        result = fetch(
            context.settings,
            manifest,
            lambda: conninfo_of(context.conn),
            output=output,
            rasters=rasters,
            limit=limit,
            progress=bar,
        )
    if as_json:
        facts = {field.name: getattr(result, field.name) for field in fields(result)}
        print_json({"n_in": result.n_in, **facts})
    else:
        click.echo(
            f"{result.n_in:,} images = {result.n_matched:,} matched"
            f" ({result.n_kept:,} were there) + {result.differs.total():,} differ"
            f" + {result.failed.total():,} failed"
        )
        for word, causes in (("differ", result.differs), ("failed", result.failed)):
            for cause, n in causes.most_common():
                click.echo(f"{n:>9,} {word}: {cause}", err=True)
    return 0 if result.is_whole else 1
