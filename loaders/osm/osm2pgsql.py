"""Runs osm2pgsql: finds it, tells it what to do, follows it, reads how it ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.pq import Conninfo

from loaders.osm.failures import translate
from loaders.osm.memory import free_memory
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loaders.osm.memory import Sizing

PROGRAM = "osm2pgsql"
STYLE = Path(__file__).with_name("style.lua")
MIN_VERSION = (1, 11)

_GB = 1024**3

_VERSION = re.compile(r"version (\d+)\.(\d+)\S*")
_READ = re.compile(r"Processed (\d+) (nodes|ways|relations) ")
_READING = re.compile(r"Processing: Node\((\d+)k .*?Way\((\d+)k .*?Relation\((\d+) ")
_IGNORED = {
    re.compile(r"Ignored node \d+ .*invalid location"): "location outside the world",
    re.compile(r"Relation id \d+ ignored, .*members"): "too many members",
}
_ERROR = re.compile(r"(?:ERROR|FATAL): *(.+)")
_SECONDS_TO_END = 10


@dataclass(frozen=True, slots=True)
class Program:
    """An osm2pgsql on this machine."""

    path: str
    version: str

    @property
    def tells_missing_nodes(self) -> bool:
        """Whether it logs that a way refers to nodes that the file lacks."""
        return int(self.version.split(".")[0]) >= 2


@dataclass(slots=True)
class Log:
    """What osm2pgsql told about a run.

    Attributes:
        n_read: Objects read, by ``nodes``, ``ways`` and ``relations``.
        ignored: Objects that it did not even show to the style, by reason.
        misses_nodes: Some way refers to a node that the file lacks.
        errors: Its errors, and what PostgreSQL added to them.
    """

    n_read: dict[str, int] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)
    misses_nodes: bool = False
    errors: list[str] = field(default_factory=list)


def find() -> Program:
    """Find osm2pgsql on the PATH.

    Raises:
        LoaderError: It is missing or too old.
    """
    path = shutil.which(PROGRAM)
    if path is None:
        raise LoaderError(
            f"{PROGRAM} is not installed: run db/install.sh, or put {PROGRAM} "
            f"{_dotted(MIN_VERSION)} or later on the PATH"
        )
    answer = subprocess.run(
        [path, "--version"], capture_output=True, text=True, check=False
    )
    match = _VERSION.search(answer.stdout + answer.stderr)
    if match is None:
        raise LoaderError(
            f"{path} does not tell its version; is it {PROGRAM}? Run db/install.sh"
        )
    version = match[0].removeprefix("version ")
    if (int(match[1]), int(match[2])) < MIN_VERSION:
        raise LoaderError(
            f"{path} is version {version}, and {_dotted(MIN_VERSION)} or later is "
            "needed: run db/install.sh"
        )
    return Program(path, version)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def arguments(
    path: Path, *, schema: str, sizing: Sizing, flat_nodes: Path | None = None
) -> list[str]:
    """Return the arguments; the database is told in the environment, unseen by others.

    Args:
        path: The OSM file.
        schema: An existing schema for the tables.
        sizing: As ``size_for`` chose it.
        flat_nodes: The file for node locations, where the sizing wants one.
    """
    words = [
        "--create",
        "--output=flex",
        f"--style={STYLE}",
        f"--schema={schema}",
        "--extra-attributes",
        # The only level that tells of missing nodes.
        "--log-level=debug",
        "--log-progress=true",
    ]
    if sizing.is_slim:
        words += ["--slim", "--drop", f"--cache={sizing.cache_mb}"]
    if flat_nodes is not None:
        words.append(f"--flat-nodes={flat_nodes}")
    return [*words, str(path)]


def environment(info: str, *, application_name: str) -> dict[str, str]:
    """Return a child's environment that leads to a database, password included.

    Args:
        info: A libpq connection string.
        application_name: What the child's connections are called on the server.
    """
    options = {
        option.envvar.decode(): option.val.decode()
        for option in Conninfo.parse(info.encode())
        if option.envvar and option.val is not None
    }
    child = os.environ | options | {"PGAPPNAME": application_name}
    # A load may take hours, and its raw table is read once: statistics of it are waste.
    extra = "-c statement_timeout=0 -c default_statistics_target=1"
    child["PGOPTIONS"] = f"{child.get('PGOPTIONS', '')} {extra}".strip()
    return child


def run(
    command: list[str],
    *,
    env: dict[str, str],
    needed_bytes: int,
    on_read: Callable[[int], None],
) -> Log:
    """Run osm2pgsql to its end.

    Args:
        command: The program and its arguments.
        env: Its environment.
        needed_bytes: Memory that it was expected to need, for the message if it dies.
        on_read: Called now and then with the number of objects read so far.

    Raises:
        UsageError: It refused the file.
        StorageError: The disk is full.
        LoaderError: It failed or was killed.
    """
    # Its output begins a line anew by a carriage return, which text mode takes as an
    # end of line too.
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as child:
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        try:
            log = read_log(child.stdout, on_read=on_read)
            code = child.wait()
        except BaseException:
            _end(child)
            raise
    _check_end(code, log, path=command[-1], needed_bytes=needed_bytes)
    return log


def read_log(lines: Iterable[str], *, on_read: Callable[[int], None]) -> Log:
    """Take in osm2pgsql's output, line by line, as it comes."""
    log = Log()
    for line in lines:
        if match := _READING.search(line):
            nodes, ways, relations = map(int, match.groups())
            on_read((nodes + ways) * 1000 + relations)
        elif match := _READ.search(line):
            log.n_read[match[2]] = int(match[1])
        elif "Missing nodes in way" in line:
            log.misses_nodes = True
        elif match := _ERROR.search(line):
            log.errors.append(match[1].strip())
        else:
            log.ignored.update(x for p, x in _IGNORED.items() if p.search(line))
    return log


def _end(child: subprocess.Popen[str]) -> None:
    child.terminate()
    try:
        child.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _check_end(code: int, log: Log, *, path: str, needed_bytes: int) -> None:
    if code == 0:
        return
    # A shell that wraps the program adds 128 to the signal that killed it.
    number = -code if code < 0 else code - 128
    if number > 0:
        raise LoaderError(_death(number, needed_bytes))
    raise translate(log.errors, Path(path).name, needed_bytes=needed_bytes)


def _death(number: int, needed_bytes: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number != signal.SIGKILL:
        return f"{PROGRAM} was ended by {name}: run the load again"
    return (
        f"{PROGRAM} was killed ({name}), maybe for want of memory: this file needs "
        f"about {needed_bytes / _GB:.1f} GB, {free_memory() / _GB:.1f} GB are free. "
        "Run the load again, with less running beside it or on a larger machine"
    )
