"""What the commands share: settings, the connection, options, and how they print."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from skyscript_db.config import Settings
from skyscript_db.errors import UsageError
from skyscript_db.progress import LoggedProgress, Progress

if TYPE_CHECKING:
    import psycopg

Command = TypeVar("Command", bound=Callable[..., Any])

errors = Console(stderr=True)


@dataclass(slots=True)
class Context:
    """What a command works with."""

    settings: Settings
    _conn: psycopg.Connection[Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, assignments: Iterable[str]) -> Context:
        """Read the settings, with NAME=VALUE overrides.

        Raises:
            UsageError: A name is unknown or a value is out of its range.
        """
        overrides = dict(_assignment(text) for text in assignments)
        try:
            return cls(Settings(**overrides))
        except ValidationError as error:
            raise UsageError(_explain(error)) from error

    @property
    def conn(self) -> psycopg.Connection[Any]:
        """The connection, opened at first use, which starts our own server."""
        if self._conn is None:
            from skyscript_db import api  # noqa: PLC0415 - `--help` needs none of it

            self._conn = api.connect(self.settings)
        return self._conn

    def close(self) -> None:
        """Close the connection, if one was opened."""
        if self._conn is not None:
            self._conn.close()


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    name = name.lower().removeprefix("skyscript_")
    if name == "database_url":
        raise UsageError(
            "set SKYSCRIPT_DATABASE_URL in the environment: other users can read the "
            "arguments of a command, and the URL may hold a password"
        )
    if not equals or name not in Settings.model_fields:
        names = ", ".join(sorted(Settings.model_fields))
        raise UsageError(f"--set takes NAME=VALUE with one of: {names}; not {name!r}")
    return name, value


def _explain(error: ValidationError) -> str:
    faults = (
        f"SKYSCRIPT_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
        for fault in error.errors()
    )
    return "a setting is out of range: " + "; ".join(faults)


pass_context = click.make_pass_decorator(Context)


def json_option(command: Command) -> Command:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def area_option(command: Command) -> Command:
    """Add ``--area``."""
    return click.option(
        "--area", help="W,S,E,N in degrees, WKT, GeoJSON, or a GeoJSON file."
    )(command)


def tag_option(command: Command) -> Command:
    """Add ``--tag``, repeatable, as a mapping."""
    return click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="KEY=VALUE",
        callback=_tags,
        help="Only focus features with this tag; may be repeated.",
    )(command)


def _tags(
    ctx: click.Context, param: click.Parameter, value: Sequence[str]
) -> dict[str, str] | None:
    del ctx, param
    for text in value:
        if "=" not in text:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return dict(text.split("=", 1) for text in value) or None


def print_json(data: object) -> None:
    """Print data as JSON."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)


# Between columns.
GAP = 2
# Texts up to so many characters are shown on one line; others in columns no narrower.
SHORT, NARROWEST = 24, 12


def print_table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = ""
) -> None:
    """Print rows as a table; numbers to the right, with spaces between thousands."""
    rows = list(rows)
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    needed = -GAP
    for n, header in enumerate(headers):
        numeric = all(isinstance(row[n], (int, float)) for row in rows)
        longest = max([len(header), *(len(_cell(row[n])) for row in rows)])
        is_short = longest <= SHORT
        table.add_column(
            header,
            justify="right" if rows and numeric else "left",
            no_wrap=is_short,
            overflow="fold",
        )
        needed += GAP + (longest if is_short else NARROWEST)
    for row in rows:
        table.add_row(*map(_cell, row))
    Console(width=max(_width(), needed)).print(table)


def _width() -> int:
    # Piped into a file or another program, a table keeps its full width.
    console = Console()
    return console.width if console.is_terminal else 200


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    return str(value).replace("[", "\\[")


def rounded(value: float) -> str:
    """Return a number to three digits, such as a GSD: 0.132, 10, 1000."""
    return f"{float(f'{value:.3g}'):g}"


@contextmanager
def progress() -> Iterator[Progress]:
    """Give a bar where a person looks on, a line in the log elsewhere."""
    if not errors.is_terminal:
        yield LoggedProgress()
        return
    bar = Bar()
    try:
        yield bar
    finally:
        bar.close()


@dataclass(slots=True)
class Bar:
    """A progress bar on standard error, with rate and time left."""

    bar: RichProgress = field(
        default_factory=lambda: RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=errors,
            transient=True,
        )
    )

    def start(self, total: int, unit: str) -> None:
        """Begin a task of ``total`` units."""
        self.close()
        self.bar.start()
        self.bar.add_task(unit, total=total, rate="")

    def advance(self, n: int) -> None:
        """Tell that ``n`` more units are done."""
        for task in self.bar.tasks:
            rate = f"{task.speed:,.0f}/s" if task.speed else ""
            self.bar.update(task.id, advance=n, rate=rate)

    def close(self) -> None:
        """Take the bar off the screen."""
        self.bar.stop()
        for task in self.bar.task_ids:
            self.bar.remove_task(task)
