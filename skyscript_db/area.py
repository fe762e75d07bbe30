"""Areas of interest, as users write them.

``W,S,E,N`` in degrees, WKT, GeoJSON, or the name of a GeoJSON file. A box whose west
lies east of its east crosses the antimeridian, as in GeoJSON; where it would go round
more than half of the Earth, a warning says so.
"""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from skyscript_db import queries
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from typing import LiteralString

logger = logging.getLogger(__name__)
SQL = queries.beside(__file__)

# Degrees of longitude. Who means a wider box gives its west first.
HALF_WAY_ROUND = 180

REMEDY = (
    "Give W,S,E,N in degrees (85.51,27.62,85.53,27.64), a polygon as WKT or GeoJSON "
    "in longitude and latitude, or the name of a GeoJSON file."
)


def parse(conn: psycopg.Connection[Any], text: str) -> str:
    """Return an area as hexadecimal EWKB in WGS 84, which SQL casts to geometry.

    Raises:
        UsageError: The text is not an area.
    """
    text = text.strip()
    box = _numbers(text)
    if box is not None:
        return _make(conn, SQL.from_box, _checked_box(box))
    if text.startswith("{"):
        return _make(conn, SQL.from_geojson, {"json": _geometry(text)})
    if text.lower().endswith((".geojson", ".json")):
        return _make(conn, SQL.from_geojson, {"json": _geometry(_read(Path(text)))})
    return _make(conn, SQL.from_wkt, {"wkt": text})


def _numbers(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return None


def _checked_box(box: list[float]) -> dict[str, float]:
    if len(box) != 4 or not all(map(math.isfinite, box)):
        told = ", ".join(f"{number:g}" for number in box)
        raise UsageError(f"a box has four finite numbers, not {told}. {REMEDY}")
    west, south, east, north = box
    if not -90 <= south < north <= 90:
        raise UsageError(
            f"the box has its south at {south:g} and its north at {north:g}: south "
            f"must be the smaller, and both within -90 and 90. {REMEDY}"
        )
    if not (-180 <= west <= 180 and -180 <= east <= 180) or west == east:
        raise UsageError(
            f"the box has its west at {west:g} and its east at {east:g}: they must "
            f"differ, and lie within -180 and 180. {REMEDY}"
        )
    _note_width(box)
    return {"west": west, "south": south, "east": east, "north": north}


def _note_width(box: list[float]) -> None:
    """Warn of a box that goes round most of the Earth, as two that are swapped do."""
    west, south, east, north = box
    width = east - west + 360
    if west > east and width > HALF_WAY_ROUND:
        logger.warning(
            "the box has its west at %g and its east at %g, so it crosses the "
            "antimeridian and is %g degrees wide: if that is not meant, give W,S,E,N, "
            "with the west first: %s",
            *(
                west,
                east,
                width,
                ",".join(f"{x:.15g}" for x in (east, south, west, north)),
            ),
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}. {REMEDY}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8. {REMEDY}") from error


def _geometry(text: str) -> str:
    """Return the one geometry of a GeoJSON text, whatever it is wrapped in."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"that is not GeoJSON: {error}. {REMEDY}") from error
    geometries = [_of_feature(feature) for feature in _features(found)]
    return json.dumps({"type": "GeometryCollection", "geometries": geometries})


def _features(found: Any) -> list[Any]:
    """Return the features, or bare geometries, of a GeoJSON object."""
    if not isinstance(found, dict):
        raise UsageError(f"that is JSON, but no GeoJSON object. {REMEDY}")
    if found.get("type") != "FeatureCollection":
        return [found]
    features = found.get("features")
    if not isinstance(features, list):
        raise UsageError(f"that GeoJSON has no list of features. {REMEDY}")
    return features


def _of_feature(feature: Any) -> Any:
    if not isinstance(feature, dict):
        raise UsageError(f"a feature of that GeoJSON is no object. {REMEDY}")
    if feature.get("type") != "Feature":
        return feature
    if not isinstance(feature.get("geometry"), dict):
        raise UsageError(f"a feature of that GeoJSON has no geometry. {REMEDY}")
    return feature["geometry"]


def _make(
    conn: psycopg.Connection[Any], statement: LiteralString, values: dict[str, Any]
) -> str:
    try:
        with conn.transaction():
            row = conn.execute(statement, values).fetchone()
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        reason = error.diag.message_primary or error
        raise UsageError(f"not an area: {reason}. {REMEDY}") from error
    assert row is not None  # noqa: S101 - the statements return one row
    return str(row[0])
