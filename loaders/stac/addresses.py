"""Which addresses a catalogue may send us to.

A catalogue is somebody else's text, and the files that it names are fetched from where
we stand. So it may name nothing that lies further in than itself: a public one no host
of a private network, and only one on this machine the machine itself. Where a cloud
tells a machine its secrets nothing is asked, whoever names it. Each request is checked,
redirects too, and so is the address that a connection has reached.
"""

from __future__ import annotations

import ipaddress
import socket
from enum import IntEnum
from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from skyscript_db.errors import LoaderError, RequestFailed

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
    try:
        parts = urlsplit(href)
    except ValueError:
        return False
    return parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)


def check(url: str, origin: str) -> None:
    """Refuse an address that lies further in than the one that named it.

    Raises:
        LoaderError: It does, or it is not http(s).
        RequestFailed: One of their hosts is not known.
    """
    if not is_url(url):
        raise LoaderError(
            f"{shown(url)} is not http(s): a catalogue on the network may name only "
            "what is there too"
        )
    found = reach(str(urlsplit(url).hostname))
    if found is Reach.MACHINE:
        raise LoaderError(
            f"{shown(url)} is where a cloud tells a machine its secrets, and holds no "
            "imagery: it is not asked for"
        )
    if not is_url(origin) or urlsplit(origin).hostname == urlsplit(url).hostname:
        return
    allowed = reach(str(urlsplit(origin).hostname))
    if allowed < Reach.LOOPBACK and found > allowed:
        raise LoaderError(
            f"{shown(url)} lies within a private network or this machine, and was "
            f"named from outside by {shown(origin)}: it is not asked for"
        )


def check_peer(host: str, address: str) -> None:
    """Refuse an address that lies further in than its host did when it was checked.

    Raises:
        LoaderError: It does.
    """
    found = _reach(_parsed(address))
    if found is Reach.MACHINE or found > reach(host):
        raise LoaderError(
            f"{host} leads to {address} now, which lies further in than where it led "
            "when it was checked: it is not asked; tell whoever publishes the catalogue"
        )


def reach(host: str) -> Reach:
    """Return how far in a host lies; the farthest, where it has several addresses.

    Raises:
        RequestFailed: The host is not known, and no proxy would know it for us.
    """
    return max((_reach(address) for address in _addresses(host)), default=Reach.PUBLIC)


def _addresses(host: str) -> tuple[Address, ...]:
    try:
        # One host, however written: what was found for the check is what counts later.
        return _looked_up(host.rstrip(".").lower())
    except (OSError, UnicodeError) as error:
        if _has_proxy(host):
            return ()  # it looks the name up, where it stands
        raise RequestFailed(
            f"the host {host} is not known ({error}): see whether its name is right "
            "and the network is there, or set https_proxy",
            is_transient=getattr(error, "errno", None) == socket.EAI_AGAIN,
        ) from error


def _has_proxy(host: str) -> bool:
    return bool({"http", "https", "all"} & getproxies().keys()) and not proxy_bypass(
        host
    )


# What fails is not remembered: the next time it may be known, and lie elsewhere.
@lru_cache(maxsize=1024)
def _looked_up(host: str) -> tuple[Address, ...]:
    found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    return tuple(_parsed(str(entry[4][0])) for entry in found)


def _parsed(address: str) -> Address:
    return ipaddress.ip_address(address.split("%", maxsplit=1)[0])


def _reach(address: Address) -> Reach:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_link_local or str(address) in _METADATA:
        return Reach.MACHINE
    if address.is_loopback or address.is_unspecified:
        return Reach.LOOPBACK
    return Reach.PUBLIC if address.is_global else Reach.PRIVATE


def shown(url: str) -> str:
    """Return an address without what may be secret: its query, and a password."""
    scheme, mark, rest = url.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"
