"""Fetch the planned chips and store them as image files.

In: ``chip`` rows that are planned, or failed and may be tried again. Out: a file in
the store of chips, and the row in state ``ok`` with its path, hash and size;
``rejected`` with the cause where there is nothing to see; ``failed`` with cause and
HTTP status where its pixels could not be had.

The order is shuffled by a hash of scene and block (a square of the scene), so that
what an interrupted run leaves is a fair sample of all, and that chips which can share
a request still come together; within a block it goes by position. Results are
recorded as they come: a killed run loses what was in flight, and what is ok is never
asked for again.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

from loaders.providers import PROVIDERS, open_provider
from skyscript_db import queries
from skyscript_db.database import conninfo_of
from skyscript_db.errors import SkyscriptError
from skyscript_db.fetching import BLOCK_PX, Lane, checks, stored, stream
from skyscript_db.imagery import Refusal
from skyscript_db.images import StoredImage, open_store
from skyscript_db.jobs.planned import Scene, planned_chips
from skyscript_db.jobs.runner import list_ids

if TYPE_CHECKING:
    import psycopg

    from skyscript_db.config import Settings
    from skyscript_db.fetching import Result
    from skyscript_db.images import ImageStore
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "chips"
SQL = queries.beside(__file__)

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
# Between transactions: what is finished and not yet recorded is lost by a kill.
FLUSH_S = 0.2


def parameters(settings: Settings) -> Parameters:
    """Return how files are encoded, how often a chip is tried, and in what order."""
    return {
        "image_format": settings.image_format,
        "jpeg_quality": settings.jpeg_quality,
        "max_nodata_fraction": checks.MAX_NODATA_FRACTION,
        "max_attempts": MAX_ATTEMPTS,
        "block_px": BLOCK_PX,
        "providers": sorted(PROVIDERS),
    }


def run(work: Work) -> None:
    """Fetch and store all pending chips.

    A provider that cannot be opened does not keep the others from their work; its
    error is raised at the end.

    Raises:
        StorageError: A file cannot be written; the chips in flight stay pending.
        CredentialsExpired: A service does not know us (any more); likewise.
        ServiceUnreachable: It cannot be reached any more; likewise.
        JobBusy: Another process writes to the same folder.
    """
    store = open_store(work.settings)
    with store.writing():
        list_ids(work, SQL.list_pending, parameters(work.settings), unit=UNIT)
        work.conn.execute(SQL.create_fetched)
        lanes, errors = _lanes(work)
        record = _Record(work, store)
        with closing(stream(lanes, store)) as results:
            try:
                for some in results:
                    record.add(some)
            finally:
                record.flush()
    if errors:
        raise errors[0]


def count_failed(conn: psycopg.Connection[Any]) -> tuple[int, int]:
    """Return how many chips have failed, and how many of them are out of attempts."""
    values = {"max_attempts": MAX_ATTEMPTS}
    n_failed, n_out = conn.execute(SQL.count_failed, values).fetchall()[0]
    return n_failed, n_out


def retry_failed(conn: psycopg.Connection[Any], cause: str | None = None) -> int:
    """Plan failed chips afresh, those out of attempts too; return how many.

    With ``cause``, only those whose cause has this text in it.
    """
    return conn.execute(SQL.retry_failed, {"cause": cause}).rowcount


def _lanes(work: Work) -> tuple[list[Lane], list[SkyscriptError]]:
    lanes: list[Lane] = []
    errors: list[SkyscriptError] = []
    for (name,) in work.conn.execute(SQL.list_providers).fetchall():
        try:
            provider = open_provider(name, work.settings, conninfo_of(work.conn))
        except SkyscriptError as error:
            logger.warning("no chips from %s: %s", name, error)
            errors.append(error)
        else:
            chips = planned_chips(work.conn, work.settings, name)
            lanes.append(Lane(provider, chips))
    return lanes, errors


class _Record:
    """Enters results in the database, a transaction for all that has come."""

    def __init__(self, work: Work, store: ImageStore) -> None:
        self._work, self._store = work, store
        self._results: list[Result] = []
        self._flushed = time.monotonic()

    def add(self, results: list[Result]) -> None:
        """Take results; enter them if some time has passed."""
        self._results += results
        if time.monotonic() - self._flushed >= FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Enter what has come; its files are on disk before their rows say so."""
        results, self._results = self._results, []
        self._flushed = time.monotonic()
        if not results:
            return
        self._store.sync(stored(results))
        with self._work.conn.transaction(), self._work.conn.cursor() as cursor:
            with cursor.copy(SQL.copy_fetched) as copy:
                for result in results:
                    copy.write_row(_row(result))
            cursor.execute(SQL.update_chips)
        self._work.progress.advance(len(results))
        _warn(results)


def _warn(results: list[Result]) -> None:
    failures = Counter(
        result.found.cause
        for result in results
        if isinstance(result.found, Refusal) and not result.found.is_final
    )
    for cause, n in failures.items():
        logger.warning("%d chips failed: %s", n, cause)


def _row(result: Result) -> tuple[Any, ...]:
    scene = result.chip.version
    assert isinstance(scene, Scene)  # noqa: S101 - planned_chips saw to it
    start = (result.chip.id, scene.loaded_at, result.state)
    shares = (result.nodata_fraction, result.cloud_fraction)
    match result.found:
        case StoredImage(path, sha256, n_bytes):
            label = result.chip.encoding.label
            return (*start, None, None, path, sha256, n_bytes, label, *shares)
        case Refusal(cause, _, http_status):
            return (*start, cause, http_status, None, None, None, None, *shares)
