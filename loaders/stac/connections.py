"""Connections that lie no further in than the host whose name was checked.

A name may lead elsewhere when it is looked up for the connection than it did for the
check. So whom a connection has reached is judged too, before anything is said to it. A
connection to a proxy is the user's own choice, and is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from loaders.stac import addresses

if TYPE_CHECKING:
    import socket


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _judged(self.host, super()._new_conn())


class _SafeConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _judged(self.host, super()._new_conn())


def _judged(host: str, found: socket.socket) -> socket.socket:
    try:
        addresses.check_peer(host, found.getpeername()[0])
    except BaseException:
        found.close()
        raise
    return found


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SafePool(HTTPSConnectionPool):
    ConnectionCls = _SafeConnection


class Adapter(HTTPAdapter):
    """What ``requests`` makes connections by."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make connections that are judged."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SafePool}
