"""Take collections and plans out again, with their chips and all that was made of them.

The texts of captions and their embeddings stay: others may say the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from loaders.scenes import drop_chips, without_jobs
from skyscript_db import images, queries
from skyscript_db.errors import StorageError, UsageError

if TYPE_CHECKING:
    import psycopg

    from skyscript_db.config import Settings
    from skyscript_db.images import ImageStore

logger = logging.getLogger(__name__)

SQL = queries.beside(__file__)


def remove_collection(
    conn: psycopg.Connection[Any], settings: Settings, name: str
) -> int:
    """Remove a collection with its scenes and chips; return how many chips went.

    Raises:
        UsageError: There is no such collection.
        JobBusy: A job is running, and may be at work on its chips.
    """
    return _remove(conn, settings, collection_id=check_collection(conn, name))


def check_collection(conn: psycopg.Connection[Any], name: str) -> int:
    """Return the id of a collection.

    Raises:
        UsageError: There is no such collection.
    """
    row = conn.execute(SQL.select_collection, {"name": name}).fetchone()
    if row is None:
        raise UsageError(
            f"no collection {name!r} is loaded: `skyscript status` lists those that are"
        )
    return int(row[0])


def remove_plan(conn: psycopg.Connection[Any], settings: Settings, plan: str) -> int:
    """Remove the chips of a plan; return how many they were.

    Raises:
        UsageError: No chip is of this plan.
        JobBusy: A job is running, and may be at work on its chips.
    """
    if plan not in {name for name, *_ in plans(conn)}:
        raise UsageError(
            f"no chip is of the plan {plan!r}: `skyscript remove plan` lists the plans"
        )
    return _remove(conn, settings, plan=plan)


def plans(conn: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """Return each plan with its chips, those on disk, and when it was first made."""
    return conn.execute(SQL.select_plans).fetchall()


def _remove(
    conn: psycopg.Connection[Any],
    settings: Settings,
    *,
    plan: str | None = None,
    collection_id: int | None = None,
) -> int:
    # Opened first: were its address wrong, the rows would be gone and the files not.
    store = images.open_store(settings)
    with without_jobs(conn, "something is to be removed"):
        with conn.transaction():
            dropped = drop_chips(conn, plan=plan, collection_id=collection_id)
            conn.execute(SQL.delete_collection, {"collection_id": collection_id})
        # After the commit: a file too many does no harm, a row without its file does.
        for path in filter(None, dropped):
            _remove_file(store, path)
    return len(dropped)


def _remove_file(store: ImageStore, path: str) -> None:
    try:
        store.remove(path)
    except StorageError as error:
        logger.warning("%s of a chip that is no more stays: %s", path, error)
