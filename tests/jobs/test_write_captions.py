from __future__ import annotations

import re

import pytest

from skyscript_db.errors import UsageError
from skyscript_db.jobs.caption_basis import SQL, mark_changed
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
    with pytest.raises(UsageError, match=r"there are: llm-1, paper-1, .*skyscript-1"):
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


def test_tokens_are_those_of_the_whole_text(linked, run_job):
    linked.conn.execute(
        "UPDATE skyscript.caption_rule SET word = 'word (with: marks)--'"
        " WHERE key = 'landuse'"
    )
    run_job(linked.conn, "write_captions", caption_recipe="skyscript-1,plain-1")
    counted = linked.conn.execute(
        "SELECT text, n_tokens, skyscript.n_tokens(text) FROM skyscript.caption_text"
    ).fetchall()
    assert any("(with: marks)-- of grass; " in text for text, _, _ in counted)
    assert [row for row in counted if row[1] != row[2]] == []


def texts_of(conn, recipe: str) -> dict[tuple[int, str], str]:
    rows = conn.execute(
        "SELECT chip.osm_id, c.kind, t.text FROM skyscript.caption AS c"
        " JOIN skyscript.caption_text AS t ON t.id = c.text_id"
        " JOIN skyscript.chip ON chip.id = c.chip_id WHERE c.recipe = %s",
        [recipe],
    ).fetchall()
    return {(osm_id, kind): text for osm_id, kind, text in rows}


def override(conn, key: str, value: str, max_gsd_m: float | None) -> None:
    conn.execute(
        "INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)"
        " SELECT id, 'override', %s, 'for the test' FROM skyscript.tag"
        " WHERE key = %s AND value = %s",
        (max_gsd_m, key, value),
    )


def test_several_recipes_are_written_side_by_side(linked, run_job):
    counts = run_job(
        linked.conn,
        "write_captions",
        caption_recipe="paper-1, plain-1,paper-prefix-1,plain-view-1",
    )
    assert counts.n_in == counts.n_ok == 20
    assert texts_of(linked.conn, "paper-1")[1, "multi_feature"] == (
        "building, surrounded by landuse of grass; natural tree"
    )
    assert texts_of(linked.conn, "paper-prefix-1")[1, "focus"] == (
        "a satellite image of building"
    )
    assert texts_of(linked.conn, "plain-1")[1, "multi_feature"] == (
        "A building on grass, with three trees on it."
    )
    assert texts_of(linked.conn, "plain-view-1")[1, "focus"] == (
        "An aerial image of a building."
    )
    pairs = linked.conn.execute(
        "SELECT style, count(*) FROM skyscript.pair GROUP BY style ORDER BY 1"
    ).fetchall()
    assert pairs == [("paper", 20), ("plain", 20)]


def test_only_what_a_changed_verdict_tells_is_told_anew(linked, run_job):
    run_job(linked.conn, "write_captions", caption_recipe="plain-1")
    before = texts_of(linked.conn, "plain-1")
    override(linked.conn, "landuse", "grass", None)
    counts = run_job(linked.conn, "write_captions", caption_recipe="plain-1")
    after = texts_of(linked.conn, "plain-1")
    assert after[1, "multi_feature"] == "A building, with three trees on it."
    assert {key for key in before if before[key] != after.get(key)} >= {
        (1, "multi_feature")
    }
    assert not [text for text in after.values() if "grass" in text.lower()]
    assert counts.n_pending == 0
    linked.conn.execute("DELETE FROM skyscript.tag_groundability WHERE reason ~ 'test'")
    run_job(linked.conn, "write_captions", caption_recipe="plain-1")
    assert texts_of(linked.conn, "plain-1") == before


def test_a_verdict_that_tells_of_no_chip_re_does_nothing(linked, run_job):
    run_job(linked.conn, "write_captions")
    linked.conn.execute(
        "INSERT INTO skyscript.tag (key, value, text, n_features)"
        " VALUES ('natural', 'beach', 'natural beach', 0)"
    )
    override(linked.conn, "natural", "beach", 10.0)
    with linked.conn.transaction():
        mark_changed(linked.conn, "skyscript-1")
    (n_marked,) = linked.conn.execute(
        "SELECT count(*) FROM skyscript.caption_retelling"
    ).fetchone()
    assert n_marked == 0


def test_a_change_of_the_recipe_or_a_rule_tells_anew(linked, run_job):
    conn = linked.conn
    run_job(conn, "write_captions")
    conn.execute("UPDATE skyscript.caption_rule SET word = 'area' WHERE key='landuse'")
    run_job(conn, "write_captions")
    assert texts_of(conn, "skyscript-1")[1, "multi_feature"] == (
        "building, surrounded by area of grass; three natural trees"
    )
    conn.execute("UPDATE skyscript.caption_recipe SET prefix = 'see ', max_tokens = 12")
    run_job(conn, "write_captions")
    assert texts_of(conn, "skyscript-1")[1, "multi_feature"] == (
        "see building, surrounded by area of grass"
    )


def test_what_a_model_rewrites_is_counted_by_its_base(linked, run_job):
    for recipes, n in [("llm-1", 5), ("llm-1,plain-1", 5), ("llm-1,paper-1", 10)]:
        counts = run_job(linked.conn, "write_captions", caption_recipe=recipes)
        assert (counts.n_ok, counts.n_in) == (n, n)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_batches_on_several_connections_say_the_same(
    linked, run_job, monkeypatch, workers
):
    from skyscript_db.jobs import write_captions

    monkeypatch.setattr(write_captions, "BATCH", 1)
    counts = run_job(linked.conn, "write_captions", workers=workers)
    assert counts.n_in == counts.n_ok == 5
    assert len(texts_of(linked.conn, "skyscript-1")) == 10


def test_a_setting_that_means_nothing_is_refused(linked, run_job):
    linked.conn.execute(
        "UPDATE skyscript.caption_recipe SET settings = '{\"spatail\": true}'"
        " WHERE name = 'plain-1'"
    )
    with pytest.raises(UsageError, match="unknown setting 'spatail'; there are: merge"):
        run_job(linked.conn, "write_captions", caption_recipe="plain-1")
    linked.conn.execute(
        'UPDATE skyscript.caption_recipe SET settings = \'{"order": "age"}\''
        " WHERE name = 'plain-1'"
    )
    with pytest.raises(UsageError, match="'order' is 'age', and must be"):
        run_job(linked.conn, "write_captions", caption_recipe="plain-1")


def test_all_functions_of_the_grammar_count_when_it_changes(conn):
    """Walk from the functions that the basis names to those that they call."""
    named = set(re.findall(r"'(\w+)'", SQL.create_basis.partition("p.proname IN")[2]))
    bodies = dict(
        conn.execute(
            "SELECT p.proname, string_agg(p.prosrc, ' ') FROM pg_proc AS p"
            " WHERE p.pronamespace = 'skyscript'::regnamespace GROUP BY p.proname"
        ).fetchall()
    )
    called = {
        name
        for function in named & set(bodies)
        for name in re.findall(r"skyscript\.(\w+)\s*\(", bodies[function])
    }
    assert called & set(bodies) <= named


def test_what_another_tag_hides_is_told_of_no_chip(linked, run_job):
    linked.conn.execute(
        "UPDATE skyscript.chip_feature"
        " SET tags = tags || jsonb_build_object('tunnel', 'yes')"
        " WHERE osm_id IN (2, 11)"
    )
    run_job(linked.conn, "write_captions")
    assert linked.conn.execute(CAPTIONS).fetchall() == [
        ("focus", "building"),
        ("multi_feature", "building, surrounded by two natural trees"),
    ]


def test_captions_are_told_anew_when_other_tags_hide(linked, run_job):
    run_job(linked.conn, "write_captions")
    linked.conn.execute(
        "INSERT INTO skyscript.hiding_tag VALUES ('landuse', 'grass', NULL, 'mown')"
    )
    run_job(linked.conn, "write_captions")
    assert linked.conn.execute(CAPTIONS).fetchall()[1] == (
        "multi_feature",
        "building, surrounded by three natural trees",
    )
