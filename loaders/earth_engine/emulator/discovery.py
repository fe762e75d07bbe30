"""The API's own description and list of functions, as the installed client has them.

The client's wheel carries both for its tests. The description is of an earlier version
(v1alpha) and lacks two parameters which today's client sends when it lists assets; both
are put right here, and nothing of them is kept in this project.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import Any

from skyscript_db.errors import LoaderError


def document(url: str) -> dict[str, Any]:
    """Return the discovery document of an API that is served at a URL."""
    text = _carried("cloud_api_discovery_document.json").replace("v1alpha", "v1")
    described: dict[str, Any] = json.loads(text)
    described |= {"rootUrl": f"{url}/", "baseUrl": f"{url}/"}
    projects = described["resources"]["projects"]
    for resource in (projects, projects["resources"]["assets"]):
        _take_filters(resource["methods"]["listAssets"])
    return described


def _take_filters(method: dict[str, Any]) -> None:
    for name in ("filter", "view"):
        method["parameters"][name] = {"location": "query", "type": "string"}


def algorithms() -> bytes:
    """Return the list of functions, as JSON."""
    return _carried("algorithms.json").encode()


@lru_cache(maxsize=2)
def _carried(name: str) -> str:
    try:
        return (resources.files("ee") / "tests" / name).read_text(encoding="utf-8")
    except (FileNotFoundError, ModuleNotFoundError) as error:
        raise LoaderError(
            f"the installed earthengine-api has no tests/{name}, which the emulator "
            "serves: install earthengine-api 1.7"
        ) from error
