"""Embed the chips with CLIP.

In: ``chip`` rows in state ``ok`` and their files. Out: ``chip_embedding``, in the
model's partition, and its HNSW index. A chip whose file is missing or not the one that
was cut becomes ``failed``, so that fetch_chips cuts it again; one that the model has no
vector for is in ``embedding_rejection``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyscript_db import embeddings, queries
from skyscript_db.clip import load, weights
from skyscript_db.clip.images import FILE_REASONS, read_image
from skyscript_db.errors import StorageError
from skyscript_db.images import open_store
from skyscript_db.jobs.runner import batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from PIL import Image

    from skyscript_db.clip.stream import Encoded
    from skyscript_db.config import Settings
    from skyscript_db.embeddings import Model
    from skyscript_db.images import ImageStore
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "chips"
SQL = queries.beside(__file__)


@dataclass(frozen=True, slots=True)
class ChipFile:
    """A chip's file, as the database knows it."""

    id: int
    image_path: str
    sha256: str


def parameters(settings: Settings) -> Parameters:
    """Return the model, and why files fail."""
    choice = weights.choose(settings)
    return {
        "model": choice.name,
        "weights": choice.weights,
        "file_reasons": list(FILE_REASONS),
    }


def run(work: Work) -> None:
    """Embed the chips that the model has not embedded yet."""
    clip = load(work.settings)
    model = embeddings.register(work.conn, clip)
    store = open_store(work.settings)

    def read(chip: ChipFile) -> Image.Image:
        return read_image(store.file(chip.image_path), chip.sha256)

    pending = _pending(work, model, store, clip.batch_size)
    for encoded in clip.stream_images(pending, read):
        with work.conn.transaction():
            _store(work.conn, model, encoded)
    embeddings.build_index(work.conn, model, "chip")


def _pending(
    work: Work, model: Model, store: ImageStore, size: int
) -> Iterator[list[ChipFile]]:
    values = {"model_id": model.id}
    for bounds in batches(work, SQL.list_pending, values, size=size, unit=UNIT):
        if bounds["first"] == 1:
            _check_store(store)
            embeddings.prepare_load(work.conn, model, "chip")
        rows = work.conn.execute(SQL.select_batch, bounds)
        yield [ChipFile(*row) for row in rows]


def _check_store(store: ImageStore) -> None:
    # Else a wrong home would have every chip of the right one cut again.
    if not store.exists():
        raise StorageError(
            f"no folder {store}, which should hold the chips: set SKYSCRIPT_HOME or "
            "SKYSCRIPT_CHIPS_URL to where they were fetched to, or make the folder and "
            "have all of them fetched again"
        )


def _store(
    conn: psycopg.Connection[Any], model: Model, encoded: Encoded[ChipFile]
) -> None:
    ids = [chip.id for chip in encoded.items]
    embeddings.copy(conn, model, "chip", ids, encoded.vectors)
    refused = []
    for chip, reason in encoded.refused:
        if reason in FILE_REASONS:
            values = {"id": chip.id, "sha256": chip.sha256, "cause": reason}
            conn.execute(SQL.fail_chip, values)
        else:
            refused.append((chip.id, reason))
    embeddings.refuse(conn, model, "chip", refused)
