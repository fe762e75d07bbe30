"""Reading what a catalogue says, within the limits of its host."""

from __future__ import annotations

import json
from typing import Any

import requests
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO

from loaders.stac import addresses
from loaders.stac.addresses import shown
from loaders.stac.web import Web, is_page
from skyscript_db.errors import LoaderError, RequestFailed, UsageError

Json = dict[str, Any]


class Reader(StacApiIO):
    """Reads what a catalogue names, within the limits of its host."""

    def __init__(self, web: Web, origin: str) -> None:
        super().__init__(max_retries=None)
        self.session.close()
        self._web = web
        self._origin = origin
        self._is_known = False

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Return the answer to a request; pystac-client does all of its by this.

        Raises:
            APIError: There is nothing there.
            RequestFailed: There is no answer.
        """
        method = method or "GET"
        told: Json = {"json" if method == "POST" else "params": parameters}
        request = requests.Request(method, href, headers=headers, **told)
        try:
            text = self._web.text(request, self._origin, self._check)
        except RequestFailed as error:
            if error.status != 404:
                raise
            missing = APIError(str(error))
            missing.status_code = 404
            raise missing from error
        self._is_known = True
        return text

    def json(self, href: str) -> Json:
        """Return the object at an address or in a file.

        Raises:
            UsageError: There is no object of STAC.
            RequestFailed: There is no answer.
        """
        if addresses.is_url(href):
            try:
                return _object(self.request(href), href)
            except APIError as error:
                raise UsageError(f"{error}. {REMEDY}") from error
        if addresses.is_url(self._origin):
            raise LoaderError(f"{href} is not http(s), and the catalogue is")
        try:
            with open(href, encoding="utf-8") as file:  # noqa: PTH123 - as links are
                return _object(file.read(), href)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {href}: {error}. {REMEDY}") from error

    def _check(self, response: requests.Response, text: str) -> None:
        try:
            json.loads(text)
        except (ValueError, RecursionError) as error:
            what = "a web page" if is_page(response) else "what is no JSON"
            # Of what has answered before, it is a hiccup.
            raise RequestFailed(
                f"{shown(response.url)} answers with {what}. {REMEDY}",
                status=response.status_code,
                is_transient=self._is_known,
            ) from error


REMEDY = (
    "Give the address of a STAC API's landing page or collection, or of a catalog.json "
    "or an item collection; a web page that shows one is none"
)


def _object(text: str, href: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{href} is not JSON. {REMEDY}") from error
    if not isinstance(found, dict) or found.get("type") not in _TYPES:
        raise UsageError(f"{href} is no STAC. {REMEDY}")
    return found


_TYPES = frozenset({"Catalog", "Collection", "Feature", "FeatureCollection"})
