"""Buildings: how high, what roof, and how the light falls on its faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import ImageColor

from examples.helsinki import palette, shapes, texture
from examples.helsinki.canvas import FINE, INDEX

if TYPE_CHECKING:
    from examples.helsinki.canvas import Area, Canvas
    from examples.helsinki.feature import Feature

MAX_HEIGHT_M = 45.0
# A wing wider than about four times this has a flat roof.
PITCHED_AREA_BY_PERIMETER_M = 8.0
MAX_WALLS = 160


def paint_buildings(canvas: Canvas, areas: list[Feature]) -> None:
    """Draw all buildings, the lower ones first and parts upon their wholes."""
    found = [(_height_m(area), area) for area in areas if _kind(area.tags)]
    for height_m, building in sorted(found, key=lambda pair: pair[0]):
        _paint_building(canvas, building, height_m)


def _kind(tags: dict[str, str]) -> str:
    """Return the value of the tag that makes it a building, or nothing."""
    for kind in (tags.get("building"), tags.get("building:part")):
        if kind not in (None, "no"):
            return str(kind)
    return "canopy" if tags.get("man_made") == "canopy" else ""


def _height_m(building: Feature) -> float:
    """Return the height that the tags say, or that such buildings have."""
    levels = building.number("building:levels")
    usual_m = palette.BUILDING_HEIGHTS_M.get(
        _kind(building.tags), palette.OTHER_BUILDING_HEIGHT_M
    )
    usual_m = min(usual_m, 3 + 0.6 * abs(shapes.area_m2(building.line)) ** 0.5)
    height_m = building.number("height") or (levels * 3.3 + 1.5 if levels else usual_m)
    return min(height_m, MAX_HEIGHT_M)


def _roof(building: Feature) -> str:
    """Return the material nearest to the tagged colour, or one of the usual."""
    tags = building.tags
    if tags.get("roof:material") == "glass" or _kind(tags) == "canopy":
        return "glass"
    try:
        tagged = np.array(ImageColor.getrgb(tags["roof:colour"])[:3])
    except (KeyError, ValueError):
        weights = np.array(palette.ROOF_WEIGHTS)
        return str(building.random(1).choice(palette.ROOFS, p=weights / weights.sum()))
    colours = np.array([palette.MATERIALS[name].colour for name in palette.ROOFS])
    return palette.ROOFS[int(np.abs(colours - tagged).sum(1).argmin())]


def _is_pitched(building: Feature) -> bool:
    """Return whether the roof slopes: as tagged, or because its wings are narrow."""
    if shape := building.tags.get("roof:shape"):
        return shape != "flat"
    perimeter_m = sum(shapes.length_m(ring) for ring in building.rings)
    area_m2 = abs(shapes.area_m2(building.line))
    area_m2 -= sum(abs(shapes.area_m2(hole)) for hole in building.rings[1:])
    is_narrow = area_m2 < PITCHED_AREA_BY_PERIMETER_M * perimeter_m
    is_light = _kind(building.tags) in ("roof", "canopy", "kiosk", "shed")
    return is_narrow and not is_light and building.random(2).random() < 0.85


def _paint_building(canvas: Canvas, building: Feature, height_m: float) -> None:
    roof = _roof(building)
    area = canvas.polygon(building.rings, roof, height_m)
    if area is None:
        return
    rows, columns, mask = area
    canvas.shade[rows, columns][mask] = building.random(3).uniform(0.9, 1.1)
    if _is_pitched(building):
        _pitch(canvas, building, area)
        _clutter(canvas, building, height_m, every_m2=70, size_m=1.1)
        return
    for ring in building.rings:
        canvas.line(ring, 0.5, "parapet", height_m + 0.7)
    _clutter(canvas, building, height_m, every_m2=160, size_m=3.2)


def _clutter(
    canvas: Canvas,
    building: Feature,
    height_m: float,
    *,
    every_m2: float,
    size_m: float,
) -> None:
    """Put chimneys or plant on a roof, along its walls."""
    roof = INDEX[_roof(building)]
    corner, axes, sizes = shapes.frame(building.line)
    random = building.random(4)
    n_boxes = min(60, int(sizes.prod() / every_m2))
    places = corner + (random.random((n_boxes, 2)) * sizes) @ axes
    spans = size_m * random.uniform(0.6, 1.5, (n_boxes, 2))
    for place, (long_m, wide_m) in zip(places, spans, strict=True):
        box = shapes.rectangle(place, axes[0], long_m, wide_m)
        reach = place + (box - place) * 1.5
        if (canvas.materials_at(reach) == roof).all():
            canvas.polygon([box], "plant", height_m + 1.2 + size_m / 4)


def _walls(building: Feature) -> np.ndarray:
    """Return the walls that a roof rises from, (n, 2, 2), the inside to their left."""
    runs = []
    for number, ring in enumerate(building.rings):
        runs_left = (shapes.area_m2(ring) > 0) == (number == 0)
        turned = ring if runs_left else ring[::-1]
        runs.append(np.stack([turned[:-1], turned[1:]], 1))
    walls = np.concatenate(runs)
    ahead = walls[:, 1] - walls[:, 0]
    lengths = np.hypot(*ahead.T)
    # A box has a ridge along it; any other roof rises from all of its walls.
    if len(walls) <= 6 and building.tags.get("roof:shape", "gabled") == "gabled":
        longest = ahead[lengths.argmax()] / lengths.max()
        order = np.flatnonzero(np.abs(ahead @ longest) > 0.5 * lengths)
    else:
        order = np.argsort(-lengths, kind="stable")[:MAX_WALLS]
    chosen: np.ndarray = walls[order]
    return chosen


def _pitch(canvas: Canvas, building: Feature, area: Area) -> None:
    """Shade each pixel of a roof by the face it lies on: that of the nearest wall."""
    rows, columns, mask = area
    grid = np.mgrid[rows, columns][:, ::FINE, ::FINE]
    y, x = grid.astype(np.float32)
    nearest = np.full(x.shape, np.inf, np.float32)
    shade = np.ones_like(x)
    for wall in _walls(building):
        (start_x, start_y), (right, down) = canvas.pixels(wall)
        right, down = right - start_x, down - start_y
        length = max(float(np.hypot(right, down)), 1e-6)
        off_x, off_y = x - np.float32(start_x), y - np.float32(start_y)
        foot = (off_x * right + off_y * down) / length**2
        at = np.clip(foot, 0, 1)
        distance = (off_x - at * right) ** 2 + (off_y - at * down) ** 2
        # Around an inner corner two walls are equally near; let their bisector decide.
        distance += 0.05 * ((foot - at) * length) ** 2
        # The inside is to the left on the map, so a face looks to (-down, right).
        lit = (right * texture.SUN_DOWN - down * texture.SUN_RIGHT) / length
        is_nearer = distance < nearest
        nearest[is_nearer], shade[is_nearer] = distance[is_nearer], 1 + 0.3 * lit
    full = shade.repeat(FINE, 0).repeat(FINE, 1)[: mask.shape[0], : mask.shape[1]]
    canvas.shade[rows, columns][mask] *= full[mask]
