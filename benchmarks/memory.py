"""Peak memory of the SQL jobs, at two sizes of the same world.

    python -m benchmarks.memory --copies 8

Each job runs as a command of its own, watched from beside it: the largest resident size
of its process, and the largest memory that its server process had for itself alone
(shared buffers left out). A peak bounded by the batch stays where it is as tables grow.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks import world
from benchmarks.common import (
    connected,
    peak_mb,
    print_machine,
    print_table,
    private_mb,
    server,
)

if TYPE_CHECKING:
    from benchmarks.common import Connection

JOBS = ("collect_tags", "ground_tags", "link_features", "write_captions")
BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type IN ('client backend',"
    " 'parallel worker')"
)
PAUSE_S = 0.05

Peaks = dict[str, tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=4)
    chosen = parser.parse_args()
    print_machine()
    small, large = _measure(1), _measure(chosen.copies)
    header = ("job", "client MB", f"client MB x {chosen.copies}")
    header = (*header, "server MB", f"server MB x {chosen.copies}")
    rows = [
        (job, small[job][0], large[job][0], small[job][1], large[job][1])
        for job in JOBS
    ]
    print_table(header, rows)


def _measure(copies: int) -> Peaks:
    with server() as (url, settings), connected(url) as conn:
        size = world.World(copies=copies, share=0.3, side_deg=0.0008, only_told=True)
        world.build(conn, url, settings, size)
        conn.execute("TRUNCATE skyscript.tag_groundability, skyscript.tag CASCADE")
        return {job: _watch(conn, url, job) for job in JOBS}


def _watch(conn: Connection, url: str, job: str) -> tuple[float, float]:
    """Return the peaks of a job in MB: its own process, its server processes."""
    env = os.environ | {"SKYSCRIPT_DATABASE_URL": url}
    command = [sys.executable, "-m", "skyscript_db", "run", job]
    client = server_side = 0.0
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as child:
        while child.poll() is None:
            try:
                client = max(client, peak_mb(child.pid))
            except (FileNotFoundError, ProcessLookupError):
                break
            server_side = max(server_side, _server_mb(conn))
            time.sleep(PAUSE_S)
    if child.returncode:
        raise RuntimeError(f"{job} failed")
    return client, server_side


def _server_mb(conn: Connection) -> float:
    total = 0.0
    for (pid,) in conn.execute(BACKENDS):
        try:
            total += private_mb(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


if __name__ == "__main__":
    sys.exit(main())
