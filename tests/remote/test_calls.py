from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count

import pytest

from skyscript_db.errors import CredentialsExpired, RequestFailed, ServiceUnreachable
from skyscript_db.remote import Limits, Remote, Stopped
from tests.fix_database import Database


@pytest.fixture
def remote(database: Database) -> Iterator[Remote]:
    limits = Limits(database.info, "test", per_second=1000, concurrent=4)
    remote = Remote(limits, max_tries=4, quota_pause_s=0.5, back_off_s=0.01)
    yield remote
    remote.close()


def scripted(*answers: Exception | str) -> Callable[[], str]:
    """Return a request that gives these answers, one after the other."""
    left = list(answers)

    def request() -> str:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return request


def busy(**facts: object) -> RequestFailed:
    return RequestFailed("busy", status=503, is_transient=True, **facts)


def test_the_answer_is_returned(remote: Remote):
    assert remote.call(scripted("pixels")) == "pixels"


def test_what_fails_for_the_moment_is_tried_again(remote: Remote):
    assert remote.call(scripted(busy(), busy(), busy(), "pixels")) == "pixels"


def test_tries_end_with_the_last_error(remote: Remote):
    last = RequestFailed("still busy", status=500, is_transient=True)
    with pytest.raises(RequestFailed, match="still busy") as caught:
        remote.call(scripted(busy(), busy(), busy(), last, "never asked for"))
    assert caught.value.status == 500


def test_what_cannot_succeed_is_not_tried_again(remote: Remote):
    with pytest.raises(RequestFailed, match="no such asset"):
        remote.call(scripted(RequestFailed("no such asset", status=404), "never"))


def test_other_errors_pass(remote: Remote):
    with pytest.raises(ZeroDivisionError):
        remote.call(lambda: 1 // 0)


def test_retry_after_holds_back_everybody(remote: Remote):
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        told = pool.submit(remote.call, scripted(busy(retry_after_s=0.6), "a"))
        time.sleep(0.1)
        other = pool.submit(remote.call, lambda: time.monotonic() - began)
        assert told.result() == "a"
        assert other.result() >= 0.6


@pytest.mark.parametrize("seconds", [3e8, 1e17, float("inf")])
@pytest.mark.parametrize("is_quota", [False, True])
def test_no_service_is_paused_for_years(
    remote: Remote, database: Database, seconds: float, is_quota: bool
):
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(
            remote.call,
            scripted(busy(retry_after_s=seconds, is_quota=is_quota), "never"),
        )
        left_s, since = None, time.monotonic()
        while left_s is None and not told.done() and time.monotonic() < since + 5:
            (left_s,) = database.conn.execute(
                "SELECT extract(epoch FROM max(paused_until) - now())::int"
                " FROM skyscript.request_limit"
            ).fetchone()
        remote.limits.stop()
        with pytest.raises(Stopped):
            told.result()
    assert 3590 < left_s <= 3601


def test_a_used_up_quota_pauses_and_costs_no_try(remote: Remote):
    spent = RequestFailed("quota exceeded", status=429, is_quota=True)
    began = time.monotonic()
    answers = [busy(), busy(), busy(), spent, spent, "pixels"]
    assert remote.call(scripted(*answers)) == "pixels"
    assert time.monotonic() - began >= 1.0


def test_credentials_that_are_refused_stop_all(remote: Remote):
    def wait() -> str:
        time.sleep(0.3)
        raise busy()

    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(remote.call, wait)
        time.sleep(0.05)
        with pytest.raises(CredentialsExpired):
            remote.call(scripted(CredentialsExpired("log in again")))
        with pytest.raises(CredentialsExpired, match="log in again"):
            waiting.result()
    with pytest.raises(CredentialsExpired, match="log in again"):
        remote.call(scripted("never asked for"))


def unreachable() -> RequestFailed:
    return RequestFailed("nothing answers", is_transient=True, is_unreachable=True)


def test_a_service_that_has_gone_stops_all(remote: Remote):
    assert remote.call(scripted("pixels")) == "pixels"
    with pytest.raises(ServiceUnreachable, match="nothing answers"):
        remote.call(scripted(*[unreachable()] * 4))
    with pytest.raises(ServiceUnreachable, match="nothing answers"):
        remote.call(scripted("never asked for"))


def test_a_connection_that_was_cut_off_is_no_answer(remote: Remote):
    cut = RequestFailed("the answer was cut off", is_transient=True)
    with pytest.raises(ServiceUnreachable):
        remote.call(scripted(cut, *[unreachable()] * 3))


@pytest.mark.parametrize("answer", ["pixels", busy()])
def test_a_service_that_answers_others_has_not_gone(
    remote: Remote, answer: str | RequestFailed
):
    numbers = count()

    def once() -> str:
        if next(numbers) == 1:
            with suppress(RequestFailed):
                remote.call(scripted(*[answer] * 4))
        raise unreachable()

    with pytest.raises(RequestFailed) as caught:
        remote.call(once)
    assert type(caught.value) is RequestFailed
    assert remote.call(scripted("pixels")) == "pixels"
