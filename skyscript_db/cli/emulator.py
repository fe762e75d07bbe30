"""``skyscript earth-engine-emulator``: Earth Engine without an account."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from types import FrameType

    from loaders.earth_engine.emulator import Emulator, Library, Rule

PROJECT = "emulated"


@click.command("earth-engine-emulator")
@click.option(
    "--rasters",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder whose sub-folders of GeoTIFF files are the collections.",
)
@click.option(
    "--collections",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file that names collections whose files lie elsewhere.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: a free one.")
@click.option(
    "--misbehave",
    multiple=True,
    metavar="RULE|FILE.toml",
    help="A fault such as '429 every=5 path=computePixels', or a file of them; "
    "may be repeated.",
)
@click.option(
    "--max-per-second",
    type=click.FloatRange(min=0, min_open=True),
    help="Answer 429 to more requests within a second.",
)
@click.option(
    "--max-concurrent",
    type=click.IntRange(min=1),
    help="Answer 429 to more requests at once.",
)
@click.option(
    "--mbit-per-second",
    type=click.FloatRange(min=0, min_open=True),
    help="Send all answers together no faster, as a network would.",
)
def earth_engine_emulator(
    *,
    rasters: Path,
    collections: Path | None,
    port: int,
    misbehave: tuple[str, ...],
    max_per_second: float | None,
    max_concurrent: int | None,
    mbit_per_second: float | None,
) -> None:
    """Serve local GeoTIFF files as Earth Engine serves images, until ^C.

    Prints the two variables that point SkyScript DB at it; at the end, on standard
    error, what was asked of it, as JSON.
    """
    from loaders.earth_engine.emulator import Emulator  # noqa: PLC0415 - `--help`

    emulator = Emulator(
        _library(rasters, collections),
        port=port,
        rules=[rule for text in misbehave for rule in _rules(text)],
        per_second=max_per_second,
        concurrent=max_concurrent,
        mbit_per_s=mbit_per_second,
    )
    with emulator:
        _announce(emulator)
        _wait()
    click.echo(json.dumps(emulator.counts.to_json()), err=True)


def _library(rasters: Path, collections: Path | None) -> Library:
    from loaders.earth_engine.emulator import Library, elsewhere  # noqa: PLC0415

    return Library(rasters, elsewhere.read(collections) if collections else {})


def _rules(text: str) -> list[Rule]:
    from loaders.earth_engine.emulator import Rule, misbehave  # noqa: PLC0415

    if text.endswith(".toml"):
        return misbehave.read(Path(text))
    return [Rule.of_text(text)]


def _announce(emulator: Emulator) -> None:
    names = list(emulator.service.library.collections())
    click.echo(f"Collections: {', '.join(names) or 'none yet'}", err=True)
    click.echo(f"export SKYSCRIPT_EARTH_ENGINE_URL={emulator.url}")
    click.echo(f"export SKYSCRIPT_EARTH_ENGINE_PROJECT={PROJECT}")


def _wait() -> None:
    """Wait for ^C or to be told to end, either of which is how it is stopped."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    stopped.wait()
