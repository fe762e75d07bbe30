"""Whether what came is the picture that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyscript_db.imagery import Refusal

if TYPE_CHECKING:
    from skyscript_db.fetching.chips import Chip
    from skyscript_db.imagery import Cut, Pixels, Valid

# More nodata than this, and there is less picture than hole.
MAX_NODATA_FRACTION = 0.5
# In 8-bit steps from a band's darkest pixel to its brightest: no more is the noise of
# JPEG in an even area.
MAX_CONSTANT_SPREAD = 2


def misfit(chip: Chip, cut: Cut) -> Refusal | None:
    """Return why a cut is not of the planned window: its size or type."""
    size = (int(chip.window.height), int(chip.window.width))
    if cut.pixels.shape == (*size, 3) and cut.valid.shape == size:
        return None
    height, width = (*cut.pixels.shape, 0, 0)[:2]
    cause = f"the answer has {width} x {height} pixels, not {size[1]} x {size[0]}"
    return Refusal(cause, is_final=False)


def nodata_fraction(cut: Cut) -> float:
    """Return the share of pixels that hold no data."""
    return 1 - int(np.count_nonzero(cut.valid)) / cut.valid.size


def cloud_fraction(cut: Cut) -> float | None:
    """Return the share of cloud in what holds data; None if the provider cannot say."""
    n_valid = int(np.count_nonzero(cut.valid))
    if cut.cloudy is None or not n_valid:
        return None
    return int(np.count_nonzero(cut.cloudy & cut.valid)) / n_valid


def nothing_to_see(cut: Cut) -> str | None:
    """Return why a cut is no picture, or None if it is one."""
    if not cut.valid.any():
        return "all nodata"
    if nodata_fraction(cut) > MAX_NODATA_FRACTION:
        return "mostly nodata"
    # A few pixels tell most pictures apart from even areas, in a fraction of the time.
    if _spread(cut.pixels[::8, ::8], cut.valid[::8, ::8]) > MAX_CONSTANT_SPREAD:
        return None
    if cut.pixels[cut.valid].max() <= MAX_CONSTANT_SPREAD:
        return "black image"
    if _spread(cut.pixels, cut.valid) <= MAX_CONSTANT_SPREAD:
        return "constant image"
    return None


def _spread(pixels: Pixels, valid: Valid) -> int:
    """Return the widest range of a band, in 8-bit steps."""
    if valid.all():
        # Along rows first: numpy is slow where the last axis is as short as three.
        highest, lowest = pixels.max(axis=0).max(axis=0), pixels.min(axis=0).min(axis=0)
        return int((highest.astype(int) - lowest).max())
    seen = pixels[valid]
    return int(np.ptp(seen, axis=0).max()) if seen.size else 0
