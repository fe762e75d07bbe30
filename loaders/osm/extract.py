"""The table of one extract: made beside the live data, swapped in, and removed."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import errors, sql

from loaders.osm.imports import staging_name
from skyscript_db import queries
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

logger = logging.getLogger(__name__)

SQL = queries.beside(__file__)

# Readers hold the tables for as long as their transactions last.
_PATIENCE_S = 600.0
_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Table:
    """The statements about one extract's table, with its names filled in."""

    extract: str

    @property
    def partition(self) -> str:
        """Name of the table: readable, short enough, and no other extract's."""
        digest = hashlib.sha256(self.extract.encode()).hexdigest()[:12]
        slug = re.sub(r"[^a-z0-9]+", "_", self.extract.lower()).strip("_")[:30]
        return f"feature_{slug}_{digest}"

    @property
    def staged(self) -> sql.Identifier:
        """The table before it is swapped in."""
        return sql.Identifier(staging_name(self.extract), self.partition)

    def fill(self, statement: LiteralString, **parts: sql.Composable) -> sql.Composed:
        """Put names and values into a statement; it then takes no parameters."""
        return sql.SQL(statement).format(
            staging=sql.Identifier(staging_name(self.extract)),
            partition=sql.Identifier(self.partition),
            extract=sql.Literal(self.extract),
            **parts,
        )


def data_date(conn: psycopg.Connection[Any], table: Table) -> datetime | None:
    """Return the date in the file's header, or that of its newest object."""
    rows = conn.execute(table.fill(SQL.select_properties)).fetchall()
    properties = dict(rows)
    for name in ("replication_timestamp", "import_timestamp"):
        try:
            return datetime.fromisoformat(properties[name])
        except (KeyError, ValueError):
            continue
    return None


def count_left_out(
    conn: psycopg.Connection[Any], table: Table, *, is_clipped: bool
) -> dict[str, int]:
    """Return the number of tagged objects that are no features, by reason."""
    query = table.fill(SQL.count_left_out, is_clipped=sql.Literal(is_clipped))
    return dict(conn.execute(query).fetchall())


@contextmanager
def one_swap_at_a_time(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Wait for changes of other extracts, and keep others from them."""
    conn.execute(SQL.lock_swaps)
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute(SQL.unlock_swaps)


def fill(
    conn: psycopg.Connection[Any],
    table: Table,
    *,
    data_at: datetime | None,
    is_clipped: bool,
) -> int:
    """Copy the features that osm2pgsql stored into the extract's table, sorted.

    Returns:
        How many there are.
    """
    query = table.fill(
        SQL.copy_features,
        data_at=sql.Literal(data_at),
        is_clipped=sql.Literal(is_clipped),
    )
    with conn.transaction():
        conn.execute(SQL.work_memory)
        n_features = conn.execute(query).rowcount
        conn.execute(table.fill(SQL.add_constraints))
    return n_features


def build_indexes(conn: psycopg.Connection[Any], table: Table) -> None:
    """Build the parent's indexes on the table, and analyse it."""
    names = {x: sql.Identifier(f"{table.partition}_{x}") for x in ("geom", "key")}
    with conn.transaction():
        conn.execute(table.fill(SQL.index_geom, index=names["geom"]))
        conn.execute(table.fill(SQL.index_key, index=names["key"]))
        conn.execute(table.fill(SQL.add_key, index=names["key"]))
        conn.execute(SQL.sample_less)
        conn.execute(table.fill(SQL.analyze))


def swap_in(conn: psycopg.Connection[Any], table: Table) -> None:
    """Put the table in the place of the extract's old one, within a transaction.

    Raises:
        LoaderError: Readers never left the old one for a moment.
    """
    conn.execute(table.fill(SQL.update_others, fresh=table.staged))
    is_attached = _is_attached(conn, table)

    def swap() -> None:
        if is_attached:
            conn.execute(table.fill(SQL.detach))
        conn.execute(table.fill(SQL.attach))

    _when_free(conn, swap)


def take_out(conn: psycopg.Connection[Any], table: Table) -> None:
    """Drop the extract's table, within a transaction.

    Raises:
        LoaderError: Readers never left it for a moment.
    """
    conn.execute(SQL.make_empty)
    nothing = sql.Identifier("pg_temp", "no_feature")
    conn.execute(table.fill(SQL.update_others, fresh=nothing))
    _when_free(conn, lambda: conn.execute(table.fill(SQL.detach)))


def _is_attached(conn: psycopg.Connection[Any], table: Table) -> bool:
    name = f"osm.{table.partition}"
    row = conn.execute(SQL.select_is_attached, {"name": name}).fetchone()
    return row is not None and bool(row[0])


def _when_free(conn: psycopg.Connection[Any], change: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with conn.transaction():
                conn.execute(SQL.limit_wait)
                change()
        except errors.LockNotAvailable as error:
            if time.monotonic() > deadline:
                raise LoaderError(
                    "the new data could not be swapped in, because others never "
                    "stopped reading the old: end their transactions (see "
                    "pg_stat_activity) and load again"
                ) from error
            logger.info("waiting for readers of osm.feature")
            time.sleep(_PAUSE_S)
        else:
            return
