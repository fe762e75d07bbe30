"""Chips joined with features: the job beside DuckDB spatial and shapely.

    python -m benchmarks.link_features --copies 40

Two levels: the join alone (pairs counted), and the join with all that the job stores,
written: into PostgreSQL with its indexes by the job, as Parquet by the peers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import world
from benchmarks.common import (
    Peer,
    Unequal,
    check_equal,
    connected,
    interleaved,
    one,
    peer_python,
    print_machine,
    print_table,
    server,
    timed,
)
from skyscript_db import queries
from skyscript_db.jobs import link_features, runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.common import Connection
    from skyscript_db.config import Settings

SQL = queries.beside(__file__)
PEERS = {"DuckDB spatial": "duckdb_links.py", "shapely": "shapely_links.py"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with (
        server() as (url, settings),
        connected(url) as conn,
        tempfile.TemporaryDirectory() as folder,
    ):
        print_machine()
        world.build(conn, url, settings, world.World(copies=chosen.copies))
        python = peer_python()
        peers = (
            {name: Peer(python, x, url, folder) for name, x in PEERS.items()}
            if python
            else {}
        )
        for peer in peers.values():
            peer.ask("load")
        _join(conn, peers, chosen.rounds)
        _write(conn, settings, peers, chosen.rounds)
        _compare(conn, peers, Path(folder))
        for peer in peers.values():
            peer.close()


def _join(conn: Connection, peers: dict[str, Peer], rounds: int) -> None:
    found: dict[str, Any] = {}
    sides: dict[str, Callable[[], float]] = {
        "PostGIS, naive": partial(_query, conn, SQL.join_naive, found, "naive"),
        "PostGIS, ours": partial(_query, conn, SQL.join_ours, found, "ours"),
    }
    sides |= {name: partial(_ask, x, "join", found, name) for name, x in peers.items()}
    seconds = interleaved(sides, rounds=rounds)
    for name, theirs in found.items():
        check_equal(f"pairs and checksum of {name}", found["ours"], theirs)
    _print("join alone", seconds, "PostGIS, ours")


def _write(
    conn: Connection, settings: Settings, peers: dict[str, Peer], rounds: int
) -> None:
    found: dict[str, Any] = {}

    def job() -> float:
        conn.execute(world.SQL.clear_links)
        return timed(lambda: runner.run(link_features, runner.Work(conn, settings)))

    sides: dict[str, Callable[[], float]] = {"link_features": job}
    sides |= {name: partial(_ask, x, "write", found, name) for name, x in peers.items()}
    seconds = interleaved(sides, rounds=rounds)
    ours = one(conn, SQL.select_checksum)
    for name, theirs in found.items():
        check_equal(f"rows written by {name}", ours, theirs)
    _print("join and rows written", seconds, "link_features")
    table, indexes, tags, rows = one(conn, SQL.select_bytes)
    print(
        f"{ours[0] / seconds['link_features']:,.0f} rows/s; table {table / 2**20:,.0f} "
        f"MB, indexes {indexes / 2**20:,.0f} MB, tags {tags / rows:.0%} of a row"
    )


def _compare(conn: Connection, peers: dict[str, Peer], folder: Path) -> None:
    """Check each row against DuckDB's, made by GEOS's general intersection."""
    if "DuckDB spatial" not in peers:
        return
    with (
        (folder / "ours.csv").open("wb") as file,
        conn.cursor().copy(SQL.copy_links) as stream,
    ):
        for block in stream:
            file.write(block)
    answer = peers["DuckDB spatial"].ask("compare")
    print("against DuckDB, row by row:", answer)
    if answer["n_unmatched"] or answer["n_different"]:
        raise Unequal("rows of link_features and DuckDB differ")


def _query(conn: Connection, statement: Any, found: dict[str, Any], name: str) -> float:
    def run() -> None:
        n, checksum = one(conn, statement)
        found[name] = (n, int(checksum))

    return timed(run)


def _ask(peer: Peer, command: str, found: dict[str, Any], name: str) -> float:
    answer = peer.ask(command)
    found[name] = (answer["n"], answer["checksum"])
    return float(answer["seconds"])


def _print(what: str, seconds: dict[str, float], ours: str) -> None:
    rows = [(name, x, x / seconds[ours]) for name, x in seconds.items()]
    print_table((what, "seconds (median)", f"of {ours}"), rows)


if __name__ == "__main__":
    sys.exit(main())
