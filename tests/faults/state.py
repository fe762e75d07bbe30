"""What a project holds, to compare one that was disturbed with one that was not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyscript_db import queries
from skyscript_db.jobs import JOBS, runner
from skyscript_db.jobs.runner import Work

if TYPE_CHECKING:
    import psycopg

    from skyscript_db.config import Settings

SQL = queries.beside(__file__)

EXACT = (
    *("feature", "import", "scene", "tag", "verdict", "chip", "chip_feature"),
    *("caption", "caption_text", "split", "model", "refused"),
)
# By batches of other sizes, a model gives the same numbers but for their last bits.
NEAR = ("chip_vector", "text_vector", "similarity")
TOLERANCE = 0.002

Row = tuple[Any, ...]


@dataclass(frozen=True)
class State:
    """Rows by table, numbers of models by their keys, hashes of files by path."""

    exact: dict[str, list[Row]]
    near: dict[str, dict[Row, list[float]]]
    files: dict[str, str]


def read(conn: psycopg.Connection[Any], settings: Settings) -> State:
    """Return all that is kept in the database and in the folder of chips."""
    near = {}
    for name in NEAR:
        rows = conn.execute(getattr(SQL, name)).fetchall()
        near[name] = {row[:-1]: row[-1] for row in rows}
    return State(
        exact={name: conn.execute(getattr(SQL, name)).fetchall() for name in EXACT},
        near=near,
        files={
            str(path.relative_to(settings.chips)): _sha256(path.read_bytes())
            for path in sorted(settings.chips.rglob("*"))
            if path.is_file()
        },
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def check_same(found: State, expected: State) -> None:
    """Fail where two states differ, naming the table."""
    for name, rows in expected.exact.items():
        assert found.exact[name] == rows, name
    for name, numbers in expected.near.items():
        assert found.near[name].keys() == numbers.keys(), name
        for key, values in numbers.items():
            np.testing.assert_allclose(
                found.near[name][key], values, atol=TOLERANCE, err_msg=f"{name} {key}"
            )
    assert found.files == expected.files


def check_whole(conn: psycopg.Connection[Any], settings: Settings) -> State:
    """Fail where files, rows and ledger disagree; return the state."""
    state = read(conn, settings)
    of_chips = conn.execute(
        "SELECT image_path, sha256 FROM skyscript.chip WHERE state = 'ok'"
    ).fetchall()
    assert state.files == dict(of_chips)
    ledger = "SELECT status, n_in, n_ok, n_rejected, n_pending, rejected "
    for job in JOBS:
        name = runner.name_of(job)
        row = conn.execute(
            ledger + "FROM skyscript.job_run WHERE job = %s ORDER BY id DESC LIMIT 1",
            [name],
        ).fetchone()
        counts = runner.count(job, Work(conn, settings))
        assert counts.n_in == counts.n_ok + counts.n_rejected + counts.n_pending
        assert row == (
            "finished",
            counts.n_in,
            counts.n_ok,
            counts.n_rejected,
            counts.n_pending,
            dict(counts.rejected),
        ), name
    running = "SELECT job FROM skyscript.job_run WHERE status = 'running'"
    assert conn.execute(running).fetchall() == []
    return state
