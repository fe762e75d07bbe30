"""A block of ground, painted at twice its resolution: material, height and shade."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from examples.helsinki import texture
from examples.helsinki.palette import MATERIALS

FINE = 2
Area = tuple[slice, slice, np.ndarray]
INDEX = {name: number for number, name in enumerate(MATERIALS)}


@cache
def _palettes() -> list[list[int]]:
    """Return three tables by material: colour, other colour, and texture."""
    plain = [material.colour for material in MATERIALS.values()]
    other = [material.other for material in MATERIALS.values()]
    rough = [(round(m.grain * 500), round(m.wave * 500), 0) for m in MATERIALS.values()]
    return [[part for row in table for part in row] for table in (plain, other, rough)]


@dataclass
class Canvas:
    """The window to paint, on a grid of ``gsd_m`` metres from the map's origin."""

    window: texture.Window
    gsd_m: float
    material: Image.Image = field(init=False)
    height: Image.Image = field(init=False)
    shade: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        """Start with bare, flat, evenly lit ground."""
        size = (self.window[2] * FINE, self.window[3] * FINE)
        self.material = Image.new("L", size, INDEX["ground"])
        self.height = Image.new("F", size, 0)
        self.shade = np.ones(size[::-1], np.float32)

    @property
    def scale(self) -> float:
        """Fine pixels in a metre."""
        return FINE / self.gsd_m

    def pixels(self, places: np.ndarray) -> np.ndarray:
        """Return map coordinates (n, 2) in metres as fine pixels from the corner."""
        corner = np.array(self.window[:2]) * FINE
        at: np.ndarray = places * np.array([self.scale, -self.scale]) - corner
        return at

    def is_outside(self, places: np.ndarray, reach_m: float) -> bool:
        """Return whether none of the places, with their reach, can be seen."""
        at, reach = self.pixels(places), reach_m * self.scale
        low, high = at.min(0) - reach, at.max(0) + reach
        return bool((high < 0).any() or (low > np.array(self.material.size)).any())

    def materials_at(self, places: np.ndarray) -> np.ndarray:
        """Return the material's number at each place, -1 outside."""
        at = np.floor(self.pixels(places)).astype(int)
        inside = ((at >= 0) & (at < np.array(self.material.size))).all(1)
        found = np.full(len(at), -1)
        found[inside] = np.asarray(self.material)[at[inside, 1], at[inside, 0]]
        return found

    def polygon(
        self, rings: list[np.ndarray], material: str, height_m: float = 0
    ) -> Area | None:
        """Fill an area less its holes; return where it lies and its mask."""
        if len(rings[0]) < 3 or self.is_outside(rings[0], 0):
            return None
        shapes = [self.pixels(ring) for ring in rings]
        low = np.maximum(np.floor(shapes[0].min(0)), 0).astype(int)
        high = np.minimum(np.ceil(shapes[0].max(0)) + 1, self.material.size).astype(int)
        mask = Image.new("L", tuple(np.maximum(high - low, 1)), 0)
        draw = ImageDraw.Draw(mask)
        for number, shape in enumerate(shapes):
            draw.polygon((shape - low).ravel().tolist(), fill=0 if number else 255)
        self.material.paste(INDEX[material], tuple(low), mask)
        self.height.paste(height_m, tuple(low), mask)
        return slice(low[1], high[1]), slice(low[0], high[0]), np.asarray(mask) > 0

    def line(
        self, places: np.ndarray, width_m: float, material: str, height_m: float = 0
    ) -> None:
        """Draw a line with round ends."""
        if self.is_outside(places, width_m):
            return
        at, width = self.pixels(places), max(1, round(width_m * self.scale))
        for image, ink in ((self.material, INDEX[material]), (self.height, height_m)):
            draw = ImageDraw.Draw(image)
            draw.line(at.ravel().tolist(), fill=ink, width=width, joint="curve")
            if width > 4:
                for x, y in (at[0], at[-1]):
                    draw.circle((x, y), width / 2 - 0.5, fill=ink)

    def strokes(self, pieces: list[np.ndarray], width_m: float, material: str) -> None:
        """Draw many short straight lines, flush at their ends."""
        draw, width = ImageDraw.Draw(self.material), max(1, round(width_m * self.scale))
        for piece in pieces:
            at = self.pixels(piece).ravel().tolist()
            draw.line(at, fill=INDEX[material], width=width)

    def develop(self, reach_m: float) -> np.ndarray:
        """Return the block as a photograph, (height, width, 3) of 8 bits."""
        window, gsd_m = self.window, self.gsd_m
        plain, other, rough = (self._coloured(table) for table in _palettes())
        wide = texture.noise(window, 36 / gsd_m, salt=1)
        blots = texture.noise(window, 7 / gsd_m, salt=2)
        tufts = texture.noise(window, 1.6 / gsd_m, salt=3)
        specks = texture.hashed_grid(*window, salt=4)
        waves = texture.noise(window, 1.4 / gsd_m, salt=5, stretch=3)
        mix = np.clip(0.5 + 0.5 * wide + 0.45 * blots + 0.2 * tufts, 0, 1)[..., None]
        grain = rough[..., 0] * (0.8 * tufts + 0.45 * specks + 0.35 * blots)
        grain += rough[..., 1] * (waves + 0.5 * wide)
        height = np.asarray(self.height.reduce(FINE))
        sun = (
            1 - texture.cast_shadows(height, gsd_m, reach_m)[..., None] * texture.SHADOW
        )
        shade = np.asarray(Image.fromarray(self.shade).reduce(FINE))
        light = (plain + (other - plain) * mix) * ((1 + grain / 500) * shade)[..., None]
        return texture.photograph(light * sun, window)

    def _coloured(self, table: list[int]) -> np.ndarray:
        image = self.material.copy()
        image.putpalette(table)
        return np.asarray(image.convert("RGB").reduce(FINE), np.float32)
