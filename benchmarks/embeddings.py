"""Embeddings per second: the project's COPY beside plain COPY of the same bytes.

python -m benchmarks.embeddings --rows 200000
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.common import (
    check_equal,
    connected,
    interleaved,
    one,
    print_machine,
    print_table,
    server,
    timed,
)
from skyscript_db import embeddings

if TYPE_CHECKING:
    from benchmarks.common import Connection
    from skyscript_db.embeddings import Model

DIMENSION = 512
BATCH = 10_000
TABLE = "skyscript.chip_embedding"
# Order-free: the sum of a hash of each row.
CHECKSUM = (
    "SELECT count(*), sum(hashtextextended(e::text, 0)::numeric)"
    " FROM skyscript.chip_embedding AS e"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    vectors = _unit_vectors(chosen.rows)
    with server() as (url, _), connected(url) as conn:
        print_machine()
        model = embeddings.register(conn, _clip())
        _ours(conn, model, vectors)
        ours = one(conn, CHECKSUM)
        payload = _payload(conn, model)
        sides = {
            "embeddings.copy": partial(_ours, conn, model, vectors),
            "plain COPY": partial(_plain, conn, model, payload),
        }
        seconds = interleaved(sides, rounds=chosen.rounds)
        check_equal("rows and checksum", ours, one(conn, CHECKSUM))
    plain = seconds["plain COPY"]
    rows = [(k, x, chosen.rows / x, x / plain) for k, x in seconds.items()]
    header = (f"halfvec({DIMENSION})", "seconds (median)", "rows/s", "of plain COPY")
    print_table(header, rows)


def _unit_vectors(n: int) -> Any:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((n, DIMENSION), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _clip() -> Any:
    return SimpleNamespace(
        name="bench",
        weights="random",
        weights_sha256="0" * 64,
        dimension=DIMENSION,
    )


def _empty(conn: Connection) -> None:
    conn.execute(f"TRUNCATE {TABLE}")
    conn.execute("CHECKPOINT")


def _ours(conn: Connection, model: Model, vectors: Any) -> float:
    _empty(conn)

    def copy() -> None:
        for first in range(0, len(vectors), BATCH):
            some = vectors[first : first + BATCH]
            ids = range(first, first + len(some))
            with conn.transaction():
                embeddings.copy(conn, model, "chip", ids, some)

    return timed(copy)


def _payload(conn: Connection, model: Model) -> list[bytes]:
    command = f"COPY {TABLE}_model_{model.id} TO STDOUT (FORMAT BINARY)"
    with conn.cursor().copy(command) as stream:
        content = b"".join(stream)
    return [content[i : i + 2**20] for i in range(0, len(content), 2**20)]


def _plain(conn: Connection, model: Model, payload: list[bytes]) -> float:
    _empty(conn)
    command = f"COPY {TABLE}_model_{model.id} FROM STDIN (FORMAT BINARY)"

    def copy() -> None:
        with conn.cursor().copy(command) as stream:
            for block in payload:
                stream.write(block)

    return timed(copy)


if __name__ == "__main__":
    sys.exit(main())
