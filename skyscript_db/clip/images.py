"""Images on their way to CLIP: read whole, checked, resized in threads.

What threads hand over are bytes, a quarter of the floats that the model works on; the
device itself turns them into floats.
"""

from __future__ import annotations

import hashlib
import io
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from PIL import Image

from skyscript_db.clip.stream import Prepared
from skyscript_db.errors import SkyscriptError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

    import torch

T = TypeVar("T")

FORMATS = ("JPEG", "PNG")
# Chips have sides of at most 4096 pixels; a larger image may be a decompression bomb.
MAX_PIXELS = 4096 * 4096

# Images a thread decodes in one go; single ones would cost more in hand-overs.
CHUNK = 8


# What is wrong with the file itself, so that cutting the chip again can mend it.
FILE_REASONS = ("file missing", "file corrupt")


class ImageError(SkyscriptError):
    """An image cannot be read; the message is a short reason to count it under."""


def decode_image(data: bytes) -> Image.Image:
    """Decode a whole image file into RGB.

    Raises:
        ImageError: It is no image of a format that we read, damaged, or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError("image too large")
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError("file corrupt") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError("image too large") from error


class ImageFile(Protocol):
    """A file that can be read; a ``Path`` is one."""

    def read_bytes(self) -> bytes:
        """Return all bytes, or raise FileNotFoundError."""


def read_image(file: ImageFile, sha256: str | None = None) -> Image.Image:
    """Read an image file, and check its hash where one is known.

    Raises:
        ImageError: The file is missing, not the one with this hash, or no image.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise ImageError("file missing") from error
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise ImageError("file corrupt")
    return decode_image(data)


class PixelBatches:
    """Prepares images as open_clip does for a model, in threads and on its device."""

    def __init__(self, model: Any, device: torch.device) -> None:
        import open_clip  # noqa: PLC0415 - slow to import
        import torch  # noqa: PLC0415
        from open_clip.transform import (  # noqa: PLC0415
            PreprocessCfg,
            image_transform_v2,
        )

        config = open_clip.get_model_preprocess_cfg(model)
        steps = image_transform_v2(PreprocessCfg(**config), is_train=False).transforms
        # The last two make floats of an image and normalise them: scale() does.
        *self._resize, _, normalize = steps
        self._mean = torch.tensor(normalize.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(normalize.std, device=device).view(1, 3, 1, 1)
        size = config["size"]
        self._size = (size, size) if isinstance(size, int) else tuple(size)
        self._device = device

    def submit(
        self,
        read: Callable[[T], Image.Image],
        pool: ThreadPoolExecutor,
        items: Sequence[T],
    ) -> Callable[[], Prepared[T]]:
        """Have threads read images into rows of (n, height, width, 3) bytes."""
        import torch  # noqa: PLC0415 - slow to import

        pixels = torch.empty(
            (len(items), *self._size, 3),
            dtype=torch.uint8,
            pin_memory=self._device.type == "cuda",
        )
        futures = [
            pool.submit(self._fill, read, items[i : i + CHUNK], pixels[i : i + CHUNK])
            for i in range(0, len(items), CHUNK)
        ]
        return partial(_collect, list(items), pixels, futures)

    def scale(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return floats (n, 3, height, width) on the device, as open_clip has them."""
        images = pixels.to(self._device, non_blocking=True).permute(0, 3, 1, 2)
        return images.float().div_(255).sub_(self._mean).div_(self._std)

    def _fill(
        self,
        read: Callable[[T], Image.Image],
        items: Sequence[T],
        pixels: torch.Tensor,
    ) -> list[str | None]:
        """Read a few images into their rows; return why those that fail do so."""
        reasons: list[str | None] = []
        for row, item in zip(pixels.numpy(), items, strict=True):
            try:
                image: Any = read(item)
            except ImageError as error:
                reasons.append(str(error))
                continue
            for transform in self._resize:
                image = transform(image)
            row[:] = np.asarray(image)
            reasons.append(None)
        return reasons


def _collect(
    items: list[T], rows: torch.Tensor, futures: Iterable[Future[list[str | None]]]
) -> Prepared[T]:
    """Wait for the threads that fill rows and drop those they could not fill."""
    reasons = [reason for future in futures for reason in future.result()]
    kept = [i for i, reason in enumerate(reasons) if reason is None]
    refused = [
        (item, reason)
        for item, reason in zip(items, reasons, strict=True)
        if reason is not None
    ]
    if not refused:
        return Prepared(items, rows, refused)
    return Prepared([items[i] for i in kept], rows[kept], refused)
