"""Connections: which database, how it is reached, and what every session sets."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors
from psycopg.conninfo import make_conninfo

from skyscript_db.cluster import Cluster
from skyscript_db.errors import ServerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from skyscript_db.config import Settings

# Compiling plans (jit) takes longer than our statements, short or batched, gain by it.
# All our names are qualified; a role named like our schema would have it in its path.
_SESSION = "SET TIME ZONE 'UTC'; SET jit = off; SET search_path = public"

_LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT")


def is_embedded(settings: Settings) -> bool:
    """Return whether our own cluster is meant, no other server being named."""
    return settings.database_url is None and not any(
        os.environ.get(name) for name in _LIBPQ_VARIABLES
    )


def conninfo(settings: Settings) -> str:
    """Return the connection string, after starting our own cluster if it is ours.

    Order: ``SKYSCRIPT_DATABASE_URL``, libpq's variables, the embedded cluster.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    if is_embedded(settings):
        cluster = Cluster(settings.home)
        cluster.start()
        return cluster.url()
    return ""


def connect(info: str) -> psycopg.Connection[Any]:
    """Connect to any database, whatever is in it; transactions are explicit.

    Raises:
        ServerError: No server answers, or it refuses this user.
    """
    try:
        told = make_conninfo(info, application_name="skyscript", connect_timeout=10)
    except psycopg.ProgrammingError:
        # What is wrong in it may be its password: neither told nor chained.
        raise ServerError(
            "SKYSCRIPT_DATABASE_URL is no connection string: write "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with %-codes for special "
            "characters"
        ) from None
    try:
        conn = psycopg.connect(told, autocommit=True)
    except psycopg.OperationalError as error:
        raise ServerError(
            f"cannot connect to PostgreSQL: {str(error).strip()}\n"
            "Check SKYSCRIPT_DATABASE_URL or libpq's PG* variables; without either, "
            "`skyscript db start` runs a server of its own."
        ) from error
    conn.execute(_SESSION)
    return conn


def conninfo_of(conn: psycopg.Connection[Any]) -> str:
    """Return the connection string by which another connects to the same database."""
    return make_conninfo(conn.info.dsn, password=conn.info.password or None)


@contextmanager
def explained() -> Iterator[None]:
    """Raise what our functions in SQL refuse as an error of use, with their hint.

    Raises:
        UsageError: A function was given a value that is not fit.
    """
    try:
        yield
    except errors.InvalidParameterValue as error:
        hint = error.diag.message_hint or "see the function's comment"
        raise UsageError(f"{error.diag.message_primary}: {hint}") from error


def engine(info: str) -> Engine:
    """Return an SQLAlchemy engine on a database, for Alembic alone."""
    from sqlalchemy import create_engine, pool  # noqa: PLC0415 - slow, rarely needed

    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: _plain(info),
        poolclass=pool.NullPool,
    )


def _plain(info: str) -> psycopg.Connection[Any]:
    conn = connect(info)
    conn.autocommit = False
    return conn


def environment(settings: Settings) -> dict[str, str]:
    """Return libpq's variables for a child process, so that no secret is in argv."""
    parts = psycopg.conninfo.conninfo_to_dict(conninfo(settings))
    names = {
        "host": "PGHOST",
        "hostaddr": "PGHOSTADDR",
        "port": "PGPORT",
        "dbname": "PGDATABASE",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "service": "PGSERVICE",
        "sslmode": "PGSSLMODE",
    }
    return {names[name]: str(value) for name, value in parts.items() if name in names}
