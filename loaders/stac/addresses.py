"""Which addresses a catalogue may send us to.

A catalogue is somebody else's text, and the files that it names are fetched from where
we stand. So it may name nothing that lies further in than itself: a public one no host
of a private network, and only one on this machine the machine itself. Each request is
checked, redirects too.
"""

from __future__ import annotations

import ipaddress
import socket
from enum import IntEnum
from functools import lru_cache
from urllib.parse import urlsplit

from skyscript_db.errors import LoaderError

# Where clouds tell a machine its own secrets, beside the link-local addresses.
_METADATA = frozenset({"100.100.100.200", "192.0.0.192", "fd00:ec2::254"})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(IntEnum):
    """How far in an address lies."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2
    MACHINE = 3


def is_url(href: str) -> bool:
    """Return whether it is http(s), not a local path or another scheme."""
    return urlsplit(href).scheme.lower() in {"http", "https"}


def check(url: str, origin: str) -> None:
    """Refuse an address that lies further in than the one that named it.

    Raises:
        LoaderError: It does, or it is not http(s).
    """
    if not is_url(url):
        raise LoaderError(
            f"{_shown(url)} is not http(s): a catalogue on the network may name only "
            "what is there too"
        )
    if not is_url(origin) or urlsplit(origin).hostname == urlsplit(url).hostname:
        return
    allowed = reach(str(urlsplit(origin).hostname))
    if allowed < Reach.LOOPBACK and reach(str(urlsplit(url).hostname)) > allowed:
        raise LoaderError(
            f"{_shown(url)} lies within a private network or this machine, and was "
            f"named from outside by {_shown(origin)}: it is not asked for"
        )


def reach(host: str) -> Reach:
    """Return how far in a host lies; the farthest, where it has several addresses."""
    return max((_reach(address) for address in _addresses(host)), default=Reach.PUBLIC)


@lru_cache(maxsize=1024)
def _addresses(host: str) -> tuple[Address, ...]:
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except OSError:
        return ()  # by a proxy or not at all: the request itself will tell
    return tuple(
        ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found
    )


def _reach(address: Address) -> Reach:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_link_local or str(address) in _METADATA:
        return Reach.MACHINE
    if address.is_loopback or address.is_unspecified:
        return Reach.LOOPBACK
    return Reach.PUBLIC if address.is_global else Reach.PRIVATE


def _shown(url: str) -> str:
    """Return an address without its query, which may hold a signature."""
    return url.partition("?")[0]
