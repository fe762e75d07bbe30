"""The files that items name, opened wherever they are: local, or read by ranges."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from loaders.stac import addresses, cog
from loaders.stac.addresses import shown
from loaders.stac.cog import Pages, RemoteFile
from loaders.stac.signing import Signer, sign
from skyscript_db import rasters
from skyscript_db.errors import LoaderError, RequestFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loaders.stac.web import Span, Web

# Headers of scenes that chips are being cut from; 64 KiB each.
MAX_HEADS = 256
REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Opened:
    """A dataset, the file behind it, and its name for messages."""

    name: str
    dataset: Any
    file: RemoteFile | None

    def check(self) -> None:
        """Raise what went wrong while it was read.

        Raises:
            Exception: That; what was read is void.
        """
        if self.file is not None:
            self.file.check()


class Named(Protocol):
    """Who named a file, and where a signature for it is given, if it needs one."""

    @property
    def origin(self) -> str:
        """An address, or a local path."""

    @property
    def token_url(self) -> str | None:
        """Where a token is given; None where files are open to all."""


@dataclass(frozen=True, slots=True)
class By:
    """The plain one of that kind."""

    origin: str
    token_url: str | None = None


class Files:
    """Opens files by their addresses; may be used by many threads."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._signer = Signer(web)
        self._heads: OrderedDict[str, Span] = OrderedDict()
        self._keeping = threading.Lock()

    @contextmanager
    def opened(self, href: str, by: Named) -> Iterator[Opened]:
        """Open a file that an item names.

        Raises:
            LoaderError: It is missing, no GeoTIFF, or may not be asked for.
            RequestFailed: Its server does not answer as it should.
        """
        if addresses.is_url(href):
            file = RemoteFile(self._pages(href, by))
            with _named(shown(href)), cog.opened(file) as dataset:
                yield Opened(shown(href), dataset, file)
        elif addresses.is_url(by.origin) or "://" in href:
            raise LoaderError(
                f"{href} is not read from here: only http(s) files of catalogues on "
                "the network, and local ones of local catalogues"
            )
        else:
            with _named(href), rasters.opened(Path(href)) as dataset:
                yield Opened(href, dataset, None)

    def _pages(self, href: str, by: Named) -> Pages:
        head = self._head(href, by)

        def fetch(first: int, stop: int) -> bytes:
            span = self._span(href, first, stop, by)
            if (span.file_bytes, span.etag) != (head.file_bytes, head.etag):
                self._forget(href)
                raise LoaderError("it was changed while it was read: load it again")
            return span.data

        return Pages(fetch, head.file_bytes, head.data)

    def _head(self, href: str, by: Named) -> Span:
        with self._keeping:
            if href in self._heads:
                self._heads.move_to_end(href)
                return self._heads[href]
        head = self._span(href, 0, cog.HEAD_PAGES * cog.PAGE_BYTES, by)
        with self._keeping:
            self._heads[href] = head
            if len(self._heads) > MAX_HEADS:
                self._heads.popitem(last=False)
        return head

    def _forget(self, href: str) -> None:
        with self._keeping:
            self._heads.pop(href, None)

    def _span(self, href: str, first: int, stop: int, by: Named) -> Span:
        if by.token_url is None:
            return self._web.span(href, first, stop, origin=by.origin)
        addresses.check(by.token_url, by.origin)
        token = self._signer.token(by.token_url)
        try:
            url = sign(href, token)
            return self._web.span(url, first, stop, origin=by.origin)
        except RequestFailed as error:
            if error.status not in REFUSED:
                raise
        # A token may end before its time; a new one settles whether it was that.
        self._signer.forget(by.token_url, token)
        url = sign(href, self._signer.token(by.token_url))
        return self._web.span(url, first, stop, origin=by.origin)


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except LoaderError as error:
        if name in str(error):
            raise
        raise LoaderError(f"{name}: {error}") from error
