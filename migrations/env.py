"""Alembic's entry: one transaction for everything that an upgrade changes.

Replaceable objects are dropped first and re-applied at head, so that a revision never
meets a view that depends on what it alters, and a failure leaves all as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

from skyscript_db import schema
from skyscript_db.config import Settings
from skyscript_db.database import conninfo, engine
from skyscript_db.models import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection


def include_object(
    item: object,
    name: str | None,
    kind: str,
    is_reflected: bool,  # noqa: FBT001 - Alembic's signature
    other: object,
) -> bool:
    """Leave alone the tables that only the database has: osm2pgsql's partitions.

    Tables of ours that no model describes are still reported.
    """
    del name, other
    is_foreign = kind == "table" and is_reflected
    return not (is_foreign and getattr(item, "schema", None) != "skyscript")


def include_name(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
    """Look into our two schemas, past the partitions that jobs make."""
    del parents
    if kind == "schema":
        return name in {"skyscript", "osm"}
    return not (kind == "table" and name is not None and "_model_" in name)


def migrate(connection: Connection) -> None:
    """Run what was asked for, inside the connection's transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_schemas=True,
        include_object=include_object,
        include_name=include_name,
        version_table_schema="skyscript",
        compare_type=True,
    )
    schema.prepare(connection)
    with context.begin_transaction():
        context.run_migrations()
    if schema.is_at_head(connection):
        schema.apply_replaceables(connection)


def main() -> None:
    """Use the caller's connection, or open one to the configured database."""
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    with engine(conninfo(Settings())).begin() as connection:
        migrate(connection)


main()
