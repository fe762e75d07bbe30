from __future__ import annotations

import psycopg
import pytest

from tests.fix_rows import add_feature, add_scene, mark_fetched
from tests.jobs.test_plan_chips import point

TOP = "SELECT nth, similarity FROM skyscript.top_pairs(%s, %s, 'focus')"
IDS = "SELECT chip_id FROM skyscript.top_pairs(%s, %s, 'focus')"


@pytest.fixture
def scored(database, run_job):
    """Ten pairs of a kind; `one` scores in tenths, `two` has ties and turns round."""
    conn = database.conn
    add_scene(conn)
    for n in range(10):
        add_feature(conn, point(500 + n, 500), osm_id=n, natural="tree")
    run_job(conn, "collect_tags", "ground_tags", "plan_chips")
    mark_fetched(conn)
    run_job(conn, "link_features", "write_captions")
    conn.execute(
        "INSERT INTO skyscript.embedding_model (name, weights, weights_sha256,"
        " dimension, is_default) VALUES ('one', 'a', 'x', 4, true),"
        " ('two', 'a', 'y', 4, false), ('two', 'b', 'z', 4, false)"
    )
    conn.execute(
        "INSERT INTO skyscript.pair_similarity (model_id, chip_id, text_id, similarity)"
        " SELECT DISTINCT m.id, c.chip_id, c.text_id, CASE m.name WHEN 'one'"
        " THEN r.n / 10.0 ELSE (9 - r.n) / 5 / 10.0 END"
        " FROM skyscript.caption AS c, skyscript.embedding_model AS m,"
        " (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM skyscript.chip)"
        " AS r WHERE r.id = c.chip_id AND m.weights = 'a'"
    )
    return conn


@pytest.mark.parametrize(
    ("fraction", "n"), [(0, 0), (0.04, 0), (0.2, 2), (0.25, 3), (0.5, 5), (1, 10)]
)
def test_exactly_the_share_comes_back_best_first(scored, fraction, n):
    rows = scored.execute(TOP, ("one", fraction)).fetchall()
    assert [nth for nth, _ in rows] == list(range(1, n + 1))
    best = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    assert [s for _, s in rows] == pytest.approx(best[:n])


def test_ties_are_broken_by_id(scored):
    ids = [i for (i,) in scored.execute(IDS, ("two/a", 0.3))]
    every = [i for (i,) in scored.execute("SELECT id FROM skyscript.chip ORDER BY id")]
    # The first five share the best score of `two`.
    assert ids == every[:3]


def test_all_kinds_count_where_none_is_named(scored):
    (n,) = scored.execute(
        "SELECT count(*) FROM skyscript.top_pairs('one', 0.5)"
    ).fetchone()
    (n_pairs,) = scored.execute("SELECT count(*) FROM skyscript.caption").fetchone()
    assert n == round(n_pairs / 2)


def test_overlap_of_scorers(scored):
    rows = scored.execute(
        "SELECT * FROM skyscript.scorer_overlap(0.6, 'focus')"
    ).fetchall()
    # Of ten, `one` takes the last six and `two` the first five and one more.
    assert rows[0][:4] == ("one/a", "two/a", 6, 2)
    assert rows[0][4] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("scorer", "fraction", "message"),
    [
        ("three", 0.5, "no scorer three"),
        ("two", 0.5, "several scorers"),
        ("one", 1.5, "is no share"),
        ("one", None, "is no share"),
        (None, 0.5, "no scorer"),
    ],
)
def test_bad_questions_are_told_apart(scored, scorer, fraction, message):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=message):
        scored.execute(TOP, (scorer, fraction))
