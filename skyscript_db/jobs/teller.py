"""Tells batches of chips by a recipe, on one connection.

In: ``chip_feature``, verdicts, and what the grammar's functions read. Out:
``caption_text`` and ``caption``.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg

from skyscript_db import queries

if TYPE_CHECKING:
    from skyscript_db.recipes import Recipe

SQL = queries.beside(__file__)

# One batch: what its chips are told is put together, and then stored all at once.
PUT_TOGETHER = (
    SQL.create_batch,
    SQL.analyze_batch,
    SQL.create_links,
    SQL.create_told,
    SQL.add_told,
    SQL.add_phrases,
    SQL.analyze_told,
)
STORE = (SQL.delete_untold, SQL.insert_captions, SQL.delete_retellings)


class Teller:
    """A connection that remembers in temporary tables what it has told of features."""

    def __init__(self, conn: psycopg.Connection[Any], recipe: Recipe) -> None:
        self.conn, self.recipe = conn, recipe
        self._tell = SQL.tell_paper if recipe.style == "paper" else SQL.tell_plain
        self._is_ready = False

    def tell(self, chips: list[int]) -> None:
        """Tell a batch of chips; their captions become visible all at once."""
        if not self._is_ready:
            self.conn.execute(SQL.drop_cache)
            self.conn.execute(SQL.prepare)
            self._is_ready = True
        values = {"recipe": self.recipe.name, "chips": chips}
        tell = (self._tell, SQL.count_tokens, SQL.insert_texts)
        for statement in PUT_TOGETHER + tell:
            self.conn.execute(statement, values)
        with self.conn.transaction():
            for statement in STORE:
                self.conn.execute(statement, values)
        self.conn.execute(SQL.drop_batch)

    def close(self) -> None:
        """Drop what it remembers, unless the connection is lost."""
        with suppress(psycopg.Error):
            self.conn.execute(SQL.drop_cache)
