from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from skyscript_db.errors import CredentialsExpired
from skyscript_db.remote import Limits, Stopped
from tests.fix_database import Database
from tests.remote.helpers import most_at_once, most_in_a_second, start_worker

Make = Callable[..., Limits]


@pytest.fixture
def make(database: Database) -> Iterator[Make]:
    """Return a function that gives limits, each with a connection of its own."""
    with ExitStack() as stack:

        def give(per_second: float = 1000, concurrent: int = 4) -> Limits:
            limits = Limits(
                database.info, "test", per_second=per_second, concurrent=concurrent
            )
            stack.callback(limits.close)
            return limits

        yield give


def begin_times(limits: Limits, n: int, threads: int = 8) -> list[float]:
    def one(_: int) -> float:
        with limits.request():
            return time.monotonic()

    with ThreadPoolExecutor(threads) as pool:
        return sorted(pool.map(one, range(n)))


def test_requests_leave_at_the_rate(make: Make):
    times = begin_times(make(per_second=40), 60)
    assert most_in_a_second(times) <= 40
    # 59 intervals of 1 / (0.95 x 40) s.
    assert 1.5 < times[-1] - times[0] < 3


def test_two_processes_share_rate_and_slots(database: Database):
    options = {"per_second": 60, "concurrent": 6, "threads": 8, "seconds": 0.1, "n": 60}
    workers = [start_worker(database.info, **options) for _ in range(2)]
    first, second = (worker.spans() for worker in workers)
    assert most_at_once(first + second) <= 6
    assert most_in_a_second([begun for begun, _ in first + second]) <= 60
    # While both are at work, each has its half.
    both = max(first[0][0], second[0][0]) + 1
    assert any(begun > both for begun, _ in first)
    assert any(begun > both for begun, _ in second)


def test_one_process_alone_has_all_slots(make: Make):
    limits = make(concurrent=3)
    gate = threading.Barrier(3, timeout=10)

    def one() -> None:
        with limits.request():
            gate.wait()

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(one) for _ in range(3)]:
            future.result()


def test_kill_9_frees_the_slots(database: Database, make: Make):
    options = {"per_second": 100, "concurrent": 2, "threads": 2, "seconds": 60, "n": 2}
    worker = start_worker(database.info, **options)
    worker.wait_for_first()
    worker.wait_for_first()
    worker.process.send_signal(signal.SIGKILL)
    worker.process.communicate()
    limits = make(concurrent=2)
    began = time.monotonic()
    with limits.request(), limits.request():
        assert time.monotonic() - began < 10


def test_a_pause_holds_back_the_workers_of_all_processes(make: Make):
    limits, other = make(), make()
    began = time.monotonic()
    limits.pause(0.5, "slow down")
    assert begin_times(other, 3)[0] - began >= 0.5


def test_the_longest_pause_holds(database: Database, make: Make):
    limits = make()
    limits.pause(600, "come back later")
    limits.pause(1, "slow down")
    assert database.conn.execute(
        "SELECT pause_cause, paused_until > now() + interval '9 minutes'"
        " FROM skyscript.request_limit"
    ).fetchall() == [("come back later", True)]


def test_a_long_pause_is_told_once_and_can_be_ended(
    database: Database, make: Make, caplog: pytest.LogCaptureFixture
):
    limits = make()
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(2) as pool:
        limits.pause(600, "quota exceeded")
        waiting = [pool.submit(begin_times, limits, 2) for _ in range(2)]
        time.sleep(0.2)
        assert not any(future.done() for future in waiting)
        database.conn.execute(
            "UPDATE skyscript.request_limit SET paused_until = NULL, pause_cause = NULL"
        )
        for future in waiting:
            future.result(timeout=10)
    (told,) = caplog.messages
    assert told.startswith("test pauses until 20")
    assert told.endswith(" UTC: quota exceeded")


def test_who_waits_stops_with_the_error_of_the_first(make: Make):
    limits = make()
    limits.pause(600, "quota exceeded")
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(begin_times, limits, 1) for _ in range(4)]
        time.sleep(0.1)
        limits.stop(CredentialsExpired("log in again"))
        for future in waiting:
            with pytest.raises(CredentialsExpired, match="log in again"):
                future.result(timeout=5)


def test_close_ends_waiting(make: Make):
    limits = make()
    limits.pause(600, "quota exceeded")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(begin_times, limits, 1)
        time.sleep(0.1)
        limits.close()
        with pytest.raises(Stopped):
            waiting.result(timeout=5)


def test_a_request_that_fails_gives_its_slot_back(make: Make):
    limits = make(concurrent=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), limits.request():
            1 / 0  # noqa: B018 - raises


def test_services_have_limits_of_their_own(database: Database, make: Make):
    limits = make()
    limits.pause(600, "quota exceeded")
    other = Limits(database.info, "other", per_second=100, concurrent=1)
    assert len(begin_times(other, 2)) == 2
    other.close()


def test_an_emptied_table_is_filled_again(database: Database, make: Make):
    limits = make()
    database.conn.execute("TRUNCATE skyscript.request_limit")
    assert len(begin_times(limits, 2)) == 2
