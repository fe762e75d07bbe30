"""Collections that are entered at the same time."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from loaders import collections
from loaders.rasters import RasterOptions, load
from skyscript_db import catalogue
from skyscript_db.database import connect
from skyscript_db.errors import UsageError
from tests.fix_rasters import noise, write_raster

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.config import Settings
    from tests.fix_database import Database


def test_who_comes_second_waits_and_learns_that_an_alias_is_taken(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    path = write_raster(tmp_path / "a.tif", noise(3))
    entry = catalogue.find(settings, "USDA/NAIP/DOQQ")
    with ThreadPoolExecutor(1) as beside, connect(database.info) as first:
        with first.transaction():
            load(first, [path], RasterOptions("mine", alias=entry.alias)).check()
            second = beside.submit(collections.enter, database.conn, entry)
            wait_until_held_up(first, second)
        with pytest.raises(UsageError, match="is that of collection mine: give USDA"):
            second.result()


def wait_until_held_up(conn: psycopg.Connection[Any], work: Future[int]) -> None:
    """Return once work waits for a lock on the database, or is done without."""
    held_up = (
        "SELECT count(*) FROM pg_locks AS l"
        " INNER JOIN pg_database AS d ON d.oid = l.database"
        " WHERE NOT l.granted AND d.datname = current_database()"
    )
    while not work.done() and conn.execute(held_up).fetchone() == (0,):
        time.sleep(0.01)
