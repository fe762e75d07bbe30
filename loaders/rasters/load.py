"""Load GeoTIFF and COG files as scenes.

In: files, or folders that are searched for ``.tif`` and ``.tiff``. Out: a row of
``skyscript.collection`` and a row of ``skyscript.scene`` for each file, whose pixels
stay where they are. A file that cannot be a scene is rejected with the reason, and the
others go on.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import namedtuple_row

from loaders import collections, scenes
from loaders.ground import explained
from loaders.rasters.describe import RasterFile, describe
from loaders.rasters.options import RasterLoad, RasterOptions
from loaders.rasters.scene import Collection, register
from skyscript_db import queries
from skyscript_db.errors import LoaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import psycopg

    from loaders.scenes import Outcome

logger = logging.getLogger(__name__)
SQL = queries.beside(__file__)

SUFFIXES = {".tif", ".tiff"}


def load(
    conn: psycopg.Connection[Any], paths: Iterable[Path], options: RasterOptions
) -> RasterLoad:
    """Load files and folders into a collection, a transaction a file.

    Raises:
        UsageError: The collection or an option is not right; nothing was loaded.
    """
    target = _Target(conn, options, _find(conn, options))
    result = RasterLoad()
    taken: dict[str, Path] = {}
    for path in _files(paths, result):
        try:
            outcome = _load_file(target, path, taken, result)
        except LoaderError as error:
            result.rejected[path] = str(error)
            logger.info("%s: rejected: %s", path, error)
        else:
            result.outcomes[path] = outcome
            logger.info("%s: %s", path, outcome)
    return result


def _files(paths: Iterable[Path], result: RasterLoad) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in paths:
        found = [path]
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            if not found:
                result.rejected[path] = "no .tif or .tiff in this folder: name another"
        for file in (p.resolve() for p in found):
            if file not in seen:
                seen.add(file)
                yield file


def _load_file(
    target: _Target, path: Path, taken: dict[str, Path], result: RasterLoad
) -> Outcome:
    conn, options = target.conn, target.options
    file = describe(path, bands=options.bands, stretch=options.stretch)
    _check_first(file, taken)
    if options.acquired_at is None and file.acquired_at is None:
        result.notes.append(f"{path}: no date in its tags; tell it with --date")
    with ExitStack() as guard:
        with explained(), conn.transaction():
            collection = target.collection or _make(conn, options)
            outcome, dropped = register(conn, collection, file, options, guard)
        target.collection = collection
        taken[file.name] = path
        result.n_chips_dropped += len(dropped)
        if options.chips is not None:
            scenes.remove_images(options.chips, dropped)
    return outcome


def _check_first(file: RasterFile, taken: dict[str, Path]) -> None:
    if file.name in taken:
        raise LoaderError(
            f"{taken[file.name]} has the same name, and a collection holds a name "
            "once: rename one, or load it into another collection"
        )


# --- the collection -----------------------------------------------------------------


@dataclass(slots=True)
class _Target:
    """What is loaded into: a collection, once its first scene is in."""

    conn: psycopg.Connection[Any]
    options: RasterOptions
    collection: Collection | None


def _find(conn: psycopg.Connection[Any], options: RasterOptions) -> Collection | None:
    """Check what is told of the collection; return it, None if there is none yet."""
    if options.gsd_m is not None and not 0 < options.gsd_m < float("inf"):
        raise UsageError(f"--gsd {options.gsd_m} is no length: give metres, or auto")
    values = {"name": options.collection}
    cursor = conn.cursor(row_factory=namedtuple_row)
    found: Any = cursor.execute(SQL.find_collection, values).fetchone()
    if found is None:
        _claim_alias(conn, options)
        return None
    _check_same(found, options)
    return Collection(found.id, found.licence, found.attribution)


def _make(conn: psycopg.Connection[Any], options: RasterOptions) -> Collection:
    """Insert the collection, in the transaction of its first scene, and return it."""
    values = {
        "name": options.collection,
        "alias": _alias(options),
        "gsd_m": options.gsd_m,
        "licence": options.licence,
        "attribution": options.attribution,
    }
    # Again: while the file was read, another load may have taken it.
    _claim_alias(conn, options)
    conn.execute(SQL.insert_collection, values)
    collection = _find(conn, options)
    assert collection is not None  # noqa: S101 - this transaction inserted it, or met it
    return collection


def _claim_alias(conn: psycopg.Connection[Any], options: RasterOptions) -> None:
    remedy = "give another with --alias"
    collections.claim_alias(conn, options.collection, _alias(options), remedy=remedy)


def _alias(options: RasterOptions) -> str:
    told = options.collection.upper() if options.alias is None else options.alias
    alias = "".join(c for c in told if c.isascii() and c.isalnum())
    if not alias or options.alias not in {None, alias}:
        raise UsageError(
            f"{told!r} makes no alias for file names: give one of letters and digits "
            "with --alias"
        )
    return alias


def _check_same(found: Any, options: RasterOptions) -> None:
    name = options.collection
    if found.provider != "raster":
        raise UsageError(
            f"collection {name} holds {found.provider} images: choose another name"
        )
    if options.alias not in {None, found.alias}:
        raise UsageError(
            f"collection {name} has the alias {found.alias}: leave --alias out, or "
            "choose another collection"
        )
