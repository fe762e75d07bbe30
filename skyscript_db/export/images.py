"""Image files on their way into an export: read in threads, hashed, in order."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from concurrent.futures import Future

    from skyscript_db.export.selection import Sample
    from skyscript_db.images import ImageStore

# Files a thread reads in one go; single ones would cost more in hand-overs.
CHUNK = 16


@dataclass(frozen=True, slots=True)
class Image:
    """A chip and the bytes of its file, or the reason why they are not to be had."""

    sample: Sample
    data: bytes = b""
    reason: str | None = None


def read(
    samples: Iterator[Sample], store: ImageStore, *, workers: int
) -> Generator[Image]:
    """Yield the samples in their order with the bytes of their files in ``store``.

    A file whose SHA-256 is not the database's is not passed on.
    """
    window: deque[Future[list[Image]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for chunk in iter(lambda: list(islice(samples, CHUNK)), []):
            window.append(pool.submit(_read_chunk, store, chunk))
            if len(window) > 2 * workers:
                yield from window.popleft().result()
        while window:
            yield from window.popleft().result()


def _read_chunk(store: ImageStore, samples: list[Sample]) -> list[Image]:
    return list(map(partial(_read_one, store), samples))


def _read_one(store: ImageStore, sample: Sample) -> Image:
    try:
        data = store.file(sample.image_path).read_bytes()
    except FileNotFoundError:
        return Image(sample, reason="image file missing")
    except OSError as error:
        return Image(sample, reason=f"image file unreadable: {error.strerror}")
    if hashlib.sha256(data).hexdigest() != sample.sha256:
        return Image(sample, reason="image file changed")
    return Image(sample, data)
