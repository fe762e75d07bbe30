"""``skyscript load earth-engine`` and ``load stac``: footprints from services."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from skyscript_db.cli.common import (
    Command,
    Context,
    area_option,
    json_option,
    pass_context,
    print_json,
    progress,
)

if TYPE_CHECKING:
    from loaders.scenes import SceneLoad


def _day(
    ctx: click.Context, param: click.Parameter, value: datetime | None
) -> datetime | None:
    del ctx, param
    return value and value.replace(tzinfo=UTC)


def service_options(command: Command) -> Command:
    """Add what chooses scenes of a service, and how they are told of."""
    formats = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
    moment = click.DateTime(formats)
    options = [
        area_option,
        click.option("--start", type=moment, callback=_day, help="From then on, UTC."),
        click.option(
            "--end", type=moment, callback=_day, help="Before then, UTC: a day later."
        ),
        click.option("--max-cloud", type=float, help="Cloudiest scenes, in percent."),
        click.option("--limit", type=int, help="Most scenes."),
        click.option("--dry-run", "is_dry_run", is_flag=True, help="Count, no more."),
        json_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command("earth-engine")
@click.argument("collection", metavar="ASSET_OR_NAME")
@click.option(
    "--for-features",
    is_flag=True,
    help="Only where features that it can show lack imagery.",
)
@service_options
@pass_context
def earth_engine(context: Context, /, *, as_json: bool, **options: Any) -> int:
    """Register the images of an Earth Engine collection as scenes."""
    from loaders.earth_engine.options import (  # noqa: PLC0415 - `--help` needs none
        ServiceOptions,
    )
    from skyscript_db import api  # noqa: PLC0415 - `--help` needs none of it

    chosen = ServiceOptions(**options)
    with progress() as bar:
        result = api.load_earth_engine(
            context.conn, context.settings, chosen, progress=bar
        )
    if as_json:
        print_json({**scene_facts(result), "n_regions": result.n_regions})
    else:
        print_scenes(result)
        if not result.n_regions:
            click.echo("no feature that it could show lacks imagery", err=True)
    return 1 if result.rejected else 0


@click.command()
@click.argument("catalogue", metavar="URL_OR_NAME")
@click.option("--collection", help="Its id in the catalogue.")
@click.option(
    "--assets", help="Red, green, blue: red,green,blue or image:1,image:2,image:3."
)
@click.option(
    "--stretch",
    metavar="none|MIN,MAX",
    help="How values become 8 bits, where not told.",
)
@service_options
@pass_context
def stac(context: Context, /, *, catalogue: str, as_json: bool, **options: Any) -> int:
    """Register the items of a STAC API or catalogue as scenes."""
    from loaders.stac import StacOptions  # noqa: PLC0415 - imports GDAL
    from skyscript_db import api  # noqa: PLC0415 - `--help` needs none of it

    with progress() as bar:
        result = api.load_stac(
            context.conn,
            context.settings,
            catalogue,
            StacOptions(**options),
            progress=bar,
        )
    if as_json:
        print_json(scene_facts(result))
    else:
        print_scenes(result)
    return 1 if result.rejected else 0


def scene_facts(result: SceneLoad) -> dict[str, object]:
    """Return what became of the listed scenes, for JSON."""
    return {
        "collection": result.collection,
        "listed": result.n_listed,
        "new": result.new,
        "unchanged": result.unchanged,
        "replaced": result.replaced,
        "matching": result.matching,
        "n_chips_dropped": result.n_chips_dropped,
        "left_out": dict(result.left_out),
        "rejected": result.rejected,
    }


def print_scenes(result: SceneLoad) -> None:
    """Print what became of the scenes that a service listed."""
    parts = [("new", result.new), ("unchanged", result.unchanged)]
    parts += [("replaced", result.replaced), ("matching", result.matching)]
    parts += [(reason, n) for reason, n in result.left_out.most_common()]
    parts += [("rejected", len(result.rejected))]
    told = " + ".join(f"{n:,} {name}" for name, n in parts if n) or "0"
    click.echo(f"{result.collection}: {result.n_listed:,} listed = {told}")
    if result.n_chips_dropped:
        click.echo(f"{result.n_chips_dropped:,} chips of replaced scenes are gone")
    for reason, n in result.reasons.most_common(20):
        click.echo(f"rejected {n:,}: {reason}", err=True)
