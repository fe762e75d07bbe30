"""Commands in processes of their own, which meet with a misfortune at some statement.

The processes are forked off one that has imported everything, which saves seconds.
Statements are counted from the one that matches ``after``, which is the first; before
the given one of them is sent, the misfortune strikes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(
    [
        *("torch", "open_clip", "safetensors.torch", "loaders.osm", "loaders.rasters"),
        *("skyscript_db.cli.run", "skyscript_db.cli.load", "skyscript_db.clip"),
        __name__,
    ]
)

# Small batches, so that a small project has several.
BATCHES = {
    "link_features": ("BATCH", 8),
    "write_captions": ("BATCH", 8),
    "score_pairs": ("BATCH", 8),
    "fetch_chips": ("FLUSH_S", 0),
}
# Files by which a command tells that it waits, and is told to go on.
REACHED, GO_ON = "reached", "go_on"
ENTERED = "INSERT INTO skyscript.job_run"


@dataclass(frozen=True)
class Misfortune:
    """What happens, and before which statement."""

    kind: str  # one of KINDS
    n: int
    after: str = ENTERED
    folder: Path = Path()
    victim_pid: int = 0


def _kill(misfortune: Misfortune, cursor: psycopg.Cursor[Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _interrupt(misfortune: Misfortune, cursor: psycopg.Cursor[Any]) -> None:
    signal.raise_signal(signal.SIGINT)


def _interrupt_while_waiting(
    misfortune: Misfortune, cursor: psycopg.Cursor[Any]
) -> None:
    threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
    cursor.execute("SELECT pg_sleep(60)")


def _terminate(misfortune: Misfortune, cursor: psycopg.Cursor[Any]) -> None:
    info = cursor.connection.info
    with psycopg.connect(info.dsn, password=info.password, autocommit=True) as conn:
        conn.execute("SELECT pg_terminate_backend(%s, 5000)", [info.backend_pid])


def _kill_postmaster(misfortune: Misfortune, cursor: psycopg.Cursor[Any]) -> None:
    os.kill(misfortune.victim_pid, signal.SIGKILL)
    time.sleep(0.2)


def _hold(misfortune: Misfortune, cursor: psycopg.Cursor[Any]) -> None:
    (misfortune.folder / REACHED).touch()
    while not (misfortune.folder / GO_ON).exists():
        time.sleep(0.02)


def _wait_in_server(misfortune: Misfortune, cursor: psycopg.Cursor[Any]) -> None:
    threading.Timer(0.2, (misfortune.folder / REACHED).touch).start()
    cursor.execute("SELECT pg_sleep(60)")


KINDS: dict[str, Callable[[Misfortune, psycopg.Cursor[Any]], None]] = {
    "kill": _kill,
    "interrupt": _interrupt,
    "interrupt while waiting": _interrupt_while_waiting,
    "terminate": _terminate,
    "kill postmaster": _kill_postmaster,
    "hold": _hold,
    "wait in server": _wait_in_server,
}


def _arm(misfortune: Misfortune) -> None:
    execute = psycopg.Cursor.execute
    n_seen = 0
    is_over = False

    def counted(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal n_seen, is_over
        if not is_over and (n_seen or misfortune.after in _text(query)):
            n_seen += 1
            if n_seen == misfortune.n:
                is_over = True
                KINDS[misfortune.kind](misfortune, cursor)
        return execute(cursor, query, *args, **kwargs)

    psycopg.Cursor.execute = counted  # type: ignore[method-assign]


def _text(query: Any) -> str:
    if isinstance(query, psycopg.sql.Composable):
        return query.as_string()
    return query if isinstance(query, str) else query.decode()


def _shrink_batches() -> None:
    for module, (name, size) in BATCHES.items():
        job = sys.modules[f"skyscript_db.jobs.{module}"]
        assert hasattr(job, name), f"{module} has no {name} any more"
        setattr(job, name, size)


def _main(
    words: Sequence[str],
    variables: Mapping[str, str],
    folder: Path,
    misfortune: Misfortune | None,
) -> None:
    from skyscript_db import cli

    for number, stream in ((1, "out"), (2, "err")):
        handle = os.open(folder / stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
    for name in [x for x in os.environ if x.startswith(("SKYSCRIPT_", "PG"))]:
        del os.environ[name]
    os.environ.update(variables)
    _shrink_batches()
    if misfortune is not None:
        _arm(misfortune)
    sys.argv = ["skyscript", *words]
    cli.main()


@dataclass(frozen=True)
class Ended:
    """How a command ended. ``status`` is minus the signal where one killed it."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Running:
    """A command that is still running."""

    process: ForkServerProcess
    folder: Path

    def wait(self) -> None:
        """Wait until the misfortune strikes."""
        while not (self.folder / REACHED).exists():
            assert self.process.is_alive(), self.end()
            time.sleep(0.02)

    def end(self) -> Ended:
        """Let it go on, and wait for its end."""
        (self.folder / GO_ON).touch()
        self.process.join(90)
        status = self.process.exitcode
        assert status is not None, "it hangs"
        texts = [(self.folder / x).read_text("utf-8") for x in ("out", "err")]
        return Ended(status, *texts)


def start(
    words: Sequence[str],
    variables: Mapping[str, str],
    folder: Path,
    misfortune: Misfortune | None = None,
) -> Running:
    """Start a command; its output goes to files in the folder."""
    # A folder for each, since two may run at once.
    folder = Path(tempfile.mkdtemp(dir=folder))
    if misfortune is not None:
        misfortune = replace(misfortune, folder=folder)
    process = context.Process(target=_main, args=(words, variables, folder, misfortune))
    process.start()
    return Running(process, folder)


def run(
    words: Sequence[str],
    variables: Mapping[str, str],
    folder: Path,
    misfortune: Misfortune | None = None,
) -> Ended:
    """Run a command to its end, whatever that is."""
    return start(words, variables, folder, misfortune).end()
