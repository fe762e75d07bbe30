"""The record of loads, and the lock that keeps two of one extract apart."""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from psycopg import errors, sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from skyscript_db import queries
from skyscript_db.errors import JobBusy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import psycopg

logger = logging.getLogger(__name__)

SQL = queries.beside(__file__)

# A process that was killed holds its lock until the server has noticed.
_LOCK_GRACE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a file held, and what became of it.

    Attributes:
        n_nodes: Nodes read.
        n_ways: Ways read.
        n_relations: Relations read.
        n_features: Features stored, of the objects read.
        left_out: The other objects read, by reason.
        data_at: Date of the data, where the file tells.
    """

    n_nodes: int
    n_ways: int
    n_relations: int
    n_features: int
    left_out: dict[str, int]
    data_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract(Counts):
    """An extract that is loaded.

    Attributes:
        extract: Its name.
        file_name: The file that it is from, without folder.
        file_sha256: Hash of that file, in hex.
        style_sha256: Hash of the style that chose its features, in hex.
        finished_at: When it was loaded.
    """

    extract: str
    file_name: str
    file_sha256: str
    style_sha256: str
    finished_at: datetime


def extracts(conn: psycopg.Connection[Any]) -> list[Extract]:
    """Return the extracts that are loaded, by name."""
    with conn.cursor(row_factory=class_row(Extract)) as cursor:
        return cursor.execute(SQL.select_loaded).fetchall()


def find(conn: psycopg.Connection[Any], name: str) -> Extract | None:
    """Return an extract that is loaded, by its name."""
    return next((x for x in extracts(conn) if x.extract == name), None)


def record_swap(
    conn: psycopg.Connection[Any], extract: str, counts: Counts, *, import_id: int
) -> None:
    """Record that a load has taken the place of the extract's older one."""
    retire(conn, extract, "replaced")
    values = asdict(counts) | {"id": import_id, "left_out": Jsonb(counts.left_out)}
    conn.execute(SQL.finish_running, values)


def retire(
    conn: psycopg.Connection[Any],
    extract: str,
    status: Literal["replaced", "removed"],
) -> None:
    """Record that the extract's load is no longer live."""
    conn.execute(SQL.retire_loaded, {"extract": extract, "status": status})


def staging_name(extract: str) -> str:
    """Return the schema that an extract is loaded into before it is swapped in."""
    return "osm_load_" + hashlib.sha256(extract.encode()).hexdigest()[:12]


@contextmanager
def locked(conn: psycopg.Connection[Any], extract: str) -> Iterator[None]:
    """Keep other processes from loading or removing an extract.

    Raises:
        JobBusy: Another process is at it.
    """
    with _patience(conn):
        deadline = time.monotonic() + _LOCK_GRACE_S
        while not _try_lock(conn, extract):
            if time.monotonic() > deadline:
                raise JobBusy(_holder(conn, extract))
            time.sleep(0.2)
        try:
            yield
        finally:
            if not conn.closed:
                conn.execute(SQL.unlock, {"extract": extract})


def clear_dead(conn: psycopg.Connection[Any]) -> None:
    """Clean up after loads whose process has ended without doing so."""
    for (extract,) in conn.execute(SQL.select_running).fetchall():
        if not _try_lock(conn, extract):
            continue
        try:
            logger.info("cleaning up after a load of %s that was killed", extract)
            abandon(conn, extract, "the process that loaded it ended before it did")
        finally:
            conn.execute(SQL.unlock, {"extract": extract})


def abandon(conn: psycopg.Connection[Any], extract: str, reason: str) -> None:
    """Drop what a load has made so far, and record why it ended."""
    staging = staging_name(extract)
    # osm2pgsql outlives a killed parent, and would go on writing there.
    conn.execute(SQL.end_backends, {"application_name": staging})
    conn.execute(sql.SQL(SQL.drop_staging).format(staging=sql.Identifier(staging)))
    conn.execute(SQL.fail_running, {"extract": extract, "error": reason})


@contextmanager
def _patience(conn: psycopg.Connection[Any]) -> Iterator[None]:
    try:
        conn.execute(SQL.patience)
    except errors.InvalidParameterValue:
        logger.debug("this server cannot watch for clients that died")
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute(SQL.reset_patience)


def _try_lock(conn: psycopg.Connection[Any], extract: str) -> bool:
    row = conn.execute(SQL.try_lock, {"extract": extract}).fetchone()
    return row is not None and bool(row[0])


def _holder(conn: psycopg.Connection[Any], extract: str) -> str:
    row = conn.execute(SQL.select_holder, {"extract": extract}).fetchone()
    by = f" (server process {row[0]}, since {row[1]:%Y-%m-%d %H:%M:%S})" if row else ""
    return (
        f"another process is loading or removing extract {extract!r}{by}: wait for it, "
        "or load under another name with --name"
    )
