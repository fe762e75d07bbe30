"""Textures that join across blocks, and the light that falls on them.

A window is (column, row, width, height) in pixels of a grid that covers the whole
map, so a place has the same texture whichever block or picture it lies in.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

Window = tuple[int, int, int, int]

# Towards the sun, to the right and downwards in the picture: the south-east.
SUN_RIGHT, SUN_DOWN = 0.64, 0.77
SUN_SLOPE = math.tan(math.radians(48))
# What a cast shadow takes from red, green and blue: the sky still lights it.
SHADOW = np.array([0.62, 0.57, 0.48], np.float32)


def _hashed(column: np.ndarray, row: np.ndarray, salt: int) -> np.ndarray:
    """Return a number from -1 to 1 for each place."""
    mixed = column.astype(np.uint32) * np.uint32(374761393)
    mixed = mixed + row.astype(np.uint32) * np.uint32(668265263)
    mixed = mixed + np.full(1, salt, np.uint32) * np.uint32(2246822519)
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    mixed = mixed ^ (mixed >> np.uint32(16))
    return (mixed / np.float32(2**31) - 1).astype(np.float32)


def hashed_grid(
    column: int, row: int, width: int, height: int, salt: int
) -> np.ndarray:
    """Return white noise from -1 to 1, as (height, width)."""
    columns, rows = np.arange(column, column + width), np.arange(row, row + height)
    return _hashed(columns[None, :], rows[:, None], salt)


def noise(
    window: Window, cell_px: float, *, salt: int, stretch: float = 1
) -> np.ndarray:
    """Return smooth noise from about -1 to 1 whose blots are ``cell_px`` across."""
    column, row, width, height = window
    wide, high = cell_px * stretch, cell_px
    left, top = math.floor(column / wide) - 2, math.floor(row / high) - 2
    n_wide, n_high = math.ceil(width / wide) + 6, math.ceil(height / high) + 6
    lattice = hashed_grid(left, top, n_wide, n_high, salt)
    x, y = column / wide - left, row / high - top
    box = (x, y, x + width / wide, y + height / high)
    image = Image.fromarray(lattice).resize(
        (width, height), Image.Resampling.BICUBIC, box
    )
    return np.asarray(image)


def cast_shadows(height_m: np.ndarray, gsd_m: float, reach_m: float) -> np.ndarray:
    """Return from 0 (lit) to 1 (shaded) how far something hides the sun."""
    shade = np.zeros_like(height_m)
    for step in range(1, round(reach_m / gsd_m)):
        shift = (-round(step * SUN_DOWN), -round(step * SUN_RIGHT))
        towards_sun = np.roll(height_m, shift, (0, 1))
        over = towards_sun - height_m - step * gsd_m * SUN_SLOPE
        np.maximum(shade, over, out=shade)
    return np.minimum(shade / 0.8, 1)


def photograph(light: np.ndarray, window: Window) -> np.ndarray:
    """Return 8-bit pixels of an imperfect camera: haze, blur and noise of its own."""
    hazy = np.clip(light * 0.93 + np.array([11, 13, 17]), 0, 255).astype(np.uint8)
    image = Image.fromarray(hazy).filter(ImageFilter.GaussianBlur(0.55))
    noisy = np.asarray(image, np.float32)
    for band in range(3):
        noisy[..., band] += 3.2 * hashed_grid(*window, salt=90 + band)
    return np.clip(noisy, 0, 255).astype(np.uint8)
