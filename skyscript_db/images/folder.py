"""A folder of chip files, written so that none is ever seen half done.

A file is written under ``.partial`` in the same folder, and renamed. What a killed
process leaves there goes when the next one begins. ``sync`` flushes many files at once,
before anything says of them that they are there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from skyscript_db.errors import JobBusy, StorageError
from skyscript_db.images.store import StoredImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import FileIO
    from pathlib import Path

PARTIAL = ".partial"
LOCK = "lock"
# Threads that flush: a disk answers many who wait as fast as one.
N_FLUSHERS = 16

# What says where the folder is.
_PLACE = "SKYSCRIPT_HOME or SKYSCRIPT_CHIPS_URL"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ImageFolder:
    """The folder that holds the chip files; one process at a time writes to it."""

    # Encoding takes a core; what is written waits for no disk before ``sync``.
    concurrency = os.cpu_count() or 1

    def __init__(self, root: Path) -> None:
        self.root = root
        self._partial = root / PARTIAL
        self._lock = self._partial / LOCK
        self._is_to_be_tidied = False
        self._flushers: ThreadPoolExecutor | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder for this process, rid of what a killed one left behind.

        Raises:
            JobBusy: Another process holds it.
            StorageError: It cannot be made or written to.
        """
        with _told(self.root):
            self._partial.mkdir(parents=True, exist_ok=True)
            # Network file systems lock no folder, and no file opened for reading.
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            self._take(lock)
            try:
                self._clear()
                with ThreadPoolExecutor(N_FLUSHERS) as self._flushers:
                    yield
            finally:
                self._release()
        finally:
            os.close(lock)

    def _take(self, lock: int) -> None:
        with _told(self._lock):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_ours = os.path.samestat(os.fstat(lock), self._lock.stat())
            except (BlockingIOError, FileNotFoundError):
                is_ours = False
        # Who held it removed it just now: another may hold the next one already.
        if not is_ours:
            raise JobBusy(
                f"another process writes chips to {self.root}: wait for it to end, or "
                "set another SKYSCRIPT_HOME"
            )

    def _clear(self) -> None:
        with _told(self._partial):
            for leftover in self._partial.iterdir():
                if leftover.name != LOCK:
                    leftover.unlink()

    def _release(self) -> None:
        """Remove the lock's file while it is held, so that nobody else's goes."""
        with suppress(OSError):
            self._lock.unlink()
            if self._is_to_be_tidied:
                self._partial.rmdir()

    def write(self, path: str, data: bytes) -> StoredImage:
        """Write one file, all of it or nothing; ``sync`` makes it durable.

        Raises:
            StorageError: The disk is full, or the folder may not be written to.
        """
        final = self.root / path
        # Files in two folders may have one name.
        partial = self._partial / f"{os.getpid()}-{threading.get_ident()}"
        with _told(final):
            try:
                with partial.open("wb", buffering=0) as file:
                    _write_all(file, data)
                _rename(partial, final)
            except OSError:
                with suppress(OSError):
                    partial.unlink()
                raise
        return StoredImage.of(path, data)

    def tidy(self) -> None:
        """Remove our own folder from it, at the end of what is written now."""
        self._is_to_be_tidied = True

    def file(self, path: str) -> Path:
        """Return a file for reading, whether or not it is there."""
        return self.root / path

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        with _told(self.root):
            (self.root / path).unlink(missing_ok=True)

    def exists(self) -> bool:
        """Return whether the folder is there."""
        return self.root.is_dir()

    def __str__(self) -> str:
        return str(self.root)

    def sync(self, paths: Iterable[str]) -> None:
        """Make these files durable, and then their names, while the folder is held.

        Once before the rows of a batch are committed is enough: until then its chips
        are pending, and are written again whatever became of their files.

        Raises:
            StorageError: The disk failed.
        """
        files = [self.root / path for path in paths]
        if not files:
            return
        assert self._flushers is not None, "sync() is for within writing()"  # noqa: S101
        folders = {self.root, *(file.parent for file in files)}
        for file in files:
            _begin_flush(file)
        # The first waits for what the file system has to say of all of them.
        for some in (files[:1], files[1:], sorted(folders)):
            list(self._flushers.map(_flush, some))


def _write_all(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _rename(partial: Path, final: Path) -> None:
    try:
        partial.replace(final)
    except FileNotFoundError:
        final.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(final)


def _begin_flush(path: Path) -> None:
    """Have the system begin to write a file, where it takes such advice."""
    with _open_for_flush(path) as handle:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def _flush(path: Path) -> None:
    with _open_for_flush(path) as handle:
        os.fsync(handle)


@contextmanager
def _open_for_flush(path: Path) -> Iterator[int]:
    with _told(path):
        handle = os.open(path, os.O_RDONLY)
        try:
            yield handle
        finally:
            os.close(handle)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = (
            f"free space, or set {_PLACE} to a larger disk"
            if error.errno in _FULL
            else f"let this user write there, or set another {_PLACE}"
        )
        raise StorageError(
            f"cannot write {path}: {error.strerror}; {remedy}, and run again: what is "
            "done is kept"
        ) from error
