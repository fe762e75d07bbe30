from __future__ import annotations

import pytest

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
    assert counts.rejected == {"not groundable, by label": 1}
    assert loaded.conn.execute(VERDICTS).fetchall() == [
        ("building", "yes", "groundable", 1.0, "label"),
        ("name", "Town Hall", "not groundable", None, "label"),
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


def test_a_label_taken_back_takes_its_verdict_with_it(loaded, run_job):
    run_job(loaded.conn, "ground_tags")
    loaded.conn.execute("DELETE FROM skyscript.tag_label WHERE key = 'name'")
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
