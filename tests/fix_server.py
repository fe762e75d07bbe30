"""A server for the whole suite: the one of SKYSCRIPT_TEST_DSN, or one of our own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from skyscript_db.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Connection info of a server on which the suite may make and drop databases.

    Each worker of pytest-xdist has a session, and so a server, of its own.
    """
    if dsn := os.environ.get("SKYSCRIPT_TEST_DSN"):
        yield dsn
        return
    with tempfile.TemporaryDirectory(prefix="skyscript-test-") as home:
        cluster = Cluster(Path(home))
        try:
            cluster.start(durable=False)
            yield cluster.url()
        finally:
            cluster.reset()


def create_database(server_url: str, name: str, template: str | None = None) -> str:
    """Make a database, a copy of the template if one is given; return its conninfo."""
    statement = SQL("CREATE DATABASE {}").format(Identifier(name))
    if template is not None:
        statement += SQL(" TEMPLATE {}").format(Identifier(template))
    _execute(server_url, statement)
    return make_conninfo(server_url, dbname=name)


def drop_database(server_url: str, name: str) -> None:
    """Drop a database, throwing out whoever is connected; fine if there is none."""
    _execute(
        server_url,
        SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)),
    )


def _execute(server_url: str, statement: psycopg.sql.Composable) -> None:
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(statement)
