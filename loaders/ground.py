"""Where a scene's pixels lie on the ground, and how large they are there."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import errors
from psycopg.rows import namedtuple_row

from skyscript_db import queries
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

SQL = queries.beside(__file__)

# The area of a footprint on the ellipsoid, as a multiple of its pixels' area at the
# GSD of the scene's middle: Web Mercator of the whole Earth stays within it.
SWELL = (0.2, 5.0)
# A grid in metres has pixels of its own step, but for the scale of its projection.
PROJECTION_SCALE = 0.002


@dataclass(frozen=True, slots=True)
class PixelGrid:
    """A grid of pixels in a reference system that PostGIS knows."""

    crs: str
    srid: int
    transform: tuple[float, ...]
    width_px: int
    height_px: int

    @property
    def outline_px(self) -> str:
        """All of it, as GeoJSON in pixels."""
        right, bottom = float(self.width_px), float(self.height_px)
        ring = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom), (0.0, 0.0)]
        return json.dumps({"type": "MultiPolygon", "coordinates": [[ring]]})

    @property
    def step(self) -> float:
        """Side of a pixel, in the units of the reference system."""
        a, b, _, d, e, _ = self.transform
        return math.sqrt(abs(a * e - b * d))


@dataclass(frozen=True, slots=True)
class Place:
    """What a grid covers (hexadecimal EWKB, WGS 84), and the size of its pixels."""

    footprint: str
    gsd_m: float


def measure(
    conn: psycopg.Connection[Any],
    grid: PixelGrid,
    *,
    valid_px: str | None = None,
    tolerance_px: float = 0,
) -> Place:
    """Return where a grid lies; ``valid_px`` is its valid part, GeoJSON in pixels.

    Raises:
        LoaderError: It lies off the Earth, or not in one piece.
    """
    values = {
        "srid": grid.srid,
        "transform": list(grid.transform),
        "width_px": grid.width_px,
        "height_px": grid.height_px,
        "valid_px": valid_px or grid.outline_px,
        "tolerance_px": tolerance_px,
    }
    cursor = conn.cursor(row_factory=namedtuple_row)
    place: Any = cursor.execute(SQL.measure, values).fetchone()
    if place.is_off_earth or not math.isfinite(place.gsd_m) or place.gsd_m <= 0:
        raise LoaderError(
            f"its transform leads off the Earth in {grid.crs[:80]}: correct its "
            "reference system with `rio edit-info --crs`"
        )
    if place.swell is None or not SWELL[0] < place.swell < SWELL[1]:
        raise LoaderError(
            "its ground does not come out as one piece, as around a pole: cut it with "
            "`rio clip`, or warp it with `rio warp`"
        )
    return Place(place.footprint, place.gsd_m)


def nominal_gsd_m(grid: PixelGrid, place: Place) -> float:
    """Return the GSD that people know: the grid's step, where it is in metres.

    Pixels of 0.6 m in UTM measure between 0.5998 and 0.6006 m on the ground, and a tag
    that can be seen at 0.6 m can be seen in all of them.
    """
    is_metric = math.isclose(grid.step, place.gsd_m, rel_tol=PROJECTION_SCALE)
    return grid.step if is_metric else place.gsd_m


def clip_footprint(
    conn: psycopg.Connection[Any], place: Place, told: dict[str, Any] | None
) -> str:
    """Return what a provider says that holds data, within the outline of the grid.

    ``told`` is GeoJSON; without it, or where its numbers are none, the outline stands.
    """
    if told is None or not _is_finite(told.get("coordinates")):
        return place.footprint
    values = {"geojson": json.dumps(told), "outline": place.footprint}
    row = conn.execute(SQL.clip_footprint, values).fetchone()
    return str(row[0]) if row else place.footprint


def _is_finite(coordinates: Any) -> bool:
    if isinstance(coordinates, list):
        return bool(coordinates) and all(map(_is_finite, coordinates))
    return isinstance(coordinates, (int, float)) and math.isfinite(coordinates)


def do_intersect(conn: psycopg.Connection[Any], footprint: str, area: str) -> bool:
    """Return whether two areas, as hexadecimal EWKB, have any ground in common."""
    row = conn.execute(
        SQL.do_intersect, {"footprint": footprint, "area": area}
    ).fetchone()
    return row == (True,)


@contextmanager
def explained() -> Iterator[None]:
    """Raise what PostGIS refuses as an error of the scene."""
    try:
        yield
    except (errors.InternalError_, errors.DataError) as error:
        raise LoaderError(
            f"PostGIS cannot place it: {error.diag.message_primary}; check its "
            "reference system (CRS) and transform with `rio info`"
        ) from error
    except errors.InsufficientPrivilege as error:
        raise LoaderError(
            f"this role may not load it: {error.diag.message_primary}; an unknown "
            "reference system needs INSERT on spatial_ref_sys"
        ) from error
