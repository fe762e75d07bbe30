from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skyscript_db.errors import CredentialsExpired, LoaderError, RequestFailed
from skyscript_db.fetching import Chip, Lane, Result, stream
from skyscript_db.imagery import Refusal
from skyscript_db.images import ImageFolder, StoredImage
from skyscript_db.remote import Limits, Remote
from tests.fetching.service import Service, chip, pixels
from tests.fix_database import Database

# Apart, so that each takes a request of its own.
FAR = [chip(n, 1000 * (n % 2), 2048 * n) for n in range(20)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ImageFolder]:
    folder = ImageFolder(tmp_path / "chips")
    with folder.writing():
        yield folder


def fetch(folder: ImageFolder, *lanes: tuple[Service, list[Chip]]) -> list[Result]:
    found = [Lane(service, iter(chips)) for service, chips in lanes]
    return sorted(
        (result for some in stream(found, folder) for result in some),
        key=lambda result: result.chip.id,
    )


def test_chips_are_cut_out_of_their_pack(folder: ImageFolder):
    service = Service()
    chips = [chip(1, 10, 20), chip(2, 30, 25), chip(3, 12, 50)]
    results = fetch(folder, (service, chips))
    assert service.windows == [(10, 20, 52, 62)]
    assert [result.state for result in results] == ["ok"] * 3
    for one in chips:
        file = io.BytesIO(folder.file(one.path).read_bytes())
        w = one.window
        expected = pixels(w.col_off, w.row_off, 32, 32)
        assert np.array_equal(np.asarray(Image.open(file)), expected)


def test_a_provider_has_as_many_threads_as_it_wants(folder: ImageFolder):
    service = Service(concurrency=3, before=lambda _: time.sleep(0.02))
    assert len(fetch(folder, (service, FAR))) == 20
    assert service.most_at_once == 3
    assert service.is_closed


def test_a_slow_provider_does_not_hold_up_another(folder: ImageFolder):
    gate = threading.Event()
    slow = Service(before=lambda _: gate.wait(10))
    quick = Service()
    both = [Lane(slow, iter(FAR[:2])), Lane(quick, iter(FAR[2:]))]
    n_done = 0
    with closing(stream(both, folder)) as results:
        for some in results:
            n_done += len(some)
            if n_done == 18:
                gate.set()
    assert n_done == 20


def test_chips_are_taken_as_there_is_room(folder: ImageFolder):
    taken: list[int] = []

    def chips() -> Iterator[Chip]:
        for one in FAR:
            taken.append(one.id)
            yield one

    service = Service(concurrency=1, before=lambda _: time.sleep(0.01))
    with closing(stream([Lane(service, chips())], folder)) as results:
        next(filter(None, results))
        assert len(taken) < 8


def test_the_next_is_asked_for_before_the_caller_takes_what_came(folder: ImageFolder):
    service = Service(concurrency=1)
    with closing(stream([Lane(service, iter(FAR))], folder)) as results:
        # Four are let out at first: one more shows that the caller is not waited for.
        next(filter(None, results))
        until = time.monotonic() + 10
        while len(service.windows) < 5 and time.monotonic() < until:
            time.sleep(0.01)
        assert len(service.windows) == 5


def test_chips_that_cannot_be_listed_lose_nothing_that_came(
    folder: ImageFolder, tmp_path: Path
):
    def chips() -> Iterator[Chip]:
        yield from FAR[:5]
        raise LoaderError("no more")

    kept: list[Result] = []
    results = stream([Lane(Service(concurrency=1), chips())], folder)
    with pytest.raises(LoaderError, match="no more"):
        kept.extend(result for some in results for result in some)
    written = {path.name for path in (tmp_path / "chips").glob("00/*.png")}
    assert written == {Path(result.chip.path).name for result in kept} != set()


def failing(error: Exception, *, on: int) -> Callable[[int], None]:
    def before(n: int) -> None:
        if n == on:
            raise error

    return before


def test_a_request_that_fails_fails_its_chips_alone(folder: ImageFolder):
    busy = RequestFailed("the service is busy", status=503)
    service = Service(concurrency=1, before=failing(busy, on=2))
    results = fetch(folder, (service, FAR[:3]))
    refusals = [r.found for r in results if isinstance(r.found, Refusal)]
    assert refusals == [Refusal("the service is busy", is_final=False, http_status=503)]


def test_a_scene_that_cannot_be_cut_fails_its_chips(folder: ImageFolder):
    service = Service(before=failing(LoaderError("it is gone"), on=1))
    results = fetch(folder, (service, [chip(1, 0, 0), chip(2, 8, 8)]))
    assert [r.found for r in results] == [Refusal("it is gone", is_final=False)] * 2


def test_what_came_is_kept_while_the_next_is_asked_for(
    folder: ImageFolder, monkeypatch: pytest.MonkeyPatch
):
    gate = threading.Event()
    write = folder.write

    def held(path: str, data: bytes) -> StoredImage:
        gate.wait(10)
        return write(path, data)

    monkeypatch.setattr(folder, "write", held)
    # The disk takes nothing until the third request has come.
    service = Service(concurrency=1, before=lambda n: gate.set() if n == 3 else None)
    began = time.monotonic()
    assert len(fetch(folder, (service, FAR[:3]))) == 3
    assert time.monotonic() - began < 5


def test_an_answer_of_another_size_fails(folder: ImageFolder):
    class Short(Service):
        def _request(self, box: tuple[int, int, int, int]) -> np.ndarray:
            return super()._request(box)[:-1]

    (result,) = fetch(folder, (Short(), [chip(1, 0, 0)]))
    cause = "the answer has 32 x 31 pixels, not 32 x 32"
    assert result.found == Refusal(cause, is_final=False)


def test_what_has_nothing_to_see_is_rejected(folder: ImageFolder):
    class Black(Service):
        def _request(self, box: tuple[int, int, int, int]) -> np.ndarray:
            return np.zeros_like(super()._request(box))

    (result,) = fetch(folder, (Black(), [chip(1, 0, 0)]))
    assert result.found == Refusal("black image", is_final=True)
    assert result.nodata_fraction == 0


def test_expired_credentials_stop_everything(folder: ImageFolder, database: Database):
    limits = Limits(database.info, "test", per_second=1000, concurrent=2)
    expired = CredentialsExpired("log in again")
    service = Service(
        Remote(limits, max_tries=3), concurrency=8, before=failing(expired, on=5)
    )
    found: list[Result] = []

    def take_all() -> None:
        with closing(stream([Lane(service, iter(FAR))], folder)) as results:
            for some in results:
                found.extend(some)

    with pytest.raises(CredentialsExpired, match="log in again"):
        take_all()
    assert len(service.windows) <= 6
    assert 3 <= len(found) <= 5


def test_an_interrupt_ends_a_pause(folder: ImageFolder, database: Database):
    limits = Limits(database.info, "test", per_second=1000, concurrent=2)
    limits.pause(600, "quota exceeded")
    service = Service(Remote(limits, max_tries=3), concurrency=8)
    began = time.monotonic()
    with closing(stream([Lane(service, iter(FAR))], folder)) as results:
        assert next(results) == []
    assert time.monotonic() - began < 10
    assert service.windows == []
