from __future__ import annotations

import numpy as np
import pytest

from skyscript_db.errors import UsageError
from skyscript_db.groundability import encoders, evaluate, labels, score, stages
from skyscript_db.groundability.train import fit, train
from tests.groundability.conftest import CLASS_M, add_label, add_tag

VERDICTS = """
SELECT key, value, verdict, max_gsd_m FROM skyscript.tag_verdict
WHERE source = %s ORDER BY key, value
"""
BY = "SELECT count(*) FROM skyscript.tag_groundability WHERE source = %s"


def add_tags(conn) -> None:
    for size in CLASS_M:
        add_tag(conn, "entity", f"{size} x")
        add_tag(conn, "shop_entity", f"{size} x")


def test_what_is_learned_is_scored_in_the_database_as_in_python(
    taught, words, settings, run_job
):
    conn = taught.conn
    add_tags(conn)
    trained = train(conn, settings)
    assert (trained.is_new, trained.n_labels) == (True, 120)
    assert trained.metrics["F1, grouped by key"] == 1.0
    counts = run_job(conn, "ground_tags")
    assert (counts.n_ok, counts.n_pending) == (5, 0)
    assert counts.rejected == {"not groundable, by classifier": 5}
    source = f"classifier:{trained.id}"
    told = conn.execute(VERDICTS, [source]).fetchall()
    assert told == sorted(
        [("entity", f"{size} x", "groundable", m) for size, m in CLASS_M.items()]
        + [("shop_entity", f"{size} x", "not groundable", None) for size in CLASS_M]
    )
    examples = labels.read(conn)
    vectors = encoders.encode_tags(words, examples.tags, encoders.DEFAULT_INPUTS)
    first, _ = fit(vectors, examples)
    tags = [(key, value) for key, value, *_ in told]
    there = encoders.encode_tags(words, tags, encoders.DEFAULT_INPUTS)
    rows = conn.execute(
        "SELECT probability FROM skyscript.tag_verdict ORDER BY key, value"
    )
    in_sql = [p for (p,) in rows]
    # The database keeps vectors in half precision.
    assert in_sql == pytest.approx(first.probability(there).tolist(), abs=2e-3)


def test_retraining_redoes_only_what_changed(taught, words, settings, run_job):
    conn = taught.conn
    add_tags(conn)
    first = train(conn, settings)
    run_job(conn, "ground_tags")
    again = train(conn, settings)
    assert (again.id, again.is_new, again.metrics) == (first.id, False, first.metrics)
    n_read = words.n_texts
    run_job(conn, "ground_tags")
    assert words.n_texts == n_read
    add_label(conn, "thing", "huge d", 10)
    second = train(conn, settings)
    assert second.id != first.id
    run_job(conn, "ground_tags")
    assert words.n_texts < n_read * 2 + 10
    for each in (first, second):
        assert conn.execute(BY, [f"classifier:{each.id}"]).fetchone() == (10,)
    assert len(conn.execute(VERDICTS, [f"classifier:{second.id}"]).fetchall()) == 10
    score.make_default(conn, first.id)
    assert len(conn.execute(VERDICTS, [f"classifier:{first.id}"]).fetchall()) == 10


def test_an_unknown_classifier_cannot_be_the_default(taught, words, settings):
    trained = train(taught.conn, settings)
    with pytest.raises(UsageError, match="no classifier nope"):
        score.make_default(taught.conn, "nope")
    row = taught.conn.execute(
        "SELECT id FROM skyscript.tag_classifier WHERE is_default"
    )
    assert row.fetchall() == [(trained.id,)]


def test_the_encoder_of_tags_is_never_the_default_model(taught, words, settings):
    train(taught.conn, settings)
    row = taught.conn.execute(
        "SELECT name, weights, dimension, is_default FROM skyscript.embedding_model"
    )
    assert row.fetchall() == [("words for tags", encoders.DEFAULT_INPUTS, 1024, False)]


def test_whole_keys_and_what_a_rule_decides_are_no_examples(taught):
    add_label(taught.conn, "name", "Bar", None)
    add_label(taught.conn, "thing", "*", None)
    examples = labels.read(taught.conn)
    assert len(examples) == 120
    assert examples.in_wildcard.sum() == 15


def test_too_few_labels(taught):
    taught.conn.execute("DELETE FROM skyscript.tag_label WHERE key <> 'thing'")
    with pytest.raises(
        UsageError, match="15 labels of single tags, of 1 keys, are too"
    ):
        labels.read(taught.conn)


def test_a_label_beyond_the_five_classes(taught):
    add_label(taught.conn, "thing", "vast", 30)
    with pytest.raises(UsageError, match="thing=vast says 30 m, which is none of"):
        labels.read(taught.conn)


def test_a_doubt_makes_the_class_finer():
    yes, no = (stages.Linear(np.zeros(2), logit) for logit in (1.0, -1.0))
    vectors = np.zeros((1, 2), dtype=np.float32)
    assert stages.Cumulative((yes, no, yes, no)).classes(vectors).tolist() == [1]
    assert stages.Cumulative((no, yes, yes, yes)).classes(vectors).tolist() == [0]
    assert stages.Cumulative((yes, yes, yes, yes)).classes(vectors).tolist() == [4]


def test_the_strength_is_the_one_that_does_best_on_held_out_keys(monkeypatch):
    monkeypatch.setattr(stages, "STRENGTHS", (1e-6, 10.0))
    tags = [(f"key{i % 6}", str(i)) for i in range(60)]
    is_true = np.array([i % 2 == 0 for i in range(60)])
    vectors = np.where(is_true[:, None], [[1.0, 0.0]], [[0.0, 1.0]]).astype(np.float32)
    fitted = stages.fit_groundable(vectors, is_true, tags)
    seen, unseen = fitted.probability(vectors)[:2].tolist()
    assert seen > 0.9
    assert unseen < 0.1
    assert fitted.threshold == 0.5


def test_labels_that_are_all_equal_give_a_constant():
    vectors = np.eye(4, dtype=np.float32)
    fitted = stages.fit_logistic(vectors, np.ones(4, dtype=np.bool_), 1.0)
    assert fitted.probability(vectors).round(2).tolist() == [0.9] * 4


@pytest.mark.usefixtures("need_sentence_encoder")
def test_the_shipped_labels_teach_the_sentence_encoder(conn, settings):
    examples = labels.read(conn)
    some = examples.where(np.arange(len(examples)) % 3 == 0)
    encoder = encoders.load("all-MiniLM-L6-v2", settings)
    vectors = encoders.encode_tags(encoder, some.tags, "key value")
    with stages.one_thread():
        told = evaluate.measure(vectors, some)
    of_all = 2 * some.is_groundable.mean() / (1 + some.is_groundable.mean())
    assert told["F1, plain"] > of_all
    assert told["within one class, plain"] > 0.85
