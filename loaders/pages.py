"""Enter the scenes of one page of a listing: all of them, or none.

What is counted holds from the commit on. The image files of chips that had to go are
removed after it.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loaders import scenes
from loaders.scenes import SceneLoad
from skyscript_db.images import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from loaders.scenes import SceneRow
    from skyscript_db.config import Settings


@dataclass(slots=True)
class Page:
    """What becomes of a page: its counts, and the files of chips that were dropped."""

    conn: psycopg.Connection[Any]
    counts: SceneLoad
    dropped: list[str | None] = field(default_factory=list)
    guard: ExitStack = field(default_factory=ExitStack)

    def register(self, collection_id: int, row: SceneRow) -> None:
        """Insert, replace or leave a scene, and count it.

        Raises:
            JobBusy: Its chips would have to be dropped, and a job is at work on them.
            LoaderError: The collection was removed meanwhile.
        """
        outcome, dropped = scenes.register(self.conn, collection_id, row, self.guard)
        self.counts.count(outcome)
        self.dropped += dropped


@contextmanager
def entering(
    conn: psycopg.Connection[Any], settings: Settings, result: SceneLoad
) -> Iterator[Page]:
    """Give a page to enter scenes by in one transaction, and count it in ``result``."""
    page = Page(conn, SceneLoad(result.collection))
    with page.guard:
        with conn.transaction():
            yield page
            # Before the commit: were there none, rows would go and files stay.
            store = open_store(settings) if page.dropped else None
        page.counts.n_chips_dropped = len(page.dropped)
        result.add(page.counts)
        if store is not None:
            scenes.remove_images(store, page.dropped)
