"""Embed the caption texts with CLIP, each distinct text once.

In: ``caption_text``. Out: ``text_embedding``, in the model's partition, and its HNSW
index. Texts longer than the model reads are never cut: they are in
``embedding_rejection``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db import embeddings, queries
from skyscript_db.clip import load, weights
from skyscript_db.jobs.runner import batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyscript_db.config import Settings
    from skyscript_db.embeddings import Model
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "texts"
SQL = queries.beside(__file__)

CaptionText = tuple[int, str]


def parameters(settings: Settings) -> Parameters:
    """Return the model."""
    choice = weights.choose(settings)
    return {"model": choice.name, "weights": choice.weights}


def run(work: Work) -> None:
    """Embed the texts that the model has not embedded yet."""
    clip = load(work.settings)
    model = embeddings.register(work.conn, clip)
    pending = _pending(work, model, clip.batch_size)
    for encoded in clip.stream_texts(pending, _text):
        ids = [text_id for text_id, _ in encoded.items]
        refused = [(text_id, reason) for (text_id, _), reason in encoded.refused]
        with work.conn.transaction():
            embeddings.copy(work.conn, model, "text", ids, encoded.vectors)
            embeddings.refuse(work.conn, model, "text", refused)
    embeddings.build_index(work.conn, model, "text")


def _pending(work: Work, model: Model, size: int) -> Iterator[list[CaptionText]]:
    values = {"model_id": model.id}
    for bounds in batches(work, SQL.list_pending, values, size=size, unit=UNIT):
        if bounds["first"] == 1:
            embeddings.prepare_load(work.conn, model, "text")
        yield work.conn.execute(SQL.select_batch, bounds).fetchall()


def _text(row: CaptionText) -> str:
    return row[1]
