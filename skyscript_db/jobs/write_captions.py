"""Write the two captions of each chip, by each recipe that is chosen.

In: ``chip_feature``, verdicts, ``caption_rule``, ``caption_word``, ``caption_recipe``.
Out: ``caption_text`` and ``caption``: ``focus`` tells the focus feature alone,
``multi_feature`` tells it with its surroundings. The grammar is in the functions
``skyscript.style_texts``, ``multi_caption`` and ``plain_surroundings``.

``caption_basis`` keeps the verdicts, rules and words that a recipe's captions were told
by. Where they have changed since, the chips that they tell of are told anew.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from skyscript_db import queries, recipes
from skyscript_db.database import connect, conninfo_of
from skyscript_db.errors import UsageError
from skyscript_db.jobs.caption_basis import mark_changed
from skyscript_db.jobs.runner import batches, notice_death
from skyscript_db.jobs.teller import Teller

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work
    from skyscript_db.recipes import Recipe

UNIT = "chips"
SQL = queries.beside(__file__)

# About 80 features a chip in a city: a batch is some 200 K rows, a second or so.
BATCH = 2500

Batch = list[int]


def parameters(settings: Settings) -> Parameters:
    """Return the recipes."""
    return {"recipes": list(settings.caption_recipes)}


def run(work: Work) -> None:
    """Write the captions that each recipe lacks, or would now write otherwise."""
    for recipe in _told_recipes(work):
        with work.conn.transaction():
            mark_changed(work.conn, recipe.name)
        chosen = {"recipe": recipe.name}
        pending = batches(work, SQL.list_pending, chosen, size=BATCH, unit=UNIT)
        with closing(_Crew(work, recipe)) as crew:
            for bounds in pending:
                rows = work.conn.execute(SQL.select_batch, bounds)
                crew.tell([chip_id for (chip_id,) in rows])
            crew.finish()
    work.conn.execute(SQL.analyze)


def _told_recipes(work: Work) -> list[Recipe]:
    """Return the recipes to tell by, each once.

    One that a model rewrites is told by its base.
    """
    told: dict[str, Recipe] = {}
    for name in work.settings.caption_recipes:
        recipe = _usable(work, name)
        if recipe.style == "llm":
            recipe = _usable(work, recipe.settings.get("base", ""))
        if recipe.style == "llm":
            raise UsageError(f"the base of caption recipe {name!r} is of style llm too")
        told[recipe.name] = recipe
    return list(told.values())


def _usable(work: Work, name: str) -> Recipe:
    recipe = recipes.find(work.conn, name)
    recipes.check_settings(recipe)
    return recipe


class _Crew:
    """Tells batches here, and on connections beside, one for each further worker."""

    def __init__(self, work: Work, recipe: Recipe) -> None:
        self._here = Teller(work.conn, recipe)
        self._n_beside = work.settings.workers - 1
        self._pool = ThreadPoolExecutor(max(1, self._n_beside))
        self._running: list[Future[None]] = []
        self._idle: list[Teller] = []
        self._last: Batch | None = None

    def tell(self, chips: Batch) -> None:
        """Tell a batch, or begin to; the last one waits for ``finish``."""
        if self._last is not None:
            self._tell(self._last)
        self._last = chips

    def finish(self) -> None:
        """Tell the last batch here, as most runs have no other; wait for the rest."""
        if self._last is not None:
            self._here.tell(self._last)
        for future in self._running:
            future.result()

    def close(self) -> None:
        """Let those beside end what they are at."""
        self._pool.shutdown(cancel_futures=True)
        for teller in self._idle:
            teller.conn.close()
        self._here.close()

    def _tell(self, chips: Batch) -> None:
        for future in self._running:
            if future.done():
                future.result()
        self._running = [future for future in self._running if not future.done()]
        # Of two batches, one is told and the other to be taken up at once.
        if len(self._running) < 2 * self._n_beside:
            self._running.append(self._pool.submit(self._tell_beside, chips))
        else:
            self._here.tell(chips)

    def _tell_beside(self, chips: Batch) -> None:
        teller = self._teller_beside()
        try:
            teller.tell(chips)
        except BaseException:
            teller.conn.close()
            raise
        self._idle.append(teller)

    def _teller_beside(self) -> Teller:
        with suppress(IndexError):
            return self._idle.pop()
        conn = connect(conninfo_of(self._here.conn))
        notice_death(conn)
        return Teller(conn, self._here.recipe)
