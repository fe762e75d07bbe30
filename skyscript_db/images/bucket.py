"""Chip files in a bucket, or wherever else fsspec writes: s3://, gs://, memory://.

Object stores show an object whole or not at all, so it is written under its name at
once. No lock keeps a second process out; that of the job does, in its database.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fsspec

from skyscript_db.errors import StorageError
from skyscript_db.images.store import StoredImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What serves a scheme, by our own extras.
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}


class Bucket:
    """The chip files under a prefix of a bucket."""

    # Most of the time they wait for an answer.
    concurrency = 8 * (os.cpu_count() or 1)

    def __init__(self, url: str) -> None:
        scheme = url.partition("://")[0]
        self.url = url.rstrip("/")
        try:
            self._fs, root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            extra = _EXTRAS.get(scheme)
            remedy = (
                f"run `pip install skyscript-db[{extra}]`"
                if extra
                else f"install what fsspec names: {error}"
            )
            raise StorageError(f"nothing here writes to {scheme}://: {remedy}") from (
                error
            )
        except ValueError as error:
            raise StorageError(
                f"SKYSCRIPT_CHIPS_URL={url}: {error}; write s3://BUCKET/PREFIX, "
                "gs://BUCKET/PREFIX or file:///FOLDER"
            ) from error
        # Some of its clients connect at once, and each has errors of its own.
        except Exception as error:
            raise _unanswered(url, error) from error
        self._root = root.rstrip("/")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Check, before any work, that the bucket answers.

        Raises:
            StorageError: It does not, or does not know us.
        """
        with _told(self.url):
            self._fs.exists(self._root)
        yield

    def write(self, path: str, data: bytes) -> StoredImage:
        """Write one object, all of it or nothing.

        Raises:
            StorageError: The bucket did not take it.
        """
        with _told(f"{self.url}/{path}"):
            self._fs.pipe_file(f"{self._root}/{path}", data)
        return StoredImage.of(path, data)

    def sync(self, paths: Iterable[str]) -> None:
        """Do nothing: what a bucket has taken it keeps."""

    def file(self, path: str) -> BucketFile:
        """Return a file for reading, whether or not it is there."""
        return BucketFile(self._fs, f"{self._root}/{path}", f"{self.url}/{path}")

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        with _told(f"{self.url}/{path}"):
            try:
                self._fs.rm_file(f"{self._root}/{path}")
            except FileNotFoundError:
                return

    def exists(self) -> bool:
        """Return whether the bucket holds anything under the prefix."""
        with _told(self.url):
            return bool(self._fs.exists(self._root))

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class BucketFile:
    """A file in a bucket."""

    _fs: Any
    _path: str
    _url: str

    def read_bytes(self) -> bytes:
        """Return all bytes.

        Raises:
            FileNotFoundError: It is not there.
            StorageError: The bucket did not answer.
        """
        with _told(self._url):
            return bytes(self._fs.cat_file(self._path))


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, StorageError):
        raise
    # Each client of a bucket has errors of its own.
    except Exception as error:
        raise _unanswered(what, error) from error


def _unanswered(what: str, error: Exception) -> StorageError:
    return StorageError(
        f"{what}: {type(error).__name__}: {error}; check the bucket's name, your "
        "rights and the network, and run again: what is done is kept"
    )
