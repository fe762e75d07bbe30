from __future__ import annotations

import numpy as np
import pytest

from skyscript_db.fetching import checks
from skyscript_db.imagery import Cut


def cut(value: int, *, valid: float = 1, odd: int | None = None) -> Cut:
    """Return an even picture, valid from the left on, with one odd pixel."""
    pixels = np.full((40, 40, 3), value, np.uint8)
    if odd is not None:
        pixels[3, 5, 1] = odd
    is_valid = np.zeros((40, 40), bool)
    is_valid[:, : round(40 * valid)] = True
    return Cut(pixels, is_valid)


@pytest.mark.parametrize(
    ("picture", "cause"),
    [
        (cut(90, valid=0), "all nodata"),
        (cut(90, valid=0.45), "mostly nodata"),
        (cut(0), "black image"),
        (cut(2), "black image"),
        (cut(90), "constant image"),
        (cut(90, odd=92), "constant image"),
        (cut(0, odd=2), "black image"),
        # Between the pixels that are looked at first.
        (cut(90, odd=93), None),
        (cut(0, odd=3), None),
        (cut(255), "constant image"),
    ],
)
def test_nothing_to_see(picture: Cut, cause: str | None):
    assert checks.nothing_to_see(picture) == cause


def test_shares():
    half = cut(90, valid=0.5)
    assert checks.nodata_fraction(half) == 0.5
    assert checks.cloud_fraction(half) is None
    cloudy = np.zeros((40, 40), bool)
    cloudy[:10] = True
    assert checks.cloud_fraction(Cut(half.pixels, half.valid, cloudy)) == 0.25
    nothing = Cut(half.pixels, ~cut(90).valid, cloudy)
    assert checks.cloud_fraction(nothing) is None
