"""A database for all tests of exports, emptied after each.

An export reads in a transaction of its own, so rolling back is no way to clean up, and
a clone a test would take most of the time.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import make_conninfo

from skyscript_db.database import connect
from tests.export.dataset import Dataset
from tests.fix_server import create_database, drop_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyscript_db.config import Settings


@pytest.fixture(scope="session")
def export_info(server_url: str, template_db: str) -> Iterator[str]:
    name = f"export_{uuid.uuid4().hex[:12]}"
    create_database(server_url, name, template=template_db)
    yield make_conninfo(server_url, dbname=name)
    drop_database(server_url, name)


@pytest.fixture
def dataset(export_info: str, settings: Settings) -> Iterator[Dataset]:
    with connect(export_info) as conn:
        made = Dataset(conn, settings.chips)
        made.splits_are_drawn()
        yield made
        made.remove()
