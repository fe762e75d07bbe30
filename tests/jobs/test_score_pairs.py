"""Scoring pairs: every pair scored, pending, or rejected with its embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from skyscript_db import clip
from skyscript_db.errors import ModelMismatch
from skyscript_db.jobs import embed_captions, embed_chips, runner, score_pairs
from skyscript_db.jobs.runner import Counts, Work
from tests.fix_clip import add_captions, add_chips

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from tests.fix_database import Database

CAPTIONS = [
    (1, "focus", "a temple"),
    (1, "multi_feature", "a temple, surrounded by building"),
    (2, "focus", "a temple"),
    (2, "multi_feature", "a temple"),
]


def run(database: Database, settings: Settings, *jobs: Any) -> Counts:
    work = Work(database.conn, settings)
    return [runner.run(job, work) for job in (*jobs, score_pairs)][-1]


def scores(database: Database) -> list[Any]:
    return database.conn.execute(
        "SELECT s.chip_id, t.text, s.similarity FROM skyscript.pair_similarity AS s"
        " INNER JOIN skyscript.caption_text AS t ON t.id = s.text_id ORDER BY 1, 2"
    ).fetchall()


@pytest.fixture
def filled(database: Database, clip_settings: Settings) -> Database:
    add_chips(database.conn, clip_settings.chips, [1, 2])
    add_captions(database.conn, CAPTIONS)
    return database


def test_scores_are_cosines(filled: Database, clip_settings: Settings) -> None:
    counts = run(filled, clip_settings, embed_chips, embed_captions)
    # A chip told by one text in two ways is one pair.
    assert counts == Counts(n_ok=3)
    model = clip.load(clip_settings)
    images = model.encode_images(clip_settings.chips / f"{i}.png" for i in (1, 2))
    texts = ["a temple", "a temple, surrounded by building"]
    cosines = images @ model.encode_texts(texts).T
    assert scores(filled) == [
        (1, texts[0], pytest.approx(cosines[0, 0], abs=2e-3)),
        (1, texts[1], pytest.approx(cosines[0, 1], abs=2e-3)),
        (2, texts[0], pytest.approx(cosines[1, 0], abs=2e-3)),
    ]


def test_second_run_changes_nothing(filled: Database, clip_settings: Settings) -> None:
    run(filled, clip_settings, embed_chips, embed_captions)
    before = scores(filled)
    assert run(filled, clip_settings) == Counts(n_ok=3)
    assert scores(filled) == before


def test_pairs_wait_for_both_embeddings(
    filled: Database, clip_settings: Settings
) -> None:
    assert run(filled, clip_settings, embed_chips) == Counts(n_pending=3)
    assert run(filled, clip_settings, embed_captions) == Counts(n_ok=3)


def test_pairs_of_rejected_texts_are_rejected(
    filled: Database, clip_settings: Settings
) -> None:
    filled.conn.execute(
        "UPDATE skyscript.caption_text SET text = repeat('tree ', 80) WHERE id = 1"
    )
    counts = run(filled, clip_settings, embed_chips, embed_captions)
    assert counts == Counts(n_ok=1, rejected={"caption not embedded": 2})


def test_without_embeddings_it_says_what_to_run(
    filled: Database, clip_settings: Settings
) -> None:
    with pytest.raises(ModelMismatch, match="skyscript run embed_chips"):
        run(filled, clip_settings)


def test_a_chip_that_was_deleted_by_hand_is_no_pair(
    filled: Database, clip_settings: Settings
) -> None:
    work = Work(filled.conn, clip_settings)
    for job in (embed_chips, embed_captions):
        runner.run(job, work)
    filled.conn.execute("DELETE FROM skyscript.chip WHERE id = 1")
    assert run(filled, clip_settings) == Counts(n_ok=1)
    assert [chip_id for chip_id, *_ in scores(filled)] == [2]
