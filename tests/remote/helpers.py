"""Workers in processes of their own, which tell when each request began and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from tests.conftest import ROOT

WORKER = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from skyscript_db.remote import Limits

info, options = sys.argv[1], json.loads(sys.argv[2])
limits = Limits(info, "test", per_second=options["per_second"],
                concurrent=options["concurrent"])

def one(n):
    with limits.request():
        begun = time.time()
        print(json.dumps({"begun": begun}), flush=True)
        time.sleep(options["seconds"])
    return begun, time.time()

with ThreadPoolExecutor(options["threads"]) as pool:
    spans = list(pool.map(one, range(options["n"])))
limits.close()
print(json.dumps({"spans": spans}), flush=True)
"""


@dataclass(frozen=True)
class Worker:
    """A process that makes requests."""

    process: subprocess.Popen[str]

    def wait_for_first(self) -> None:
        assert self.process.stdout is not None
        assert "begun" in self.process.stdout.readline()

    def spans(self) -> list[tuple[float, float]]:
        out, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        spans = json.loads(out.splitlines()[-1])["spans"]
        return [(begun, ended) for begun, ended in spans]


def start_worker(info: str, **options: float) -> Worker:
    command = [sys.executable, "-c", WORKER, info, json.dumps(options)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return Worker(
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    )


def most_at_once(spans: list[tuple[float, float]]) -> int:
    changes = sorted([(a, 1) for a, _ in spans] + [(b, -1) for _, b in spans])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def most_in_a_second(times: list[float]) -> int:
    return max(sum(first <= t < first + 1 for t in times) for first in times)
