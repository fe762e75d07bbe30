"""Chip files: encoded, checked, and written so that none is ever seen half done.

A file's name follows from its chip's id alone: ``3f/3f0c...9a.jpg``. It is written
under ``.partial`` in the same folder, flushed, and renamed. What a killed process
leaves there has the name of a chip that is still pending, and goes when the next one
begins.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PIL import Image

from skyscript_db.errors import JobBusy, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from skyscript_db.rasters import Pixels

ImageFormat = Literal["jpg", "png"]

PARTIAL = ".partial"

_PILLOW_NAMES = {"jpg": "JPEG", "png": "PNG"}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A file in the folder: its path there, hash in hex, and size."""

    path: str
    sha256: str
    n_bytes: int


def path_of(chip_id: int, image_format: ImageFormat) -> str:
    """Return a chip's path in the folder; 256 subfolders share the files."""
    name = f"{chip_id & 0xFFFF_FFFF_FFFF_FFFF:016x}"
    return f"{name[:2]}/{name}.{image_format}"


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
    """Return whether bytes begin as an image of this format and (width, height)."""
    try:
        with Image.open(
            io.BytesIO(data), formats=[_PILLOW_NAMES[image_format]]
        ) as image:
            return bool(image.size == size_px)
    except OSError:
        return False


class ImageFolder:
    """The folder that holds the chip files; one process at a time writes to it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._partial = root / PARTIAL

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder for this process, rid of what a killed one left behind.

        Raises:
            JobBusy: Another process holds it.
            StorageError: It cannot be made or written to.
        """
        with _told(self._root):
            self._partial.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._partial, os.O_RDONLY)
        try:
            self._take(lock)
            with _told(self._partial):
                for leftover in self._partial.iterdir():
                    leftover.unlink()
            yield
        finally:
            os.close(lock)

    def _take(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JobBusy(
                f"another process writes chips to {self._root}: wait for it to end, or "
                "set another SKYSCRIPT_HOME"
            ) from error

    def write(self, path: str, data: bytes) -> StoredImage:
        """Write one file, all of it or nothing; ``sync`` makes its name durable.

        Raises:
            StorageError: The disk is full, or the folder may not be written to.
        """
        final = self._root / path
        partial = self._partial / final.name
        with _told(final):
            try:
                final.parent.mkdir(exist_ok=True)
                with partial.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(final)
            except OSError:
                with suppress(OSError):
                    partial.unlink()
                raise
        return StoredImage(path, hashlib.sha256(data).hexdigest(), len(data))

    def sync(self, paths: Iterable[str]) -> None:
        """Make the names of these files durable, a flush for each of their folders.

        Once before the rows of a batch are committed is enough: until then its chips
        are pending, and are written again whatever became of their files.

        Raises:
            StorageError: The disk failed.
        """
        folders = {(self._root / path).parent for path in paths}
        for folder in sorted({self._root, *folders}):
            with _told(folder):
                handle = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = (
            "free space, or set SKYSCRIPT_HOME to a larger disk"
            if error.errno in _FULL
            else "let this user write there, or set another SKYSCRIPT_HOME"
        )
        raise StorageError(
            f"cannot write {path}: {error.strerror}; {remedy}, and run again: what is "
            "done is kept"
        ) from error
