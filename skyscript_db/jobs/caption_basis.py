"""What captions were told by, and which of them would be told otherwise now.

In: verdicts, ``caption_rule``, ``caption_word``, ``hiding_tag``, ``word_tokens``, the
functions of the grammar, ``caption_recipe``. Out: ``caption_basis``, a digest of these
by recipe and tag, and ``caption_retelling``, the chips that carry a tag that changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skyscript_db import queries

if TYPE_CHECKING:
    import psycopg

SQL = queries.beside(__file__)


def mark_changed(conn: psycopg.Connection[Any], recipe: str) -> None:
    """List the chips that a recipe would tell otherwise now, in a transaction."""
    for statement in (
        *(SQL.create_basis, SQL.create_changes, SQL.mark_all, SQL.mark_changed),
        *(SQL.forget_basis, SQL.insert_basis),
    ):
        conn.execute(statement, {"recipe": recipe})
