"""``skyscript groundability`` and ``why``: which tags can be seen, and who says so."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skyscript_db.cli.common import (
    Command,
    Context,
    json_option,
    pass_context,
    print_json,
    print_table,
)
from skyscript_db.errors import UsageError
from skyscript_db.groundability import encoders, verdicts

if TYPE_CHECKING:
    from skyscript_db.groundability.verdicts import Why

SOURCES = ("override", "label", "rule", "wildcard", "classifier")
PAGE = Path("docs/groundability-evaluation.md")


@click.group()
def groundability() -> None:
    """Judge which tags can be seen from above; explain and overrule."""


def _encoder_options(command: Command) -> Command:
    told = click.option(
        "--inputs",
        type=click.Choice(list(encoders.INPUTS)),
        default=encoders.DEFAULT_INPUTS,
        show_default=True,
        help="How the encoder is told a tag.",
    )(command)
    return click.option(
        "--encoder",
        default=encoders.SENTENCE,
        show_default=True,
        help="That, or clip (the configured one), or MODEL/WEIGHTS of open_clip.",
    )(told)


@groundability.command()
@_encoder_options
@json_option
@pass_context
def train(context: Context, *, encoder: str, inputs: str, as_json: bool) -> None:
    """Learn a classifier from the labels, and judge all tags by it."""
    from skyscript_db.groundability.train import train as learn  # noqa: PLC0415 - slow
    from skyscript_db.jobs import ground_tags, runner  # noqa: PLC0415 - slow

    trained = learn(context.conn, context.settings, encoder=encoder, inputs=inputs)
    counts = runner.run(ground_tags, runner.Work(context.conn, context.settings))
    if as_json:
        print_json({**asdict(trained), "n_tags": counts.n_in})
        return
    state = "trained on" if trained.is_new else "was here already, trained on"
    click.echo(f"classifier {trained.id} {state} {trained.n_labels:,} labels")
    for name, value in trained.metrics.items():
        click.echo(f"  {name}: {value:.3f}")
    click.echo(
        f"{counts.n_in:,} tags = {counts.n_ok:,} groundable + {counts.n_rejected:,} "
        f"not + {counts.n_pending:,} pending"
    )


@groundability.command()
@_encoder_options
@click.option(
    "--markdown",
    "page",
    is_flag=False,
    flag_value=PAGE,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="[FILE]",
    help=f"Write the tables into FILE too, {PAGE} by default.",
)
@pass_context
def evaluate(context: Context, *, encoder: str, inputs: str, page: Path | None) -> None:
    """Say how far to trust the classifier, by cross-validation on the labels."""
    from skyscript_db.groundability import report  # noqa: PLC0415 - slow
    from skyscript_db.groundability.evaluate import evaluate as ask  # noqa: PLC0415

    found = ask(context.conn, context.settings, encoder=encoder, inputs=inputs)
    text = report.markdown(found)
    click.echo(text)
    if page is not None:
        report.write(text, page)
        click.echo(f"wrote {page}", err=True)


@groundability.command(name="list")
@json_option
@pass_context
def list_classifiers(context: Context, *, as_json: bool) -> None:
    """Show the classifiers that were trained here."""
    rows = context.conn.execute(verdicts.SQL.list_classifiers).fetchall()
    names = ["id", "encoder", "inputs", "n_labels", "threshold", "metrics", "default"]
    names += ["trained_at", "n_tags"]
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    shown = [(*row[:5], *row[6:]) for row in rows]
    print_table([name for name in names if name != "metrics"], shown)


@groundability.command()
@click.argument("classifier", metavar="ID|none")
@pass_context
def default(context: Context, *, classifier: str) -> None:
    """Let the verdicts of the classifier ID count, or of none."""
    from skyscript_db.groundability import score  # noqa: PLC0415 - imports numpy

    chosen = None if classifier == "none" else classifier
    score.make_default(context.conn, chosen)
    score.score(context.conn, context.settings)
    click.echo(f"the verdicts of {classifier} count")


@groundability.command()
@click.option("--source", type=click.Choice(SOURCES), help="Only what this one says.")
@click.option("--key", help="Only tags of this key.")
@click.option("--verdict", type=click.Choice(["groundable", "not groundable"]))
@click.option(
    "--disagreements",
    is_flag=True,
    help="Only tags of which the classifier says otherwise than what counts.",
)
@click.option("-n", "limit", type=click.IntRange(1), default=50, show_default=True)
@json_option
@pass_context
def show(
    context: Context,
    *,
    source: str | None,
    key: str | None,
    verdict: str | None,
    disagreements: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List verdicts, those on the commonest tags first."""
    values = {"source": source, "key": key, "verdict": verdict, "limit": limit}
    if disagreements:
        statement = verdicts.SQL.list_disagreements
        names = ["key", "value", "n_features", "source", "max_gsd_m"]
        names += ["classifier_m", "probability", "reason"]
    else:
        statement = verdicts.SQL.list_verdicts
        names = ["key", "value", "n_features", "verdict", "max_gsd_m", "source"]
        names += ["probability", "reason"]
    rows = context.conn.execute(statement, values).fetchall()
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        print_table(names, [tuple(map(_short, row)) for row in rows])


def _short(value: object) -> object:
    is_long = isinstance(value, str) and len(value) > 60
    return f"{str(value)[:57]}..." if is_long else value


class Gsd(click.ParamType):  # type: ignore[type-arg]
    """Metres a pixel, or ``none``."""

    name = "METRES|none"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return the number, or the word as it is."""
        if value == "none" or isinstance(value, float):
            return value
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither none nor a number of metres", param, ctx)


@groundability.command()
@click.argument("tag", metavar="KEY=VALUE")
@click.option("--max-gsd", type=Gsd(), help="Largest GSD at which it can be seen.")
@click.option("--reason", help="Why, in a few words.")
@click.option("--clear", is_flag=True, help="Take the override back.")
@pass_context
def override(
    context: Context,
    *,
    tag: str,
    max_gsd: float | str | None,
    reason: str | None,
    clear: bool,
) -> None:
    """Overrule what labels, rules and the classifier say of KEY=VALUE."""
    parsed = verdicts.parse_tag(tag)
    if clear:
        was_there = verdicts.clear_override(context.conn, parsed)
        click.echo(f"{tag}: {'override taken back' if was_there else 'no override'}")
        return
    if max_gsd is None or not (reason and reason.strip()):
        raise UsageError("say --max-gsd METRES or none, and --reason; or --clear")
    max_gsd_m = None if isinstance(max_gsd, str) else max_gsd
    verdicts.override(context.conn, parsed, max_gsd_m=max_gsd_m, reason=reason.strip())
    _tell(verdicts.why(context.conn, parsed))


@click.command()
@click.argument("tag", metavar="KEY=VALUE")
@click.option("--gsd", type=click.FloatRange(0, min_open=True), help="Metres a pixel.")
@json_option
@pass_context
def why(context: Context, *, tag: str, gsd: float | None, as_json: bool) -> None:
    """Explain whether KEY=VALUE can be seen from above, and who says so."""
    parsed = verdicts.parse_tag(tag)
    found = verdicts.why(context.conn, parsed, gsd_m=gsd)
    if as_json:
        print_json({**asdict(found), "tag": tag})
    else:
        _tell(found)


groundability.add_command(why)


def _tell(found: Why) -> None:
    n = found.n_features
    click.echo(f"{'='.join(found.tag)}: {n:,} loaded features carry it")
    if not found.verdicts:
        click.echo("  nobody has judged it, so no caption tells it")
    for turn, verdict in enumerate(found.verdicts):
        seen = _seen(verdict.max_gsd_m)
        counts = "counts" if turn == 0 else "      "
        p = "" if verdict.probability is None else f" (p {verdict.probability:.2f})"
        click.echo(f"  {counts}  {verdict.source}: {seen}{p} - {verdict.reason}")
    if found.nearest:
        near = (
            f"{x.tag} ({_seen(x.max_gsd_m)}, {x.similarity:.2f})" for x in found.nearest
        )
        click.echo(f"  nearest labelled tags: {', '.join(near)}")
    if found.telling:
        click.echo(f"  {found.telling}")


def _seen(max_gsd_m: float | None) -> str:
    return "not seen" if max_gsd_m is None else f"seen up to {max_gsd_m:g} m"
