"""Databases for tests: one migrated template, cloned.

``conn`` is for statements and functions: one database for the session, each test
rolled back. ``database`` is for tests that commit, use several connections, or run
other programs: a clone of their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from skyscript_db import schema
from skyscript_db.database import connect
from tests.fix_server import create_database, drop_database


@dataclass(frozen=True)
class Database:
    """A migrated database: its connection string and an autocommit connection."""

    info: str
    conn: psycopg.Connection[Any]


def _unique(stem: str) -> str:
    return f"{stem}_{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def template_db(server_url: str) -> Iterator[str]:
    name = _unique("template")
    create_database(server_url, name)
    schema.upgrade(make_conninfo(server_url, dbname=name))
    yield name
    drop_database(server_url, name)


@pytest.fixture(scope="session")
def shared_info(server_url: str, template_db: str) -> Iterator[str]:
    name = _unique("shared")
    create_database(server_url, name, template=template_db)
    yield make_conninfo(server_url, dbname=name)
    drop_database(server_url, name)


@pytest.fixture
def conn(shared_info: str) -> Iterator[psycopg.Connection[Any]]:
    with connect(shared_info) as connection:
        connection.autocommit = False
        # Opens the transaction, so that those of the code under test nest in it.
        connection.execute("SELECT 1")
        yield connection
        connection.rollback()


@pytest.fixture
def database(server_url: str, template_db: str) -> Iterator[Database]:
    name = _unique("test")
    create_database(server_url, name, template=template_db)
    info = make_conninfo(server_url, dbname=name)
    with connect(info) as connection:
        yield Database(info, connection)
    drop_database(server_url, name)


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    name = _unique("empty")
    create_database(server_url, name)
    yield make_conninfo(server_url, dbname=name)
    drop_database(server_url, name)
