"""Starts and stops the server process of a data folder.

Every process of the server inherits an open, locked file, ``data.lock`` beside the
data. The kernel holds the lock as long as any of them lives and not a moment longer,
whatever was killed and however process numbers were reused since; where nobody holds
it, a ``postmaster.pid`` and the socket's lock file are leftovers and may go.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skyscript_db.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skyscript_db.cluster.installation import Installation
    from skyscript_db.cluster.owner import Account

# Recovery after a crash replays up to max_wal_size, slowly on a slow disk.
START_PATIENCE_S = 600
# What a killed server leaves behind ends by itself, unless it is deep in a query.
ORPHAN_PATIENCE_S = 10
FAST_STOP_PATIENCE_S = 300
IMMEDIATE_STOP_PATIENCE_S = 30
_POLL_S = 0.1


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Wait for a lock file and hold it; yields its file descriptor."""
    lock = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def _try_lock(data: Path) -> int | None:
    """Take the lock that the server's processes hold, unless one of them lives."""
    lock = os.open(f"{data}.lock", os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def is_alive(data: Path) -> bool:
    """Whether any process of the server lives, be it one that its parent left."""
    try:
        lock = os.open(f"{data}.lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that several who ask do not take each other for the server.
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def pid_of(data: Path) -> int | None:
    """Return the number of the server's main process; None if it is not running."""
    if not is_alive(data):
        return None
    try:
        pid = int((data / "postmaster.pid").read_text("utf-8").split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return pid if _runs(pid, uid=data.stat().st_uid) else None


def _runs(pid: int, *, uid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    process = Path(f"/proc/{pid}")
    with suppress(OSError):
        # A killed process stays in the list until its parent asks after it.
        state = (process / "stat").read_text("utf-8", "replace").rpartition(")")[2]
        return process.stat().st_uid == uid and state.split()[0] not in "ZX"
    return True


def start(
    postgres: Installation,
    account: Account,
    data: Path,
    *,
    socket: Path,
    answers: Callable[[], bool],
) -> None:
    """Start the server unless it runs, and return when it answers.

    Args:
        postgres: The programs, of the version that made the data.
        account: The user that the server runs as.
        data: The data folder; its sibling ``log`` takes the log.
        socket: The folder of its socket, which no other server uses.
        answers: Whether a connection to the server succeeds.

    Raises:
        ServerError: It does not start; quotes the end of its log.
    """
    began = time.monotonic()
    while (lock := _try_lock(data)) is None:
        if answers():
            return
        waited = time.monotonic() - began
        if waited > ORPHAN_PATIENCE_S and pid_of(data) is None:
            end_orphans(data)
        if waited > START_PATIENCE_S:
            raise ServerError(_failure("is running but does not answer", data))
        time.sleep(_POLL_S)
    try:
        for leftover in (data / "postmaster.pid", *socket.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)
        _launch(postgres, account, data, lock=lock)
    finally:
        os.close(lock)


def _launch(postgres: Installation, account: Account, data: Path, *, lock: int) -> None:
    early_log = data.parent / "log" / "start.log"
    early_log.unlink(missing_ok=True)
    program = postgres.folder / "pg_ctl"
    options = ("-D", data, "-l", early_log, "-w", "-t", str(START_PATIENCE_S))
    done = account.run(program, "start", "-s", *options, keep=[lock])
    if done.returncode != 0:
        raise ServerError(_failure(f"did not start: {done.stdout.strip()}", data))


def _failure(what: str, data: Path) -> str:
    return f"The PostgreSQL server {what}\n{log_tail(data)}".rstrip()


def log_tail(data: Path) -> str:
    """Return the last lines of the logs that were written last, with their names."""
    folder = data.parent / "log"
    logs = [(x.stat().st_mtime, x) for x in folder.glob("*.log") if x.stat().st_size]
    tails = [f"{path}:\n{_last_lines(path)}" for _, path in sorted(logs)[-2:]]
    return "\n".join(tails)


def _last_lines(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        text = file.read().decode("utf-8", "replace")
    return "\n".join(f"  {line}" for line in text.splitlines()[-12:])


def stop(data: Path) -> bool:
    """Stop the server, rolling back what is under way.

    Returns:
        Whether there was one to stop.

    Raises:
        ServerError: It does not stop.
    """
    if not is_alive(data):
        return False
    # First disconnect everybody and write all to disk; then leave that to recovery.
    if not _stop_by(signal.SIGINT, data, patience_s=FAST_STOP_PATIENCE_S):
        _stop_by(signal.SIGQUIT, data, patience_s=IMMEDIATE_STOP_PATIENCE_S)
    if not _wait_until_dead(data, patience_s=1):
        end_orphans(data)
        if not _wait_until_dead(data, patience_s=IMMEDIATE_STOP_PATIENCE_S):
            raise ServerError(_failure("does not stop; end it by hand", data))
    return True


def _stop_by(sign: signal.Signals, data: Path, *, patience_s: float) -> bool:
    """Send a signal to the main process; return whether it is gone in time."""
    if pid := pid_of(data):
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
    deadline = time.monotonic() + patience_s
    while pid_of(data) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _wait_until_dead(data: Path, *, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while is_alive(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def label_of(data: Path) -> str:
    """Return the ``cluster_name`` of a server, which no other of this machine has."""
    return f"skyscript-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"


def end_orphans(data: Path) -> None:
    """End the processes whose main process was killed; recovery undoes their work."""
    title = f"postgres: {label_of(data)}: ".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cmdline").read_bytes().startswith(title):
                os.kill(int(process.name), signal.SIGQUIT)
