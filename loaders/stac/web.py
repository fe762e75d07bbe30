"""Requests to catalogues and to the files that they name.

Every one passes the limits of its host and is made again by ``remote.Remote``; what
goes wrong is told as RequestFailed or CredentialsExpired. Nothing is read without a
bound.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from loaders.stac import addresses
from loaders.stac.addresses import shown
from loaders.stac.connections import Adapter
from skyscript_db.errors import LoaderError, RequestFailed
from skyscript_db.remote import Remote, Stopped, is_unanswered, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from skyscript_db.config import Settings

TIMEOUT_S = (10.0, 60.0)
MAX_TEXT_BYTES = 64 << 20
MAX_REDIRECTS = 5
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
PIECE_BYTES = 1 << 16
# Each has a connection to the database that limits are shared in.
MAX_HOSTS = 32


@dataclass(frozen=True, slots=True)
class Span:
    """Some bytes of a file, the size of all of it, and what tells its version."""

    data: bytes
    file_bytes: int
    etag: str | None


class Web:
    """HTTP within the limits of each host; may be used by many threads."""

    def __init__(self, settings: Settings, conninfo: str) -> None:
        self._settings = settings
        self._conninfo = conninfo
        self._remotes: dict[str, Remote] = {}
        self._opening = threading.Lock()
        self._is_closed = False
        self.session = requests.Session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = Adapter(pool_maxsize=settings.request_concurrency)
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections, to hosts and to where their limits are kept."""
        with self._opening:
            self._is_closed = True
            for remote in self._remotes.values():
                remote.close()
            self._remotes.clear()
        self.session.close()

    def text(
        self,
        request: requests.Request,
        origin: str,
        check: Callable[[requests.Response, str], None],
    ) -> str:
        """Return the text that answers a request that ``origin`` led to.

        ``check`` raises RequestFailed where an answer with status 200 is none.

        Raises:
            RequestFailed: There is no answer, or not the one that was asked for.
            LoaderError: The address is none that ``origin`` may lead to.
        """

        def once() -> str:
            with self._answer(request, origin) as response:
                data = _body(response, MAX_TEXT_BYTES)
                text = data.decode("utf-8", errors="replace")
                check(response, text)
                return text

        return self._remote(request.url).call(once)

    def span(self, url: str, first: int, stop: int, *, origin: str) -> Span:
        """Return the bytes of a file from ``first`` up to, not with, ``stop``.

        They are fewer where the file ends before.

        Raises:
            RequestFailed: They cannot be had.
            LoaderError: The server does not answer by ranges, or the file is empty.
        """

        def once() -> Span:
            headers = {
                "Range": f"bytes={first}-{stop - 1}",
                "Accept-Encoding": "identity",
            }
            request = requests.Request("GET", url, headers=headers)
            with self._answer(request, origin) as response:
                return _span(response, first, stop)

        return self._remote(url).call(once)

    def _remote(self, url: str) -> Remote:
        host = urlsplit(url).netloc.rpartition("@")[2].lower()
        with self._opening:
            if self._is_closed:
                raise Stopped(f"requests to {host} were stopped")
            if host not in self._remotes:
                self._check_room(host)
                self._remotes[host] = Remote.of(
                    self._settings, self._conninfo, f"stac:{host}"
                )
            return self._remotes[host]

    def _check_room(self, host: str) -> None:
        if len(self._remotes) >= MAX_HOSTS:
            raise LoaderError(
                f"{host} would be one host more than the {MAX_HOSTS} that are asked at "
                "once: load from fewer hosts, or fetch collection by collection"
            )

    def _answer(self, request: requests.Request, origin: str) -> requests.Response:
        name = shown(request.url)
        try:
            response = self._follow(self.session.prepare_request(request), origin)
        except requests.RequestException as error:
            if isinstance(error, _FINAL):
                raise RequestFailed(
                    f"{name} is no address ({type(error).__name__})"
                ) from error
            raise _broken(name, error) from error
        if response.status_code not in {200, 206}:
            with response:
                raise _failure(response, name)
        return response

    def _follow(
        self, request: requests.PreparedRequest, origin: str
    ) -> requests.Response:
        for _ in range(MAX_REDIRECTS):
            url = str(request.url)
            addresses.check(url, origin)
            ambient: Mapping[str, Any] = self.session.merge_environment_settings(
                url, {}, stream=True, verify=None, cert=None
            )
            response = self.session.send(
                request, timeout=TIMEOUT_S, allow_redirects=False, **ambient
            )
            if response.next is None:
                return response
            response.close()
            request = response.next
        raise RequestFailed(f"{shown(url)} sends us on and on, to no end")


_FINAL = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)


def _broken(name: str, error: requests.RequestException) -> RequestFailed:
    told = f"{name} broke off the answer ({type(error).__name__})"
    if is_unanswered(error):
        told = (
            f"nothing answers at {name}: see whether the address is right and the "
            "network is there"
        )
    return RequestFailed(told, is_transient=True)


def _failure(response: requests.Response, name: str) -> RequestFailed:
    status = response.status_code
    return RequestFailed(
        f"{name} answers {status} {response.reason}{_REMEDIES.get(status, '')}",
        status=status,
        is_transient=status in TRANSIENT,
        retry_after_s=retry_after_s(response.headers.get("Retry-After")),
    )


_REMEDIES = {
    401: ": it wants a login, which a load from STAC does not have; use a collection "
    "that is open to all",
    403: ": it may not be read without an account or a signature",
    404: ": it is not there, or not any more; load the collection again",
}


def is_page(response: requests.Response) -> bool:
    """Return whether a web page came, for people: of a proxy, or of a fault."""
    return "html" in response.headers.get("Content-Type", "").lower()


def _body(response: requests.Response, max_bytes: int) -> bytes:
    name = shown(response.url)
    data = bytearray()
    try:
        for piece in response.iter_content(PIECE_BYTES):
            data += piece
            if len(data) > max_bytes:
                raise RequestFailed(
                    f"{name} answers with more than {max_bytes >> 20} MiB: it is not "
                    "what was asked for"
                )
    except requests.RequestException as error:
        raise _broken(name, error) from error
    return bytes(data)


def _span(response: requests.Response, first: int, stop: int) -> Span:
    name = shown(response.url)
    if is_page(response):
        raise RequestFailed(
            f"{name} answers with a web page", status=200, is_transient=True
        )
    if response.status_code == 200:
        raise LoaderError(
            f"the server of {name} does not answer by ranges of bytes: download the "
            "file, and load it with `skyscript load rasters`"
        )
    file_bytes = _file_bytes(response, name, first)
    data = _body(response, stop - first)
    n_wanted = min(stop, file_bytes) - first
    if len(data) != n_wanted:
        raise RequestFailed(
            f"{name} sent {len(data)} bytes of {n_wanted}",
            status=206,
            is_transient=True,
        )
    return Span(data, file_bytes, response.headers.get("ETag"))


def _file_bytes(response: requests.Response, name: str, first: int) -> int:
    told = response.headers.get("Content-Range", "")
    unit, _, rest = told.partition(" ")
    place, _, total = rest.partition("/")
    if unit == "bytes" and place.startswith(f"{first}-") and total.isdecimal():
        return int(total)
    raise RequestFailed(
        f"{name} answers with another range than was asked for ({told!r})",
        status=206,
        is_transient=True,
    )
