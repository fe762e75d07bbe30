"""What all jobs share: the ledger, one run at a time, batches, counts.

A job is a module with a ``.sql`` file of its stem. The module has

- ``UNIT``: what it counts, such as ``chips``;
- ``run(work)``: do what has no result yet, one transaction a batch;
- ``parameters(settings)``: the settings that its statements read, which the ledger
  keeps too.

The file has a statement ``count``, which returns rows of (outcome, reason, n): outcome
``ok``, ``rejected`` (with a reason) or ``pending``. What the ledger says is counted
from the tables after the run, never added up along the way.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, LiteralString, Protocol

import psycopg
from psycopg import errors
from psycopg.types.json import Jsonb

from skyscript_db import queries
from skyscript_db.errors import JobBusy, SkyscriptError
from skyscript_db.progress import LoggedProgress, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skyscript_db.config import Settings

logger = logging.getLogger(__name__)
SQL = queries.beside(__file__)

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the units that a job looked at: in = ok + rejected + pending."""

    n_ok: int = 0
    n_pending: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_rejected(self) -> int:
        """Units refused, whatever the reason."""
        return sum(self.rejected.values())

    @property
    def n_in(self) -> int:
        """All units."""
        return self.n_ok + self.n_rejected + self.n_pending


@dataclass(frozen=True, slots=True)
class Work:
    """What a job is given: a connection in autocommit mode, settings, a limit.

    ``limit`` bounds the units done in this run; None does all that is pending.
    """

    conn: psycopg.Connection[Any]
    settings: Settings
    limit: int | None = None
    progress: Progress = field(default_factory=LoggedProgress)


class Job(Protocol):
    """A module of ``skyscript_db.jobs``."""

    __name__: str
    UNIT: str
    SQL: queries.Queries

    def run(self, work: Work) -> None:
        """Do what has no result yet, one transaction a batch."""

    def parameters(self, settings: Settings) -> Parameters:
        """Return what the statements read, which the ledger keeps too."""


def name_of(job: Job) -> str:
    """Return the job's name, the stem of its module."""
    return job.__name__.rpartition(".")[2]


def run(job: Job, work: Work) -> Counts:
    """Run a job to its end and enter it in the ledger.

    Raises:
        JobBusy: It is running elsewhere, on this database.
        SkyscriptError: What the job itself raises, or says of its settings; the
            ledger has it too.
    """
    name = name_of(job)
    with _only_one(work.conn, name):
        run_id = _enter(work, name, _parameters(job, work))
        try:
            job.run(work)
            counts = count(job, work)
        except BaseException as error:
            _leave_failed(work.conn, run_id, error)
            raise
        _leave(work.conn, run_id, counts)
    logger.info("%s: %s", name, counts)
    return counts


def count(job: Job, work: Work) -> Counts:
    """Count the units of a job by outcome, from the tables."""
    rows = work.conn.execute(job.SQL.count, job.parameters(work.settings)).fetchall()
    return Counts(
        n_ok=sum(n for outcome, _, n in rows if outcome == "ok"),
        n_pending=sum(n for outcome, _, n in rows if outcome == "pending"),
        rejected={reason: n for outcome, reason, n in rows if outcome == "rejected"},
    )


def batches(
    work: Work,
    list_pending: LiteralString,
    parameters: Parameters,
    *,
    size: int,
    unit: str,
) -> Iterator[Parameters]:
    """List the pending ids once, then yield the bounds of one batch after another.

    ``list_pending`` fills the temporary table ``pending (n, id)`` by ``INSERT INTO
    pending (id) SELECT ...``. Each yield is a mapping of ``first`` and ``last``, both
    inclusive, for ``WHERE pending.n BETWEEN %(first)s AND %(last)s``. What is listed is
    not looked for again, so a run costs one pass however many batches it has.
    """
    total = list_ids(work, list_pending, parameters, unit=unit)
    for first in range(1, total + 1, size):
        last = min(first + size - 1, total)
        yield {"first": first, "last": last}
        work.progress.advance(last - first + 1)


def list_ids(
    work: Work, list_pending: LiteralString, parameters: Parameters, *, unit: str
) -> int:
    """Fill the temporary table ``pending``, begin the progress, return the count."""
    work.conn.execute(SQL.create_pending)
    work.conn.execute(list_pending, {**parameters, "limit": work.limit})
    work.conn.execute(SQL.analyze_pending)
    total = int(_one(work.conn, SQL.count_pending))
    work.progress.start(total, unit)
    return total


def notice_death(conn: psycopg.Connection[Any]) -> None:
    """Have the server end what it does for a connection soon after we are killed."""
    with suppress(errors.InvalidParameterValue):  # not on every system
        conn.execute(SQL.notice_death)


class _only_one:  # noqa: N801 - reads as a function, like contextlib's own
    """Holds the job's advisory lock; the server frees it if this process dies."""

    def __init__(self, conn: psycopg.Connection[Any], name: str) -> None:
        self.conn, self.name = conn, name

    def __enter__(self) -> None:
        notice_death(self.conn)
        if not _one(self.conn, SQL.try_share):
            raise JobBusy("scenes are being replaced: wait for that load to end")
        if not _one(self.conn, SQL.try_lock, {"job": self.name}):
            self.conn.execute(SQL.unshare)
            raise JobBusy(
                f"{self.name} is already running on this database: wait for it to "
                "end, or end that process; what it has done is kept"
            )

    def __exit__(self, *exc: object) -> None:
        # A connection that is lost has lost its locks too.
        with suppress(psycopg.OperationalError):
            self.conn.execute(SQL.unlock, {"job": self.name})
            self.conn.execute(SQL.unshare)


def _parameters(job: Job, work: Work) -> Parameters:
    """Return a job's parameters.

    If it refuses a setting, a failed run is entered that has no parameters but the
    limit: the job did not get as far as telling them.
    """
    try:
        return job.parameters(work.settings)
    except SkyscriptError as error:
        _leave_failed(work.conn, _enter(work, name_of(job), {}), error)
        raise


def _enter(work: Work, name: str, parameters: Parameters) -> int:
    work.conn.execute(SQL.mark_interrupted, {"job": name})
    values = {
        "job": name,
        "parameters": Jsonb({**parameters, "limit": work.limit}),
        "code_version": version("skyscript-db"),
    }
    return int(_one(work.conn, SQL.insert_run, values))


def _leave(conn: psycopg.Connection[Any], run_id: int, counts: Counts) -> None:
    conn.execute(
        SQL.finish_run,
        {
            "id": run_id,
            "n_in": counts.n_in,
            "n_ok": counts.n_ok,
            "n_rejected": counts.n_rejected,
            "n_pending": counts.n_pending,
            "rejected": Jsonb(dict(counts.rejected)),
        },
    )


def _leave_failed(
    conn: psycopg.Connection[Any], run_id: int, error: BaseException
) -> None:
    is_interrupt = isinstance(error, KeyboardInterrupt)
    status = "interrupted" if is_interrupt else "failed"
    message = ": ".join(filter(None, (type(error).__name__, str(error))))
    # If the server is gone, the next run of this job marks the entry as interrupted.
    with suppress(psycopg.OperationalError):
        conn.execute(SQL.fail_run, {"id": run_id, "status": status, "error": message})


def _one(
    conn: psycopg.Connection[Any],
    statement: LiteralString,
    parameters: Parameters | None = None,
) -> Any:
    row = conn.execute(statement, parameters).fetchone()
    assert row is not None  # noqa: S101 - the statements called return one row
    return row[0]
