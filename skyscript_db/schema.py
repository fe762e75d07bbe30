"""The schema's life: upgrade, downgrade, and the objects re-applied after it.

Structure changes by Alembic revisions. Functions, views, grants and reference data
in ``db/`` are dropped and re-applied as a whole, in the same transaction. Alembic is
imported only where it runs: every command checks the schema, and it takes a second.
"""

from __future__ import annotations

import csv
import hashlib
import re
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, cast

from psycopg import errors, sql

from skyscript_db import queries
from skyscript_db.cluster import check_extensions
from skyscript_db.database import connect, engine
from skyscript_db.errors import SchemaOutOfDate, ServerError
from skyscript_db.paths import DB, MIGRATIONS

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg
    from alembic.config import Config
    from sqlalchemy import Connection

SQL = queries.beside(__file__)

# Replaced as a whole: these tables hold nothing but what the project ships.
REFERENCE_TABLES = (
    "caption_rule",
    "caption_word",
    "failure_remedy",
    "hiding_tag",
    "tag_label",
    "tag_rule",
    "tag_vote",
    "word_tokens",
)


def upgrade(conninfo: str, revision: str = "head") -> None:
    """Bring a database to a revision, making schema and extensions where needed.

    Raises:
        ServerError: An extension is missing or too old, or may not be created, or
            an object of the user's depends on one that must be replaced.
    """
    with connect(conninfo) as conn:
        check_extensions(conn)
        _bootstrap(conn)
    try:
        _run(conninfo, "upgrade", revision)
    except errors.DependentObjectsStillExist as error:
        raise ServerError(
            f"an object of yours depends on one of ours: {error.diag.message_detail}. "
            "Drop it, upgrade, and make it again."
        ) from error


def downgrade(conninfo: str, revision: str = "base") -> None:
    """Take a database back to a revision; ``base`` removes all our tables."""
    _run(conninfo, "downgrade", revision)


def current_revision(conn: psycopg.Connection[Any]) -> str | None:
    """Return the revision that the database is at, None before the first."""
    try:
        with conn.transaction():
            row = conn.execute(SQL.select_revision).fetchone()
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        return None
    return row[0] if row else None


def is_current(conn: psycopg.Connection[Any]) -> bool:
    """Return whether tables and replaceable objects are those of this code."""
    if current_revision(conn) != head_revision():
        return False
    return conn.execute(SQL.select_mark).fetchone() == (_mark(),)


def check(conn: psycopg.Connection[Any]) -> None:
    """Check that the database is as this code wants it.

    Raises:
        SchemaOutOfDate: It is of another version; the message says what to do.
    """
    current, head = current_revision(conn), head_revision()
    if is_current(conn):
        return
    if current == head:
        raise SchemaOutOfDate(
            "the functions, views or labels in the database are of another version: "
            "run `skyscript db upgrade`"
        )
    if current is not None and current not in _revisions():
        raise SchemaOutOfDate(
            f"the database is at revision {current}, which this version does not "
            "know: upgrade skyscript-db"
        )
    raise SchemaOutOfDate(
        f"the database is at revision {current or 'none'}, this version needs {head}: "
        "run `skyscript db upgrade`"
    )


def head_revision() -> str:
    """Return the newest revision of this code."""
    return _revisions()[-1]


def _revisions() -> list[str]:
    """Return all revisions in order: files of migrations begin with their number."""
    files = (MIGRATIONS / "versions").glob("[0-9]*.py")
    return sorted(path.name.partition("_")[0] for path in files)


# --- called by migrations/env.py, inside its transaction ----------------------------


def prepare(connection: Connection) -> None:
    """Take the migration lock and drop the replaceable objects."""
    run_script(connection, SQL.lock)
    run_script(connection, SQL.drop_replaceables)


def is_at_head(connection: Connection) -> bool:
    """Return whether the migration has reached this code's newest revision."""
    from alembic.migration import MigrationContext  # noqa: PLC0415 - see the top

    context = MigrationContext.configure(
        connection, opts={"version_table_schema": "skyscript"}
    )
    return context.get_current_revision() == head_revision()


def apply_replaceables(connection: Connection) -> None:
    """Create functions and views, set grants, and fill the reference tables."""
    run_script(connection, SQL.allow_any_order)
    for path in replaceable_files():
        run_script(connection, path.read_text(encoding="utf-8"))
    cursor = _driver(connection).cursor()
    for table in REFERENCE_TABLES:
        _replace_rows(cursor, table)
    _add_recipes(cursor)
    cursor.execute(sql.SQL(SQL.set_mark).format(_mark()))


def replaceable_files() -> list[Path]:
    """Return the files of replaceable objects in the order of their making."""
    functions = sorted((DB / "functions").glob("*.sql"))
    return [*functions, *_views(), DB / "grants.sql"]


def _views() -> list[Path]:
    """Return the views' files, each after those that it reads."""
    texts = {path: path.read_text("utf-8") for path in (DB / "views").glob("*.sql")}
    reads = {
        path: [other for other in sorted(texts) if _is_read(other, path, text)]
        for path, text in sorted(texts.items())
    }
    return list(TopologicalSorter(reads).static_order())


def _is_read(view: Path, reader: Path, text: str) -> bool:
    name = rf"\b(skyscript|osm)\.{view.stem}\b"
    return view != reader and re.search(name, text) is not None


def _mark() -> str:
    """Return what tells one version of all replaceable objects from another."""
    digest = hashlib.sha256()
    for path in [*replaceable_files(), *sorted((DB / "reference").glob("*.csv"))]:
        digest.update(path.read_bytes())
    return f"SkyScript DB: image-text pairs. Objects {digest.hexdigest()}"


def run_script(connection: Connection, text: str) -> None:
    """Run several statements as they stand: no placeholder in them is expanded."""
    _driver(connection).execute(text.encode())


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _bootstrap(conn: psycopg.Connection[Any]) -> None:
    try:
        conn.execute((DB / "bootstrap.sql").read_bytes())
    except errors.InsufficientPrivilege as error:
        raise ServerError(
            f"this role may not set up the database ({error.diag.message_primary}): "
            f"let an administrator run {DB / 'bootstrap.sql'} once"
        ) from error


def _replace_rows(cursor: psycopg.Cursor[Any], table: str) -> None:
    name = sql.Identifier("skyscript", table)
    header, rows = _read_reference(table)
    columns = sql.SQL(", ").join(map(sql.Identifier, header))
    cursor.execute(sql.SQL("DELETE FROM {}").format(name))
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(name, columns)) as copy:
        for row in rows:
            copy.write_row([field or None for field in row])


def _add_recipes(cursor: psycopg.Cursor[Any]) -> None:
    # Never changed once shipped: captions were written by them.
    header, rows = _read_reference("caption_recipe")
    for row in rows:
        values = dict(zip(header, row, strict=True))
        cursor.execute(SQL.insert_recipe, values)


def _read_reference(table: str) -> tuple[list[str], list[list[str]]]:
    path = DB / "reference" / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def _run(conninfo: str, action: str, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - see the top

    config = alembic_config()
    with engine(conninfo).begin() as connection:
        config.attributes["connection"] = connection
        getattr(command, action)(config, revision)


def alembic_config() -> Config:
    """Return the configuration that Alembic's commands take."""
    from alembic.config import Config  # noqa: PLC0415 - see the top

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
