"""Runs all benchmarks, small: ``python -m benchmarks``, which is ``make bench``."""

from __future__ import annotations

import subprocess
import sys

NAMES = (
    "osm_load",
    "link_features",
    "captions",
    "embeddings",
    "fetch",
    "groundability",
    "memory",
)


def main() -> int:
    failed = []
    for name in NAMES:
        print(f"\n== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
