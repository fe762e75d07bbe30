"""Catalogues, asked for items: STAC APIs by pystac-client, static ones link by link."""

from __future__ import annotations

import os.path
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pystac.utils import make_absolute_href
from pystac_client import Client
from pystac_client.conformance import ConformanceClasses
from pystac_client.warnings import PystacClientWarning

from loaders.stac import addresses
from loaders.stac.reader import REMEDY, Json, Reader
from skyscript_db.errors import LoaderError, RequestFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from loaders.stac.web import Web

PAGE_ITEMS = 100
MAX_TOLD = 20

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Question:
    """Which items are wanted; the answer may hold others.

    ``boxes`` are W, S, E, N in degrees, none of them across the antimeridian; without
    any, items from anywhere are wanted.
    """

    boxes: Sequence[Box]
    start: datetime | None = None
    end: datetime | None = None
    cloud_property: str | None = None
    max_cloud: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An item and where it came from, or why there is none."""

    href: str
    item: Json | None
    reason: str = ""


class Api:
    """A collection of a STAC API."""

    def __init__(self, reader: Reader, root: str, collection: str | None) -> None:
        with _quiet():
            self._client = Client.open(root, stac_io=reader)
            self.collection_id = collection or self._only()
            self.collection = self._find(self.collection_id)

    def items(self, question: Question) -> Iterator[list[Found]]:
        """Yield items, page by page; one that lies in two boxes may come twice.

        Raises:
            RequestFailed: The service does not answer.
        """
        boxes: Sequence[Box | None] = question.boxes or [None]
        for box in boxes:
            with _quiet():
                search = self._client.search(
                    method=self._method(),
                    collections=[self.collection_id],
                    bbox=box,
                    datetime=_interval(question),
                    limit=PAGE_ITEMS,
                    **self._cloud(question),
                )
                pages = search.pages_as_dicts()
            for page in pages:
                yield [self._found(item) for item in page["features"]]

    def _found(self, item: Json) -> Found:
        links = item.get("links", [])
        own = next((x["href"] for x in links if x.get("rel") == "self"), None)
        root = str(self._client.self_href).rstrip("/")
        place = f"{root}/collections/{self.collection_id}/items/{item.get('id')}"
        return Found(own or place, item)

    def _method(self) -> str:
        links = self._client.get_links("search")
        methods = {str(x.extra_fields.get("method", "GET")).upper() for x in links}
        return "POST" if "POST" in methods else "GET"

    def _cloud(self, question: Question) -> Json:
        name, most = question.cloud_property, question.max_cloud
        if name is None or most is None or most >= 100:
            return {}
        if self._client.conforms_to(ConformanceClasses.QUERY):
            return {"query": {name: {"lte": most}}}
        if self._client.conforms_to(ConformanceClasses.FILTER):
            return {"filter": {"op": "<=", "args": [{"property": name}, most]}}
        return {}

    def _only(self) -> str:
        names = self._names()
        if len(names) != 1:
            raise UsageError(
                f"name one of its collections with --collection: {_listed(names)}"
            )
        return names[0]

    def _find(self, name: str) -> Json:
        found = self._client.get_collection(name)
        if found is None:
            raise UsageError(
                f"the catalogue has no collection {name!r}: choose one of "
                f"{_listed(self._names())}"
            )
        return found.to_dict(include_self_link=False)

    def _names(self) -> list[str]:
        return sorted(found.id for found in self._client.get_collections())


class Static:
    """A catalogue of files that link to each other."""

    def __init__(
        self, reader: Reader, root: Json, href: str, collection: str | None
    ) -> None:
        self._reader = reader
        self._root = root
        self._href = href
        self._wanted = collection
        is_collection = root["type"] == "Collection"
        self.collection: Json = root if is_collection else {}
        self.collection_id = collection or str(root.get("id") or _stem(href))
        if is_collection and collection not in {None, root.get("id")}:
            raise UsageError(
                f"{href} is collection {root.get('id')!r}, not {collection!r}: leave "
                "--collection out"
            )

    def items(self, question: Question) -> Iterator[list[Found]]:
        """Yield all items of the collection, some at a time, as they are found.

        Raises:
            UsageError: None is of the collection that is wanted.
        """
        del question  # nobody there to answer it
        n, page, seen = 0, [], set[str]()
        for found in self._walk(self._root, self._href, None):
            if found.href in seen:
                continue
            seen.add(found.href)
            page.append(found)
            n += 1
            if len(page) == PAGE_ITEMS:
                yield page
                page = []
        if page:
            yield page
        if n == 0:
            told = f" of collection {self._wanted}" if self._wanted else ""
            raise UsageError(f"{self._href} leads to no item{told}. {REMEDY}")

    def _walk(self, start: Json, href: str, within: str | None) -> Iterator[Found]:
        waiting: list[tuple[Json | None, str, str | None]] = [(start, href, within)]
        seen = {href}
        while waiting:
            found, place, within = waiting.pop()
            try:
                known = found if found is not None else self._reader.json(place)
            except (LoaderError, RequestFailed, UsageError) as error:
                yield Found(place, None, str(error))
                continue
            yield from self._items_of(known, place, within)
            if known["type"] == "Collection":
                within = str(known.get("id"))
            links = [
                make_absolute_href(str(link["href"]), place, start_is_dir=False)
                for link in known.get("links", [])
                if link.get("rel") in {"child", "item"}
            ]
            fresh = [x for x in dict.fromkeys(links) if x not in seen]
            seen.update(fresh)
            waiting += [(None, x, within) for x in reversed(fresh)]

    def _items_of(self, found: Json, place: str, within: str | None) -> Iterator[Found]:
        if found["type"] == "FeatureCollection":
            for item in found.get("features", []):
                if self._is_wanted(item, within):
                    yield Found(f"{place}#{item.get('id')}", item)
        elif found["type"] == "Feature" and self._is_wanted(found, within):
            yield Found(place, found)

    def _is_wanted(self, item: Json, within: str | None) -> bool:
        return self._wanted in {None, item.get("collection"), within}


def open_catalogue(web: Web, address: str, collection: str | None) -> Api | Static:
    """Open a catalogue by the address of its root, of a collection or of a file.

    Raises:
        UsageError: There is no STAC, or no such collection in it.
        RequestFailed: The host does not answer.
    """
    if not addresses.is_url(address):
        address = os.path.abspath(address)  # noqa: PTH100 - as links are
    reader = Reader(web, address)
    try:
        root = reader.json(address)
    except RequestFailed as error:
        if error.status != 200:
            raise
        raise UsageError(str(error)) from error
    links = {link.get("rel"): link.get("href") for link in root.get("links", [])}
    if root["type"] == "Catalog" and "conformsTo" in root and "search" in links:
        return Api(reader, address, collection)
    if root["type"] == "Collection" and "items" in links and "root" in links:
        return Api(reader, str(links["root"]), collection or str(root["id"]))
    return Static(reader, root, address, collection)


def _interval(question: Question) -> list[datetime | str | None] | None:
    if question.start is None and question.end is None:
        return None
    return [question.start, question.end]


def _listed(names: Sequence[str]) -> str:
    more = f", and {len(names) - MAX_TOLD} more" if len(names) > MAX_TOLD else ""
    return ", ".join(names[:MAX_TOLD]) + more if names else "none"


def _stem(href: str) -> str:
    return os.path.splitext(os.path.basename(urlsplit(href).path))[0]  # noqa: PTH119, PTH122


@contextmanager
def _quiet() -> Iterator[None]:
    """Let pystac-client not tell users of conformance classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PystacClientWarning)
        yield
