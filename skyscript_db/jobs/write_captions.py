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
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg

from skyscript_db import queries
from skyscript_db.database import connect, conninfo_of
from skyscript_db.errors import UsageError
from skyscript_db.jobs.runner import batches, notice_death

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "chips"
SQL = queries.beside(__file__)

# About 80 features a chip in a city: a batch is some 400 K rows, a second or two.
BATCH = 2500

# What a recipe's settings may hold, and the values of those that are words.
SETTINGS: dict[str, tuple[object, ...] | type] = {
    "merge": ("count", "once"),
    "order": ("size", "salience"),
    "max_neighbours": int,
    "spatial": bool,
    "aerial_max_gsd_m": float,
    "base": str,
    "prompt": str,
}

Connection = psycopg.Connection[Any]
Batch = list[int]


def parameters(settings: Settings) -> Parameters:
    """Return the recipes."""
    return {"recipes": list(settings.caption_recipes)}


def run(work: Work) -> None:
    """Write the captions that each recipe lacks, or would now write otherwise."""
    for recipe, style in _told_recipes(work).items():
        chosen = {"recipe": recipe}
        with work.conn.transaction():
            _mark_changed(work.conn, chosen)
        pending = batches(work, SQL.list_pending, chosen, size=BATCH, unit=UNIT)
        with _tellers(work, recipe, style) as tell:
            for bounds in pending:
                rows = work.conn.execute(SQL.select_batch, bounds)
                tell([chip_id for (chip_id,) in rows])
    work.conn.execute(SQL.analyze)


def _told_recipes(work: Work) -> dict[str, str]:
    """Return the recipes to tell by, with their styles.

    One that a model rewrites is told by its base.
    """
    rows = work.conn.execute(SQL.list_recipes).fetchall()
    known = {name: (style, settings) for name, style, settings in rows}
    chosen: dict[str, str] = {}
    for name in work.settings.caption_recipes:
        check_recipe(name, known)
        style, settings = known[name]
        base = settings.get("base", "") if style == "llm" else name
        check_recipe(base, known)
        if known[base][0] == "llm":
            raise UsageError(f"the base of caption recipe {name!r} is of style llm too")
        chosen[base] = known[base][0]
    return chosen


def check_recipe(name: str, known: dict[str, tuple[str, dict[str, Any]]]) -> None:
    """Check that a recipe is there and that its settings are ones.

    Raises:
        UsageError: It is not, or one of its settings means nothing.
    """
    if name not in known:
        raise UsageError(
            f"no caption recipe named {name!r}; there are: {', '.join(known)}. "
            "Add a row to skyscript.caption_recipe for another."
        )
    for key, value in known[name][1].items():
        allowed = SETTINGS.get(key)
        if allowed is None:
            raise UsageError(
                f"caption recipe {name!r} has an unknown setting {key!r}; there are: "
                f"{', '.join(SETTINGS)}"
            )
        if not _fits(value, allowed):
            told = allowed.__name__ if isinstance(allowed, type) else allowed
            raise UsageError(
                f"caption recipe {name!r}: the setting {key!r} is {value!r}, and must "
                f"be {told}"
            )


def _fits(value: object, allowed: tuple[object, ...] | type) -> bool:
    if isinstance(allowed, tuple):
        return value in allowed
    if allowed is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is allowed


def _mark_changed(conn: Connection, chosen: Parameters) -> None:
    for statement in (
        *(SQL.create_basis, SQL.create_changes, SQL.mark_all, SQL.mark_changed),
        *(SQL.forget_basis, SQL.insert_basis),
    ):
        conn.execute(statement, chosen)


@contextmanager
def _tellers(work: Work, recipe: str, style: str) -> Iterator[Callable[[Batch], None]]:
    """Give a function that tells a batch, here or on an idle connection beside.

    The first batch is told here: most runs have no second.
    """
    here = _Teller(work.conn, recipe, style)
    running: set[Future[None]] = set()
    with ExitStack() as stack:
        stack.callback(here.close)
        n_beside = max(1, work.settings.workers - 1)
        pool = stack.enter_context(ThreadPoolExecutor(n_beside))
        idle: list[_Teller] = []
        room = [work.settings.workers - 1]

        def beside() -> _Teller | None:
            if idle:
                return idle.pop()
            if room[0] <= 0 or not here.is_ready:
                return None
            room[0] -= 1
            conn = stack.enter_context(_connect_beside(work.conn))
            return _Teller(conn, recipe, style)

        def tell(chips: Batch) -> None:
            for future in [future for future in running if future.done()]:
                running.remove(future)
                future.result()
            teller = beside()
            if teller is None:
                here.tell(chips)
            else:
                running.add(pool.submit(_tell_and_return, teller, chips, idle))

        yield tell
        for future in running:
            future.result()


def _tell_and_return(teller: _Teller, chips: Batch, idle: list[_Teller]) -> None:
    teller.tell(chips)
    idle.append(teller)


def _connect_beside(conn: Connection) -> Connection:
    beside = connect(conninfo_of(conn))
    notice_death(beside)
    return beside


class _Teller:
    """A connection that remembers in temporary tables what it has told of features."""

    def __init__(self, conn: Connection, recipe: str, style: str) -> None:
        self.conn, self.recipe = conn, recipe
        self.tell_chips = SQL.tell_paper if style == "paper" else SQL.tell_plain
        self.is_ready = False

    def tell(self, chips: Batch) -> None:
        """Tell a batch of chips; their captions become visible all at once."""
        if not self.is_ready:
            self.conn.execute(SQL.prepare)
            self.is_ready = True
        values = {"recipe": self.recipe, "chips": chips}
        for statement in (
            *(
                SQL.create_batch,
                SQL.analyze_batch,
                SQL.create_links,
                SQL.create_told,
                SQL.add_told,
            ),
            *(SQL.add_phrases, SQL.analyze_told, self.tell_chips, SQL.count_tokens),
            SQL.insert_texts,
        ):
            self.conn.execute(statement, values)
        with self.conn.transaction():
            for statement in (
                *(SQL.delete_untold, SQL.insert_captions, SQL.delete_retellings),
            ):
                self.conn.execute(statement, values)
        self.conn.execute(SQL.drop_batch)

    def close(self) -> None:
        """Drop what it remembers, unless the connection is lost."""
        with suppress(psycopg.Error):
            self.conn.execute(SQL.drop_cache)
