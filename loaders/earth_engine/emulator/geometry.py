"""Whether two GeoJSON geometries meet, in longitude and latitude.

Edges are straight lines in degrees, where Earth Engine's are arcs of great circles;
boxes do not reach across the antimeridian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loaders.earth_engine.emulator.answers import invalid, not_emulated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Ring = npt.NDArray[np.float64]
Polygon = list[Ring]


def intersects(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two geometries have a point in common.

    Raises:
        ApiError: One is no point or polygon, or several.
    """
    others = list(polygons(other))
    return any(_meet(a, b) for a in polygons(one) for b in others)


def polygons(geometry: Mapping[str, Any]) -> Iterator[Polygon]:
    """Yield the polygons of a geometry, each as rings of (x, y); a point is one too."""
    kind = geometry.get("type")
    try:
        if kind == "GeometryCollection":
            for member in geometry["geometries"]:
                yield from polygons(member)
        else:
            for rings in _several(kind, geometry.get("coordinates")):
                yield [np.asarray(ring, dtype=np.float64)[:, :2] for ring in rings]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise invalid(f"Invalid GeoJSON geometry: {error}") from error


def _several(kind: Any, coordinates: Any) -> Any:
    if kind == "Point":
        return [[[coordinates]]]
    if kind == "MultiPoint":
        return [[[point]] for point in coordinates]
    if kind == "Polygon":
        return [coordinates]
    if kind == "LinearRing":
        return [[coordinates]]
    if kind == "MultiPolygon":
        return coordinates
    raise not_emulated(f"a geometry of type {kind}")


def _meet(one: Polygon, other: Polygon) -> bool:
    return (
        _contains(one, other[0][0])
        or _contains(other, one[0][0])
        or any(_cross(a, b) for a in one for b in other)
    )


def _contains(polygon: Polygon, point: Ring) -> bool:
    """Return whether a ray from a point crosses the rings an odd number of times."""
    x, y = point
    n_crossed = 0
    for ring in polygon:
        (x0, y0), (x1, y1) = ring.T, np.roll(ring, -1, axis=0).T
        straddles = (y0 > y) != (y1 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
        n_crossed += int((straddles & (x < at)).sum())
    return n_crossed % 2 == 1


def _cross(one: Ring, other: Ring) -> bool:
    """Return whether any edge of a ring touches one of another."""
    a, b = one[:, None], np.roll(one, -1, axis=0)[:, None]
    c, d = other[None], np.roll(other, -1, axis=0)[None]
    sides = _side(a, b, c) * _side(a, b, d) <= 0
    others = _side(c, d, a) * _side(c, d, b) <= 0
    near = (np.minimum(a, b) <= np.maximum(c, d)) & (
        np.minimum(c, d) <= np.maximum(a, b)
    )
    return bool((sides & others & near.all(axis=-1)).any())


def _side(a: Ring, b: Ring, p: Ring) -> Ring:
    ab, ap = b - a, p - a
    side: Ring = np.sign(ab[..., 0] * ap[..., 1] - ab[..., 1] * ap[..., 0])
    return side
