"""Reference systems of rasters, as rows of PostGIS's ``spatial_ref_sys``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from skyscript_db import queries
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    import psycopg

SQL = queries.beside(__file__)

# PostGIS leaves these to users; its CHECK ends them at 998999.
FIRST_CUSTOM_SRID = 900_000
N_CUSTOM_SRIDS = 98_999


def find_or_register(
    conn: psycopg.Connection[Any], authority: tuple[str, str] | None, wkt: str
) -> tuple[str, int]:
    """Return the name of a reference system, or its WKT, and its SRID.

    ``authority`` is its name and code, such as EPSG and 32632.

    A system that PostGIS does not know by its code is registered by its WKT, under a
    number derived from that: the same on every machine.
    """
    if authority is not None:
        name, code = authority
        found = conn.execute(
            SQL.find_srid, {"auth_name": name, "code": code}
        ).fetchone()
        if found is not None:
            return f"{name}:{code}", found[0]
    return wkt, _register(conn, wkt)


def _register(conn: psycopg.Connection[Any], wkt: str) -> int:
    digest = hashlib.sha256(wkt.encode()).digest()
    offset = int.from_bytes(digest[:8], "big")
    for step in range(N_CUSTOM_SRIDS):
        srid = FIRST_CUSTOM_SRID + (offset + step) % N_CUSTOM_SRIDS
        known = conn.execute(SQL.find_srtext, {"srid": srid}).fetchone()
        if known is None:
            conn.execute(SQL.insert_srid, {"srid": srid, "wkt": wkt})
            return srid
        if known[0] == wkt:
            return srid
    raise LoaderError(
        "spatial_ref_sys has no number left for its reference system: delete rows "
        f"above {FIRST_CUSTOM_SRID} that nothing uses"
    )
