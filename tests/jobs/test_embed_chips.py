"""Embedding chips: every chip embedded, failed with a cause, or pending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from PIL import Image

from skyscript_db import clip, embeddings
from skyscript_db.clip import weights
from skyscript_db.errors import StorageError
from skyscript_db.jobs import embed_chips, runner
from skyscript_db.jobs.runner import Counts, Work
from tests.fix_clip import add_chips

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.config import Settings
    from tests.fix_database import Database


def run(database: Database, settings: Settings, limit: int | None = None) -> Counts:
    return runner.run(embed_chips, Work(database.conn, settings, limit))


def rows(database: Database, statement: str) -> list[Any]:
    return database.conn.execute(statement).fetchall()


EMBEDDED = "SELECT * FROM skyscript.chip_embedding ORDER BY model_id, chip_id"


def test_every_chip_has_the_vector_of_its_image(
    database: Database, clip_settings: Settings
) -> None:
    add_chips(database.conn, clip_settings.chips, range(1, 11))
    assert run(database, clip_settings) == Counts(n_ok=10)
    model = clip.load(clip_settings)
    for chip_id in (1, 10):
        image = clip_settings.chips / f"{chip_id}.png"
        found = database.conn.execute(
            "SELECT chip_id, similarity FROM skyscript.search(%s::text::halfvec, 1)",
            (str(model.encode_images([image])[0].tolist()),),
        ).fetchall()
        assert found == [(chip_id, pytest.approx(1, abs=1e-3))]


def test_second_run_changes_nothing(
    database: Database, clip_settings: Settings
) -> None:
    add_chips(database.conn, clip_settings.chips, range(1, 6))
    run(database, clip_settings)
    before = rows(database, EMBEDDED)
    assert run(database, clip_settings) == Counts(n_ok=5)
    assert rows(database, EMBEDDED) == before


def test_no_chips(database: Database, clip_settings: Settings) -> None:
    assert run(database, clip_settings) == Counts()


def test_damaged_files_are_counted_and_cut_again(
    database: Database, clip_settings: Settings
) -> None:
    add_chips(database.conn, clip_settings.chips, range(1, 9))
    folder = clip_settings.chips
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:300])
    (folder / "3.png").unlink()
    Image.new("RGB", (96, 80)).save(folder / "4.png")  # whole, but not what was cut
    expected = Counts(n_ok=5, rejected={"file corrupt": 2, "file missing": 1})
    assert run(database, clip_settings) == expected
    assert run(database, clip_settings) == expected
    failed = "SELECT id, cause FROM skyscript.chip WHERE state = 'failed' ORDER BY id"
    assert rows(database, failed) == [
        (2, "file corrupt"),
        (3, "file missing"),
        (4, "file corrupt"),
    ]


def test_a_chip_without_a_finite_vector_is_rejected_alone(
    database: Database, clip_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_chips(database.conn, clip_settings.chips, range(1, 4))
    model = clip.load(clip_settings)
    vectors_of = model._image_vectors

    def overflow(pixels: Any) -> Any:
        vectors = vectors_of(pixels)
        vectors[1, 0] = float("inf")
        return vectors

    monkeypatch.setattr(model, "_image_vectors", overflow)
    expected = Counts(n_ok=2, rejected={"no finite vector": 1})
    assert run(database, clip_settings) == expected
    monkeypatch.undo()
    assert run(database, clip_settings) == expected


def test_a_wrong_home_is_an_error_and_costs_no_chip(
    database: Database, clip_settings: Settings, tmp_path: Path
) -> None:
    add_chips(database.conn, clip_settings.chips, [1])
    elsewhere = clip_settings.model_copy(update={"home": tmp_path / "elsewhere"})
    with pytest.raises(StorageError, match="SKYSCRIPT_HOME"):
        run(database, elsewhere)
    assert run(database, clip_settings) == Counts(n_ok=1)


def test_limit_then_the_rest(database: Database, clip_settings: Settings) -> None:
    add_chips(database.conn, clip_settings.chips, range(1, 11))
    assert run(database, clip_settings, limit=6) == Counts(n_ok=6, n_pending=4)
    assert run(database, clip_settings) == Counts(n_ok=10)


def test_killed_run_keeps_its_batches(
    database: Database, clip_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_chips(database.conn, clip_settings.chips, range(1, 11))
    copy, calls = embeddings.copy, []

    def copy_and_die(conn: psycopg.Connection[Any], *args: Any) -> None:
        copy(conn, *args)
        calls.append(1)
        if len(calls) == 2:
            with psycopg.connect(database.info) as other:
                other.execute(
                    "SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,)
                )
            conn.execute("SELECT 1")

    monkeypatch.setattr(embeddings, "copy", copy_and_die)
    with pytest.raises(psycopg.OperationalError):
        run(database, clip_settings)
    monkeypatch.undo()
    with psycopg.connect(database.info, autocommit=True) as conn:
        work = Work(conn, clip_settings)
        assert runner.count(embed_chips, work) == Counts(n_ok=4, n_pending=6)
        assert runner.run(embed_chips, work) == Counts(n_ok=10)


def test_models_live_side_by_side(
    database: Database, clip_settings: Settings, tmp_path: Path
) -> None:
    weights.write_stand_in(tmp_path / "other", seed=1)
    other = clip_settings.model_copy(update={"clip_model": str(tmp_path / "other")})
    add_chips(database.conn, clip_settings.chips, [1, 2])
    run(database, clip_settings)
    before = rows(database, EMBEDDED)
    assert run(database, other) == Counts(n_ok=2)
    assert rows(database, EMBEDDED)[:2] == before
    models = "SELECT name, dimension, is_default FROM skyscript.embedding_model"
    assert rows(database, models + " ORDER BY id") == [
        ("tiny (stand-in: random weights)", 64, True),
        ("other (stand-in: random weights)", 64, False),
    ]


def test_vectors_of_deleted_chips_go(
    database: Database, clip_settings: Settings
) -> None:
    add_chips(database.conn, clip_settings.chips, [1, 2])
    run(database, clip_settings)
    database.conn.execute("DELETE FROM skyscript.chip WHERE id = 1")
    database.conn.execute("UPDATE skyscript.scene SET name = 'earlier'")
    add_chips(database.conn, clip_settings.chips, [3])
    assert run(database, clip_settings) == Counts(n_ok=2)
    embedded = "SELECT chip_id FROM skyscript.chip_embedding ORDER BY chip_id"
    assert rows(database, embedded) == [(2,), (3,)]


def test_index_is_built_once_and_mended(
    database: Database, clip_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "MIN_ROWS_TO_INDEX", 5)
    add_chips(database.conn, clip_settings.chips, range(1, 6))
    run(database, clip_settings)
    index = (
        "SELECT indexrelid, indisvalid FROM pg_index"
        " WHERE indexrelid::regclass::text LIKE '%\\_hnsw'"
    )
    ((oid, is_valid),) = rows(database, index)
    assert is_valid
    run(database, clip_settings)
    assert rows(database, index) == [(oid, True)]
    database.conn.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s", (oid,)
    )
    run(database, clip_settings)
    ((new, is_valid),) = rows(database, index)
    assert (new != oid, is_valid) == (True, True)
