"""A GeoTIFF on the network, opened and read by ranges of its bytes.

GDAL asks a Python object for bytes; that keeps them in pages, and has those that it
lacks fetched, neighbours together. An exception cannot pass through GDAL: it is kept,
zeros are given instead, and it is raised when GDAL has returned, before anybody sees
what GDAL made of the zeros. docs/decisions/0008-reading-cogs.md says why not by GDAL's
own network drivers.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import rasterio
from rasterio.abc import MultiByteRangeResourceContainer
from rasterio.errors import RasterioError

from skyscript_db import rasters
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Self

PAGE_BYTES = 1 << 14
# The header of most COGs; read first, and kept for as long as the file is.
HEAD_PAGES = 4
# Pages that lie between others that are wanted: cheaper read than asked around.
MAX_GAP_PAGES = 4
MAX_SPAN_PAGES = 512
MAX_KEPT_PAGES = 1024
MAX_READ_PAGES = 16384

# A name for GDAL's messages: the address may hold a signature.
NAME = "image.tif"


class Pages:
    """The bytes of a file, fetched when they are wanted.

    ``fetch`` returns the bytes from one place up to, not with, another.
    """

    def __init__(
        self, fetch: Callable[[int, int], bytes], file_bytes: int, head: bytes
    ) -> None:
        self._fetch = fetch
        self.file_bytes = file_bytes
        self._pages: dict[int, bytes] = {}
        self._keep(0, head)
        self._head = dict(self._pages)

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each (first, stop); fewer where the file ends."""
        bounded = [
            (min(first, self.file_bytes), min(stop, self.file_bytes))
            for first, stop in ranges
        ]
        self._load(bounded)
        return [self._take(first, stop) for first, stop in bounded]

    def _load(self, ranges: Iterable[tuple[int, int]]) -> None:
        wanted = {
            number
            for first, stop in ranges
            if first < stop
            for number in range(first // PAGE_BYTES, -(-stop // PAGE_BYTES))
        }
        if len(wanted) > MAX_READ_PAGES:
            raise LoaderError(
                f"a window of it takes {len(wanted) * PAGE_BYTES >> 20} MiB of the "
                "file: its blocks are too large to be read over a network; download "
                "it, and load it with `skyscript load rasters`"
            )
        if len(self._pages) + len(wanted) > MAX_KEPT_PAGES:
            kept = {n: page for n, page in self._pages.items() if n in wanted}
            self._pages = {**kept, **self._head}
        for first, stop in _runs(sorted(wanted - self._pages.keys())):
            start = first * PAGE_BYTES
            end = min(stop * PAGE_BYTES, self.file_bytes)
            self._keep(start, self._fetch(start, end))

    def _keep(self, start: int, data: bytes) -> None:
        for offset in range(0, len(data), PAGE_BYTES):
            self._pages[(start + offset) // PAGE_BYTES] = data[
                offset : offset + PAGE_BYTES
            ]

    def _take(self, first: int, stop: int) -> bytes:
        if first >= stop:
            return b""
        numbers = range(first // PAGE_BYTES, -(-stop // PAGE_BYTES))
        joined = b"".join(self._pages[number] for number in numbers)
        start = first - numbers[0] * PAGE_BYTES
        return joined[start : start + stop - first]


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Join pages into (first, stop) that are fetched together."""
    start = last = None
    for number in numbers:
        if start is None or last is None:
            start = number
        elif number - last > MAX_GAP_PAGES or number - start >= MAX_SPAN_PAGES:
            yield start, last + 1
            start = number
        last = number
    if start is not None and last is not None:
        yield start, last + 1


class RemoteFile:
    """What GDAL reads of; used by one thread."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self._place = 0
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def check(self) -> None:
        """Raise what went wrong while GDAL read.

        Raises:
            Exception: That; all that was read meanwhile is void.
        """
        if self._error is not None:
            raise self._error

    def read(self, size: int = -1) -> bytes:
        """Return the bytes from here on."""
        stop = self.pages.file_bytes if size < 0 else self._place + size
        (data,) = self._read([(self._place, stop)])
        self._place += len(data)
        return data

    def get_byte_ranges(
        self, offsets: Sequence[int], sizes: Sequence[int]
    ) -> list[bytes]:
        """Return several ranges at once; GDAL copies as many bytes as it asked for."""
        ranges = [(o, o + n) for o, n in zip(offsets, sizes, strict=True)]
        found = self._read(ranges)
        return [data.ljust(n, b"\0") for data, n in zip(found, sizes, strict=True)]

    def _read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        if self._error is None:
            try:
                return self.pages.read(ranges)
            except BaseException as error:  # noqa: BLE001 - raised again by `check`
                self._error = error
        return [bytes(max(0, stop - first)) for first, stop in ranges]

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a place."""
        start = (0, self._place, self.pages.file_bytes)[whence]
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def close(self) -> None:
        """Keep the pages: the file may be opened again."""


class _Folder:
    """A folder that holds one file, as rasterio asks of it."""

    def __init__(self, file: RemoteFile) -> None:
        self._file = file

    def open(self, path: str, mode: str = "r", **options: Any) -> RemoteFile:
        del path, mode, options
        return self._file

    def isfile(self, path: str) -> bool:
        return path.endswith(NAME)

    def isdir(self, path: str) -> bool:
        del path
        return False

    def ls(self, path: str) -> list[str]:
        del path
        return []

    def mtime(self, path: str) -> int:
        del path
        return 0

    def size(self, path: str) -> int:
        del path
        return self._file.pages.file_bytes


MultiByteRangeResourceContainer.register(_Folder)


@contextmanager
def opened(file: RemoteFile) -> Iterator[Any]:
    """Open a file for reading, as a rasterio dataset; call ``check`` after each read.

    Raises:
        LoaderError: It is no GeoTIFF, or would not fit in memory.
        RequestFailed: Its header could not be read.
    """
    with rasterio.Env(**rasters.ENVIRONMENT):
        dataset = _open(file)
        try:
            file.check()
            rasters.refuse_bomb(dataset, file.pages.file_bytes)
            yield dataset
        finally:
            with rasters.OPENING:
                dataset.close()


def _open(file: RemoteFile) -> Any:
    try:
        with rasters.OPENING:
            return rasterio.open(
                NAME, driver="GTiff", sharing=False, opener=_Folder(file)
            )
    except RasterioError as error:
        file.check()
        raise LoaderError(f"it is no GeoTIFF, or a damaged one: {error}") from error
