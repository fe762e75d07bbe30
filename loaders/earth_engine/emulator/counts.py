"""What was asked of the emulator: how often, how much at once, how fast, which pixels.

Only calls of the API count: not its description and list of functions, which the client
asks for when it starts.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loaders.earth_engine.emulator.answers import AskedWindow

UNLIMITED = ("discovery", "algorithms")


@dataclass(slots=True)
class Counts:
    """Counts of requests; ``per_second`` and ``concurrent`` are what is allowed.

    Attributes:
        by_path: Requests by what they ask: ``computePixels``, ``listAssets`` ...
        by_status: Answers by HTTP status; a connection that is cut has status 0.
        faults: Scripted faults by kind.
        violations: Requests over a limit, by ``rate`` and ``concurrency``.
        max_concurrent: Most requests that were in work at once.
        times_s: When each request came, on the clock of ``time.monotonic``.
        windows: The pixels that were computed, in the order of the answers; those of
            an answer that was cut short on purpose are not whole.
    """

    per_second: float | None = None
    concurrent: int | None = None
    by_path: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    max_concurrent: int = 0
    times_s: list[float] = field(default_factory=list)
    windows: list[AskedWindow] = field(default_factory=list)
    _n_open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> int:
        """How many requests there were, the client's start included."""
        return self.by_path.total()

    def busiest(self, seconds: float = 1.0) -> int:
        """Return the most requests that came within any so many seconds."""
        with self._lock:
            times = list(self.times_s)
        ends = (bisect_right(times, start + seconds) for start in times)
        return max((end - n for n, end in enumerate(ends)), default=0)

    def begin(self, path: str) -> str | None:
        """Count a request in; return the limit that it breaks, if one."""
        with self._lock:
            self.by_path[path] += 1
            if path in UNLIMITED:
                return None
            self.times_s.append(time.monotonic())
            self._n_open += 1
            self.max_concurrent = max(self.max_concurrent, self._n_open)
            broken = self._broken()
            if broken:
                self.violations[broken] += 1
            return broken

    def _broken(self) -> str | None:
        if self.concurrent is not None and self._n_open > self.concurrent:
            return "concurrency"
        if self.per_second is None:
            return None
        first = bisect_right(self.times_s, self.times_s[-1] - 1)
        return "rate" if len(self.times_s) - first > self.per_second else None

    def end(self, path: str, status: int) -> None:
        """Count a request out."""
        with self._lock:
            self.by_status[status] += 1
            self._n_open -= path not in UNLIMITED

    def fault(self, kind: str) -> None:
        """Count a scripted fault."""
        with self._lock:
            self.faults[kind] += 1

    def window(self, window: AskedWindow) -> None:
        """Note pixels that were asked for."""
        with self._lock:
            self.windows.append(window)

    def to_json(self) -> dict[str, Any]:
        """Return the numbers, without the windows."""
        return {
            "requests": self.requests,
            "by_path": dict(self.by_path),
            "by_status": {str(status): n for status, n in self.by_status.items()},
            "faults": dict(self.faults),
            "violations": dict(self.violations),
            "max_concurrent": self.max_concurrent,
            "max_per_second": self.busiest(),
            "windows": len(self.windows),
        }
