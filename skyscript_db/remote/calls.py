"""Requests that are made again until they are answered, or are known not to be.

What failed for the moment is tried again after an exponential back-off with full
jitter, or when the service said. A quota that is used up pauses all workers of the
service and costs no try. Credentials that are not accepted stop them all, and so does
a service that has gone: whoever works through a list would only cross it off.
"""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, NoReturn, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from skyscript_db.errors import CredentialsExpired, RequestFailed, ServiceUnreachable
from skyscript_db.remote.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from skyscript_db.config import Settings

T = TypeVar("T")

logger = logging.getLogger(__name__)

BACK_OFF_S = 1.0
MAX_BACK_OFF_S = 60.0
# A service is believed to want a pause this long, or as long as that for its quota.
MAX_PAUSE_S = 3600.0


class Remote:
    """One service, called within its limits, again and again until it answers.

    May be used by many threads.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        max_tries: int,
        quota_pause_s: float = 3600,
        back_off_s: float = BACK_OFF_S,
    ) -> None:
        self.limits = limits
        self._max_tries = max_tries
        self._quota_pause_s = quota_pause_s
        self._wait = wait_random_exponential(back_off_s, MAX_BACK_OFF_S)
        self._reached_at = -math.inf

    @classmethod
    def of(cls, settings: Settings, conninfo: str, service: str) -> Remote:
        """Return a service by the settings; close it when done."""
        return cls(
            Limits.of(settings, conninfo, service),
            max_tries=settings.request_tries,
            quota_pause_s=settings.quota_pause_s,
            back_off_s=BACK_OFF_S,
        )

    def call(self, request: Callable[[], T]) -> T:
        """Return what a request returns, which is made as often as need be.

        ``request`` raises RequestFailed or CredentialsExpired.

        Raises:
            RequestFailed: The last try's, or the first one's that is not transient.
            CredentialsExpired: Nobody's request is made after this.
            ServiceUnreachable: Likewise: nobody was answered since the first try.
            Stopped: The limits were closed.
        """
        began = time.monotonic()
        try:
            return call_again(
                lambda: self._once(request),
                max_tries=self._max_tries,
                wait_s=self._wait_s,
                sleep=self.limits.sleep,
            )
        except RequestFailed as error:
            if error.is_unreachable and self._reached_at < began:
                self._stop_unreachable(error)
            raise

    def close(self) -> None:
        """Close the limits."""
        self.limits.close()

    def _once(self, request: Callable[[], T]) -> T:
        while True:
            try:
                with self.limits.request():
                    return self._or_stop(request)
            except RequestFailed as error:
                if not error.is_quota:
                    raise
                self._pause(error.retry_after_s or self._quota_pause_s, error)

    def _or_stop(self, request: Callable[[], T]) -> T:
        try:
            answer = request()
        except CredentialsExpired as error:
            # While the slot is held still: nobody else shall get it first.
            self.limits.stop(error)
            raise
        except RequestFailed as error:
            # A connection that was cut off is no answer: who cut it may have gone.
            if error.status is not None:
                self._reached_at = time.monotonic()
            raise
        self._reached_at = time.monotonic()
        return answer

    def _stop_unreachable(self, error: RequestFailed) -> NoReturn:
        gone = ServiceUnreachable(str(error), is_transient=True, is_unreachable=True)
        self.limits.stop(gone)
        raise gone from error

    def _pause(self, seconds: float, error: RequestFailed) -> None:
        most = max(MAX_PAUSE_S, self._quota_pause_s)
        self.limits.pause(min(seconds, most), str(error))

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        logger.info("%s: %s; once more", self.limits.service, error)
        if isinstance(error, RequestFailed) and error.retry_after_s:
            self._pause(error.retry_after_s, error)
            return 0.0  # the pause is the wait
        return self._wait(state)


def call_again(
    request: Callable[[], T],
    *,
    max_tries: int,
    wait_s: Callable[[RetryCallState], float],
    sleep: Callable[[float], None],
) -> T:
    """Return what a request returns, made again while its fault is for the moment.

    Raises:
        RequestFailed: The last try's, or the first one's that is not transient.
    """
    retrying = Retrying(
        stop=stop_after_attempt(max_tries),
        wait=wait_s,
        retry=retry_if_exception(_is_transient),
        sleep=sleep,
        reraise=True,
    )
    answer: T = retrying(request)
    return answer


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, RequestFailed) and error.is_transient
