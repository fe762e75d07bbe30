"""Let a language model of the user's reword the captions of each recipe of style llm.

In: captions of the recipe's base, told by rule. Out: ``caption_rewrite``, one row a
distinct text, with the model and its instructions; ``caption`` of the recipe. The
model's words are kept only where all of them were told by rule; else the rule's text
stands, and the reason is in ``fallback_reason``. Without such a recipe in
SKYSCRIPT_CAPTION_RECIPE there is nothing to do.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyscript_db import queries
from skyscript_db.errors import UsageError
from skyscript_db.jobs.runner import batches
from skyscript_db.llm import ChatModel, objection

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "texts"
SQL = queries.beside(__file__)

# Small, since a reply takes a second, and a killed run loses one batch.
BATCH = 64

TOO_LONG = "the reply was too long"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe of style llm, and what its texts are keyed by beside their own ids."""

    name: str
    base: str
    prompt: str
    max_tokens: int
    key: Parameters


def parameters(settings: Settings) -> Parameters:
    """Return the recipes, and the model that rewrites; never its key."""
    return {
        "recipes": list(settings.caption_recipes),
        "model": settings.llm_model or "",
    }


def run(work: Work) -> None:
    """Rewrite the texts that this model has not rewritten by these instructions."""
    chosen = parameters(work.settings)
    rows = work.conn.execute(SQL.list_recipes, chosen).fetchall()
    if not rows:
        return
    model = ChatModel(work.settings)
    for name, base, prompt, max_tokens, sha256 in rows:
        if not base or not prompt:
            raise UsageError(
                f"caption recipe {name!r} needs the settings base, a recipe of style "
                "plain, and prompt, what the model is told to do"
            )
        key = {"recipe": name, "base": base, "model": model.name, "sha256": sha256}
        _rewrite(work, model, Recipe(name, base, prompt, max_tokens, key))
    work.conn.execute(SQL.analyze)


def _rewrite(work: Work, model: ChatModel, recipe: Recipe) -> None:
    pending = batches(work, SQL.list_pending, recipe.key, size=BATCH, unit=UNIT)
    # Not as many as cores: the model's own server does the work.
    with ThreadPoolExecutor(min(16, work.settings.workers * 2)) as pool:
        for bounds in pending:
            told = work.conn.execute(SQL.select_batch, bounds).fetchall()
            rows = list(pool.map(lambda row: _reword(model, recipe, *row), told))
            with work.conn.transaction(), work.conn.cursor() as cursor:
                cursor.executemany(SQL.insert_text, rows)
                cursor.executemany(SQL.insert_rewrite, rows)
    with work.conn.transaction():
        work.conn.execute(SQL.delete_captions, recipe.key)
        work.conn.execute(SQL.insert_captions, recipe.key)


def _reword(
    model: ChatModel, recipe: Recipe, text_id: int, told: str
) -> dict[str, Any]:
    reply = model.ask(recipe.prompt, told)
    reason = reply.objection or objection(reply.text, told)
    return {
        **recipe.key,
        "source_id": text_id,
        "text": told if reason else reply.text,
        "reason": reason,
        "reply": _storable(reply.text) if reason else None,
        "n_attempts": reply.n_attempts,
        "max_tokens": recipe.max_tokens,
        "too_long": TOO_LONG,
    }


def _storable(reply: str) -> str:
    """Return a refused reply as a text can hold it: for people to look at."""
    # JSON may hold NUL, and half of a character that was cut off.
    return reply.replace("\0", "")[:2000].encode("utf-8", "replace").decode()
