"""``skyscript export`` and ``sheet``: the pairs, out of the database."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skyscript_db import area as areas
from skyscript_db.cli.common import (
    Context,
    area_option,
    json_option,
    pass_context,
    print_json,
    progress,
    tag_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyscript_db.cli.common import Command
    from skyscript_db.export import ExportResult
    from skyscript_db.export.selection import CaptionKind

UNSPLIT = " (reaching into another split, or newer than the last run of split_pairs)"

collections_option = click.option(
    "--collection", "collections", multiple=True, help="May be repeated."
)

recipe_option = click.option(
    "--recipe", help="Caption recipe; the configured one by default."
)


def kind_option(default: str) -> Callable[[Command], Command]:
    """Add ``--caption-kind``."""
    return click.option(
        "--caption-kind",
        type=click.Choice(["focus", "multi_feature"]),
        default=default,
        show_default=True,
        help="Which caption stands for the chip.",
    )


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--format",
    type=click.Choice(["csv", "webdataset"]),
    required=True,
    help="csv: SkyScript's own columns and names; webdataset: tar shards.",
)
@click.option("--name", default="skyscript", show_default=True, help="Of the dataset.")
@click.option("--split", type=click.Choice(["train", "val", "test"]))
@area_option
@tag_option
@collections_option
@click.option("--min-similarity", type=float, help="By the default model.")
@click.option("--top", type=float, help="The best share of all pairs, such as 0.3.")
@click.option("--scorer", help="The model of --top; the default one otherwise.")
@click.option("--max-per-caption", type=int, help="Most chips of one text.")
@click.option("--max-per-tag", type=int, help="Most chips that count for one tag.")
@recipe_option
@kind_option("focus")
@click.option(
    "--prefix",
    help="In front of titles, instead of the format's own; {view} is by GSD.",
)
@click.option(
    "--surrounding/--no-surrounding",
    "has_surrounding",
    default=True,
    help="Whether metadata has the tags and ids of all that lies around the focus.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many chips.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier export in FOLDER.")
@click.option("--force", is_flag=True, help="Write into a folder with other files.")
@json_option
@pass_context
def export(
    context: Context,
    /,
    *,
    folder: Path,
    area: str | None,
    collections: tuple[str, ...],
    caption_kind: CaptionKind,
    as_json: bool,
    **options: Any,
) -> int:
    """Write pairs into FOLDER, with a manifest, checksums and attribution."""
    from skyscript_db.export import export as write  # noqa: PLC0415 - slow to import

    conn = context.conn
    with progress() as bar:
        result = write(
            conn,
            context.settings,
            folder,
            area=areas.parse(conn, area) if area else None,
            collections=list(collections) or None,
            caption_kind=caption_kind,
            progress=bar,
            **options,
        )
    if as_json:
        print_json(asdict(result))
    else:
        _print(result)
    _print_hint(result)
    return 1 if result.rejected else 0


def _print(result: ExportResult) -> None:
    click.echo(
        f"{result.folder}: {result.n_selected:,} chips = {result.n_chips:,} written"
        f" + {sum(result.rejected.values()):,} rejected; {result.n_pairs:,} pairs,"
        f" version {result.version}"
    )
    for split, n in result.splits.items():
        why = UNSPLIT if split == "unsplit" and len(result.splits) > 1 else ""
        click.echo(f"{n:>9,} {split}{why}")
    for reason, n in result.rejected.items():
        click.echo(f"rejected: {n:,} {reason}", err=True)
    if result.n_synthetic:
        click.echo(f"{result.n_synthetic:,} chips are SYNTHETIC", err=True)
    if result.command:
        click.echo(f"\nTo train on it:\n{result.command}")


def _print_hint(result: ExportResult) -> None:
    if set(result.splits) == {"unsplit"}:
        click.echo(
            "no chip is in a split: draw train, val and test with `skyscript run "
            "split_pairs`, and export again with --overwrite",
            err=True,
        )


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-n", type=click.IntRange(min=1), default=24, show_default=True)
@click.option("--columns", type=click.IntRange(min=1), default=6, show_default=True)
@area_option
@collections_option
@click.option("--seed", type=int, default=0, show_default=True, help="Another draw.")
@recipe_option
@kind_option("multi_feature")
@pass_context
def sheet(
    context: Context,
    /,
    *,
    file: Path,
    area: str | None,
    collections: tuple[str, ...],
    **options: Any,
) -> None:
    """Draw chips with their captions into FILE, a PNG picture."""
    from skyscript_db.sheet import draw  # noqa: PLC0415 - imports Pillow

    conn = context.conn
    drawn = draw(
        conn,
        context.settings,
        file,
        area=areas.parse(conn, area) if area else None,
        collections=list(collections) or None,
        **options,
    )
    click.echo(f"{file}: {drawn} chips")
