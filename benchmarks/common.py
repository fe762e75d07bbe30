"""What the benchmarks share: a server, real data, peers, timing, tables."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from skyscript_db import schema
from skyscript_db.cluster import Cluster
from skyscript_db.config import Settings
from skyscript_db.database import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".cache" / "peers"

Connection = psycopg.Connection[Any]


class Unequal(Exception):
    """Two sides of a benchmark gave different results."""


def real_data() -> Path:
    """Return the folder of real extracts, or end the program where it is absent."""
    folder = Path(os.environ.get("SKYSCRIPT_TEST_DATA", ROOT / "../shared/data"))
    if not folder.is_dir():
        print(f"no real data in {folder}: set SKYSCRIPT_TEST_DATA. Nothing measured.")
        sys.exit(0)
    return folder.resolve()


@contextmanager
def server() -> Iterator[tuple[str, Settings]]:
    """Run a cluster of its own, migrated; yield its address and settings."""
    with tempfile.TemporaryDirectory(prefix="skyscript-bench-") as home:
        cluster = Cluster(Path(home))
        try:
            cluster.start()
            schema.upgrade(cluster.url())
            yield cluster.url(), Settings(home=Path(home))
        finally:
            cluster.reset()


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect as the project's own programs do."""
    with connect(url) as conn:
        yield conn


def one(conn: Connection, statement: Any, parameters: Any = None) -> tuple[Any, ...]:
    """Return the single row of a query."""
    row = conn.execute(statement, parameters).fetchone()
    assert row is not None  # noqa: S101 - asked of queries that return one row
    return tuple(row)


# --- timing ---------------------------------------------------------------------------


def timed(action: Callable[[], Any]) -> float:
    """Return the seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def interleaved(
    sides: Mapping[str, Callable[[], float]], *, rounds: int
) -> dict[str, float]:
    """Run the sides in turn, A B A B, and return the median seconds of each.

    Each side times itself and returns seconds, so that what it prepares is left out.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            seconds[name].append(side())
    return {name: statistics.median(values) for name, values in seconds.items()}


# --- memory ---------------------------------------------------------------------------


def peak_mb(pid: int) -> float:
    """Return the largest resident size that a process has had, in MB.

    Of a server process this counts the shared buffers that it touched too.
    """
    return _status_mb(pid, "VmHWM")


def private_mb(pid: int) -> float:
    """Return the memory that a process has for itself alone now, in MB."""
    return _status_mb(pid, "RssAnon")


def _status_mb(pid: int, field: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    match = re.search(rf"{field}:\s+(\d+) kB", text)
    return int(match[1]) / 1024 if match else 0.0


# --- peers ----------------------------------------------------------------------------


def peer_python() -> Path | None:
    """Return the Python of the peers, made on first use; None if it cannot be had."""
    python = PEERS / "bin" / "python"
    done = PEERS / "installed"
    wanted = (Path(__file__).with_name("requirements.txt")).read_text("utf-8")
    if done.is_file() and done.read_text("utf-8") == wanted:
        return python
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    requirements = Path(__file__).with_name("requirements.txt")
    venv = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(PEERS)]
    install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    try:
        subprocess.run(venv, check=True)
        subprocess.run([*install, "--requirements", str(requirements)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"peers left out, they cannot be installed: {error}")
        return None
    done.write_text(wanted, encoding="utf-8")
    return python


class Peer:
    """A peer in a process of its own, which answers one command a line in JSON."""

    def __init__(self, python: Path, script: str, *arguments: str) -> None:
        path = Path(__file__).parent / "peers" / script
        self.child = subprocess.Popen(
            [python, path, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, command: str) -> dict[str, Any]:
        """Send a command and return the answer."""
        assert self.child.stdin is not None  # noqa: S101 - it is a pipe
        assert self.child.stdout is not None  # noqa: S101 - it is a pipe
        self.child.stdin.write(command + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer died at {command!r}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        assert self.child.stdin is not None  # noqa: S101 - it is a pipe
        self.child.stdin.close()
        self.child.wait()


# --- output ---------------------------------------------------------------------------


def print_machine() -> None:
    """Print what this ran on."""
    memory_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = os.getloadavg()[0]
    print(
        f"{os.cpu_count()} cores, {memory_gb:.0f} GB, {platform.machine()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start"
    )


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    rule = ["-" * width for width in widths]
    for row in (list(header), rule, *cells):
        padded = [cell.ljust(w) for cell, w in zip(row, widths, strict=True)]
        print(f"| {' | '.join(padded)} |")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def check_equal(what: str, ours: object, theirs: object) -> None:
    """Check that both sides have the same.

    Raises:
        Unequal: They have not.
    """
    if ours != theirs:
        raise Unequal(f"{what} differ: ours {ours}, theirs {theirs}")
    print(f"equal {what}: {ours}")
