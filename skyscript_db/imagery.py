"""What fetching needs to know of imagery, whatever its provider.

A provider says how the pixels of its scenes are got: local files are opened, Earth
Engine computes them, a STAC catalogue names files to be read by ranges. All of them
answer the same question: here is a scene's grid and some windows of it; what is there?
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from rasterio.windows import Window

Pixels = npt.NDArray[np.uint8]
Valid = npt.NDArray[np.bool_]
Stretch = Mapping[str, Any]

# Larger windows are refused before memory is taken for them.
MAX_CUT_PX = 4096 * 4096


@dataclass(frozen=True, slots=True)
class Grid:
    """A scene's pixel grid, where its values are, and how they become 8 bits.

    Attributes:
        provider: ``raster``, ``earth-engine`` or ``stac``.
        uri: A file, the id of an asset, or the address of an item.
        crs: Reference system, an EPSG code or WKT.
        transform: Affine (a, b, c, d, e, f) from (column, row) to (x, y).
        width_px: Columns.
        height_px: Rows.
        bands: What makes red, green and blue, in the provider's own terms, under
            ``rgb``; and what tells cloud, where the collection has it, under ``cloud``.
        stretch: The method and its constants; see ``rasters.to_8_bits``.
        file_sha256: Hash of a local file.
    """

    provider: str
    uri: str
    crs: str
    transform: tuple[float, ...]
    width_px: int
    height_px: int
    bands: Mapping[str, Any]
    stretch: Stretch
    file_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """A window's pixels (height, width, 3), which hold data, and which are cloud.

    The pixels may be three of four bytes that lie together, as Pillow keeps them too:
    then they are encoded without being gathered.
    """

    pixels: Pixels
    valid: Valid
    cloudy: Valid | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a window gave no pixels, whether it never will, and the HTTP status."""

    cause: str
    is_final: bool
    http_status: int | None = None


def refusal(window: Window, width_px: int, height_px: int) -> Refusal | None:
    """Return why a window of a scene of this size is never cut; None if it may be."""
    if (
        min(window.col_off, window.row_off) < 0
        or window.col_off + window.width > width_px
        or window.row_off + window.height > height_px
    ):
        return Refusal("window outside the scene", is_final=True)
    if window.width * window.height > MAX_CUT_PX:
        return Refusal("window too large", is_final=True)
    return None


class Provider(Protocol):
    """How the pixels of a provider's scenes are got."""

    @property
    def max_request_bytes(self) -> int | None:
        """Most bytes of pixels in one request; None: windows are read one by one."""

    @property
    def concurrency(self) -> int:
        """How many calls of ``cut`` may run at once, in threads of their own."""

    def cut(
        self, grid: Grid, windows: Sequence[Window]
    ) -> Generator[Cut | Refusal, None, None]:
        """Yield for each window, in order, its pixels or why there are none.

        The windows were packed: their common bounding window, at four bytes a pixel
        (three colours and the mask), is no larger than ``max_request_bytes``.

        Raises:
            LoaderError: Nothing can be cut of this scene.
            RequestFailed: A service did not answer, after all retries.
            CredentialsExpired: It does not know us any more; all work must stop.
        """
