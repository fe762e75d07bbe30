"""Enter a raster file as a scene.

A scene is known by its collection and the stem of its file's name. Loaded again with
the same bytes, bands, stretch and GSD it is unchanged. Else it is replaced, and the
chips that were cut from what it was are dropped with all that was made of them; a
build plans and cuts them anew.
"""

from __future__ import annotations

import math
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from loaders.rasters.options import Outcome, RasterOptions
from loaders.rasters.reference import find_or_register
from skyscript_db import queries
from skyscript_db.errors import JobBusy, LoaderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loaders.rasters.describe import RasterFile

SQL = queries.beside(__file__)

# The area of a footprint on the ellipsoid, as a multiple of its pixels' area at the
# GSD of the scene's middle: Web Mercator of the whole Earth stays within it.
SWELL = (0.2, 5.0)

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Collection:
    """What a scene needs of its collection."""

    id: int
    licence: str | None
    attribution: str | None


def register(
    conn: psycopg.Connection[Any],
    collection: Collection,
    file: RasterFile,
    options: RasterOptions,
    guard: ExitStack,
) -> tuple[Outcome, list[str | None]]:
    """Insert, replace or leave a scene; return which, and the dropped chips' files.

    Where chips are dropped, ``guard`` keeps jobs away until it is closed.

    Raises:
        JobBusy: Chips would have to be dropped, and a job is at work on them.
        LoaderError: It has no place on Earth, or another file has its name.
    """
    conn.execute(SQL.lock_collection, {"collection_id": collection.id})
    values = {
        "collection_id": collection.id,
        **_columns(file, options),
        **_terms(collection, file, options),
        **_measure(conn, file, options),
    }
    cursor = conn.cursor(row_factory=namedtuple_row)
    known: Any = cursor.execute(SQL.find_scene, values).fetchone()
    if known is None:
        conn.execute(SQL.insert_scene, values)
        return Outcome.NEW, []
    values["id"] = known.id
    if _is_same(known, file, values["gsd_m"]):
        conn.execute(SQL.touch_scene, values)
        conn.execute(SQL.retry_chips, values)
        return Outcome.UNCHANGED, []
    _check_moved(known.uri, file)
    guard.enter_context(_without_jobs(conn))
    dropped = conn.execute(SQL.drop_chips, values).fetchall()
    conn.execute(SQL.replace_scene, values)
    return Outcome.REPLACED, [image_path for (image_path,) in dropped]


@contextmanager
def _without_jobs(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Let no job run: ids are made of names, so it would write to the new chips.

    The new chips of a scene have the ids of the old, and what a job has read of those
    would pass for theirs.
    """
    row = conn.execute(SQL.try_own_chips).fetchone()
    if row != (True,):
        raise JobBusy(
            "it has changed, so its chips must go, and a job is running: wait for it "
            "to end, and load again"
        )
    try:
        yield
    finally:
        with suppress(psycopg.OperationalError):  # a lost connection has no locks
            conn.execute(SQL.disown_chips)


def _columns(file: RasterFile, options: RasterOptions) -> Values:
    is_from_tag = options.acquired_at is None and file.date_tag is not None
    properties = {"acquired_at_tag": file.date_tag} if is_from_tag else {}
    return {
        "name": file.name,
        "uri": str(file.path),
        "acquired_at": options.acquired_at or file.acquired_at,
        "transform": list(file.transform),
        "width_px": file.width_px,
        "height_px": file.height_px,
        "bands": Jsonb({"rgb": list(file.rgb), "names": file.band_names}),
        "stretch": Jsonb(dict(file.stretch)),
        "is_synthetic": options.is_synthetic or file.is_synthetic,
        "file_sha256": file.sha256,
        "file_bytes": file.n_bytes,
        "properties": Jsonb(properties),
    }


def _terms(collection: Collection, file: RasterFile, options: RasterOptions) -> Values:
    """Return what licence and credit differ from the collection's."""
    attribution = options.attribution or file.copyright
    return {
        "is_licence_told": options.licence is not None,
        "licence": _unless_same(options.licence, collection.licence),
        "is_attribution_told": options.attribution is not None,
        "attribution": _unless_same(attribution, collection.attribution),
    }


def _unless_same(own: str | None, general: str | None) -> str | None:
    return None if own == general else own


def _measure(
    conn: psycopg.Connection[Any], file: RasterFile, options: RasterOptions
) -> Values:
    crs, srid = find_or_register(conn, file)
    cursor = conn.cursor(row_factory=namedtuple_row)
    place: Any = cursor.execute(
        SQL.measure,
        {
            "srid": srid,
            "transform": list(file.transform),
            "width_px": file.width_px,
            "height_px": file.height_px,
            "valid_px": file.valid_px,
            "tolerance_px": file.tolerance_px,
        },
    ).fetchone()
    _check_place(place, crs)
    gsd_m = options.gsd_m or place.gsd_m
    return {"crs": crs, "srid": srid, "footprint": place.footprint, "gsd_m": gsd_m}


def _check_place(place: Any, crs: str) -> None:
    if place.is_off_earth or not math.isfinite(place.gsd_m) or place.gsd_m <= 0:
        raise LoaderError(
            f"its transform leads off the Earth in {crs[:80]}: correct its reference "
            "system with `rio edit-info --crs`"
        )
    if place.swell is None or not SWELL[0] < place.swell < SWELL[1]:
        raise LoaderError(
            "its ground does not come out as one piece, as around a pole: cut it with "
            "`rio clip`, or warp it with `rio warp`"
        )


def _is_same(known: Any, file: RasterFile, gsd_m: float) -> bool:
    return (
        known.file_sha256 == file.sha256
        and known.bands["rgb"] == list(file.rgb)
        and _recipe(known.stretch) == _recipe(dict(file.stretch))
        and math.isclose(known.gsd_m, gsd_m, rel_tol=1e-6)
    )


def _recipe(stretch: Values) -> Values:
    """Return what tells stretches of one file apart; percentiles follow from it."""
    if stretch["method"] != "percentile":
        return stretch
    return {key: stretch[key] for key in ("method", "low", "high")}


def _check_moved(uri: str, file: RasterFile) -> None:
    if Path(uri) != file.path and Path(uri).is_file():
        raise LoaderError(
            f"the collection has a scene of this name from {uri}: rename the file, or "
            "load it into another collection"
        )
