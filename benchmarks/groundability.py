"""Tags judged per second: one statement over the vectors of all of them.

    python -m benchmarks.groundability --tags 44000

The tags and their vectors are made up, of the width that the default encoder and
inputs have; the classifier is random too. Beside the statement, the same arithmetic
by numpy in this process, after fetching the vectors: both must give equal verdicts.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import numpy as np

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
from skyscript_db import queries
from skyscript_db.groundability import score, store
from skyscript_db.groundability.labels import CLASSES_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.common import Connection
    from skyscript_db.config import Settings

SQL = queries.beside(__file__)
RANDOM = np.random.default_rng(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=44_000)
    parser.add_argument("--dimension", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with server() as (url, settings), connected(url) as conn:
        print_machine()
        weights = _make(conn, chosen.tags, chosen.dimension)
        told: list[NDArray[np.intp]] = []
        sides = {
            "one statement": lambda: _score(conn, settings),
            "fetch, then numpy": lambda: _numpy(conn, weights, told),
        }
        seconds = interleaved(sides, rounds=chosen.rounds)
        _compare(conn, told[-1])
        rows = [(name, x, chosen.tags / x) for name, x in seconds.items()]
        print_table(("tags judged", "seconds (median)", "tags/s"), rows)


def _make(conn: Connection, n: int, dimension: int) -> NDArray[np.float32]:
    conn.execute(SQL.insert_tags, {"n": n})
    (model_id,) = one(conn, SQL.insert_model, {"dimension": dimension})
    tags = conn.execute(SQL.select_tags).fetchall()
    vectors = RANDOM.normal(size=(n, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store.add(conn, model_id, tags, vectors)
    weights = 3 * RANDOM.normal(size=(5, dimension)).astype(np.float32)
    values = {"model_id": model_id, "coefficients": str(weights[0].tolist())}
    conn.execute(SQL.insert_classifier, values)
    for finer, coarser, row in zip(CLASSES_M, CLASSES_M[1:], weights[1:], strict=False):
        values = {"finer": finer, "coarser": coarser, "row": str(row.tolist())}
        conn.execute(SQL.insert_step, values)
    conn.execute(SQL.analyze)
    return weights


def _score(conn: Connection, settings: Settings) -> float:
    conn.execute(SQL.clear)
    return timed(lambda: score.score(conn, settings))


def _numpy(
    conn: Connection, weights: NDArray[np.float32], told: list[NDArray[np.intp]]
) -> float:
    def judge() -> None:
        rows = conn.cursor(binary=True).execute(SQL.select_vectors).fetchall()
        vectors = np.stack([row.to_numpy() for (row,) in rows]).astype(np.float32)
        passes = (vectors @ weights.T) >= 0
        steps = np.cumprod(passes[:, 1:], axis=1).sum(axis=1)
        told[:] = [np.where(passes[:, 0], steps, -1)]

    return timed(judge)


def _compare(conn: Connection, told: NDArray[np.intp]) -> None:
    rows = conn.execute(SQL.select_verdicts).fetchall()
    ours = np.array([-1 if x is None else CLASSES_M.index(x) for (x,) in rows])
    # Sums in another order differ in the last digits, which may turn a tie.
    n_differing = int((ours != told).sum())
    if n_differing > len(told) / 1000:
        raise Unequal(f"{n_differing} of {len(told)} verdicts differ")
    print(f"equal verdicts: {len(told) - n_differing:,} of {len(told):,}")


if __name__ == "__main__":
    sys.exit(main())
