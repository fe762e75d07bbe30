"""Enter a raster file as a scene.

A scene is known by its collection and the stem of its file's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loaders import ground, scenes
from loaders.ground import PixelGrid
from loaders.reference import find_or_register
from loaders.scenes import Outcome, SceneRow
from skyscript_db import queries
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from contextlib import ExitStack

    import psycopg

    from loaders.rasters.describe import RasterFile
    from loaders.rasters.options import RasterOptions

SQL = queries.beside(__file__)

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
    scenes.lock(conn, collection.id)
    known = scenes.find(conn, collection.id, file.name)
    if known is not None and known.file_sha256 != file.sha256:
        _check_moved(known.uri, file)
    row = SceneRow(
        **_columns(file, options),
        **_terms(collection, file, options),
        **_measure(conn, file, options),
    )
    outcome, dropped = scenes.register(conn, collection.id, row, guard)
    if outcome is Outcome.UNCHANGED:
        conn.execute(SQL.retry_chips, {"id": known and known.id})
    return outcome, dropped


def _columns(file: RasterFile, options: RasterOptions) -> Values:
    is_from_tag = options.acquired_at is None and file.date_tag is not None
    properties = {"acquired_at_tag": file.date_tag} if is_from_tag else {}
    return {
        "name": file.name,
        "uri": str(file.path),
        "acquired_at": options.acquired_at or file.acquired_at,
        "transform": file.transform,
        "width_px": file.width_px,
        "height_px": file.height_px,
        "bands": {"rgb": list(file.rgb), "names": file.band_names},
        "stretch": file.stretch,
        "is_synthetic": options.is_synthetic or file.is_synthetic,
        "file_sha256": file.sha256,
        "file_bytes": file.n_bytes,
        "properties": properties,
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
    crs, srid = find_or_register(conn, file.authority, file.wkt)
    grid = PixelGrid(crs, srid, file.transform, file.width_px, file.height_px)
    place = ground.measure(
        conn, grid, valid_px=file.valid_px, tolerance_px=file.tolerance_px
    )
    gsd_m = options.gsd_m or place.gsd_m
    return {"crs": crs, "srid": srid, "footprint": place.footprint, "gsd_m": gsd_m}


def _check_moved(uri: str, file: RasterFile) -> None:
    if Path(uri) != file.path and Path(uri).is_file():
        raise LoaderError(
            f"the collection has a scene of this name from {uri}: rename the file, or "
            "load it into another collection"
        )
