"""A STAC service on the loopback: an API, a static catalogue, files and signatures.

It answers a search by boxes, dates, collections and cloud cover, page by page; serves
files by ranges of bytes; and misbehaves when told to.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pystac
import pytest
import rasterio
from pystac.extensions.projection import ProjectionExtension
from rasterio.warp import transform_bounds

from tests.stac_server import Handler

DAY = datetime(2021, 6, 1, 10, tzinfo=UTC)


@dataclass
class Fault:
    """What is done instead to requests whose path holds ``path``, so many times."""

    kind: str
    path: str
    times: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StacService:
    """The service as a test sees it."""

    folder: Path
    url: str = ""
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    searches: list[dict[str, Any]] = field(default_factory=list)
    ranges: list[tuple[str, int, int]] = field(default_factory=list)
    page_items: int = 2
    methods: tuple[str, ...] = ("GET", "POST")
    has_ranges: bool = True
    token: str | None = None
    n_tokens: int = 0
    token_life: timedelta = timedelta(hours=1)

    def fail(self, kind: str, path: str, times: int = 1, **headers: str) -> None:
        """Have the next requests fail: a status, ``truncate``, ``html`` or a URL."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.append(Fault(kind, path, times, told))

    def href(self, path: Path) -> str:
        return f"{self.url}/files/{path.relative_to(self.folder)}"

    def add(
        self, collection: str, name: str, assets: dict[str, Path], **told: Any
    ) -> dict[str, Any]:
        """Add an item over rasters; its grid is that of the first."""
        item = make_item(name, {k: self.href(p) for k, p in assets.items()}, **told)
        item.collection_id = collection
        place_on(item, next(iter(assets.values())))
        found = item.to_dict(include_self_link=False)
        found["links"] = [
            {
                "rel": "self",
                "href": f"{self.url}/collections/{collection}/items/{name}",
            }
        ]
        self.items.setdefault(collection, []).append(found)
        return found

    def count(self, path: str) -> int:
        """Return how many requests had this in their paths."""
        return sum(path in asked for asked in self.asked)


def make_item(name: str, hrefs: dict[str, str], **told: Any) -> pystac.Item:
    item = pystac.Item(
        name,
        geometry=None,
        bbox=None,
        datetime=told.pop("datetime", DAY),
        properties={"updated": "2021-07-01T00:00:00Z", **told.pop("properties", {})},
    )
    facts = told.pop("facts", {})
    for key, href in hrefs.items():
        fields = {**told, **facts.get(key, {})}
        item.add_asset(
            key,
            pystac.Asset(href, media_type=pystac.MediaType.COG, extra_fields=fields),
        )
    return item


def place_on(item: pystac.Item, path: Path) -> None:
    """Give an item the grid and the outline of a raster."""
    with rasterio.open(path) as dataset:
        west, south, east, north = transform_bounds(
            dataset.crs, "EPSG:4326", *dataset.bounds
        )
        projection = ProjectionExtension.ext(item, add_if_missing=True)
        authority = dataset.crs.to_authority()
        projection.apply(
            code=":".join(authority) if authority else None,
            wkt2=None if authority else dataset.crs.to_wkt(),
            transform=list(dataset.transform)[:6],
            shape=list(dataset.shape),
        )
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    item.geometry = {"type": "Polygon", "coordinates": [ring]}
    item.bbox = [west, south, east, north]


@pytest.fixture
def stac(tmp_path: Path) -> Iterator[StacService]:
    service = StacService(tmp_path / "stac")
    service.folder.mkdir()
    handler = type("Handler", (Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield service
    server.shutdown()
    thread.join()
    server.server_close()
