"""Painters: each draws one kind of thing on a canvas, from the ground upwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.helsinki import details, palette, roofs, shapes, trees

if TYPE_CHECKING:
    import numpy as np

    from examples.helsinki.canvas import Canvas
    from examples.helsinki.feature import Feature

WATER_HEIGHT_M = -1.5
BRIDGE_HEIGHT_M = 5.0


def paint(canvas: Canvas, sea: list[np.ndarray], features: list[Feature]) -> None:
    """Draw everything, what lies below first."""
    for shore in sea:
        canvas.polygon([shore], "water", WATER_HEIGHT_M)
    areas = [f for f in features if f.kind == "a"]
    lines = [f for f in features if f.kind == "w" and len(f.line) > 1]
    paint_areas(canvas, areas)
    for is_bridge in (False, True):
        level = [line for line in lines if line.is_bridge == is_bridge]
        paint_lines(canvas, level)
        paint_markings(canvas, level)
        paint_rails(canvas, level)
    details.paint_crossings(canvas, features, lines)
    details.paint_courts(canvas, areas)
    details.park_cars(canvas, areas, lines)
    roofs.paint_buildings(canvas, areas)
    trees.plant(canvas, features)


def paint_areas(canvas: Canvas, areas: list[Feature]) -> None:
    """Lay land cover, water and paved places."""
    styled = [(style, area) for area in areas if (style := area.style(palette.AREAS))]
    styled.sort(key=lambda pair: (pair[0].rank, -abs(shapes.area_m2(pair[1].line))))
    for style, area in styled:
        height_m = WATER_HEIGHT_M if style.material == "water" else 0
        canvas.polygon(area.rings, area.ground(style.material), height_m)


def paint_lines(canvas: Canvas, lines: list[Feature]) -> None:
    """Draw linear features with their true widths, kerbs under all of them."""
    styled = [(style, line) for line in lines if (style := line.style(palette.LINES))]
    styled.sort(key=lambda pair: pair[0].rank)
    for style, line in styled:
        kerb_m = style.kerb_m or (0.6 if line.is_bridge else 0)
        if kerb_m:
            wide_m = line.width_m(style) + 2 * kerb_m
            height_m = BRIDGE_HEIGHT_M if line.is_bridge else 0
            canvas.line(line.line, wide_m, "kerb", height_m)
    for style, line in styled:
        height_m = BRIDGE_HEIGHT_M if line.is_bridge else style.height_m
        material = line.ground(style.material)
        canvas.line(line.line, line.width_m(style), material, height_m)


def paint_markings(canvas: Canvas, lines: list[Feature]) -> None:
    """Draw dashes between lanes, and the treads of steps."""
    for road in lines:
        style = road.style(palette.LINES)
        if road.tags.get("highway") == "steps":
            canvas.strokes(shapes.dashes(road.line, 0.4, 0.5), 2.6, "kerb")
        if not style or not style.lanes:
            continue
        is_oneway = road.tags.get("oneway") == "yes"
        lanes = int(road.number("lanes") or (1 if is_oneway else style.lanes))
        lane_m = road.width_m(style) / max(lanes, 1)
        for number in range(1, lanes):
            divide = shapes.parallel(road.line, (number - lanes / 2) * lane_m)
            dashes = shapes.dashes(divide, 3, 5, clear_m=9)
            canvas.strokes(dashes, 0.2, "paint")


def paint_rails(canvas: Canvas, lines: list[Feature]) -> None:
    """Draw both rails of each track."""
    for track in lines:
        gauge_m = palette.RAIL_GAUGES_M.get(track.tags.get("railway", ""))
        if not gauge_m:
            continue
        on_street = track.tags["railway"] == "tram"
        if not on_street:
            canvas.strokes(shapes.dashes(track.line, 0.3, 0.7), 2.6, "sleeper")
        for side in (-1, 1):
            rail = shapes.parallel(track.line, side * gauge_m / 2)
            canvas.line(rail, 0.25, "dark_rail" if on_street else "rail")
