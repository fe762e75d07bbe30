"""The network between the emulator and its clients, which all of them share."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Sent at once: small enough that answers take turns, as packets do.
PIECE_BYTES = 1 << 18


class Network:
    """Lets what is sent through at a rate, whoever sends it.

    Args:
        mbit_per_s: Millions of bits a second; None: all at once.
        wait: Waits for some seconds, or for less where nobody need wait any longer.
        now: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        mbit_per_s: float | None = None,
        wait: Callable[[float], object] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._s_per_byte = 8e-6 / mbit_per_s if mbit_per_s else None
        self._wait, self._now = wait, now
        self._lock = threading.Lock()
        self._free_at = now()

    def let_through(self, body: bytes) -> Iterator[memoryview]:
        """Yield a body in pieces, each after the time that it takes."""
        view = memoryview(body)
        if self._s_per_byte is None:
            yield view
            return
        for first in range(0, len(view), PIECE_BYTES):
            piece = view[first : first + PIECE_BYTES]
            self._take(len(piece) * self._s_per_byte)
            yield piece

    def _take(self, seconds: float) -> None:
        with self._lock:
            now_s = self._now()
            self._free_at = max(self._free_at, now_s) + seconds
            left_s = self._free_at - now_s
        self._wait(left_s)
