"""Vectors of tags in the database, and the encoders that made them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pgvector import HalfVector
from pgvector.psycopg import register_vector

from skyscript_db import queries
from skyscript_db.groundability import encoders, landmarks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import psycopg
    from numpy.typing import NDArray

    from skyscript_db.groundability.encoders import Encoder, Tag

SQL = queries.beside(__file__)

BATCH = 2048


def fingerprint(encoder: Encoder, inputs: str) -> str:
    """Return a hash of what decides the vectors of tags, in hex."""
    told = [encoder.weights_sha256, *encoders.INPUTS[inputs]]
    if inputs in encoders.BY_LANDMARKS:
        told.append(landmarks.fingerprint())
    return hashlib.sha256("\0".join(told).encode()).hexdigest()


def register(
    conn: psycopg.Connection[Any], encoder: Encoder, inputs: str, dimension: int
) -> int:
    """Return the id of an encoder's model, after entering it if it is new.

    It is never the default model, whose scores ``skyscript.pair`` shows.
    """
    values = {
        "name": f"{encoder.name} for tags",
        "weights": inputs,
        "sha256": fingerprint(encoder, inputs),
        "dimension": dimension,
    }
    conn.execute(SQL.insert_model, values)
    row = conn.execute(SQL.select_model, values).fetchone()
    assert row is not None  # noqa: S101 - inserted just now, if it was not there
    return int(row[0])


def add(
    conn: psycopg.Connection[Any],
    model_id: int,
    tags: Sequence[Tag],
    vectors: NDArray[np.float32],
) -> None:
    """Store the vectors (len(tags), dimension) of tags that have none yet."""
    register_vector(conn)
    with conn.transaction():
        conn.execute(SQL.create_staging)
        with conn.cursor() as cursor, cursor.copy(SQL.copy_staging) as copy:
            copy.set_types(["text", "text", "halfvec"])
            for (key, value), vector in zip(tags, vectors, strict=True):
                copy.write_row((key, value, HalfVector(vector)))
        conn.execute(SQL.insert_embeddings, {"model_id": model_id})
        conn.execute(SQL.drop_staging)


def add_missing(
    conn: psycopg.Connection[Any],
    model_id: int,
    inputs: str,
    load: Callable[[], Encoder],
) -> int:
    """Embed the tags that await a classifier's verdict and have no vector yet.

    The encoder is loaded only if there is any, since that takes seconds. Returns how
    many were embedded.
    """
    tags = conn.execute(SQL.select_missing, {"model_id": model_id}).fetchall()
    for first in range(0, len(tags), BATCH):
        batch = tags[first : first + BATCH]
        add(conn, model_id, batch, encoders.encode_tags(load(), batch, inputs))
    if tags:
        conn.execute(SQL.analyze)
    return len(tags)
