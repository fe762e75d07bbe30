"""Statements on a cluster, and starts of it by other processes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyscript_db.cluster import Cluster

_ROOT = Path(__file__).parents[2]
# The interpreter itself may be where only root can read: imports come first.
_START = """
import os, pwd, sys
from pathlib import Path
from skyscript_db.cluster import Cluster
if sys.argv[2]:
    user = pwd.getpwnam(sys.argv[2])
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
print(Cluster(Path(sys.argv[1])).start(durable=False).pid)
"""


def query(cluster: Cluster, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(cluster.url()) as conn:
        return conn.execute(statement.encode()).fetchall()


def execute(cluster: Cluster, statement: str) -> None:
    with psycopg.connect(cluster.url(), autocommit=True) as conn:
        conn.execute(statement.encode())


def start_elsewhere(home: Path, *, user: str = "") -> subprocess.Popen[str]:
    """Start the cluster of a home in a process of its own, which prints its pid.

    Args:
        home: The home.
        user: Root becomes this user first.
    """
    return subprocess.Popen(
        [sys.executable, "-c", _START, home, user],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], object], *, patience_s: float = 10) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
