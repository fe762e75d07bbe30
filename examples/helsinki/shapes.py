"""Geometry of drawing: dashes, parallels, and frames along the longest edge.

Places are arrays (n, 2) of map coordinates in metres.
"""

from __future__ import annotations

import numpy as np


def normals(line: np.ndarray) -> np.ndarray:
    """Return the unit vector to the left at each vertex."""
    steps = np.gradient(line, axis=0)
    lengths = np.maximum(np.hypot(*steps.T), 1e-9)
    left: np.ndarray = np.stack([-steps[:, 1], steps[:, 0]], 1) / lengths[:, None]
    return left


def parallel(line: np.ndarray, offset_m: float) -> np.ndarray:
    """Return the line moved to its left."""
    return line + normals(line) * offset_m


def along(line: np.ndarray, distances_m: np.ndarray) -> np.ndarray:
    """Return the places at these distances along the line."""
    lengths = np.hypot(*np.diff(line, axis=0).T)
    at = np.concatenate([[0], np.cumsum(lengths)])
    return np.stack([np.interp(distances_m, at, line[:, i]) for i in (0, 1)], 1)


def length_m(line: np.ndarray) -> float:
    """Return the length of the line."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def dashes(
    line: np.ndarray, on_m: float, off_m: float, *, clear_m: float = 0
) -> list[np.ndarray]:
    """Return the dashes along a line, leaving both its ends clear."""
    starts = np.arange(clear_m, length_m(line) - clear_m - on_m, on_m + off_m)
    return list(np.stack([along(line, starts), along(line, starts + on_m)], 1))


def spots(
    line: np.ndarray, every_m: float, *, clear_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return places along a line, and the line's unit direction at each."""
    at = np.arange(clear_m, length_m(line) - clear_m, every_m)
    ahead = along(line, at + 0.5) - along(line, at - 0.5)
    lengths = np.maximum(np.hypot(*ahead.T), 1e-9)
    return along(line, at), ahead / lengths[:, None]


def area_m2(ring: np.ndarray) -> float:
    """Return the signed area of a ring, positive if it runs anticlockwise."""
    x, y = (ring - ring[0]).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def frame(ring: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a corner, two unit vectors as rows, and the two sizes along them.

    The box encloses the ring and stands along its longest edge; the first size is
    the larger.
    """
    edges = np.diff(ring, axis=0)
    longest = edges[np.argmax(np.hypot(*edges.T))]
    along_it = longest / max(np.hypot(*longest), 1e-9)
    axes = np.array([along_it, [-along_it[1], along_it[0]]])
    low, high = (ring @ axes.T).min(0), (ring @ axes.T).max(0)
    if high[0] - low[0] < high[1] - low[1]:
        axes, low, high = axes[::-1], low[::-1], high[::-1]
    return low @ axes, axes, high - low


def rectangle(
    centre: np.ndarray, ahead: np.ndarray, long_m: float, wide_m: float
) -> np.ndarray:
    """Return the corners of a rectangle that points ahead."""
    side = np.array([-ahead[1], ahead[0]])
    signs = ((1, 1), (1, -1), (-1, -1), (-1, 1))
    return np.array(
        [centre + a * ahead * long_m / 2 + b * side * wide_m / 2 for a, b in signs]
    )
