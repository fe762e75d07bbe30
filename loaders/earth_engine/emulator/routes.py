"""The calls of the Cloud API that the emulator knows, by method and path."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from loaders.earth_engine.emulator import (
    arithmetic,
    bands,
    catalogues,
    descriptions,
    discovery,
    encoding,
    expressions,
    filters,
)
from loaders.earth_engine.emulator.answers import (
    Answer,
    ApiError,
    AskedWindow,
    invalid,
    not_emulated,
    of_json,
)
from loaders.earth_engine.emulator.assets import Library, key_of, missing
from loaders.earth_engine.emulator.files import Files
from loaders.earth_engine.emulator.grids import PixelGrid, place
from loaders.earth_engine.emulator.images import Image, compute

DEFAULT_PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """One request: ``name`` is what lies between the version and the verb."""

    name: str
    query: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body.

        Raises:
            ApiError: It is not a JSON object.
        """
        try:
            said = json.loads(self.body)
        except ValueError as error:
            raise invalid(f"Invalid JSON payload received: {error}") from error
        if not isinstance(said, dict):
            raise invalid("Invalid JSON payload received: an object was expected.")
        return said


@dataclass(frozen=True, slots=True)
class Service:
    """What the calls work with."""

    library: Library
    url: Callable[[], str]


Call = Callable[[Service, Request], Answer]


def find(method: str, path: str) -> tuple[str, Call, str]:
    """Return a call's short name, the call, and the resource that it is about."""
    for verb, pattern, name, call in _ROUTES:
        match = re.fullmatch(pattern, path)
        if match and verb == method:
            return name, call, match.group(1) if match.groups() else ""
    return "unknown", _unknown, f"{method} {path}"


def _unknown(service: Service, request: Request) -> Answer:
    del service
    raise not_emulated(request.name)


def _discovery(service: Service, request: Request) -> Answer:
    del request
    return of_json(discovery.document(service.url()))


def _algorithms(service: Service, request: Request) -> Answer:
    del service, request
    return Answer(discovery.algorithms())


def _get_asset(service: Service, request: Request) -> Answer:
    library, key = service.library, key_of(request.name)
    prefix = _prefix(request.name, key)
    if library.has_collection(key) or library.has_folder(key):
        is_collection = library.has_collection(key)
        said = descriptions.folder(key, prefix, is_collection=is_collection)
        return of_json(said)
    try:
        return of_json(descriptions.asset(library.image(key), prefix))
    except ApiError as error:
        raise missing(request.name) if error.code == 404 else error from None


def _prefix(name: str, key: str) -> str:
    return name.rstrip("/").removesuffix(key)


def _list_assets(service: Service, request: Request) -> Answer:
    library, key = service.library, key_of(request.name)
    if "/assets" not in request.name:  # the root of a project
        key, prefix = "", f"{request.name}/assets/"
    else:
        prefix = _prefix(request.name, key)
    is_basic = request.query.get("view") == "BASIC"
    if library.has_collection(key):
        test = filters.parse(request.query.get("filter", ""))
        images = [image for image in library.images(key) if test(image)]
        page, token = _page(images, request.query)
        found = [descriptions.asset(i, prefix, is_basic=is_basic) for i in page]
    elif library.has_folder(key):
        page, token = _page(library.folders(key), request.query)
        found = [_described(library, below, prefix) for below in page]
    else:
        raise missing(request.name)
    said = {"assets": found, "nextPageToken": token}
    return of_json({name: value for name, value in said.items() if value})


def _described(library: Library, key: str, prefix: str) -> dict[str, Any]:
    is_collection = library.has_collection(key)
    return descriptions.folder(key, prefix, is_collection=is_collection)


def _page(found: list[Any], query: Mapping[str, str]) -> tuple[list[Any], str]:
    """Return the items of a page, and the token of the next if there are more."""
    try:
        size = int(query.get("pageSize", DEFAULT_PAGE_SIZE))
        token = query.get("pageToken", "")
        first = int(base64.urlsafe_b64decode(token)) if token else 0
    except (ValueError, binascii.Error) as error:
        raise invalid("Invalid page size or token.") from error
    if size < 1 or not 0 <= first <= len(found):
        raise invalid("Invalid page size or token.")
    end = first + min(size, DEFAULT_PAGE_SIZE)
    following = base64.urlsafe_b64encode(str(end).encode()).decode()
    return found[first:end], following if end < len(found) else ""


def _compute_value(service: Service, request: Request) -> Answer:
    with Files() as files:
        value = _evaluated(service, request.json(), files)
        return of_json({"result": catalogues.plain(value)})


def _evaluated(service: Service, said: Mapping[str, Any], files: Files) -> Any:
    if "expression" not in said:
        raise invalid("Expression is required.")
    functions = {
        **arithmetic.FUNCTIONS,
        **bands.FUNCTIONS,
        **catalogues.FUNCTIONS,
        **catalogues.loading(service.library, files),
    }
    return expressions.evaluate(said["expression"], functions)


def _compute_pixels(service: Service, request: Request) -> Answer:
    said = request.json()
    with Files() as files:
        image = _evaluated(service, said, files)
        if not isinstance(image, Image):
            raise invalid("The expression must evaluate to an image.")
        return _rendered(image, said, files)


def _get_pixels(service: Service, request: Request) -> Answer:
    with Files() as files:
        load = catalogues.loading(service.library, files)["Image.load"]
        return _rendered(load({"id": request.name}), request.json(), files)


def _rendered(image: Image, said: Mapping[str, Any], files: Files) -> Answer:
    if "region" in said:
        raise not_emulated("a region beside or instead of a grid")
    if said.get("bandIds"):
        chosen = {"input": image, "bandSelectors": said["bandIds"]}
        image = bands.select(chosen)
    if said.get("visualizationOptions"):
        image = _visualized(image, said["visualizationOptions"])
    grid = PixelGrid.of_json(said.get("grid", {}), image.grid)
    encoding.check_size(image, grid)
    values, masks = compute(image, grid)
    file_format = said.get("fileFormat", "AUTO_JPEG_PNG")
    answer = encoding.encode(file_format, values, masks, grid)
    return replace(answer, windows=tuple(_windows(grid, files)))


def _windows(grid: PixelGrid, files: Files) -> Iterator[AskedWindow]:
    for key, native in files.natives.items():
        at = place(grid, native)
        yield AskedWindow(key, at.col_off, at.row_off, grid.width, grid.height)


def _visualized(image: Image, options: Mapping[str, Any]) -> Image:
    ranges = options.get("ranges", [])
    if set(options) - {"ranges"}:
        raise not_emulated(f"visualization by {', '.join(sorted(options))}")
    low = [span.get("min", 0) for span in ranges] or None
    high = [span.get("max", 0) for span in ranges] or None
    return bands.visualize({"image": image, "min": low, "max": high})


_PROJECT = r"/v1/(projects/[^/:]+)"
_ASSET = r"/v1/(projects/[^/]+/assets(?:/[^:]*)?)"
_ROUTES: tuple[tuple[str, str, str, Call], ...] = (
    ("GET", r"/\$discovery/rest", "discovery", _discovery),
    ("GET", f"{_PROJECT}/algorithms", "algorithms", _algorithms),
    ("GET", f"{_PROJECT}:listAssets", "listAssets", _list_assets),
    ("GET", f"{_ASSET}:listAssets", "listAssets", _list_assets),
    ("GET", _ASSET, "assets.get", _get_asset),
    ("POST", f"{_PROJECT}/value:compute", "value:compute", _compute_value),
    ("POST", f"{_PROJECT}/image:computePixels", "computePixels", _compute_pixels),
    ("POST", f"{_ASSET}:getPixels", "getPixels", _get_pixels),
)
