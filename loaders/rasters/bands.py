"""Which bands of a raster make red, green and blue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rasterio.enums import ColorInterp

from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Sequence

Rgb = tuple[int, int, int]

# Names of red, green and blue in lower case, and names of which one must be there too.
# B4 is red for Sentinel-2 and Landsat 8, but near infrared for Landsat 5 and 7; only
# the former have the bands that settle it.
_KNOWN_NAMES: tuple[tuple[tuple[str, str, str], frozenset[str]], ...] = (
    (("red", "green", "blue"), frozenset()),
    (("r", "g", "b"), frozenset()),
    (("b04", "b03", "b02"), frozenset()),
    (("b4", "b3", "b2"), frozenset({"b8a", "b9", "b10", "b11", "b12"})),
    (("sr_b4", "sr_b3", "sr_b2"), frozenset({"sr_b6"})),
)
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


def find_rgb(dataset: Any, wanted: str | None) -> Rgb:
    """Return the numbers, from 1, of the bands that make red, green and blue.

    Taken from ``wanted`` (three numbers or names: ``4,3,2`` or ``B04,B03,B02``); else
    from well-known names; else from the file's colour interpretation; else the first
    three of an 8-bit file that has three or four.

    Raises:
        LoaderError: None of that tells, or a wanted band is not there.
    """
    names = band_names(dataset)
    if wanted is not None:
        return _wanted(wanted, names)
    if dataset.count == 1:
        raise LoaderError(
            "it has a single band, and chips are in colour: join three bands into one "
            "file with `rio stack`, or take grey for colour with --bands 1,1,1"
        )
    found = told_rgb(dataset) or _first_three(dataset)
    if found is None:
        raise LoaderError(
            f"which of its {dataset.count} bands ({', '.join(names)}) are red, green "
            "and blue is not told: name them, such as --bands 3,2,1"
        )
    return found


def told_rgb(dataset: Any) -> Rgb | None:
    """Return the bands that a file's names or colours tell, None where none do."""
    return by_name(band_names(dataset)) or _by_colour(dataset)


def band_names(dataset: Any) -> list[str]:
    """Return the bands' descriptions, or their numbers where they have none."""
    return [
        description or str(number)
        for number, description in enumerate(dataset.descriptions, start=1)
    ]


def _wanted(wanted: str, names: list[str]) -> Rgb:
    parts = [part.strip() for part in wanted.split(",")]
    if len(parts) != 3:
        raise LoaderError(
            f"--bands {wanted} names {len(parts)} bands: name three, red, green, blue"
        )
    red, green, blue = (_number(part, names) for part in parts)
    return red, green, blue


def _number(part: str, names: list[str]) -> int:
    lowered = [name.lower() for name in names]
    if part.lower() in lowered:
        return lowered.index(part.lower()) + 1
    if part.isdecimal() and 1 <= int(part) <= len(names):
        return int(part)
    raise LoaderError(f"it has no band {part}: choose from {', '.join(names)}")


def by_name(names: Sequence[str]) -> Rgb | None:
    """Return the numbers, from 1, of well-known names; None where they are not all."""
    lowered = [name.strip().lower() for name in names]
    for (red, green, blue), deciding in _KNOWN_NAMES:
        if deciding and not deciding & set(lowered):
            continue
        if all(lowered.count(name) == 1 for name in (red, green, blue)):
            return (
                lowered.index(red) + 1,
                lowered.index(green) + 1,
                lowered.index(blue) + 1,
            )
    return None


def _by_colour(dataset: Any) -> Rgb | None:
    colours = list(dataset.colorinterp)
    if not all(colours.count(colour) == 1 for colour in _COLOURS):
        return None
    red, green, blue = (colours.index(colour) + 1 for colour in _COLOURS)
    return red, green, blue


def _first_three(dataset: Any) -> Rgb | None:
    is_8_bit = set(dataset.dtypes) == {"uint8"}
    return (1, 2, 3) if is_8_bit and dataset.count in {3, 4} else None
