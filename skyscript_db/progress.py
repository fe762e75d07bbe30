"""How a long task tells how far it is."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Protocol

logger = logging.getLogger(__name__)

LOG_EVERY_S = 10.0


class Progress(Protocol):
    """What a task calls; the command line draws a bar, others log a line."""

    def start(self, total: int, unit: str) -> None:
        """Begin a task of ``total`` units."""

    def advance(self, n: int) -> None:
        """Tell that ``n`` more units are done."""


@dataclass(slots=True)
class LoggedProgress:
    """Logs a line every few seconds, with rate and the time left."""

    unit: str = ""
    total: int = 0
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    logged: float = field(default_factory=time.monotonic)

    def start(self, total: int, unit: str) -> None:
        """Begin a task of ``total`` units."""
        self.total, self.unit, self.done = total, unit, 0
        self.started = self.logged = time.monotonic()

    def advance(self, n: int) -> None:
        """Tell that ``n`` more units are done."""
        self.done += n
        now = time.monotonic()
        if now - self.logged < LOG_EVERY_S:
            return
        self.logged = now
        rate = self.done / (now - self.started)
        left = (self.total - self.done) / rate if rate else float("inf")
        logger.info(
            "%d of %d %s, %.0f/s, %.0f s left",
            *(self.done, self.total, self.unit, rate, left),
        )
