from __future__ import annotations

from tests.fix_rows import add_feature

TAGS = "SELECT key, value, text, n_features FROM skyscript.tag ORDER BY key, value"


def test_distinct_tags_are_counted_and_told(database, run_job):
    add_feature(database.conn, "POINT(1 1)", osm_id=1, natural="tree")
    add_feature(database.conn, "POINT(1 2)", osm_id=2, natural="tree", name="Oak")
    counts = run_job(database.conn, "collect_tags")
    assert (counts.n_in, counts.n_ok) == (2, 2)
    assert database.conn.execute(TAGS).fetchall() == [
        ("name", "Oak", "name of Oak", 1),
        ("natural", "tree", "natural tree", 2),
    ]


def test_a_tag_that_no_feature_carries_any_more_stays_with_a_count_of_zero(
    database, run_job
):
    add_feature(database.conn, "POINT(1 1)", osm_id=1, natural="tree")
    run_job(database.conn, "collect_tags")
    database.conn.execute("DELETE FROM osm.extract_feature")
    counts = run_job(database.conn, "collect_tags")
    assert counts.rejected == {"no feature carries it now": 1}
    assert database.conn.execute(TAGS).fetchall() == [
        ("natural", "tree", "natural tree", 0)
    ]


def test_a_second_run_changes_nothing(database, run_job):
    add_feature(database.conn, "POINT(1 1)", osm_id=1, natural="tree")
    run_job(database.conn, "collect_tags")
    before = database.conn.execute(
        "SELECT id, xmin::text FROM skyscript.tag"
    ).fetchall()
    run_job(database.conn, "collect_tags")
    after = database.conn.execute("SELECT id, xmin::text FROM skyscript.tag").fetchall()
    assert after == before


def test_values_are_kept_verbatim_however_long_or_odd(database, run_job):
    odd = ["'; DROP TABLE x; --", 'a "b"\nc', "🌳%s{}\\", "x" * 5000]
    for n, value in enumerate(odd):
        add_feature(database.conn, "POINT(1 1)", osm_id=n + 1, note=value)
    run_job(database.conn, "collect_tags")
    values = database.conn.execute("SELECT value FROM skyscript.tag").fetchall()
    assert sorted(value for (value,) in values) == sorted(odd)


def test_nothing_loaded_is_no_error(database, run_job):
    assert run_job(database.conn, "collect_tags").n_in == 0
