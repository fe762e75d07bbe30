"""Score each chip against its captions: the cosine similarity of their embeddings.

In: ``caption``, ``chip_embedding``, ``text_embedding`` of one model. Out:
``pair_similarity``, one row a chip, distinct text and model. A pair is pending while
either of its embeddings is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db import queries
from skyscript_db.clip import weights
from skyscript_db.errors import ModelMismatch
from skyscript_db.jobs.runner import batches

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "pairs"
SQL = queries.beside(__file__)

# Chips a transaction, with two or so pairs each.
BATCH = 20_000


def parameters(settings: Settings) -> Parameters:
    """Return the model."""
    choice = weights.choose(settings)
    return {"model": choice.name, "weights": choice.weights}


def run(work: Work) -> None:
    """Score the pairs that have both embeddings and no score; a limit is of chips."""
    chosen = parameters(work.settings)
    model = work.conn.execute(SQL.select_model, chosen).fetchone()
    if model is None:
        raise ModelMismatch(
            f"nothing is embedded by {chosen['model']} ({chosen['weights']}) yet: run "
            "`skyscript run embed_chips` and `skyscript run embed_captions`, or set "
            "SKYSCRIPT_CLIP_MODEL and SKYSCRIPT_CLIP_WEIGHTS to the model in use"
        )
    values = {"model_id": model[0]}
    for bounds in batches(work, SQL.list_pending, values, size=BATCH, unit="chips"):
        work.conn.execute(SQL.insert_scores, {**values, **bounds})
    work.conn.execute(SQL.analyze)
