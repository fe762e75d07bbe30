"""How pixels become an image file, and whether bytes are one."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import PIL
from PIL import Image, features

if TYPE_CHECKING:
    from skyscript_db.imagery import Pixels

ImageFormat = Literal["jpg", "png"]

_PILLOW_NAMES = {"jpg": "JPEG", "png": "PNG"}
_MAGIC = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n"}
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
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    if image_format == "jpg":
        image.save(buffer, "JPEG", quality=jpeg_quality, subsampling=0)
    else:
        image.save(buffer, "PNG")
    return buffer.getvalue()


def is_image(data: bytes, image_format: ImageFormat, size_px: tuple[int, int]) -> bool:
    """Return whether bytes are a whole image of this format and (width, height)."""
    if not data.startswith(_MAGIC[image_format]):
        return False
    try:
        with Image.open(
            io.BytesIO(data), formats=[_PILLOW_NAMES[image_format]]
        ) as image:
            if image.size != size_px:
                return False
            image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True
