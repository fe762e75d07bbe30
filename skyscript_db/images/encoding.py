"""How pixels become an image file, and whether bytes are one."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal, cast

import numpy as np
import PIL
from PIL import Image, features

if TYPE_CHECKING:
    from skyscript_db.imagery import Pixels

ImageFormat = Literal["jpg", "png"]

_PILLOW_NAMES = {"jpg": "JPEG", "png": "PNG"}
_MAGIC = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n"}
_END = {"jpg": b"\xff\xd9", "png": b"IEND\xaeB`\x82"}
# What else has a say in the bytes of a file.
_LIBRARIES = {"jpg": "libjpeg_turbo", "png": "zlib"}
_TOLD = re.compile(r"(jpg|png)(?: (\d+))?(?:;|$)")


@dataclass(frozen=True, slots=True)
class Encoding:
    """The format of image files; the quality is that of JPEG."""

    format: ImageFormat
    quality: int = 95

    @property
    def label(self) -> str:
        """What wrote a file, such as ``jpg 95; pillow 12.0.0; libjpeg_turbo 3.1.2``."""
        library = _LIBRARIES[self.format]
        quality = f" {self.quality}" if self.format == "jpg" else ""
        version = features.version(library) or "unknown"
        return f"{self.format}{quality}; pillow {PIL.__version__}; {library} {version}"

    @classmethod
    def of(cls, label: str) -> Encoding | None:
        """Return the encoding that a label tells of; None if it is no label."""
        told = _TOLD.match(label)
        if told is None:
            return None
        return cls(cast("ImageFormat", told[1]), int(told[2] or 95))


def encode(pixels: Pixels, image_format: ImageFormat, jpeg_quality: int) -> bytes:
    """Encode (height, width, 3) pixels; JPEG keeps the full resolution of colour."""
    image = _picture(pixels)
    try:
        return _saved(image, image_format, jpeg_quality, _scratch())
    except OSError:
        # A quota on the size of files counts for the system's files in memory too.
        return _saved(image, image_format, jpeg_quality, io.BytesIO())


def _saved(
    image: Image.Image, image_format: ImageFormat, jpeg_quality: int, scratch: IO[bytes]
) -> bytes:
    with scratch as file:
        if image_format == "jpg":
            image.save(file, "JPEG", quality=jpeg_quality, subsampling=0)
        else:
            image.convert("RGB").save(file, "PNG")
        file.seek(0)
        return file.read()


def _scratch() -> IO[bytes]:
    """Open a file in memory; the system's, where it has such files.

    Pillow lets other threads run while it encodes to those, and to those alone.
    """
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("image"), "w+b")
    return io.BytesIO()


def _picture(pixels: Pixels) -> Image.Image:
    """Return an image of pixels; RGBX, as they lie, if they lie as Pillow has them."""
    height, width = pixels.shape[:2]
    words = pixels.base
    if (
        isinstance(words, np.ndarray)
        and words.nbytes == height * width * 4
        and words.flags.c_contiguous
        and pixels.strides == (width * 4, 4, 1)
        and words.ctypes.data == pixels.ctypes.data
    ):
        return Image.frombuffer("RGBX", (width, height), words, "raw", "RGBX", 0, 1)
    return Image.fromarray(pixels)


def is_finished(
    data: bytes, image_format: ImageFormat, size_px: tuple[int, int]
) -> bool:
    """Return whether bytes begin and end as an image of this format and size.

    That is enough for what was encoded here and now, and does not take as long again
    as encoding does, which decoding would.
    """
    start, end = _MAGIC[image_format], _END[image_format]
    if not (data.startswith(start) and data.endswith(end)):
        return False
    try:
        with Image.open(
            io.BytesIO(data), formats=[_PILLOW_NAMES[image_format]]
        ) as image:
            return image.size == size_px
    except (OSError, SyntaxError, ValueError):
        return False
