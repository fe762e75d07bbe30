"""Which files lie in a folder, and what was read of them while they are as they were.

Names and times are asked of the file system at each request, so that what is added,
changed or removed is seen; a file is opened only if it is new or was written to.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from fnmatch import fnmatch
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

T = TypeVar("T")
# File systems tell times by a clock that stands still for up to 10 ms: a file that was
# written so lately may be written again and look the same.
TICK_NS = 20_000_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file as it was when looked at."""

    name: str
    mtime_ns: int
    n_bytes: int
    inode: int


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The files of an image: ``pixels``, the main one first, and ``notes`` on it."""

    pixels: tuple[Stamp, ...]
    notes: tuple[Stamp, ...]

    @property
    def all(self) -> tuple[Stamp, ...]:
        """Both."""
        return self.pixels + self.notes


class Look:
    """One look at a folder: the names of its files, by which they belong together."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._names = _file_names(folder)
        self._parts: dict[str, list[str]] = {}
        for name in sorted(name for name in self._names if name.count(".") > 1):
            self._note_part(name)

    def _note_part(self, name: str) -> None:
        if not name.endswith(".tif"):
            return
        words = name.removesuffix(".tif").split(".")
        for n_words in range(1, len(words)):
            main = ".".join(words[:n_words])
            self._parts.setdefault(main, []).append(name)

    def images(self, pattern: str) -> list[str]:
        """Return the names of the images whose files fit a pattern, in order."""
        fitting = [n for n in self._names if n.endswith(".tif") and fnmatch(n, pattern)]
        images = [name.removesuffix(".tif") for name in sorted(fitting)]
        return [image for image in images if image and not self._is_part(image)]

    def has_image(self, image: str, pattern: str) -> bool:
        """Return whether ``images`` holds an image."""
        name = f"{image}.tif"
        is_here = name in self._names and fnmatch(name, pattern)
        return bool(image) and is_here and not self._is_part(image)

    def _is_part(self, image: str) -> bool:
        main, dot, _ = image.rpartition(".")
        return bool(dot) and f"{main}.tif" in self._names

    def files(self, image: str) -> ImageFiles:
        """Return the files of an image as they are."""
        pixels = [f"{image}.tif", *self._parts.get(image, ())]
        return ImageFiles(
            self.stamps(pixels), self.stamps([f"{image}.toml", f"{image}.json"])
        )

    def stamps(self, names: Iterable[str]) -> tuple[Stamp, ...]:
        """Return those of some files that are there, as they are."""
        found = (self._stamp(name) for name in names if name in self._names)
        return tuple(stamp for stamp in found if stamp)

    def _stamp(self, name: str) -> Stamp | None:
        try:
            it = os.stat(f"{self._folder}/{name}")  # noqa: PTH116 - no Path for each
        except FileNotFoundError:  # it was there a moment ago
            return None
        if not stat.S_ISREG(it.st_mode):
            return None
        return Stamp(name, it.st_mtime_ns, it.st_size, it.st_ino)


def _file_names(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except (FileNotFoundError, NotADirectoryError):
        return set()


class Memory(Generic[T]):
    """What was read of files, by collection and name; many threads may use it.

    It holds one thing a name, so that it grows no larger than the folders are.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, dict[str, tuple[tuple[Stamp, ...], T]]] = {}

    def recall(
        self,
        collection: str,
        name: str,
        stamps: tuple[Stamp, ...],
        read: Callable[[], T],
    ) -> T:
        """Return what is known of files, or else what ``read`` says of them."""
        with self._lock:
            known = self._known.get(collection, {}).get(name)
        if known and known[0] == stamps:
            return known[1]
        now_ns = time.time_ns()
        value = read()
        if all(stamp.mtime_ns < now_ns - TICK_NS for stamp in stamps):
            with self._lock:
                self._known.setdefault(collection, {})[name] = stamps, value
        return value

    def forget_others(self, collection: str, names: Iterable[str]) -> None:
        """Forget what is known of a collection but for some names."""
        with self._lock:
            known = self._known.get(collection, {})
            for name in known.keys() - set(names):
                del known[name]
