"""``skyscript search`` and ``describe``: ask the database."""

from __future__ import annotations

from dataclasses import asdict

import click

from skyscript_db import api
from skyscript_db.cli.common import (
    Context,
    area_option,
    json_option,
    pass_context,
    print_json,
    print_table,
    tag_option,
)
from skyscript_db.errors import UsageError


@click.command()
@click.argument("text")
@click.option("-k", type=click.IntRange(1, 10_000), default=10, show_default=True)
@area_option
@tag_option
@click.option("--collection", "collections", multiple=True, help="May be repeated.")
@click.option("--split", type=click.Choice(["train", "val", "test"]))
@click.option("--split-scheme", help="As drawn by this scheme, not the last.")
@json_option
@pass_context
def search(
    context: Context,
    *,
    text: str,
    k: int,
    area: str | None,
    tags: dict[str, str] | None,
    collections: tuple[str, ...],
    split: str | None,
    split_scheme: str | None,
    as_json: bool,
) -> None:
    """Find the chips nearest in meaning to TEXT, such as "a temple"."""
    hits = api.search(
        context.conn,
        context.settings,
        text,
        k=k,
        area=area,
        tags=tags,
        collections=list(collections) or None,
        split=split,
        split_scheme=split_scheme,
    )
    if as_json:
        print_json([asdict(hit) for hit in hits])
        return
    print_table(
        ["similarity", "caption", "collection", "gsd_m", "image"],
        [
            (hit.similarity, hit.caption, hit.collection, hit.gsd_m, hit.image_path)
            for hit in hits
        ],
    )
    plan = hits[0].plan if hits else "no chip fits the filter"
    click.echo(f"{len(hits)} of {k} asked for ({plan})", err=True)


# A west of -70 is an area, not an option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("area")
@click.option("--gsd", type=float, required=True, help="Metres a pixel.")
@click.option("--recipe", help="Caption recipe; the configured one by default.")
@click.option(
    "--style",
    type=click.Choice(["paper", "plain"]),
    help="The newest recipe of a style, instead of --recipe.",
)
@json_option
@pass_context
def describe(
    context: Context,
    *,
    area: str,
    gsd: float,
    recipe: str | None,
    style: str | None,
    as_json: bool,
) -> int:
    """Tell in words what could be seen in AREA (W,S,E,N, WKT or GeoJSON)."""
    if recipe and style:
        raise UsageError("give --recipe or --style, not both")
    recipe = recipe or style or context.settings.shown_recipe
    caption = api.describe(context.conn, area, gsd_m=gsd, recipe=recipe)
    if as_json:
        print_json({"area": area, "gsd_m": gsd, "recipe": recipe, "caption": caption})
    elif caption is None:
        click.echo("nothing that is loaded there can be seen at this GSD", err=True)
        return 1
    else:
        click.echo(caption)
    return 0
