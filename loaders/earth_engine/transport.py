"""How the client's requests travel: one pool of connections for all threads.

The client takes a transport of the caller's. Its own keeps ten connections, however
many threads there are, and waits for an answer without end.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

import httplib2
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as ReadTimeout

from skyscript_db.errors import RequestFailed
from skyscript_db.remote import is_unanswered

if TYPE_CHECKING:
    from collections.abc import Mapping

EARTH_ENGINE = "https://earthengine.googleapis.com"

CONNECT_S = 15.0
# Earth Engine itself gives up on a computation after five minutes.
READ_S = 330.0


class Transport:
    """Makes requests in the way that ``httplib2.Http`` does."""

    def __init__(self, n_connections: int, *, is_direct: bool) -> None:
        """Pool ``n_connections``; direct ones heed no proxy of the environment."""
        self._session = requests.Session()
        self._session.trust_env = not is_direct
        adapter = HTTPAdapter(pool_maxsize=n_connections)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def request(  # noqa: PLR0917 - httplib2's own
        self,
        uri: str,
        method: str = "GET",
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        redirections: int | None = None,
        connection_type: type[Any] | None = None,
    ) -> tuple[httplib2.Response, bytes]:
        """Make a request; return the answer, whatever its status.

        Raises:
            RequestFailed: There was none, or not all of it, or a web page.
        """
        del redirections, connection_type
        try:
            answer = self._session.request(
                method,
                uri,
                data=body,
                headers=headers,
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
                stream=True,
            )
            # All at once: the session itself reads ten kilobytes at a time, and
            # after each of them waits for its turn among the threads.
            content: bytes = answer.raw.read(decode_content=True)
        except (requests.RequestException, HTTPError) as error:
            raise RequestFailed(
                _cause(error, uri),
                is_transient=True,
                is_unreachable=_is_unreachable(error),
            ) from error
        _refuse_page(answer)
        _refuse_part(answer, content)
        told = {**answer.headers, "status": str(answer.status_code)}
        return httplib2.Response(told), content

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


def _is_unreachable(error: requests.RequestException | HTTPError) -> bool:
    return isinstance(error, requests.ConnectTimeout) or (
        isinstance(error, requests.RequestException) and is_unanswered(error)
    )


def _cause(error: requests.RequestException | HTTPError, uri: str) -> str:
    if isinstance(error, requests.Timeout | ReadTimeout):
        return "no answer in time"
    if isinstance(error, HTTPError):
        return "the answer was cut off"
    if isinstance(error, requests.exceptions.SSLError):
        return f"no safe connection: {error}"
    if is_unanswered(error):
        return _unanswered(urlsplit(uri))
    return f"no connection: {error}"


def _unanswered(address: SplitResult) -> str:
    place = f"{address.scheme}://{address.netloc}"
    if place == EARTH_ENGINE:
        return (
            f"nothing answers at {place}: see whether this machine is on the network, "
            "and whether https_proxy is to be set"
        )
    return (
        f"nothing answers at {place}, which SKYSCRIPT_EARTH_ENGINE_URL names: start "
        "the emulator again and take over the address that it prints, or unset it to "
        "ask Earth Engine itself"
    )


def _refuse_page(answer: requests.Response) -> None:
    """Refuse a web page, such as that of a gateway where one has to sign in."""
    is_page = answer.headers.get("Content-Type", "").startswith("text/html")
    if answer.ok and (is_page or answer.is_redirect):
        raise RequestFailed(
            "a web page came instead of an answer; if it goes on, look whether a proxy "
            "or a sign-in page stands between",
            status=answer.status_code,
            is_transient=True,
        )


def _refuse_part(answer: requests.Response, content: bytes) -> None:
    """Refuse JSON that is none: the client would hand it on as text."""
    if not answer.ok or "json" not in answer.headers.get("Content-Type", ""):
        return
    try:
        json.loads(content)
    except ValueError as error:
        raise RequestFailed(
            f"the answer was cut off or is no JSON: {error}",
            status=answer.status_code,
            is_transient=True,
        ) from error
