"""Embedding caption texts: each distinct text once, none of them cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skyscript_db import clip
from skyscript_db.jobs import embed_captions, runner
from skyscript_db.jobs.runner import Counts, Work

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from tests.fix_database import Database

TEXTS = ["a temple", "road of footway", "power pole", "building", "golf bunker"]


def run(database: Database, settings: Settings, limit: int | None = None) -> Counts:
    return runner.run(embed_captions, Work(database.conn, settings, limit))


def add_texts(database: Database, texts: list[str]) -> None:
    database.conn.cursor().executemany(
        "INSERT INTO skyscript.caption_text (text, n_tokens) VALUES (%s, 9)",
        [(text,) for text in texts],
    )


def embedded(database: Database) -> list[Any]:
    return database.conn.execute(
        "SELECT t.text, e.embedding::vector::real[] FROM skyscript.text_embedding AS e"
        " INNER JOIN skyscript.caption_text AS t ON t.id = e.text_id ORDER BY t.id"
    ).fetchall()


def test_every_text_has_its_vector(database: Database, clip_settings: Settings) -> None:
    add_texts(database, TEXTS)
    assert run(database, clip_settings) == Counts(n_ok=5)
    expected = clip.load(clip_settings).encode_texts(TEXTS)
    texts, vectors = zip(*embedded(database), strict=True)
    assert list(texts) == TEXTS
    np.testing.assert_allclose(np.array(vectors), expected, atol=1e-3)


def test_second_run_changes_nothing(
    database: Database, clip_settings: Settings
) -> None:
    add_texts(database, TEXTS)
    run(database, clip_settings)
    before = embedded(database)
    assert run(database, clip_settings) == Counts(n_ok=5)
    assert embedded(database) == before


def test_long_texts_are_rejected_not_cut(
    database: Database, clip_settings: Settings
) -> None:
    add_texts(database, ["tree " * 75, "tree " * 76, "building"])
    expected = Counts(n_ok=2, rejected={"longer than 77 tokens": 1})
    assert run(database, clip_settings) == expected
    assert run(database, clip_settings) == expected


def test_limit_then_the_rest(database: Database, clip_settings: Settings) -> None:
    add_texts(database, TEXTS)
    assert run(database, clip_settings, limit=2) == Counts(n_ok=2, n_pending=3)
    assert run(database, clip_settings) == Counts(n_ok=5)


def test_no_texts(database: Database, clip_settings: Settings) -> None:
    assert run(database, clip_settings) == Counts()
