"""Trees: those on the map, and those that parks, gardens and woods have anyway."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from examples.helsinki import shapes, texture
from examples.helsinki.canvas import INDEX
from examples.helsinki.palette import CROWNS, MATERIALS

if TYPE_CHECKING:
    from examples.helsinki.canvas import Canvas
    from examples.helsinki.feature import Feature

CELL_M = 4.0
CHANCES = np.array([material.trees for material in MATERIALS.values()] + [0])
LOW = [INDEX[name] for name in ("scrub", "heath")]


def plant(canvas: Canvas, features: list[Feature]) -> None:
    """Draw all crowns, from the north southwards."""
    trees = [*_mapped(features), *_scattered(canvas)]
    for east, north, radius_m, variant in sorted(trees, key=lambda t: (-t[1], t[0])):
        _paint_tree(canvas, np.array([[east, north]]), radius_m, int(variant))


def _mapped(features: list[Feature]) -> list[tuple[float, float, float, float]]:
    """Return the trees and tree rows on the map as east, north, radius, variant."""
    trees = []
    for feature in features:
        natural = feature.tags.get("natural")
        if natural not in ("tree", "tree_row"):
            continue
        row = shapes.length_m(feature.line)
        places = (
            shapes.along(feature.line, np.arange(0, row, 8)) if row else feature.line
        )
        random = feature.random(5)
        crown_m = feature.number("diameter_crown")
        for east, north in places:
            radius_m = min(crown_m / 2 if crown_m else random.uniform(2.6, 4.6), 12)
            trees.append((east, north, radius_m, float(random.integers(24))))
    return trees


def _scattered(canvas: Canvas) -> list[tuple[float, float, float, float]]:
    """Return at most a tree for each cell of a grid, as likely as its ground says."""
    column, row, width, height = (
        round(part * canvas.gsd_m / CELL_M) for part in canvas.window
    )
    window = (column, row, width, height)
    luck, right, down, size = (
        texture.hashed_grid(*window, salt=salt) / 2 + 0.5 for salt in (51, 52, 53, 54)
    )
    clumps = texture.noise(window, 7, salt=55)
    east = (np.arange(column, column + width) + right) * CELL_M
    north = -(np.arange(row, row + height)[:, None] + down) * CELL_M
    ground = canvas.materials_at(np.stack([east, north], -1).reshape(-1, 2))
    chance = CHANCES[ground].reshape(height, width) * (1 + 1.3 * clumps)
    radius_m = np.where(
        np.isin(ground, LOW).reshape(size.shape), 1 + size, 2.2 + 2.6 * size
    )
    variant = np.floor(luck * 1e6) % 24
    return list(
        zip(
            *(grid[luck < chance] for grid in (east, north, radius_m, variant)),
            strict=True,
        )
    )


@cache
def _crown(radius_px: int, variant: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mask, relative height and shade of one shape of crown."""
    random = np.random.default_rng((radius_px, variant))
    y, x = np.mgrid[-radius_px : radius_px + 1, -radius_px : radius_px + 1] / radius_px
    angle, reach = np.arctan2(y, x), np.ones_like(x)
    for waves in range(2, 7):
        phase = random.uniform(0, 2 * np.pi)
        reach += 0.08 * random.normal() * np.cos(waves * angle + phase)
    distance = np.hypot(x, y) / (reach * 0.88)
    dome = np.sqrt(np.clip(1 - distance**2, 0, 1))
    n_lumps = max(3, radius_px // 2)
    lumps = Image.fromarray(random.normal(size=(n_lumps, n_lumps)).astype(np.float32))
    bumpy = dome + 0.16 * np.asarray(lumps.resize(x.shape, Image.Resampling.BICUBIC))
    down, right = np.gradient(bumpy * radius_px * 0.55)
    shade = 0.98 - 0.34 * (right * texture.SUN_RIGHT + down * texture.SUN_DOWN)
    return distance < 1, dome, np.clip(shade, 0.5, 1.35)


def _paint_tree(
    canvas: Canvas, place: np.ndarray, radius_m: float, variant: int
) -> None:
    radius_px = max(2, round(radius_m * canvas.scale))
    mask, dome, shade = _crown(radius_px, variant)
    corner = np.floor(canvas.pixels(place)[0]).astype(int) - radius_px
    low = np.maximum(corner, 0)
    high = np.minimum(corner + len(mask), canvas.material.size)
    if (low >= high).any():
        return
    (x, y), (right, down) = low - corner, high - corner
    cut = slice(y, down), slice(x, right)
    stamp, at = Image.fromarray(mask[cut]), (int(low[0]), int(low[1]))
    canvas.material.paste(INDEX[CROWNS[variant % len(CROWNS)]], at, stamp)
    tall_m = (1.2 + (0.6 + dome[cut]) * radius_m * 1.1).astype(np.float32)
    canvas.height.paste(Image.fromarray(tall_m), at, stamp)
    lit = canvas.shade[low[1] : high[1], low[0] : high[0]]
    lit[mask[cut]] = shade[cut][mask[cut]]
