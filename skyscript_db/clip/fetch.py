"""Fetching published weights, once, and soon giving up where there is no network.

Left to itself, the hub's client asks the network about files that are in its cache, and
tries for most of a minute where there is none.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from huggingface_hub import constants, try_to_load_from_cache

if TYPE_CHECKING:
    from pathlib import Path

# What open_clip looks for in a repository, in its order.
FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def fetch(tag: dict[str, Any], cache: Path) -> str:
    """Return the file of a tag's weights, from the cache or else from the network.

    ``tag`` is what ``open_clip.get_pretrained_cfg`` returns.

    Raises:
        OSError: The network cannot be reached, or the file is not there.
        RuntimeError: The file is not the one that open_clip expects.
    """
    import open_clip  # noqa: PLC0415 - slow to import

    cached = _find_cached(tag, cache)
    if cached is not None:
        return cached
    host = urlsplit(tag.get("url") if not tag.get("hf_hub") else constants.ENDPOINT)
    _check_network(str(host.hostname))
    return str(open_clip.download_pretrained(tag, cache_dir=str(cache)))


def _find_cached(tag: dict[str, Any], cache: Path) -> str | None:
    repository, _, file = str(tag.get("hf_hub") or "").rpartition("/")
    if not repository:
        return None
    for name in (file,) if file else FILES:
        path = try_to_load_from_cache(repository, name, cache_dir=cache)
        if isinstance(path, str):
            return path
    return None


def _check_network(host: str) -> None:
    if getproxies():
        return  # who resolves the name then is the proxy
    try:
        socket.getaddrinfo(host, 443)
    except OSError as error:
        raise OSError(f"no network: {host} is not known ({error})") from error
