"""``skyscript load`` and ``remove``: outside data in, and out again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skyscript_db.cli.common import (
    Context,
    json_option,
    pass_context,
    print_json,
    print_table,
    progress,
)
from skyscript_db.cli.load_imagery import earth_engine, stac
from skyscript_db.errors import UsageError
from skyscript_db.images import open_store

if TYPE_CHECKING:
    from loaders.osm import OsmLoad
    from loaders.rasters import RasterLoad


def _gsd(ctx: click.Context, param: click.Parameter, value: str) -> float | None:
    del ctx, param
    if value == "auto":
        return None
    try:
        gsd_m = float(value)
    except ValueError:
        gsd_m = 0
    if not 0 < gsd_m < 10_000:
        raise click.BadParameter(f"{value!r} is neither auto nor a number of metres")
    return gsd_m


@click.group()
def load() -> None:
    """Load OpenStreetMap files and imagery."""


load.add_command(earth_engine)
load.add_command(stac)


@load.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the extract; several live together by name.")
@click.option("--force", is_flag=True, help="Load again even if nothing changed.")
@json_option
@pass_context
def osm(
    context: Context, *, file: Path, name: str | None, force: bool, as_json: bool
) -> None:
    """Load an OSM file: .osm.pbf, .osm, .osm.gz, .osm.bz2 or .opl."""
    from skyscript_db import api  # noqa: PLC0415 - `--help` needs none of it

    with progress() as bar:
        result = api.load_osm(
            context.conn, context.settings, file, name=name, force=force, progress=bar
        )
    if as_json:
        print_json(asdict(result))
    else:
        _print_osm(result)


@load.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--collection", required=True, help="Collection that they belong to.")
@click.option("--alias", help="Short name in exported file names.")
@click.option(
    "--gsd",
    "gsd_m",
    default="auto",
    show_default=True,
    metavar="METRES|auto",
    callback=_gsd,
    help="Ground sample distance; auto measures it.",
)
@click.option(
    "--date",
    "acquired_at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="When it was taken, UTC; otherwise the file's own tags tell.",
)
@click.option("--licence", help="SPDX identifier or terms.")
@click.option("--attribution", help="Credit to be printed.")
@click.option("--bands", help="Red, green, blue: 4,3,2 or B04,B03,B02.")
@click.option(
    "--stretch",
    metavar="none|percentile|MIN,MAX",
    help="How values become 8 bits; by default none for 8 bits, else percentile.",
)
@click.option(
    "--synthetic", "is_synthetic", is_flag=True, help="Drawn, not photographed."
)
@json_option
@pass_context
def rasters(
    context: Context, /, *, paths: tuple[Path, ...], as_json: bool, **options: Any
) -> int:
    """Register GeoTIFF or COG files, or folders of them, as scenes."""
    from loaders import rasters as loader  # noqa: PLC0415 - imports GDAL

    chosen = loader.RasterOptions(**options, chips=open_store(context.settings))
    result = loader.load(context.conn, paths, chosen)
    if as_json:
        print_json(_raster_facts(result))
    else:
        _print_rasters(result)
    return 1 if result.rejected else 0


def _print_osm(result: OsmLoad) -> None:
    if result.status == "unchanged":
        click.echo(f"{result.extract}: the same file is loaded already")
        return
    n_objects = result.n_nodes + result.n_ways + result.n_relations
    click.echo(
        f"{result.extract}: {n_objects:,} objects = {result.n_features:,} features"
        f" + {sum(result.left_out.values()):,} left out, in {result.seconds:.1f} s"
    )
    if result.replaced is not None:
        click.echo(f"replaced what {result.extract} was, from {result.replaced}")
    for reason, n in sorted(result.left_out.items(), key=lambda item: -item[1]):
        click.echo(f"{n:>12,} {reason}")


def _print_rasters(result: RasterLoad) -> None:
    click.echo(
        f"{result.n_in} files = {result.n_new} new + {result.n_unchanged} unchanged"
        f" + {result.n_replaced} replaced + {len(result.rejected)} rejected"
    )
    if result.n_chips_dropped:
        click.echo(f"{result.n_chips_dropped:,} chips of replaced scenes are gone")
    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    for path, reason in result.rejected.items():
        click.echo(f"rejected: {path}: {reason}", err=True)


def _raster_facts(result: RasterLoad) -> dict[str, object]:
    return {
        "files": {str(path): outcome for path, outcome in result.outcomes.items()},
        "rejected": {str(path): reason for path, reason in result.rejected.items()},
        "notes": result.notes,
        "n_chips_dropped": result.n_chips_dropped,
    }


@click.group()
def remove() -> None:
    """Remove what was loaded."""


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def _confirm(question: str) -> None:
    try:
        click.confirm(question, abort=True)
    except click.Abort as error:
        raise UsageError("nothing was removed: say yes, or give --yes") from error


@remove.command(name="osm")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Accepted; this never asks.")
@pass_context
def remove_osm(context: Context, *, name: str, yes: bool) -> None:
    """Remove an extract by its name; the pairs made from it stay."""
    del yes
    from skyscript_db import api  # noqa: PLC0415 - `--help` needs none of it

    api.remove_osm(context.conn, context.settings, name)
    click.echo(f"removed {name}")


@remove.command(name="collection")
@click.argument("name")
@yes_option
@pass_context
def remove_collection(context: Context, *, name: str, yes: bool) -> None:
    """Remove a collection by its name, with its scenes, chips and pairs."""
    from loaders import removal  # noqa: PLC0415 - `--help` needs none of it

    removal.check_collection(context.conn, name)
    if not yes:
        _confirm(f"Remove {name} with all chips that were cut from it?")
    n_chips = removal.remove_collection(context.conn, context.settings, name)
    click.echo(f"removed {name}, and {n_chips:,} chips")


@remove.command(name="plan")
@click.argument("plan", nargs=-1)
@yes_option
@pass_context
def remove_plan(context: Context, *, plan: tuple[str, ...], yes: bool) -> None:
    """Remove the chips of a PLAN, with their pairs; without one, list the plans.

    A plan is made of the settings that placed the chips. Once they change, chips of
    both are in the dataset, until one plan is removed. PLAN is its name, the beginning
    of it, or those of its words that no other plan has, such as side_px=96.
    """
    from loaders import removal  # noqa: PLC0415 - `--help` needs none of it

    if not plan:
        rows = removal.plans(context.conn)
        print_table(
            ["plan", "chips", "on disk", "first planned"],
            [[*counts, f"{first_at:%Y-%m-%d %H:%M}"] for *counts, first_at in rows],
        )
        return
    found = removal.find_plan(context.conn, " ".join(plan))
    _remove_plan(context, found, yes=yes)


def _remove_plan(context: Context, plan: str, *, yes: bool) -> None:
    from loaders import removal  # noqa: PLC0415 - `--help` needs none of it

    if not yes:
        _confirm(f"Remove all chips of the plan {plan}?")
    n_chips = removal.remove_plan(context.conn, context.settings, plan)
    click.echo(f"removed {n_chips:,} chips of the plan {plan}")
