"""Collections of services: rows that the catalogue's entries become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from skyscript_db import queries
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    import psycopg

    from skyscript_db.catalogue import CatalogueEntry

SQL = queries.beside(__file__)


def find(conn: psycopg.Connection[Any], name: str) -> int | None:
    """Return the id of a collection, None where nothing of it was loaded."""
    row = conn.execute(SQL.find_collection, {"name": name}).fetchone()
    return row[0] if row else None


def enter(conn: psycopg.Connection[Any], entry: CatalogueEntry) -> int:
    """Enter an entry of the catalogue, or what changed of it; return the row's id.

    Raises:
        UsageError: Its name or its alias is taken by another collection.
    """
    remedy = f"give {entry.name} another in collections.toml in your home folder"
    with conn.transaction():
        claim_alias(conn, entry.name, entry.alias, remedy=remedy)
        row = conn.execute(SQL.upsert_collection, _values(entry)).fetchone()
        if row is None:
            raise UsageError(
                f"collection {entry.name} holds images of another provider: give this "
                "one another name in collections.toml in your home folder"
            )
    return int(row[0])


def claim_alias(
    conn: psycopg.Connection[Any], name: str, alias: str, *, remedy: str
) -> None:
    """Check that an alias is no other collection's; none claims one until we commit.

    Raises:
        UsageError: It is taken; ``remedy`` says what to do.
    """
    # Equal aliases are no conflict to the database, and two checks at once pass.
    conn.execute(SQL.lock_aliases)
    other = conn.execute(SQL.find_alias, {"name": name, "alias": alias}).fetchone()
    if other is not None:
        raise UsageError(
            f"the alias {alias} is that of collection {other[0]}: {remedy}"
        )


def _values(entry: CatalogueEntry) -> dict[str, Any]:
    source = {"asset": entry.asset}
    if entry.provider == "stac":
        source = {"catalogue": entry.catalogue, "collection": entry.collection}
    max_cloud = entry.max_cloud
    return {
        "name": entry.name,
        "alias": entry.alias,
        "provider": entry.provider,
        "gsd_m": entry.gsd_m,
        "bands": Jsonb({"rgb": [band.model_dump() for band in entry.rgb]}),
        "stretch": Jsonb(entry.stretch.as_json()),
        "cloud_property": entry.cloud_property,
        "max_cloud_fraction": None if max_cloud is None else max_cloud / 100,
        "licence": entry.licence,
        "attribution": entry.attribution,
        "source": Jsonb(source),
    }
