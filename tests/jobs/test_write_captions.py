from __future__ import annotations

import pytest

from skyscript_db.errors import UsageError
from tests.fix_rows import add_feature, add_scene, mark_fetched
from tests.jobs.test_plan_chips import point, square

CAPTIONS = """
SELECT caption.kind, caption_text.text
FROM skyscript.caption
INNER JOIN skyscript.caption_text ON caption_text.id = caption.text_id
INNER JOIN skyscript.chip ON chip.id = caption.chip_id
WHERE chip.osm_id = 1
ORDER BY caption.kind
"""
UP_TO_PLAN = ("collect_tags", "ground_tags", "plan_chips")


@pytest.fixture
def linked(database, run_job):
    """Return a database with a linked chip around feature 1."""
    add_scene(database.conn)
    add_feature(
        database.conn, square(500, 500, 300), osm_id=1, building="yes", name="A"
    )
    add_feature(database.conn, square(490, 490, 320), osm_id=2, landuse="grass")
    for n in range(3):
        add_feature(
            database.conn, point(600 + n, 600), osm_id=10 + n, natural="tree", ref="7"
        )
    add_feature(database.conn, square(650, 650, 2), osm_id=20, building="shed")
    run_job(database.conn, *UP_TO_PLAN)
    mark_fetched(database.conn)
    run_job(database.conn, "link_features")
    return database


def test_both_captions_are_written(linked, run_job):
    counts = run_job(linked.conn, "write_captions")
    assert counts.n_in == counts.n_ok > 0
    assert linked.conn.execute(CAPTIONS).fetchall() == [
        ("focus", "building"),
        (
            "multi_feature",
            "building, surrounded by landuse of grass; three natural trees",
        ),
    ]


def test_a_second_run_changes_nothing(linked, run_job):
    run_job(linked.conn, "write_captions")
    before = linked.conn.execute(
        "SELECT * FROM skyscript.caption ORDER BY 1, 3"
    ).fetchall()
    run_job(linked.conn, "write_captions")
    after = linked.conn.execute(
        "SELECT * FROM skyscript.caption ORDER BY 1, 3"
    ).fetchall()
    assert after == before


def test_a_recipe_of_ones_own_lives_beside_the_shipped_one(linked, run_job):
    linked.conn.execute(
        "INSERT INTO skyscript.caption_recipe VALUES"
        " ('mine', 'a satellite image of ', 14, 0, 'with a prefix, and short')"
    )
    run_job(linked.conn, "write_captions")
    run_job(linked.conn, "write_captions", caption_recipe="mine")
    texts = [text for _, text in linked.conn.execute(CAPTIONS)]
    assert "a satellite image of building" in texts
    assert "building" in texts
    assert "a satellite image of building, surrounded by landuse of grass" in texts


def test_an_unknown_recipe_is_refused_with_those_there_are(linked, run_job):
    with pytest.raises(UsageError, match="there are: skyscript-1"):
        run_job(linked.conn, "write_captions", caption_recipe="nonesuch")


def test_a_focus_feature_that_cannot_be_seen_any_more_is_counted(linked, run_job):
    linked.conn.execute(
        "INSERT INTO skyscript.tag_groundability (tag_id, source, reason)"
        " SELECT id, 'override', 'for the test' FROM skyscript.tag"
        " WHERE key = 'natural'"
    )
    counts = run_job(linked.conn, "write_captions")
    assert counts.rejected == {"nothing of the focus feature can be seen": 3}
    assert counts.n_pending == 0


def test_texts_are_stored_once(linked, run_job):
    run_job(linked.conn, "write_captions")
    (n_texts, n_distinct, n_captions) = linked.conn.execute(
        "SELECT count(*), count(DISTINCT text), (SELECT count(*) FROM"
        " skyscript.caption) FROM skyscript.caption_text"
    ).fetchone()
    assert n_texts == n_distinct < n_captions
