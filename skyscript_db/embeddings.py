"""Vectors in the database: models, their partitions, loading them, their indexes.

Each model has a partition of ``chip_embedding`` and one of ``text_embedding``, which
hold vectors of its dimension alone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from psycopg import errors, sql

from skyscript_db import queries
from skyscript_db.clip.stream import are_unit
from skyscript_db.errors import ModelMismatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import psycopg
    from numpy.typing import NDArray

    from skyscript_db.clip import Clip

logger = logging.getLogger(__name__)
SQL = queries.beside(__file__)

Subject = Literal["chip", "text"]

# Signature, no flags, no extension; and the count of fields that ends the rows.
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
COPY_ROWS = 256  # fits the processor's cache

# Below this, reading all vectors takes milliseconds and finds the true neighbours.
MIN_ROWS_TO_INDEX = 10_000

# The graph is kept in memory while it is built: the vector, and about 600 bytes of
# neighbours and bookkeeping a row at pgvector's default m of 16.
GRAPH_BYTES_A_ROW = 600
MIN_BUILD_MB, MAX_BUILD_MB = 64, 8192


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model."""

    id: int
    dimension: int


def register(conn: psycopg.Connection[Any], clip: Clip) -> Model:
    """Return the model of a CLIP, after making its row and partitions if it is new.

    The first model of a database becomes the default one, and the first with real
    weights takes that over from a stand-in.
    """
    with conn.transaction():
        conn.execute(SQL.lock_models)
        model = _select(conn, clip)
        if model is None:
            conn.execute(SQL.retire_stand_in, _values(clip))
            conn.execute(SQL.insert_model, _values(clip))
            model = _select(conn, clip)
            assert model is not None  # noqa: S101 - inserted just now
            for subject in ("chip", "text"):
                _create_partition(conn, model, subject, clip)
    return model


def find(conn: psycopg.Connection[Any], clip: Clip) -> Model:
    """Return the registered model of a CLIP, to search with its vectors.

    Raises:
        ModelMismatch: Nothing here was embedded by it.
    """
    model = _select(conn, clip)
    if model is not None:
        return model
    known = [f"{name} ({weights})" for name, weights in conn.execute(SQL.list_models)]
    raise ModelMismatch(
        f"nothing is embedded by {clip.name} ({clip.weights}) here; models in use: "
        f"{', '.join(known) or 'none'}. Set SKYSCRIPT_CLIP_MODEL and "
        "SKYSCRIPT_CLIP_WEIGHTS to one of them, or run `skyscript run embed_chips`."
    )


def copy(
    conn: psycopg.Connection[Any],
    model: Model,
    subject: Subject,
    ids: Sequence[int],
    vectors: NDArray[np.floating],
) -> None:
    """Send vectors (len(ids), dimension) to a model's partition, in binary.

    Raises:
        ModelMismatch: They are not unit vectors of the model's dimension. Checked
            before the first is sent, since a COPY stops at what it cannot take.
    """
    if vectors.shape != (len(ids), model.dimension) or not are_unit(vectors).all():
        raise ModelMismatch(
            f"vectors of shape {vectors.shape} are not {len(ids)} unit vectors of "
            f"dimension {model.dimension}: embed with the model they are stored under"
        )
    statement = sql.SQL(SQL.copy).format(
        table=_partition(model, subject), id=sql.Identifier(f"{subject}_id")
    )
    with conn.cursor() as cursor, cursor.copy(statement) as stream:
        stream.write(COPY_HEADER)
        for first in range(0, len(ids), COPY_ROWS):
            rows = slice(first, first + COPY_ROWS)
            stream.write(_encode(model, ids[rows], vectors[rows]))
        stream.write(COPY_TRAILER)


def _encode(
    model: Model, ids: Sequence[int], vectors: NDArray[np.floating]
) -> memoryview:
    """Return rows (model_id, id, embedding) as COPY reads them.

    All rows at once: dumped one by one they would take twice the server's time.
    """
    rows = np.empty(len(ids), dtype=_row_type(model.dimension))
    rows["n_fields"] = 3
    rows["model_bytes"], rows["model_id"] = 2, model.id
    rows["id_bytes"], rows["id"] = 8, ids
    rows["embedding_bytes"] = 4 + 2 * model.dimension
    rows["dimension"], rows["unused"] = model.dimension, 0
    rows["embedding"] = vectors
    return rows.view(np.uint8).data


def _row_type(dimension: int) -> np.dtype[np.void]:
    """Return the layout of a row in PostgreSQL's binary COPY format."""
    return np.dtype(
        [
            ("n_fields", ">i2"),
            ("model_bytes", ">i4"),
            ("model_id", ">i2"),
            ("id_bytes", ">i4"),
            ("id", ">i8"),
            ("embedding_bytes", ">i4"),
            ("dimension", ">i2"),
            ("unused", ">i2"),
            ("embedding", ">f2", (dimension,)),
        ]
    )


def refuse(
    conn: psycopg.Connection[Any],
    model: Model,
    subject: Subject,
    refused: Iterable[tuple[int, str]],
) -> None:
    """Note ids that the model cannot embed, each with the reason."""
    statement = sql.SQL(SQL.insert_rejection).format(id=sql.Identifier(f"{subject}_id"))
    rows = [{"model_id": model.id, "id": i, "reason": why} for i, why in refused]
    if rows:
        conn.cursor().executemany(statement, rows)


def prepare_load(conn: psycopg.Connection[Any], model: Model, subject: Subject) -> None:
    """Make ready for the ids in the temporary table ``pending``.

    Vectors of chips and texts that are gone make way. Where the load is large, so does
    the index: adding a vector to it takes four times as long as building it anew does.
    """
    table = _partition(model, subject)
    parent = sql.Identifier(
        "skyscript", {"chip": "chip", "text": "caption_text"}[subject]
    )
    conn.execute(
        sql.SQL(SQL.delete_orphans).format(
            table=table, parent=parent, id=sql.Identifier(f"{subject}_id")
        )
    )
    n_pending = _one(conn, sql.SQL(SQL.count_pending))
    n_rows = _one(conn, sql.SQL(SQL.count_rows).format(table=table))
    if 3 * n_pending > n_rows:
        _drop_index(conn, model, subject)


def build_index(conn: psycopg.Connection[Any], model: Model, subject: Subject) -> bool:
    """Build the HNSW index of a partition if it is large enough and has none.

    Without one, searches read all vectors: slower, and exact. Returns whether there
    is an index afterwards.
    """
    table = _partition(model, subject)
    conn.execute(sql.SQL(SQL.analyze).format(table=table))
    is_valid = _state(conn, model, subject)
    if is_valid:
        return True
    if is_valid is False:  # an interrupted CREATE INDEX CONCURRENTLY leaves one
        _drop_index(conn, model, subject)
    n_rows = _one(conn, sql.SQL(SQL.count_rows).format(table=table))
    if n_rows < MIN_ROWS_TO_INDEX:
        return False
    return _build(conn, model, subject, n_rows)


def _build(
    conn: psycopg.Connection[Any], model: Model, subject: Subject, n_rows: int
) -> bool:
    statement = sql.SQL(SQL.create_index).format(
        index=sql.Identifier(_index_name(model, subject)),
        table=_partition(model, subject),
        dimension=sql.Literal(model.dimension),
    )
    memory = f"{_build_mb(n_rows, model.dimension)}MB"
    # Workers share the graph through /dev/shm, which containers keep small.
    for workers in (None, "0"):
        try:
            with conn.transaction():
                conn.execute(SQL.set_build_memory, {"memory": memory})
                if workers is not None:
                    conn.execute(SQL.set_build_workers, {"workers": workers})
                conn.execute(statement)
        except (errors.DiskFull, errors.OutOfMemory) as error:
            logger.warning("no HNSW index of %s vectors yet: %s", n_rows, error)
            continue
        return True
    return False


def _build_mb(n_rows: int, dimension: int) -> int:
    needed = n_rows * (2 * dimension + GRAPH_BYTES_A_ROW) // 2**20
    return min(max(needed + needed // 5, MIN_BUILD_MB), MAX_BUILD_MB)


def _create_partition(
    conn: psycopg.Connection[Any], model: Model, subject: str, clip: Clip
) -> None:
    name = f"{subject}_embedding_model_{model.id}"
    conn.execute(
        sql.SQL(SQL.create_partition).format(
            table=sql.Identifier("skyscript", name),
            parent=sql.Identifier("skyscript", f"{subject}_embedding"),
            check=sql.Identifier(f"ck_{name}_dimension"),
            dimension=sql.Literal(model.dimension),
            model_id=sql.Literal(model.id),
            comment=sql.Literal(f"By {clip.name} ({clip.weights})."),
        )
    )


def _drop_index(conn: psycopg.Connection[Any], model: Model, subject: Subject) -> None:
    name = sql.Identifier("skyscript", _index_name(model, subject))
    conn.execute(sql.SQL(SQL.drop_index).format(index=name))


def _state(
    conn: psycopg.Connection[Any], model: Model, subject: Subject
) -> bool | None:
    row = conn.execute(
        SQL.select_index_state, {"index": f"skyscript.{_index_name(model, subject)}"}
    ).fetchone()
    return None if row is None else bool(row[0])


def _index_name(model: Model, subject: Subject) -> str:
    return f"ix_{subject}_embedding_model_{model.id}_hnsw"


def _partition(model: Model, subject: Subject) -> sql.Identifier:
    return sql.Identifier("skyscript", f"{subject}_embedding_model_{model.id}")


def _select(conn: psycopg.Connection[Any], clip: Clip) -> Model | None:
    row = conn.execute(SQL.select_model, _values(clip)).fetchone()
    return None if row is None else Model(*row)


def _values(clip: Clip) -> dict[str, Any]:
    return {
        "name": clip.name,
        "weights": clip.weights,
        "weights_sha256": clip.weights_sha256,
        "dimension": clip.dimension,
    }


def _one(conn: psycopg.Connection[Any], statement: sql.SQL | sql.Composed) -> int:
    row = conn.execute(statement).fetchone()
    assert row is not None  # noqa: S101 - the statements called return one row
    return int(row[0])
