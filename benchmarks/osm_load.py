"""Loading OSM: our loader with its tag table, beside osm2pgsql with a plain style.

    python -m benchmarks.osm_load --file liechtenstein_2022.osm.pbf

Ours also hashes and checks the file, sorts by place, keys, counts what is left out and
swaps the extract in; both index the geometry and the ids.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.common import (
    check_equal,
    connected,
    interleaved,
    one,
    print_machine,
    print_table,
    real_data,
    server,
    timed,
)
from loaders import osm
from loaders.osm import osm2pgsql
from skyscript_db import queries
from skyscript_db.jobs import collect_tags, runner

if TYPE_CHECKING:
    from benchmarks.common import Connection
    from skyscript_db.config import Settings

SQL = queries.beside(__file__)
STYLE = Path(__file__).with_name("plain.lua")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", default="liechtenstein_2022.osm.pbf")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    path = real_data() / "osm" / chosen.file
    with server() as (url, settings), connected(url) as conn:
        print_machine()
        sides = {
            "our loader": partial(_load, conn, url, path),
            "collect_tags": partial(_collect, conn, settings),
            "osm2pgsql, plain": partial(_plain, conn, url, path),
        }
        seconds = interleaved(sides, rounds=chosen.rounds)
        n_ours, n_found = one(conn, SQL.count_features)
        check_equal("features, each found in the plain table", n_ours, n_found)
        ours, theirs = one(conn, SQL.count_tags), one(conn, SQL.count_plain_tags)
        check_equal("tags and their uses", ours, theirs)
        print(f"the plain table has {one(conn, SQL.count_plain)[0]:,} rows")
    plain = seconds["osm2pgsql, plain"]
    total = seconds["our loader"] + seconds["collect_tags"]
    rows = [(k, x, x / plain) for k, x in {**seconds, "ours in all": total}.items()]
    mb = path.stat().st_size / 2**20
    print_table((f"{path.name}, {mb:.1f} MB", "seconds (median)", "of osm2pgsql"), rows)


def _load(conn: Connection, url: str, path: Path) -> float:
    return timed(lambda: osm.load(conn, url, path, force=True))


def _collect(conn: Connection, settings: Settings) -> float:
    conn.execute("TRUNCATE skyscript.tag CASCADE")
    return timed(lambda: runner.run(collect_tags, runner.Work(conn, settings)))


def _plain(conn: Connection, url: str, path: Path) -> float:
    conn.execute(SQL.create_schema)
    words = [osm2pgsql.find().path, "--create", "--output=flex", "--schema=plain"]
    command = [*words, f"--style={STYLE}", "--log-level=error", str(path)]
    env = osm2pgsql.environment(url, application_name="bench")
    return timed(lambda: subprocess.run(command, env=env, check=True))


if __name__ == "__main__":
    sys.exit(main())
