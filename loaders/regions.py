"""What ground a service is asked for: an area, or where features lack imagery."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import args_row, class_row
from psycopg.types.json import Jsonb

from skyscript_db import area as areas
from skyscript_db import queries
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    import psycopg

    from skyscript_db.catalogue import CatalogueEntry
    from skyscript_db.config import Settings

SQL = queries.beside(__file__)

# Points of an area that travel in an address; larger ones are asked for by their box.
MAX_POINTS = 60


@dataclass(frozen=True, slots=True)
class Region:
    """Ground that is asked for.

    Attributes:
        area: All of it, hexadecimal EWKB in WGS 84; None is the Earth.
        geojson: What a service is told: the same, or what holds it.
        n_features: How many features lack imagery there, where that was asked.
    """

    area: str | None
    geojson: str | None
    n_features: int | None = None

    @property
    def geometry(self) -> dict[str, Any] | None:
        """What a service is told, as a mapping."""
        return None if self.geojson is None else dict(json.loads(self.geojson))


def of_area(
    conn: psycopg.Connection[Any], entry: CatalogueEntry, text: str | None
) -> Region:
    """Return the region of an area that a user gave.

    Raises:
        UsageError: It is not an area, or lies outside the collection's coverage.
    """
    if text is None:
        return Region(None, None)
    area = areas.parse(conn, text)
    check_covered(conn, entry, area)
    values = {"area": area, "max_points": MAX_POINTS}
    with conn.cursor(row_factory=args_row(Region)) as cursor:
        (region,) = cursor.execute(SQL.select_region, values).fetchall()
    return region


def check_covered(
    conn: psycopg.Connection[Any], entry: CatalogueEntry, area: str
) -> None:
    """Refuse an area, as EWKB, of which a collection has nothing.

    Raises:
        UsageError: It is one.
    """
    values = {"area": area, "coverage": Jsonb(entry.coverage)}
    if conn.execute(SQL.is_covered, values).fetchone() != (True,):
        boxes = " and ".join(",".join(f"{n:g}" for n in box) for box in entry.coverage)
        raise UsageError(
            f"the area lies outside of what {entry.name} covers: W,S,E,N {boxes}; "
            "choose another area, or another of `skyscript collections`"
        )


def of_features(
    conn: psycopg.Connection[Any],
    settings: Settings,
    entry: CatalogueEntry,
    text: str | None,
) -> list[Region]:
    """Return where features lack imagery that the collection might give them.

    Features in a tenth of a degree share a region: the box around those that have a
    tag which can be seen in it, would make a chip of the wanted size, and have none of
    the scenes that are loaded.

    Raises:
        UsageError: The area is none, or the collection's GSD is not known.
    """
    if entry.known_gsd_m is None:
        raise UsageError(
            f"which features {entry.name} can show is not known without its GSD: give "
            "it gsd_m or finest_gsd_m in the catalogue, or leave --for-features out"
        )
    values = {
        "area": areas.parse(conn, text) if text else None,
        "coverage": Jsonb(entry.coverage),
        "gsd_m": entry.known_gsd_m,
        "side_px": settings.chip_side_px,
        "min_side_px": settings.chip_min_side_px,
        "max_side_px": settings.chip_max_side_px,
        "margin": settings.chip_margin,
        "seed": settings.seed,
        "cell_fraction": settings.cell_fraction,
        "rare_below": settings.rare_below,
    }
    with conn.cursor(row_factory=class_row(Region)) as cursor:
        return cursor.execute(SQL.select_lacking, values).fetchall()
