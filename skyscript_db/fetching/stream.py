"""Packs of all providers, fetched at the same time in threads of each.

A lane is a provider and its chips. It holds few packs ahead of its threads, and no
more bytes in flight than a bound, so that memory does not grow with the run. Threads
that wait for a service hand what came to others, which cut, encode and store it, and
ask for the next at once; those that read window by window do all of it themselves.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from skyscript_db.fetching.cutting import cut_pack, keep
from skyscript_db.fetching.packs import pack

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from contextlib import AbstractContextManager

    from skyscript_db.fetching.chips import Chip, Result
    from skyscript_db.fetching.packs import Pack
    from skyscript_db.imagery import Cut, Provider, Refusal
    from skyscript_db.images import ImageStore

# Of pixels asked for and not yet stored, in a lane, without cloud: forty of the largest
# requests, as many as Earth Engine answers at once. One pack is always let through.
IN_FLIGHT_BYTES = 768 << 20
# How long the caller waits for results at most, to do with the last what it must.
HEARTBEAT_S = 0.5


@dataclass(frozen=True, slots=True)
class Lane:
    """A provider, not yet entered, and the chips to fetch from it, block by block."""

    provider: AbstractContextManager[Provider]
    chips: Iterable[Chip]


@dataclass(frozen=True, slots=True)
class _Done:
    running: _Running
    pack: Pack
    results: list[Result]
    error: BaseException | None = None


Queue = SimpleQueue[_Done]
Came: TypeAlias = "tuple[Chip, Cut | Refusal]"


class _Running:
    """A lane at work."""

    def __init__(
        self, provider: Provider, chips: Iterable[Chip], keepers: _Keepers, done: Queue
    ) -> None:
        self._provider, self._keepers, self._done = provider, keepers, done
        self._packs = pack(chips, provider.max_request_bytes)
        self._is_packed = provider.max_request_bytes is not None
        self._next: Pack | None = None
        # As many again may wait to be kept.
        self._room = (1 + self._is_packed) * provider.concurrency + 2
        self._n_bytes = 0
        self.n_out = 0
        self.pool = ThreadPoolExecutor(provider.concurrency)

    def fill(self) -> None:
        """Hand out packs while there is room."""
        while self.n_out < self._room:
            if self._next is None:
                self._next = next(self._packs, None)
            if self._next is None:
                return
            n_bytes = self._next.n_bytes
            if self.n_out and self._n_bytes + n_bytes > IN_FLIGHT_BYTES:
                return
            self.pool.submit(self._fetch, self._next)
            self.n_out, self._n_bytes = self.n_out + 1, self._n_bytes + n_bytes
            self._next = None

    def refill(self) -> Exception | None:
        """Hand out packs while there is room; return why no more can be made."""
        try:
            self.fill()
        except Exception as error:  # noqa: BLE001 - raised when what came is yielded
            return error
        return None

    def take_back(self, pack: Pack) -> None:
        """Count a pack as done."""
        self.n_out, self._n_bytes = self.n_out - 1, self._n_bytes - pack.n_bytes

    def _fetch(self, pack: Pack) -> None:
        try:
            cuts = cut_pack(self._provider, pack.chips)
            if not self._is_packed:
                self._keep(pack, cuts)
                return
            # All are asked for here; each is cut where it is kept, while it is at hand.
            first = next(cuts)
            self._keepers.pool.submit(self._keep, pack, cuts, first)
        except BaseException as error:  # noqa: BLE001 - raised by who waits for it
            self._done.put(_Done(self, pack, [], error))

    def _keep(self, pack: Pack, cuts: Generator[Came], *before: Came) -> None:
        try:
            # Those not packed were begun in this thread and are closed in it, whatever
            # happens: GDAL's state is the thread's own.
            with closing(cuts):
                came = chain(before, cuts)
                results = [keep(chip, cut, self._keepers.store) for chip, cut in came]
        except BaseException as error:  # noqa: BLE001 - raised by who waits for it
            self._done.put(_Done(self, pack, [], error))
        else:
            self._done.put(_Done(self, pack, results))


@dataclass(frozen=True, slots=True)
class _Keepers:
    """The threads that encode and store what came, and where they store it."""

    pool: ThreadPoolExecutor
    store: ImageStore

    def drop_if_left(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Keep nothing more where nobody takes results any longer."""
        del rest
        if kind is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)


def stream(lanes: Iterable[Lane], store: ImageStore) -> Generator[list[Result]]:
    """Yield results, pack by pack, as they come; nothing, now and then, if none come.

    Chips are asked for while results are taken, in the caller's thread. An error in
    any thread, or of a lane's chips, stops all: what was finished by then is yielded,
    and then it is raised.

    Raises:
        CredentialsExpired: A service does not know us; chips in flight have no result.
        ServiceUnreachable: It cannot be reached any more; likewise.
        StorageError: A file cannot be written.
    """
    done: Queue = SimpleQueue()
    error: BaseException | None = None
    # Left in the opposite order: whoever waits for a service is sent home, then what
    # is in flight ends, and then what came is kept.
    with (
        ThreadPoolExecutor(store.concurrency) as pool,
        ExitStack() as pools,
        ExitStack() as providers,
    ):
        keepers = _Keepers(pool, store)
        running = [_start(lane, keepers, done, pools, providers) for lane in lanes]
        for one in running:
            one.fill()
        providers.push(keepers.drop_if_left)
        while error is None and any(one.n_out for one in running):
            item = _next(done)
            if item is None:
                yield []
                continue
            error = item.error
            item.running.take_back(item.pack)
            # First: nobody shall wait for the caller to do with results what it must.
            error = error or item.running.refill()
            yield item.results
    if error is not None:
        while not done.empty():
            yield done.get().results
        raise error


def _start(
    lane: Lane, keepers: _Keepers, done: Queue, pools: ExitStack, providers: ExitStack
) -> _Running:
    provider = providers.enter_context(lane.provider)
    running = _Running(provider, lane.chips, keepers, done)
    pools.callback(running.pool.shutdown)
    providers.callback(running.pool.shutdown, wait=False, cancel_futures=True)
    return running


def _next(done: Queue) -> _Done | None:
    try:
        return done.get(timeout=HEARTBEAT_S)
    except Empty:
        return None
