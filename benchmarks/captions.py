"""Captions per second: the job beside a Python loop over the same rules.

    python -m benchmarks.captions --copies 10

The job's captions are stored with their keys; those of the loop are only made.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import world
from benchmarks.common import (
    Unequal,
    connected,
    interleaved,
    one,
    print_machine,
    print_table,
    server,
    timed,
)
from benchmarks.python_captions import SQL, Caption, Grammar
from skyscript_db.jobs import link_features, runner, write_captions

if TYPE_CHECKING:
    from benchmarks.common import Connection
    from skyscript_db.config import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side-deg", type=float, default=0.0008)
    chosen = parser.parse_args()
    with server() as (url, settings), connected(url) as conn:
        print_machine()
        size = world.World(
            copies=chosen.copies, share=1, side_deg=chosen.side_deg, only_told=True
        )
        world.build(conn, url, settings, size)
        runner.run(link_features, runner.Work(conn, settings))
        conn.execute("VACUUM ANALYZE skyscript.chip_feature")
        spoken: list[Caption] = []
        sides = {
            "write_captions": partial(_job, conn, settings),
            "Python loop": partial(_loop, conn, settings, spoken),
        }
        seconds = interleaved(sides, rounds=chosen.rounds)
        _report(conn, spoken, seconds)


def _job(conn: Connection, settings: Settings) -> float:
    conn.execute(world.SQL.clear_captions)
    return timed(lambda: runner.run(write_captions, runner.Work(conn, settings)))


def _loop(conn: Connection, settings: Settings, spoken: list[Caption]) -> float:
    def speak() -> None:
        grammar = Grammar(conn, settings.shown_recipe)
        with conn.transaction(), conn.cursor("links", binary=True) as cursor:
            cursor.itersize = 50_000
            cursor.execute(SQL.select_links)
            spoken[:] = grammar.captions(cursor)

    return timed(speak)


def _report(conn: Connection, spoken: list[Caption], seconds: dict[str, float]) -> None:
    stored = set(conn.execute(SQL.select_captions).fetchall())
    if stored != set(spoken):
        raise Unequal(f"captions differ, such as {sorted(stored ^ set(spoken))[:6]}")
    n, n_texts = len(stored), len({text for _, _, text in stored})
    n_links, n_distinct = one(conn, SQL.count_links)
    print(
        f"equal captions: {n:,}, {n_texts:,} distinct texts, "
        f"{n_links / (n / 2):.1f} features a chip, {n_distinct:,} sets of tags"
    )
    ours = seconds["write_captions"]
    rows = [(name, x, n / x, x / ours) for name, x in seconds.items()]
    header = ("captions", "seconds (median)", "captions/s", "of the job's time")
    print_table(header, rows)


if __name__ == "__main__":
    sys.exit(main())
