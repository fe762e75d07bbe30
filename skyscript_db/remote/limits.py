"""How fast, and how often at once, a service is asked by all workers together.

The rate is a row of ``skyscript.request_limit``: a worker moves its ``next_at`` on by
one interval and waits for what it was. The requests in flight are slots, which are
advisory locks: the server frees those of a process that was killed. A pause is in the
same row, so that what one worker was told all of them heed. Processes that want slots
at the same time get equal shares of them.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

from skyscript_db import database, queries
from skyscript_db.errors import SkyscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from skyscript_db.config import Settings

SQL = queries.beside(__file__)

logger = logging.getLogger(__name__)

# What leaves evenly arrives less so: the room keeps any second within the limit.
MARGIN = 0.95
# Between looks at slots that others hold.
POLL_S = 0.02
# Between looks at a pause, which somebody may have ended, and at who else is there.
LOOK_S = 2.0
# Pauses that are worth a word.
TOLD_S = 10.0


class Stopped(SkyscriptError):
    """The work was stopped while this request waited for its turn."""


class Limits:
    """The rate and concurrency that all workers on a service share.

    May be used by many threads; holds one connection.
    """

    def __init__(
        self, conninfo: str, service: str, *, per_second: float, concurrent: int
    ) -> None:
        self.service = service
        self._interval_s = 1 / (per_second * MARGIN)
        self._concurrent = concurrent
        self._conn = database.connect(conninfo)
        self._turn = threading.Lock()
        self._slots = threading.Lock()
        self._held: set[int] = set()
        self._n_inside = 0
        self._share, self._shared_at = concurrent, -LOOK_S
        self._stopped = threading.Event()
        self._error: BaseException = Stopped(f"requests to {service} were stopped")
        self._told_until: datetime | None = None
        self._execute(SQL.prepare_session)
        self._execute(SQL.insert_service)

    @classmethod
    def of(cls, settings: Settings, conninfo: str, service: str) -> Limits:
        """Return the limits of a service by the settings."""
        return cls(
            conninfo,
            service,
            per_second=settings.requests_per_second,
            concurrent=settings.request_concurrency,
        )

    @contextmanager
    def request(self) -> Iterator[None]:
        """Wait for a slot, for the rate, and for the end of a pause; hold the slot.

        Raises:
            Stopped: The limits were closed, or whatever error they were stopped with.
        """
        with self._member():
            # One thread at a time: those who wait ask the server no questions.
            self._turn.acquire()
            try:
                slot = self._take_slot()
                try:
                    self._wait_for_rate()
                except BaseException:
                    self._give_back(slot)
                    raise
            finally:
                self._turn.release()
            try:
                yield
            finally:
                self._give_back(slot)

    def pause(self, seconds: float, cause: str) -> None:
        """Let no request of any worker leave for some seconds."""
        self._execute(SQL.pause, {"seconds": seconds, "cause": cause})
        self._tell_pause()

    def sleep(self, seconds: float) -> None:
        """Wait, unless the work is stopped.

        Raises:
            Stopped: As ``request`` does.
        """
        if self._stopped.wait(max(0.0, seconds)):
            raise self._error

    def stop(self, error: BaseException | None = None) -> None:
        """Have whoever waits, now or later, raise an error instead."""
        if error is not None and not self._stopped.is_set():
            self._error = error
        self._stopped.set()

    def close(self) -> None:
        """Stop, and free all slots of this process."""
        self.stop()
        self._conn.close()

    # --- slots ------------------------------------------------------------------

    @contextmanager
    def _member(self) -> Iterator[None]:
        """Count this process among those that want slots."""
        with self._slots:
            if self._n_inside == 0:
                self._execute(SQL.join)
            self._n_inside += 1
        try:
            yield
        finally:
            with self._slots, suppress(psycopg.OperationalError, SkyscriptError):
                self._n_inside -= 1
                if self._n_inside == 0:
                    self._execute(SQL.leave)

    def _take_slot(self) -> int:
        while True:
            self.sleep(0)
            slot = self._try_slot()
            if slot is not None:
                return slot
            self.sleep(POLL_S)

    def _try_slot(self) -> int | None:
        with self._slots:
            if len(self._held) >= self._fair_share():
                return None
            free = [n for n in range(self._concurrent) if n not in self._held]
            row = self._execute(SQL.try_slot, {"free": free}).fetchone()
            if row is None:
                return None
            self._held.add(row[0])
            return int(row[0])

    def _fair_share(self) -> int:
        now = time.monotonic()
        if now - self._shared_at > LOOK_S / 4:
            row = self._execute(SQL.count_members).fetchone()
            n_members = max(1, row[0] if row else 1)
            self._share = -(-self._concurrent // n_members)
            self._shared_at = now
        return self._share

    def _give_back(self, slot: int) -> None:
        # A connection that is closed or lost has freed its slots.
        with self._slots, suppress(psycopg.OperationalError, SkyscriptError):
            self._held.discard(slot)
            self._execute(SQL.free_slot, {"slot": slot})

    # --- rate and pause ---------------------------------------------------------

    def _wait_for_rate(self) -> None:
        while True:
            row = self._execute(
                SQL.reserve, {"interval_s": self._interval_s}
            ).fetchone()
            if row is not None:
                self.sleep(row[0])
                return
            self._execute(SQL.insert_service)  # somebody may have emptied the table
            self.sleep(min(LOOK_S, self._tell_pause()))

    def _tell_pause(self) -> float:
        """Return the seconds that a pause has left; tell of a long one once."""
        row = self._execute(SQL.select_pause).fetchone()
        if row is None:
            return 0.0
        left_s, until, cause = row
        is_known = self._told_until is not None and (
            (until - self._told_until).total_seconds() < TOLD_S
        )
        if left_s > TOLD_S and not is_known:
            self._told_until = until
            logger.warning(
                "%s pauses until %s UTC: %s",
                *(self.service, until.strftime("%Y-%m-%d %H:%M:%S"), cause),
            )
        return float(left_s)

    def _execute(
        self, statement: LiteralString, values: dict[str, Any] | None = None
    ) -> psycopg.Cursor[Any]:
        try:
            return self._conn.execute(
                statement, {"service": self.service, **(values or {})}
            )
        except psycopg.OperationalError:
            if self._stopped.is_set():  # closed under whoever waits
                raise self._error from None
            raise
