"""Chips of one scene that are fetched together.

A service is asked for the bounding window of a pack, which is cut up here. Greedy:
along a curve that keeps neighbours near, each chip joins the pack that grows least, if
the request stays within the service's limit and is not mostly pixels nobody wants.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from skyscript_db.fetching.chips import Chip

# Three colours and the mask.
BYTES_PER_PX = 4
# A request has at most so many pixels as its chips have together, times this.
MAX_WASTE = 4
# Neighbours in one file, cut by one thread from one open file.
CHIPS_TOGETHER = 32


@dataclass(slots=True)
class Pack:
    """Chips of one scene, and the window that holds them all."""

    chips: list[Chip] = field(default_factory=list)
    n_chip_px: int = 0
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    @property
    def n_px(self) -> int:
        """Pixels of the bounding window."""
        return (self.right - self.left) * (self.bottom - self.top)

    @property
    def n_bytes(self) -> int:
        """Bytes of the bounding window, as a service counts them."""
        return self.n_px * BYTES_PER_PX

    def with_chip(self, chip: Chip) -> Pack:
        """Return what the pack would be with one chip more; shares its list."""
        w = chip.window
        left, top = int(w.col_off), int(w.row_off)
        right, bottom = left + int(w.width), top + int(w.height)
        if not self.chips:
            return Pack(self.chips, chip.n_px, left, top, right, bottom)
        return Pack(
            self.chips,
            self.n_chip_px + chip.n_px,
            min(self.left, left),
            min(self.top, top),
            max(self.right, right),
            max(self.bottom, bottom),
        )


def pack(chips: Iterable[Chip], max_request_bytes: int | None) -> Iterator[Pack]:
    """Yield the chips in packs; those of one block of a scene must be side by side.

    ``max_request_bytes`` is the provider's; None makes packs of neighbours, which are
    read one by one.
    """
    if max_request_bytes is None:
        yield from _neighbours(chips)
        return
    for _, block in groupby(chips, key=lambda chip: chip.block):
        yield from _greedy(sorted(block, key=_along_curve), max_request_bytes)


def _neighbours(chips: Iterable[Chip]) -> Iterator[Pack]:
    for _, group in groupby(chips, key=lambda chip: chip.block):
        block = list(group)
        for first in range(0, len(block), CHIPS_TOGETHER):
            yield Pack(block[first : first + CHIPS_TOGETHER])


def _greedy(chips: list[Chip], max_bytes: int) -> Iterator[Pack]:
    packs: list[Pack] = []
    for chip in chips:
        grown = [(known.with_chip(chip), n) for n, known in enumerate(packs)]
        fits = [
            (larger.n_px - packs[n].n_px, n, larger)
            for larger, n in grown
            if larger.n_bytes <= max_bytes
            and larger.n_px <= MAX_WASTE * larger.n_chip_px
        ]
        if fits:
            _, n, packs[n] = min(fits, key=lambda fit: fit[:2])
        else:
            n = len(packs)
            packs.append(Pack().with_chip(chip))
        packs[n].chips.append(chip)
    yield from packs


def _along_curve(chip: Chip) -> tuple[int, int]:
    """Return the place on a Z-order curve through the scene's pixels."""
    col, row = (max(0, int(v)) for v in (chip.window.col_off, chip.window.row_off))
    place = 0
    for bit in range(20):
        place |= (col >> bit & 1) << 2 * bit | (row >> bit & 1) << 2 * bit + 1
    return place, chip.id
