"""Computed pixels as bytes: NPY, GeoTIFF, PNG and JPEG."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from loaders.earth_engine.emulator.answers import Answer, invalid, not_emulated
from loaders.earth_engine.emulator.grids import PixelGrid
from loaders.earth_engine.emulator.images import Image, Mask

Table = npt.NDArray[Any]
Encode = Callable[[Table, Mask, PixelGrid], Answer]

MAX_REQUEST_BYTES = 48 << 20
MAX_SIDE_PX = 32768


def check_size(image: Image, grid: PixelGrid) -> None:
    """Refuse what is too large, in Earth Engine's words.

    A pixel of a band counts its bytes and one for its mask.

    Raises:
        ApiError: It is too large.
    """
    if max(grid.width, grid.height) > MAX_SIDE_PX:
        raise invalid(
            f"Pixel grid dimensions ({grid.width}x{grid.height}) must be less than or "
            f"equal to {MAX_SIDE_PX}."
        )
    pixel_bytes = sum(band.dtype.itemsize + 1 for band in image.bands)
    n_bytes = grid.width * grid.height * pixel_bytes
    if n_bytes > MAX_REQUEST_BYTES:
        raise invalid(
            f"Total request size ({n_bytes} bytes) must be less than or equal to "
            f"{MAX_REQUEST_BYTES} bytes."
        )


def encode(file_format: str, values: Table, masks: Mask, grid: PixelGrid) -> Answer:
    """Return a structured array (height, width) in a file format of the API.

    Raises:
        ApiError: There is no such format, or the bands do not fit it.
    """
    if file_format not in _FORMATS:
        raise not_emulated(f"the file format {file_format}")
    return _FORMATS[file_format](values, masks, grid)


def _npy(values: Table, masks: Mask, grid: PixelGrid) -> Answer:
    del masks, grid  # the format has no place for them
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return Answer(buffer.getvalue(), content_type="application/octet-stream")


def _geo_tiff(values: Table, masks: Mask, grid: PixelGrid) -> Answer:
    names = values.dtype.names or ()
    dtype = np.result_type(*(values[name].dtype for name in names))
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=grid.width,
            height=grid.height,
            count=len(names),
            dtype=dtype,
            crs=grid.crs,
            transform=Affine(*grid.transform),
        ) as dataset:
            for number, name in enumerate(names, start=1):
                dataset.write(values[name].astype(dtype), number)
            dataset.descriptions = names
        del masks  # Earth Engine writes none either: masked pixels are 0
        return Answer(memory.read(), content_type="image/tiff")


def _png(values: Table, masks: Mask, grid: PixelGrid) -> Answer:
    del grid
    pixels, valid = _picture(values), masks.all(axis=0)
    if not valid.all():
        opacity = np.where(valid, 255, 0).astype(np.uint8)
        pixels = np.dstack([pixels, opacity])
    return _saved(pixels, "PNG")


def _jpeg(values: Table, masks: Mask, grid: PixelGrid) -> Answer:
    del masks, grid
    return _saved(_picture(values), "JPEG")


def _png_or_jpeg(values: Table, masks: Mask, grid: PixelGrid) -> Answer:
    return (_jpeg if masks.all() else _png)(values, masks, grid)


def _picture(values: Table) -> npt.NDArray[np.uint8]:
    names = values.dtype.names or ()
    if len(names) not in {1, 3} or any(
        values[name].dtype != np.uint8 for name in names
    ):
        raise invalid(
            "Image must have one or three 8-bit bands to be rendered: visualize it, or "
            "ask for NPY or GEO_TIFF."
        )
    layers = [values[name] for name in names]
    return np.dstack(layers * (3 if len(names) == 1 else 1))


def _saved(pixels: npt.NDArray[np.uint8], file_format: str) -> Answer:
    buffer = io.BytesIO()
    Picture.fromarray(pixels).save(buffer, file_format)
    return Answer(buffer.getvalue(), content_type=f"image/{file_format.lower()}")


_FORMATS: dict[str, Encode] = {
    "NPY": _npy,
    "GEO_TIFF": _geo_tiff,
    "PNG": _png,
    "JPEG": _jpeg,
    "AUTO_JPEG_PNG": _png_or_jpeg,
}
