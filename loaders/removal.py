"""Take collections and plans out again, with their chips and all that was made of them.

The texts of captions and their embeddings stay: others may say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loaders.scenes import drop_chips, remove_images, without_jobs
from skyscript_db import images, queries
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    import psycopg

    from skyscript_db.config import Settings

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
        UsageError: No chip is of this plan, or of several that it may mean.
        JobBusy: A job is running, and may be at work on its chips.
    """
    return _remove(conn, settings, plan=find_plan(conn, plan))


def find_plan(conn: psycopg.Connection[Any], told: str) -> str:
    """Return the plan of this name, or the only one that begins so or has these words.

    Raises:
        UsageError: No chip is of such a plan, or several plans may be meant.
    """
    names = [str(name) for name, *_ in plans(conn)]
    words = set(told.split())
    found = [
        name
        for name in names
        if name.startswith(told) or (words and words <= set(name.split()))
    ]
    if told in names or (words and len(found) == 1):
        return told if told in names else found[0]
    if words and found:
        raise UsageError(
            f"{told!r} may be any of {len(found)} plans: {'; '.join(found)}; give "
            "words that one alone has"
        )
    raise UsageError(
        f"no chip is of the plan {told!r}: `skyscript remove plan` lists the plans"
    )


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
        remove_images(store, dropped)
    return len(dropped)
