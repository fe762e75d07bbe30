"""Write the two captions of each chip.

In: ``chip_feature``, verdicts, ``caption_rule``, one ``caption_recipe``. Out:
``caption_text`` and ``caption``: ``focus`` tells the focus feature alone,
``multi_feature`` tells it with its surroundings. The grammar is in the functions
``skyscript.feature_texts`` and ``skyscript.multi_caption``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db import queries
from skyscript_db.errors import UsageError
from skyscript_db.jobs.runner import batches

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "chips"
SQL = queries.beside(__file__)

# Distinct tag sets are told once a batch: the larger, the fewer are told again.
BATCH = 20_000


def parameters(settings: Settings) -> Parameters:
    """Return the recipe."""
    return {"recipe": settings.caption_recipe}


def run(work: Work) -> None:
    """Write the captions that this recipe has not written yet."""
    chosen = parameters(work.settings)
    _check_recipe(work, chosen)
    for bounds in batches(work, SQL.list_pending, chosen, size=BATCH, unit=UNIT):
        with work.conn.transaction():
            work.conn.execute(SQL.create_phrases, bounds)
            work.conn.execute(SQL.analyze_phrases)
            work.conn.execute(SQL.tell, {**chosen, **bounds})
            work.conn.execute(SQL.count_tokens)
            work.conn.execute(SQL.insert_texts, chosen)
            work.conn.execute(SQL.insert_captions, chosen)
            work.conn.execute(SQL.drop_batch)
    work.conn.execute(SQL.analyze)


def _check_recipe(work: Work, chosen: Parameters) -> None:
    names = [name for (name,) in work.conn.execute(SQL.list_recipes)]
    if chosen["recipe"] not in names:
        raise UsageError(
            f"no caption recipe named {chosen['recipe']!r}; there are: "
            f"{', '.join(names)}. Add a row to skyscript.caption_recipe for another."
        )
