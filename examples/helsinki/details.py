"""Small things that tell a place: zebra crossings, courts, parked cars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from examples.helsinki import palette, shapes
from examples.helsinki.canvas import INDEX

if TYPE_CHECKING:
    from examples.helsinki.canvas import Canvas
    from examples.helsinki.feature import Feature

CAR_M = (4.4, 1.8)
BAY_M = (5.0, 2.6)
AISLE_M = 6.0
STREET = [INDEX["asphalt"], INDEX["sett"], INDEX["old_asphalt"]]


def paint_crossings(
    canvas: Canvas, features: list[Feature], lines: list[Feature]
) -> None:
    """Draw zebra stripes where a crossing is a vertex of a street."""
    crossings = {
        tuple(feature.line[0])
        for feature in features
        if feature.tags.get("highway") == "crossing"
        and feature.tags.get("crossing") != "unmarked"
    }
    for street in lines:
        style = street.style(palette.LINES)
        if not style or not style.lanes:
            continue
        across = shapes.normals(street.line) * street.width_m(style) / 2
        for place, half in zip(street.line, across, strict=True):
            if tuple(place) in crossings:
                walk = np.stack([place - half, place + half])
                canvas.strokes(shapes.dashes(walk, 0.55, 0.55), 3.2, "paint")


def paint_courts(canvas: Canvas, areas: list[Feature]) -> None:
    """Mark as many courts of the sport as a rectangular pitch has room for."""
    for pitch in areas:
        if pitch.tags.get("leisure") != "pitch":
            continue
        corner, axes, sizes = shapes.frame(pitch.line)
        if abs(shapes.area_m2(pitch.line)) < 0.75 * sizes[0] * sizes[1]:
            continue
        court = palette.COURTS.get(pitch.tags.get("sport", ""), palette.COURTS[""])
        fit = sizes // (court.long_m, court.wide_m)
        turned = sizes // (court.wide_m, court.long_m)
        if turned.prod() > fit.prod():
            axes, sizes, fit = axes[::-1], sizes[::-1], turned[::-1]
        cells = np.maximum(fit, 1).astype(int)
        cell = sizes / cells
        for number in np.ndindex(*cells):
            _paint_court(
                canvas, court, corner + number * cell @ axes, cell[:, None] * axes
            )


def _paint_court(
    canvas: Canvas, court: palette.Court, corner: np.ndarray, sides: np.ndarray
) -> None:
    """Draw the lines of one court within two sides, leaving its run-off."""
    for line in court.lines:
        places = corner + (0.1 + 0.8 * np.array(line)) @ sides
        canvas.line(places, 0.2, "paint")
    if court.circle_m:
        turn = np.linspace(0, 2 * np.pi, 25)
        ring = court.circle_m * np.stack([np.cos(turn), np.sin(turn)], 1)
        canvas.line(corner + sides.sum(0) / 2 + ring, 0.2, "paint")


def park_cars(canvas: Canvas, areas: list[Feature], lines: list[Feature]) -> None:
    """Put cars on streets and in the bays of parking areas."""
    for street in lines:
        style = street.style(palette.LINES)
        if style and style.lanes:
            half_m = street.width_m(style) / 2
            _line_up(canvas, street, half_m - 1.1, 0.4 if style.rank < 8 else 0.1)
            _line_up(canvas, street, half_m - 4.2, 0.06 if style.rank < 8 else 0.16)
    for area in areas:
        if area.tags.get("amenity") == "parking":
            _fill_bays(canvas, area)


def _line_up(canvas: Canvas, street: Feature, offset_m: float, share: float) -> None:
    """Put cars along both sides of a street."""
    if offset_m < 0.8:
        return
    for side in (-1, 1):
        random = street.random(10 + side)
        lane = shapes.parallel(street.line, side * offset_m)
        places, ahead = shapes.spots(lane, 6.5, clear_m=12)
        taken = random.random(len(places)) < share
        colours = random.choice(palette.CARS, len(places))
        on_street = np.isin(canvas.materials_at(places), STREET)
        for i in np.flatnonzero(taken & on_street):
            _paint_car(canvas, places[i], ahead[i], colours[i])


def _fill_bays(canvas: Canvas, area: Feature) -> None:
    """Mark the bays of a parking area, in double rows, and fill some."""
    corner, axes, (long_m, wide_m) = shapes.frame(area.line)
    depth_m, bay_m = BAY_M
    period_m = 2 * depth_m + AISLE_M
    first = np.arange(depth_m / 2, wide_m, period_m)
    rows = np.concatenate([first, first + depth_m + AISLE_M])
    bays = np.stack(np.meshgrid(np.arange(bay_m / 2, long_m, bay_m), rows), -1)
    places = corner + bays.reshape(-1, 2) @ axes
    random = area.random(20)
    taken = random.random(len(places)) < 0.6
    colours = random.choice(palette.CARS, len(places))
    ends = [places + end * axes[1] * depth_m * 0.45 for end in (-1, 1)]
    is_bay = [canvas.materials_at(end) == INDEX["parking"] for end in ends]
    for i in np.flatnonzero(is_bay[0] & is_bay[1]):
        edge = axes[0] * bay_m / 2
        canvas.strokes([np.stack([ends[0][i] + edge, ends[1][i] + edge])], 0.2, "paint")
        if taken[i]:
            _paint_car(canvas, places[i], axes[1], colours[i])


def _paint_car(
    canvas: Canvas, place: np.ndarray, ahead: np.ndarray, colour: str
) -> None:
    canvas.polygon([shapes.rectangle(place, ahead, *CAR_M)], colour, 1.5)
    cabin = shapes.rectangle(place - 0.3 * ahead, ahead, 2.4, 1.4)
    if colour != "car_1":
        canvas.strokes([cabin[[0, 1]], cabin[[2, 3]]], 0.4, "car_1")
