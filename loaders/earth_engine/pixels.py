"""The pixels of Earth Engine's images, computed there and cut here.

Windows that lie together are asked for as one: the stretched colours, which pixels
hold data, and which are cloud, as bytes on the image's own grid. What comes back is
checked against what was asked for before anything is cut from it.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ee
import numpy as np
from numpy.lib import format as npy
from rasterio.windows import Window

from loaders.earth_engine.expressions import BANDS, expression
from loaders.earth_engine.session import Session
from skyscript_db.errors import RequestFailed
from skyscript_db.imagery import Cut, Refusal, refusal

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from typing import Self

    from skyscript_db.config import Settings
    from skyscript_db.imagery import Grid, Valid

MAX_SIDE_PX = 32_768
# Whoever packs reckons with four bytes a pixel; Earth Engine counts a byte of mask
# beside each of up to five bands.
PACKED_BYTES = 4
COUNTED_BYTES = 10
# Words of a refusal that a smaller request may escape.
TOO_MUCH = ("memory", "too large", "too many pixels", "request size", "timed out")
# The byte that tells valid pixels, behind the three colours in a little-endian word.
VALID = np.uint32(0xFF000000)


def provider(settings: Settings, limits_conninfo: str) -> EarthEngine:
    """Return Earth Engine as a provider, logged in.

    Raises:
        UsageError: A setting is missing.
        CredentialsExpired: It does not accept our login.
        RequestFailed: It does not answer.
    """
    return EarthEngine(Session(settings, limits_conninfo), settings)


class EarthEngine:
    """Cuts windows out of images by ``computePixels``; a context manager."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session = session
        self._concurrency = settings.request_concurrency
        self._max_bytes = int(settings.max_request_mib * (1 << 20))

    @property
    def max_request_bytes(self) -> int:
        """Most bytes of pixels in one request, as those who pack reckon."""
        return self._max_bytes * PACKED_BYTES // COUNTED_BYTES

    @property
    def concurrency(self) -> int:
        """How many calls of ``cut`` may run at once."""
        return self._concurrency

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._session.close()

    def cut(
        self, grid: Grid, windows: Sequence[Window]
    ) -> Generator[Cut | Refusal, None, None]:
        """Yield for each window, in order, its pixels or why there are none.

        Raises:
            RequestFailed: Earth Engine refused, or failed too often.
            CredentialsExpired: It does not accept our login any more.
        """
        refused = [refusal(w, grid.width_px, grid.height_px) for w in windows]
        fit = [w for w, r in zip(windows, refused, strict=True) if r is None]
        # Before the first is yielded: whoever takes the rest may wait for no service.
        cuts = _cuts(self._ask(grid, fit))
        for why in refused:
            yield why or next(cuts)

    def _ask(self, grid: Grid, windows: Sequence[Window]) -> list[_Answer]:
        """Ask for windows, in as few requests as are answered, up to a failure."""
        if not windows:
            return []
        bounds = bounding(windows)
        if len(windows) > 1 and not self._is_small(bounds):
            return self._ask_halves(grid, windows)
        try:
            values = self._session.call(lambda: compute(grid, bounds))
        except RequestFailed as error:
            if len(windows) > 1 and _is_too_much(error):
                return self._ask_halves(grid, windows)
            return [_Answer(windows, bounds, error)]
        return [_Answer(windows, bounds, values)]

    def _ask_halves(self, grid: Grid, windows: Sequence[Window]) -> list[_Answer]:
        middle = len(windows) // 2
        first = self._ask(grid, windows[:middle])
        if isinstance(first[-1].came, RequestFailed):
            return first
        return first + self._ask(grid, windows[middle:])

    def _is_small(self, window: Window) -> bool:
        n_bytes = window.width * window.height * PACKED_BYTES
        longest_px = max(window.width, window.height)
        return bool(n_bytes <= self.max_request_bytes and longest_px <= MAX_SIDE_PX)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came for some windows within bounds: values, or why there are none."""

    windows: Sequence[Window]
    bounds: Window
    came: Any


def _cuts(answers: Iterable[_Answer]) -> Iterator[Cut]:
    for answer in answers:
        if isinstance(answer.came, RequestFailed):
            raise answer.came
        for window in answer.windows:
            yield _cut_from(answer.came, answer.bounds, window)


def _is_too_much(error: RequestFailed) -> bool:
    return error.status == 413 or (
        error.status == 400 and any(word in str(error).lower() for word in TOO_MUCH)
    )


def bounding(windows: Sequence[Window]) -> Window:
    """Return the smallest window that holds all of them."""
    left = min(window.col_off for window in windows)
    top = min(window.row_off for window in windows)
    right = max(window.col_off + window.width for window in windows)
    bottom = max(window.row_off + window.height for window in windows)
    return Window(left, top, right - left, bottom - top)


def compute(grid: Grid, window: Window) -> Any:
    """Return a window of an image as a structured array of bytes, (height, width).

    Raises:
        RequestFailed: What came is not what was asked for.
    """
    answer = ee.data.computePixels(
        {
            "expression": expression(grid.uri, grid.bands, grid.stretch),
            "fileFormat": "NPY",
            "grid": pixel_grid(grid, window),
        }
    )
    n_bands = len(BANDS) if "cloud" in grid.bands else len(BANDS) - 1
    return read_answer(answer, window, BANDS[:n_bands])


def pixel_grid(grid: Grid, window: Window) -> dict[str, Any]:
    """Return a window of a scene's grid in the words of the API."""
    a, b, c, d, e, f = grid.transform
    col, row = window.col_off, window.row_off
    is_code = grid.crs.upper().startswith("EPSG:")
    return {
        "dimensions": {"width": int(window.width), "height": int(window.height)},
        "affineTransform": {
            "scaleX": a,
            "shearX": b,
            "translateX": a * col + b * row + c,
            "shearY": d,
            "scaleY": e,
            "translateY": d * col + e * row + f,
        },
        "crsCode" if is_code else "crsWkt": grid.crs,
    }


def read_answer(answer: bytes, window: Window, bands: Sequence[str]) -> Any:
    """Return an answer in NumPy's format, once it is what was asked for.

    Raises:
        RequestFailed: It is something else, or not all of it.
    """
    shape = (int(window.height), int(window.width))
    dtype = np.dtype([(band, np.uint8) for band in bands])
    try:
        offset = _check_header(answer, shape, dtype)
        # Not np.load: that copies what is in memory already, and twice.
        return np.frombuffer(answer, dtype, math.prod(shape), offset).reshape(shape)
    except (ValueError, EOFError, TypeError) as error:
        raise RequestFailed(
            f"the pixels that came are not those asked for: {error}", is_transient=True
        ) from error


def _check_header(answer: bytes, shape: tuple[int, int], dtype: Any) -> int:
    """Refuse another shape; return where the pixels begin."""
    stream = io.BytesIO(answer[: 1 << 16])
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version[0] == 1 else npy.read_array_header_2_0
    found_shape, is_by_column, found_dtype = read(stream)
    if found_shape != shape or found_dtype != dtype:
        raise ValueError(f"{found_shape} of {found_dtype} came, not {shape} of {dtype}")
    if is_by_column:
        raise ValueError("they came column by column")
    return stream.tell()


def _cut_from(values: Any, bounds: Window, window: Window) -> Cut:
    left, top = window.col_off - bounds.col_off, window.row_off - bounds.row_off
    part = values[top : top + window.height, left : left + window.width]
    # Colours and validity as one number a pixel, which is copied, tested and zeroed as
    # such; a fifth band stays behind.
    words = np.dtype({"names": ["word"], "formats": ["<u4"], "itemsize": part.itemsize})
    colours = np.ascontiguousarray(part.view(words)["word"])
    valid: Valid = (colours & VALID) != 0
    if not valid.all():
        colours = np.where(valid, colours, np.uint32(0))
    pixels = colours.view(np.uint8).reshape(*colours.shape, 4)[..., :3]
    is_told = "cloud" in part.dtype.names
    return Cut(pixels, valid, (part["cloud"] > 0) & valid if is_told else None)
