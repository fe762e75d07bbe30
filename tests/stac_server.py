"""The HTTP side of the STAC service that tests/fix_stac.py offers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from tests.fix_stac import Fault, StacService

CONFORMS = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "https://api.stacspec.org/v1.0.0/item-search#query",
]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: StacService

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._serve(parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()})

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self._serve(urlsplit(self.path).path, json.loads(self.rfile.read(length)))

    def _serve(self, path: str, told: dict[str, Any]) -> None:
        self.service.asked.append(f"{self.command} {self.path}")
        fault = next((f for f in self.service.faults if f.path in path), None)
        if fault is not None:
            fault.times -= 1
            if fault.times == 0:
                self.service.faults.remove(fault)
            if self._misbehave(fault):
                return
        if path.startswith("/files/"):
            self._file(path.removeprefix("/files/"), told, fault)
        else:
            self._document(path, told)

    def _misbehave(self, fault: Fault) -> bool:
        """Do what a fault says; return whether that was all."""
        if fault.kind.isdecimal():
            self._send(int(fault.kind), b"no", "text/plain", **fault.headers)
        elif fault.kind == "html":
            self._send(200, b"<html>Bad gateway</html>", "text/html")
        elif fault.kind.startswith("http"):
            self._send(302, b"", "text/plain", Location=fault.kind)
        return fault.kind != "truncate"

    def _send(self, status: int, data: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        length = {"Content-Length": str(len(data)), "Content-Type": kind}
        for name, value in {**length, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def _json(self, found: Any) -> None:
        self._send(200, json.dumps(found).encode(), "application/json")

    # --- documents ------------------------------------------------------------------

    def _document(self, path: str, told: dict[str, Any]) -> None:
        service, parts = self.service, path.strip("/").split("/")
        match parts:
            case [""]:
                self._json(self._landing())
            case ["collections"]:
                found = [self._collection(name) for name in service.items]
                self._json({"collections": found, "links": []})
            case ["collections", name] if name in service.items:
                self._json(self._collection(name))
            case ["search"]:
                self._json(self._search(told))
            case ["token", _]:
                self._json(self._token())
            case _ if path in service.documents:
                self._json(service.documents[path])
            case _:
                self._send(404, b"{}", "application/json")

    def _landing(self) -> dict[str, Any]:
        url = self.service.url
        links = [
            {"rel": "self", "href": url},
            {"rel": "root", "href": url},
            {"rel": "data", "href": f"{url}/collections"},
        ]
        links += [
            {"rel": "search", "href": f"{url}/search", "method": method}
            for method in self.service.methods
        ]
        about = {"type": "Catalog", "id": "here", "description": "A service."}
        return {
            **about,
            "stac_version": "1.0.0",
            "conformsTo": CONFORMS,
            "links": links,
        }

    def _collection(self, name: str) -> dict[str, Any]:
        boxes = [item["bbox"] for item in self.service.items[name]]
        west, south, east, north = zip(*boxes, strict=True)
        bbox = [min(west), min(south), max(east), max(north)]
        url = self.service.url
        return {
            "type": "Collection",
            "id": name,
            "stac_version": "1.0.0",
            "description": "Some scenes.",
            "license": "CC0-1.0",
            "providers": [{"name": "A surveyor", "roles": ["producer"]}],
            "extent": {
                "spatial": {"bbox": [bbox]},
                "temporal": {"interval": [[None, None]]},
            },
            "links": [
                {"rel": "root", "href": url},
                {"rel": "items", "href": f"{url}/collections/{name}/items"},
            ],
        }

    def _token(self) -> dict[str, str]:
        service = self.service
        service.n_tokens += 1
        service.token = f"sig=token{service.n_tokens}"
        ends = datetime.now(UTC) + service.token_life
        return {"token": service.token, "msft:expiry": ends.isoformat()}

    def _search(self, told: dict[str, Any]) -> dict[str, Any]:
        service = self.service
        service.searches.append(told)
        names = told["collections"]
        names = names.split(",") if isinstance(names, str) else names
        found = [
            item
            for name in names
            for item in service.items[name]
            if _is_wanted(item, told)
        ]
        first = int(told.get("first", 0))
        stop = first + min(int(told.get("limit", 10)), service.page_items)
        links = []
        if stop < len(found):
            link: dict[str, Any] = {"rel": "next", "method": self.command}
            if self.command == "POST":
                link |= {
                    "href": f"{service.url}/search",
                    "body": told | {"first": stop},
                }
            else:
                query = urlencode({**told, "first": stop})
                link |= {"href": f"{service.url}/search?{query}"}
            links.append(link)
        return {
            "type": "FeatureCollection",
            "features": found[first:stop],
            "links": links,
        }

    # --- files ----------------------------------------------------------------------

    def _file(self, name: str, told: dict[str, Any], fault: Fault | None) -> None:
        service = self.service
        if service.token is not None and f"sig={told.get('sig')}" != service.token:
            self._send(403, b"signature", "application/xml")
            return
        data = (service.folder / name).read_bytes()
        etag = f'"{hash(data)}"'
        if not service.has_ranges:
            self._send(200, data, "image/tiff")
            return
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        last = min(last, len(data) - 1)
        service.ranges.append((name, first, last + 1))
        part = data[first : last + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", etag)
        self.end_headers()
        if fault is not None:  # truncate
            part = part[: len(part) // 2]
            self.close_connection = True
        self.wfile.write(part)


def _is_wanted(item: dict[str, Any], told: dict[str, Any]) -> bool:
    properties = item["properties"]
    return (
        _is_in_box(item["bbox"], told.get("bbox"))
        and _is_between(properties["datetime"], told.get("datetime"))
        and all(
            properties.get(name, 101) <= rule["lte"]
            for name, rule in _as_object(told.get("query")).items()
        )
    )


def _as_object(told: Any) -> dict[str, Any]:
    return json.loads(told) if isinstance(told, str) else told or {}


def _is_in_box(own: list[float], told: Any) -> bool:
    if told is None:
        return True
    box = [float(x) for x in told.split(",")] if isinstance(told, str) else told
    return (
        own[0] <= box[2] and box[0] <= own[2] and own[1] <= box[3] and box[1] <= own[3]
    )


def _is_between(moment: str, told: str | None) -> bool:
    if told is None:
        return True
    start, end = told.split("/")
    return (start == ".." or start <= moment) and (end == ".." or moment <= end)
