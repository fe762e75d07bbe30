"""Where chip files are: a folder, or a bucket that fsspec reaches.

A file's name follows from its chip's id alone: ``3f/3f0c...9a.jpg``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from skyscript_db.clip.images import ImageFile
    from skyscript_db.config import Settings
    from skyscript_db.images.encoding import ImageFormat


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A file that is kept: its path, hash in hex, and size."""

    path: str
    sha256: str
    n_bytes: int

    @classmethod
    def of(cls, path: str, data: bytes) -> StoredImage:
        """Describe a file that holds these bytes."""
        return cls(path, hashlib.sha256(data).hexdigest(), len(data))


class ImageStore(Protocol):
    """Where chip files are kept. Paths are relative to its root."""

    @property
    def concurrency(self) -> int:
        """How many threads that encode and write keep this machine busy."""

    def writing(self) -> AbstractContextManager[None]:
        """Hold the store for this process while it writes."""

    def write(self, path: str, data: bytes) -> StoredImage:
        """Write one file, all of it or nothing."""

    def sync(self, paths: Iterable[str]) -> None:
        """Make files and their names durable, within ``writing``, before their rows."""

    def file(self, path: str) -> ImageFile:
        """Return a file for reading, whether or not it is there."""

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""

    def exists(self) -> bool:
        """Return whether the root is there."""


def path_of(chip_id: int, image_format: ImageFormat) -> str:
    """Return a chip's path in the store; 256 subfolders share the files."""
    name = f"{chip_id & 0xFFFF_FFFF_FFFF_FFFF:016x}"
    return f"{name[:2]}/{name}.{image_format}"


def open_store(settings: Settings) -> ImageStore:
    """Return the store of the settings: a folder in the home, or ``chips_url``.

    Raises:
        StorageError: The address cannot be used; the message says what it lacks.
    """
    from skyscript_db.images.bucket import Bucket  # noqa: PLC0415 - imports fsspec
    from skyscript_db.images.folder import ImageFolder  # noqa: PLC0415 - imports us

    folder = local_folder(settings)
    if folder is not None:
        return ImageFolder(folder)
    return Bucket(str(settings.chips_url))


def local_folder(settings: Settings) -> Path | None:
    """Return the folder of chip files; None where they are in a bucket."""
    if settings.chips_url is None:
        return settings.chips
    parts = urlsplit(settings.chips_url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if "://" in settings.chips_url else Path(settings.chips_url).absolute()
