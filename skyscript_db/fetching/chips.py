"""What is fetched, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyscript_db.imagery import Refusal
from skyscript_db.images import StoredImage

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from rasterio.windows import Window

    from skyscript_db.imagery import Grid
    from skyscript_db.images import Encoding

# Side of the squares that a scene's chips are packed in: with a chip of the largest
# side across its edge, a square is within the largest request that a service takes.
BLOCK_PX = 2048


@dataclass(frozen=True, slots=True)
class Chip:
    """A window to fetch, and the file that its image becomes.

    Attributes:
        id: The caller's own, told back in the result.
        scene: What tells scenes apart; chips of one share ``grid``.
        version: Whatever else the caller must know of the scene as it was read.
    """

    id: int
    scene: Hashable
    grid: Grid
    window: Window
    path: str
    encoding: Encoding
    version: object = None

    @property
    def block(self) -> tuple[Hashable, int, int]:
        """The scene, and the square of it that holds the window's corner."""
        row, col = int(self.window.row_off), int(self.window.col_off)
        return self.scene, row // BLOCK_PX, col // BLOCK_PX

    @property
    def n_px(self) -> int:
        """Pixels of the window."""
        return int(self.window.width * self.window.height)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a chip: a stored image, or why there is none."""

    chip: Chip
    found: StoredImage | Refusal
    nodata_fraction: float | None = None
    cloud_fraction: float | None = None

    @property
    def state(self) -> str:
        """The chip's state from now on: ok, rejected or failed."""
        if isinstance(self.found, Refusal):
            return "rejected" if self.found.is_final else "failed"
        return "ok"


def stored(results: Iterable[Result]) -> Iterator[str]:
    """Yield the paths of the images that were stored."""
    for result in results:
        if isinstance(result.found, StoredImage):
            yield result.found.path
