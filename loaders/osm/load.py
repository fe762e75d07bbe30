"""Loads an OSM file into osm.feature, beside what is there, and swaps it in."""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import psycopg

from loaders.osm import extract as tables
from loaders.osm import imports, memory, osm2pgsql, sorting
from loaders.osm.extract import Table
from loaders.osm.failures import UnsortedError, explained
from loaders.osm.imports import Counts, Extract
from loaders.osm.source import Source, inspect
from skyscript_db.errors import LoaderError, UsageError
from skyscript_db.progress import LoggedProgress

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from loaders.osm.osm2pgsql import Log, Program
    from skyscript_db.progress import Progress

logger = logging.getLogger(__name__)

# About as many as a PBF has; the bar is right when the file is read.
_BYTES_PER_OBJECT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class OsmLoad(Counts):
    """A load that succeeded, or had nothing to do.

    Attributes:
        extract: Name of the extract.
        status: ``unchanged`` where the same file was loaded already.
        replaced: The file, without folder, that an older extract of the name was
            loaded from; None where there was none, or it is unchanged.
        seconds: How long it took.
    """

    extract: str
    status: Literal["loaded", "unchanged"]
    replaced: str | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """One load: what is loaded, by which program, into which database."""

    conn: psycopg.Connection[Any]
    info: str
    source: Source
    table: Table
    program: Program
    style_sha256: str


def load(
    conn: psycopg.Connection[Any],
    info: str,
    path: Path,
    *,
    name: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> OsmLoad:
    """Load an OSM file as an extract, in the place of an older one of that name.

    Args:
        conn: To a migrated database, in autocommit mode.
        info: The connection string of the same database.
        path: An ``.osm.pbf``, ``.osm``, ``.osm.gz``, ``.osm.bz2`` or ``.opl`` file.
        name: What the extract is called; the file's name without its suffix.
        force: Load even what is loaded already.
        progress: Told of the objects read.

    Raises:
        UsageError: The file or the name is not fit to be loaded.
        JobBusy: Another process is loading this extract.
        StorageError: The disk is full.
        LoaderError: The load failed. As with every error, what was loaded before is
            untouched.
    """
    began = time.monotonic()
    program = osm2pgsql.find()
    source = inspect(path)
    loader = Loader(
        conn=conn,
        info=info,
        source=source,
        table=Table(_check_name(source.stem if name is None else name)),
        program=program,
        style_sha256=hashlib.sha256(osm2pgsql.STYLE.read_bytes()).hexdigest(),
    )
    with explained(), imports.locked(conn, loader.table.extract):
        imports.clear_dead(conn)
        live = imports.find(conn, loader.table.extract)
        if live and not force and _is_same(live, loader):
            return _result(live, loader, began, status="unchanged")
        counts = _load(loader, progress or LoggedProgress())
    replaced = live.file_name if live else None
    return _result(counts, loader, began, status="loaded", replaced=replaced)


def remove(conn: psycopg.Connection[Any], name: str) -> None:
    """Remove an extract; objects that others hold too are current in their copies.

    Args:
        conn: To a migrated database, in autocommit mode.
        name: What the extract is called.

    Raises:
        UsageError: There is no such extract.
        JobBusy: Another process is loading or removing it.
        LoaderError: It could not be removed, and is untouched.
    """
    with explained(), imports.locked(conn, name):
        if imports.find(conn, name) is None:
            known = ", ".join(x.extract for x in imports.extracts(conn)) or "none"
            raise UsageError(f"no extract is named {name!r}; loaded are: {known}")
        with tables.one_swap_at_a_time(conn), conn.transaction():
            tables.take_out(conn, Table(name))
            imports.retire(conn, name, "removed")


def _check_name(name: str) -> str:
    if not name.strip() or not name.isprintable() or len(name) > 200:
        raise UsageError(
            f"an extract cannot be called {name!r}: give it a name of one line and at "
            "most 200 characters with --name"
        )
    return name


def _is_same(live: Extract, loader: Loader) -> bool:
    return (live.file_sha256, live.style_sha256) == (
        loader.source.sha256,
        loader.style_sha256,
    )


def _result(
    counts: Counts,
    loader: Loader,
    began: float,
    *,
    status: Literal["loaded", "unchanged"],
    replaced: str | None = None,
) -> OsmLoad:
    return OsmLoad(
        **{x.name: getattr(counts, x.name) for x in fields(Counts)},
        extract=loader.table.extract,
        status=status,
        replaced=replaced,
        seconds=time.monotonic() - began,
    )


def _load(loader: Loader, progress: Progress) -> Counts:
    """Load, and leave nothing behind if it fails but the record of it."""
    conn, table = loader.conn, loader.table
    import_id = _record_start(loader)
    try:
        return _finish(loader, _read_in_order(loader, progress), import_id=import_id)
    except BaseException as error:
        _abandon(conn, table.extract, str(error) or type(error).__name__)
        raise


def _record_start(loader: Loader) -> int:
    values = {
        "extract": loader.table.extract,
        "file_name": loader.source.path.name,
        "file_sha256": loader.source.sha256,
        "file_bytes": loader.source.n_bytes,
        "style_sha256": loader.style_sha256,
        "osm2pgsql_version": loader.program.version,
    }
    row = loader.conn.execute(imports.SQL.insert_running, values).fetchone()
    assert row is not None  # noqa: S101 - INSERT ... RETURNING returns
    return int(row[0])


def _abandon(conn: psycopg.Connection[Any], extract: str, reason: str) -> None:
    try:
        imports.abandon(conn, extract, reason)
    except psycopg.Error:
        # The next load does it; the error that brought us here says more.
        logger.warning("could not clean up after the load of %s", extract)


def _read_in_order(loader: Loader, progress: Progress) -> Log:
    """Read the file, or a sorted copy of it where its objects are out of order."""
    try:
        return _read(loader, progress)
    except UnsortedError:
        if not sorting.can_sort():
            raise
    with sorting.sorted_copy(loader.source.path) as path:
        source = replace(loader.source, path=path)
        return _read(replace(loader, source=source), progress)


def _read(loader: Loader, progress: Progress) -> Log:
    """Let osm2pgsql read the file into an empty staging schema."""
    source = loader.source
    loader.conn.execute(loader.table.fill(imports.SQL.drop_staging))
    loader.conn.execute(loader.table.fill(imports.SQL.create_staging))
    logger.info("%s: reading %s", loader.table.extract, source.path.name)
    staging = imports.staging_name(loader.table.extract)
    sizing = memory.size_for(source.pbf_bytes, memory.free_memory())
    bar = _Bar(progress, source.pbf_bytes // _BYTES_PER_OBJECT + 1)
    nowhere = nullcontext()
    with _flat_nodes(loader, staging) if sizing.has_flat_nodes else nowhere as path:
        words = osm2pgsql.arguments(
            source.path, schema=staging, sizing=sizing, flat_nodes=path
        )
        log = osm2pgsql.run(
            [loader.program.path, *words],
            env=osm2pgsql.environment(loader.info, application_name=staging),
            needed_bytes=sizing.needed_bytes,
            on_read=bar.show,
        )
    if not sum(log.n_read.values()):
        raise UsageError(f"{source.path.name} holds no OSM objects: check the file")
    bar.complete()
    return log


def _flat_nodes(loader: Loader, staging: str) -> AbstractContextManager[Path]:
    # One file for each extract of each database.
    database = hashlib.sha256(loader.conn.info.dsn.encode()).hexdigest()[:12]
    return memory.flat_nodes_file(f"{staging}-{database}")


def _finish(loader: Loader, log: Log, *, import_id: int) -> Counts:
    """Make the extract's table of what osm2pgsql stored, and swap it in."""
    conn, table = loader.conn, loader.table
    is_clipped = log.misses_nodes or not loader.program.tells_missing_nodes
    logger.info("%s: sorting and indexing what was read", table.extract)
    data_at = tables.data_date(conn, table)
    left_out = tables.count_left_out(conn, table, is_clipped=is_clipped)
    with tables.one_swap_at_a_time(conn):
        n_features = tables.fill(conn, table, data_at=data_at, is_clipped=is_clipped)
        counts = _count(log, n_features, left_out, data_at)
        tables.build_indexes(conn, table)
        with conn.transaction():
            tables.swap_in(conn, table)
            imports.record_swap(conn, table.extract, counts, import_id=import_id)
            conn.execute(table.fill(imports.SQL.drop_staging))
    return counts


def _count(
    log: Log, n_features: int, left_out: dict[str, int], data_at: datetime | None
) -> Counts:
    told = left_out | dict(log.ignored)
    # osm2pgsql shows the style no object without tags: they are the difference.
    n_untagged = sum(log.n_read.values()) - n_features - sum(told.values())
    if n_untagged < 0:
        raise LoaderError(
            f"osm2pgsql stored {-n_untagged} objects more than it read: update it with "
            "db/install.sh and load again"
        )
    if n_untagged:
        told["no tags"] = n_untagged
    return Counts(
        n_nodes=log.n_read.get("nodes", 0),
        n_ways=log.n_read.get("ways", 0),
        n_relations=log.n_read.get("relations", 0),
        n_features=n_features,
        left_out=dict(sorted(told.items(), key=lambda x: (-x[1], x[0]))),
        data_at=data_at,
    )


class _Bar:
    """Shows the number of objects read on a bar whose length is a guess."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.shown = progress, total, 0
        progress.start(total, "objects")

    def show(self, n_read: int) -> None:
        n_more = min(n_read, self.total) - self.shown
        if n_more > 0:
            self.shown += n_more
            self.progress.advance(n_more)

    def complete(self) -> None:
        self.show(self.total)
