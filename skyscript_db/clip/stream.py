"""Batches on their way through a model: prepared ahead, brought back afterwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

T = TypeVar("T")

# Batches read ahead: one being prepared, one ready, one to even out slow files.
PREFETCH = 3

# A length of 1 in float32, rounding and the narrower types of devices allowed for.
UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Encoded(Generic[T]):
    """What became of a batch: every item of it is in ``items`` or in ``refused``.

    Attributes:
        items: Those that have a vector, in order.
        vectors: (len(items), dimension), unit length, float32.
        refused: The others, each with the reason.
    """

    items: list[T]
    vectors: NDArray[np.float32]
    refused: list[tuple[T, str]]


@dataclass(slots=True)
class Prepared(Generic[T]):
    """A batch as the model takes it: one row of the tensor an item."""

    items: list[T]
    tensor: torch.Tensor
    refused: list[tuple[T, str]]


# Hands a batch to threads and returns how to wait for it.
Submit = Callable[[ThreadPoolExecutor, Sequence[T]], Callable[[], Prepared[T]]]


def read_ahead(
    pool: ThreadPoolExecutor, batches: Iterable[Sequence[T]], submit: Submit[T]
) -> Iterator[Prepared[T]]:
    """Yield prepared batches in order, a few of the next in the threads already."""
    waiting: deque[Callable[[], Prepared[T]]] = deque()
    for batch in batches:
        waiting.append(submit(pool, batch))
        if len(waiting) == PREFETCH:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()


class HostCopy:
    """Brings vectors back from a device without holding up what runs there next."""

    def __init__(self, vectors: torch.Tensor) -> None:
        import torch  # noqa: PLC0415 - slow to import

        self._vectors = vectors.to("cpu", non_blocking=vectors.is_cuda)
        stream = torch.cuda.current_stream() if vectors.is_cuda else None
        self._done = stream.record_event() if stream is not None else None

    def wait(self) -> NDArray[np.float32]:
        """Return the vectors once they are here."""
        if self._done is not None:
            self._done.synchronize()
        vectors: NDArray[np.float32] = self._vectors.numpy()
        return vectors


def finish(batch: Prepared[T], copy: HostCopy) -> Encoded[T]:
    """Keep the unit vectors; refuse items whose vector is not finite or zero."""
    vectors = copy.wait()
    good = are_unit(vectors)
    if good.all():
        return Encoded(batch.items, vectors, batch.refused)
    bad = [(batch.items[i], "no finite vector") for i in np.flatnonzero(~good)]
    items = [batch.items[i] for i in np.flatnonzero(good)]
    return Encoded(items, vectors[good], batch.refused + bad)


def are_unit(vectors: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Tell which rows of (n, d) are finite and of length 1, as an (n,) mask."""
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(vectors.astype(np.float32, copy=False), axis=1)
        # NaN is not close to anything.
        mask: NDArray[np.bool_] = np.abs(lengths - 1) <= UNIT_TOLERANCE
    return mask
