"""Signatures for files that are open to all who ask for a token first.

The Planetary Computer gives a token for a collection, good for about an hour; it is
appended to the addresses of the collection's files.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from loaders.stac import addresses
from loaders.stac.addresses import Reach
from skyscript_db.errors import CredentialsExpired, RequestFailed

if TYPE_CHECKING:
    from loaders.stac.web import Web

# A token is not used for its last minutes: a request may take that long.
SPARE = timedelta(minutes=5)
# The only hosts, beside this machine, that are told a token.
STORAGE = ".blob.core.windows.net"


@dataclass(frozen=True, slots=True)
class Token:
    """A signature, as the query of an address, and when it ends."""

    query: str
    expires_at: datetime

    @property
    def is_good(self) -> bool:
        """Whether it may still be used."""
        return datetime.now(UTC) < self.expires_at - SPARE


class Signer:
    """Tokens by where they are given, each asked for once; made for many threads."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._tokens: dict[str, Token] = {}
        self._asking = threading.Lock()

    def token(self, token_url: str) -> Token:
        """Return a token that is good.

        Raises:
            CredentialsExpired: None is given to us.
            RequestFailed: The service does not answer.
        """
        with self._asking:
            token = self._tokens.get(token_url)
            if token is None or not token.is_good:
                token = self._tokens[token_url] = self._ask(token_url)
            return token

    def forget(self, token_url: str, token: Token) -> None:
        """Have a token that was refused not used again."""
        with self._asking:
            if self._tokens.get(token_url) is token:
                del self._tokens[token_url]

    def _ask(self, token_url: str) -> Token:
        request = requests.Request("GET", token_url)
        try:
            text = self._web.text(request, token_url, _check)
        except RequestFailed as error:
            if error.status not in {401, 403}:
                raise
            raise CredentialsExpired(
                f"no signature is given by {token_url} ({error.status}): see whether "
                "the service still gives them to all"
            ) from error
        return _token(text)


def sign(href: str, token: Token) -> str:
    """Return an address with a token, where it is of a host that may know it."""
    host = str(urlsplit(href).hostname)
    if not host.endswith(STORAGE) and addresses.reach(host) is not Reach.LOOPBACK:
        return href
    return f"{href}{'&' if urlsplit(href).query else '?'}{token.query}"


def _check(response: requests.Response, text: str) -> None:
    try:
        _token(text)
    except (ValueError, KeyError, TypeError) as error:
        raise RequestFailed(
            f"{response.url} answers with no token", status=200, is_transient=True
        ) from error


def _token(text: str) -> Token:
    answer = json.loads(text)
    moment = datetime.fromisoformat(answer["msft:expiry"])
    return Token(
        str(answer["token"]),
        moment if moment.tzinfo else moment.replace(tzinfo=UTC),
    )
