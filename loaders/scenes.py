"""Enter a scene, whatever provider it comes from.

A scene is known by its collection and its name. Entered again with the same pixels on
the same grid it is unchanged. Else it is replaced, and the chips that were cut from
what it was are dropped with all that was made of them; a build plans and cuts them
anew.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from skyscript_db import queries
from skyscript_db.errors import JobBusy, LoaderError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from skyscript_db.images import ImageStore

logger = logging.getLogger(__name__)

SQL = queries.beside(__file__)

# Grids of one scene that differ by less, relatively, are told apart by nobody.
TOLERANCE = 1e-6


class Outcome(StrEnum):
    """What became of a scene that was entered."""

    NEW = "new"
    UNCHANGED = "unchanged"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class SceneRow:
    """The columns of a scene; those without a comment are the table's own.

    Attributes:
        footprint: WGS 84 multipolygon, as hexadecimal EWKB.
        acquired_at: None where nothing tells; what was told before then stays.
        version: What its provider calls this state of its pixels, such as the time of
            the last update; for a file, None, as its hash tells.
        is_licence_told: Whether ``licence`` replaces an earlier one.
        is_attribution_told: Whether ``attribution`` replaces an earlier one.
    """

    name: str
    uri: str
    footprint: str
    acquired_at: datetime | None
    gsd_m: float
    crs: str
    srid: int
    transform: tuple[float, ...]
    width_px: int
    height_px: int
    bands: Mapping[str, Any]
    stretch: Mapping[str, Any]
    cloud_fraction: float | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    version: str | None = None
    is_synthetic: bool = False
    licence: str | None = None
    attribution: str | None = None
    is_licence_told: bool = False
    is_attribution_told: bool = False
    file_sha256: str | None = None
    file_bytes: int | None = None


@dataclass(slots=True)
class SceneLoad:
    """What became of the listed scenes.

    listed = new + unchanged + replaced + matching + left out + rejected, where those
    that match are counted in a dry run alone.

    Attributes:
        collection: Their collection.
        n_regions: Where was asked.
        n_requests: How many pages were asked for.
        matching: Scenes that would be entered.
        left_out: Scenes that are not wanted, by reason.
        rejected: Scenes that are wanted and cannot be used, with the reason.
    """

    collection: str
    n_regions: int = 0
    n_requests: int = 0
    new: int = 0
    unchanged: int = 0
    replaced: int = 0
    matching: int = 0
    n_chips_dropped: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    rejected: dict[str, str] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> None:
        """Count a scene that was entered."""
        setattr(self, outcome.value, getattr(self, outcome.value) + 1)

    def add(self, other: SceneLoad) -> None:
        """Count what another load did as well."""
        for name in ("new", "unchanged", "replaced", "matching", "n_chips_dropped"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.left_out += other.left_out
        self.rejected.update(other.rejected)

    @property
    def n_taken(self) -> int:
        """Scenes that are in the database now, or would be."""
        return self.new + self.unchanged + self.replaced + self.matching

    @property
    def n_listed(self) -> int:
        """All scenes that the service told of."""
        return self.n_taken + self.left_out.total() + len(self.rejected)

    @property
    def reasons(self) -> Counter[str]:
        """How many scenes were rejected for each reason."""
        return Counter(self.rejected.values())


def lock(conn: psycopg.Connection[Any], collection_id: int) -> None:
    """Have loads into one collection take turns until the transaction ends.

    Raises:
        LoaderError: The collection was removed meanwhile.
    """
    values = {"collection_id": collection_id}
    if conn.execute(SQL.lock_collection, values).fetchone() is None:
        raise LoaderError(
            "its collection was removed while it was loaded: load it again"
        )


def find(conn: psycopg.Connection[Any], collection_id: int, name: str) -> Any | None:
    """Return what is known of a scene: id, uri, and what tells its pixels apart."""
    return (
        conn.cursor(row_factory=namedtuple_row)
        .execute(SQL.find_scene, {"collection_id": collection_id, "name": name})
        .fetchone()
    )


def register(
    conn: psycopg.Connection[Any], collection_id: int, row: SceneRow, guard: ExitStack
) -> tuple[Outcome, list[str | None]]:
    """Insert, replace or leave a scene; return which, and the dropped chips' files.

    Runs within the caller's transaction. Where chips are dropped, ``guard`` keeps jobs
    away until it is closed: close it after the commit, and remove the files before.

    Raises:
        JobBusy: Chips would have to be dropped, and a job is at work on them.
        LoaderError: The collection was removed meanwhile.
    """
    lock(conn, collection_id)
    known = find(conn, collection_id, row.name)
    values = {"collection_id": collection_id, **_values(row)}
    if known is None:
        conn.execute(SQL.insert_scene, values)
        return Outcome.NEW, []
    values["id"] = known.id
    if _is_same(known, row):
        conn.execute(SQL.touch_scene, values)
        return Outcome.UNCHANGED, []
    guard.enter_context(without_jobs(conn, f"scene {row.name} has changed"))
    dropped = drop_chips(conn, scene_id=known.id)
    conn.execute(SQL.replace_scene, values)
    return Outcome.REPLACED, dropped


def drop_chips(
    conn: psycopg.Connection[Any],
    *,
    scene_id: int | None = None,
    collection_id: int | None = None,
    plan: str | None = None,
) -> list[str | None]:
    """Drop the chips of a scene, a collection or a plan; return their files' paths.

    Within ``without_jobs``, and within the caller's transaction.
    """
    values = {"scene_id": scene_id, "collection_id": collection_id, "plan": plan}
    return [path for (path,) in conn.execute(SQL.drop_chips, values)]


def remove_images(store: ImageStore, dropped: Iterable[str | None]) -> None:
    """Remove the files of chips that were dropped.

    After the commit: a file too many does no harm, a row without its file does. What
    cannot be removed is told in the log.
    """
    for image_path in filter(None, dropped):
        try:
            store.remove(image_path)
        except StorageError as error:
            logger.warning("%s of a chip that is no more stays: %s", image_path, error)


def _values(row: SceneRow) -> dict[str, Any]:
    values = {column.name: getattr(row, column.name) for column in fields(row)}
    jsons = {name: Jsonb(dict(values[name])) for name in _JSONS}
    return {**values, **jsons, "transform": list(row.transform)}


_JSONS = ("bands", "stretch", "properties")


def _is_same(known: Any, row: SceneRow) -> bool:
    return (
        (known.version, known.file_sha256) == (row.version, row.file_sha256)
        and _sources(known.bands) == _sources(row.bands)
        and _settled(known.stretch) == _settled(row.stretch)
        and _is_same_grid(known, row)
    )


def _is_same_grid(known: Any, row: SceneRow) -> bool:
    return (
        known.crs == row.crs
        and (known.width_px, known.height_px) == (row.width_px, row.height_px)
        and all(map(_is_close, known.transform, row.transform))
        and _is_close(known.gsd_m, row.gsd_m)
    )


def _is_close(first: float, second: float) -> bool:
    return math.isclose(first, second, rel_tol=TOLERANCE, abs_tol=1e-12)


def _sources(bands: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what of the bands decides on pixels; their names do not."""
    return bands["rgb"], bands.get("cloud")


def _settled(stretch: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what tells stretches of one scene apart; percentiles follow from it."""
    if stretch["method"] != "percentile":
        return stretch
    return {key: stretch[key] for key in ("method", "low", "high")}


@contextmanager
def without_jobs(conn: psycopg.Connection[Any], why: str) -> Iterator[None]:
    """Let no job run: ids are made of names, so it would write to the new chips.

    The new chips of a scene have the ids of the old, and what a job has read of those
    would pass for theirs.

    Raises:
        JobBusy: A job is running.
    """
    row = conn.execute(SQL.try_own_chips).fetchone()
    if row != (True,):
        raise JobBusy(
            f"{why}, so chips must go, and a job is running: wait for it to end, and "
            "do this again"
        )
    try:
        yield
    finally:
        with suppress(psycopg.OperationalError):  # a lost connection has no locks
            conn.execute(SQL.disown_chips)
