"""Reading local GeoTIFF files: opened safely, read by windows, stretched to 8 bits.

Only the GTiff driver opens a file (a COG is one), and files beside it are not looked
at: world files, ``.aux.xml`` and external overviews or masks have no say, so that a
file's hash stands for all that is read.

The stretch of a scene is one of

- ``{"method": "none"}``: 8 bits already;
- ``{"method": "percentile", "low": 2, "high": 98, "min": [r, g, b], "max": [r, g, b]}``
- ``{"method": "linear", "min": [r, g, b], "max": [r, g, b]}``

where a value ``v`` becomes ``floor((v - min) / (max - min) * 255 + 0.5)`` in double
precision, clipped to 0 and 255, as every other provider of pixels computes it too. The
constants are the scene's own and stored with it: its chips share them.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError

from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from rasterio.windows import Window

    from skyscript_db.imagery import Pixels, Stretch, Valid

Values = npt.NDArray[Any]

MAX_BLOCK_BYTES = 128 << 20
MAX_EXPANSION = 1000
HARMLESS_BYTES = 64 << 20

ENVIRONMENT = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_CACHEMAX": 256 << 20,  # bytes, of all files together
}
_hashing = threading.Lock()
# Held while a file is opened or closed: files on the network come and go with handlers
# of their own, whose list in GDAL is not made for many threads.
OPENING = threading.Lock()


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a local GeoTIFF for reading, as a rasterio dataset.

    Raises:
        LoaderError: It is missing, no GeoTIFF, or would not fit in memory.
    """
    if not path.is_file():
        raise LoaderError(f"no such file: {path}; name a local GeoTIFF")
    with rasterio.Env(**ENVIRONMENT):
        try:
            with OPENING:
                dataset = rasterio.open(path, driver="GTiff", sharing=False)
        except RasterioError as error:
            raise LoaderError(
                f"not a GeoTIFF, or a damaged one: {error}; get it again, or make one "
                "from another format with `rio convert`"
            ) from error
        with dataset:
            refuse_bomb(dataset, path.stat().st_size)
            yield dataset


def refuse_bomb(dataset: Any, file_bytes: int) -> None:
    """Refuse a file that would not fit in memory, or of what no chip is made.

    Raises:
        LoaderError: It is one; the message says why.
    """
    if any(name.startswith("complex") for name in dataset.dtypes):
        raise LoaderError("its values are complex numbers: store their amplitude")
    item_bytes = max(np.dtype(name).itemsize for name in dataset.dtypes)
    is_pixel_interleaved = dataset.profile.get("interleave") == "pixel"
    n_together = dataset.count if is_pixel_interleaved else 1
    block_bytes = max(h * w for h, w in dataset.block_shapes) * n_together * item_bytes
    if block_bytes > MAX_BLOCK_BYTES:
        raise LoaderError(
            f"its blocks take {block_bytes >> 20} MiB each, more than the "
            f"{MAX_BLOCK_BYTES >> 20} that are read at once: write it in tiles with "
            "`rio convert --co TILED=YES`"
        )
    decoded_bytes = dataset.width * dataset.height * dataset.count * item_bytes
    if decoded_bytes > max(HARMLESS_BYTES, MAX_EXPANSION * file_bytes):
        raise LoaderError(
            f"it says {dataset.width} x {dataset.height} pixels but has "
            f"{file_bytes} bytes: no image holds so little; get the file again"
        )


def is_whole(dataset: Any, bands: Sequence[int]) -> bool:
    """Return whether every pixel holds data, by what the file says of itself."""
    return all(
        MaskFlags.all_valid in dataset.mask_flag_enums[band - 1]
        and not np.issubdtype(dataset.dtypes[band - 1], np.floating)
        for band in bands
    )


def read(
    dataset: Any,
    bands: Sequence[int],
    window: Window | None = None,
    shape: tuple[int, int] | None = None,
) -> tuple[Values, Valid]:
    """Read bands as (bands, height, width), and which pixels hold data.

    A pixel holds data if any band does, by the file's mask, its nodata value or its
    alpha, in this order; a value that is not a number is none.
    """
    values = dataset.read(
        bands, window=window, out_shape=shape and (len(bands), *shape)
    )
    flags = dataset.mask_flag_enums[bands[0] - 1]
    if MaskFlags.nodata in flags:
        nodata = np.array([dataset.nodatavals[band - 1] for band in bands])
        if np.issubdtype(values.dtype, np.floating):
            nodata = nodata.astype(values.dtype)
        valid = (values != nodata[:, None, None]).any(axis=0)
    elif MaskFlags.alpha in flags:
        alpha = dataset.colorinterp.index(ColorInterp.alpha) + 1
        valid = dataset.read(alpha, window=window, out_shape=shape) > 0
    elif MaskFlags.per_dataset in flags:
        valid = dataset.read_masks(bands[0], window=window, out_shape=shape) > 0
    else:
        valid = np.ones(values.shape[1:], dtype=bool)
    if np.issubdtype(values.dtype, np.floating):
        valid &= np.isfinite(values).any(axis=0)
    return values, valid


def check_8_bits(types: Iterable[str]) -> None:
    """Refuse values that are shown as they are and are not 8 bits: they would wrap.

    Raises:
        LoaderError: One of the types, such as ``uint16``, is another than ``uint8``.
    """
    others = sorted(set(types) - {"uint8"})
    if others:
        raise LoaderError(
            f"its values are {', '.join(others)}, not 8 bits: say how they are shown "
            "with --stretch MIN,MAX, such as 0,3000, or by a stretch in its "
            "collection's entry in collections.toml, and load it again"
        )


def to_8_bits(values: Values, valid: Valid, stretch: Stretch) -> Pixels:
    """Stretch (3, height, width) to 8-bit pixels (height, width, 3), nodata black.

    Raises:
        LoaderError: They are to stay as they are, and are not 8 bits.
    """
    if stretch["method"] == "none":
        check_8_bits([values.dtype.name])
        stretched = values
    else:
        low, high = (
            np.array(stretch[key], dtype=np.float64)[:, None, None]
            for key in ("min", "max")
        )
        with np.errstate(all="ignore"):
            scaled = (values.astype(np.float64) - low) / (high - low) * 255
            stretched = np.nan_to_num(np.floor(scaled + 0.5).clip(0, 255))
    pixels = np.where(valid, stretched, 0).astype(np.uint8)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))


def percentile_stretch(
    values: Values, valid: Valid, *, low: float = 2, high: float = 98
) -> Stretch:
    """Return the stretch that maps two percentiles of each band to 0 and 255."""
    bounds = [_percentiles(band[valid], low, high) for band in values]
    return {
        "method": "percentile",
        "low": low,
        "high": high,
        "min": [first for first, _ in bounds],
        "max": [last for _, last in bounds],
    }


def _percentiles(values: Values, low: float, high: float) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    first, last = (float(v) for v in np.percentile(finite, [low, high]))
    return first, last if last > first else first + 1


def sha256(path: Path) -> str:
    """Return a file's hash in hex; it is read again only if it has been written to.

    Raises:
        LoaderError: It may not be read.
    """
    try:
        status = path.stat()
        with _hashing:  # threads that start on one scene together shall read it once
            return _sha256(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise LoaderError(
            f"{path} cannot be read: {error.strerror}; let this user read it"
        ) from error


@lru_cache(maxsize=4096)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001 - the key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
