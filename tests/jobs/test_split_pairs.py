from __future__ import annotations

import pytest

from skyscript_db.errors import UsageError
from tests.fix_rows import add_feature, add_scene, mark_fetched
from tests.jobs.test_plan_chips import point


@pytest.fixture
def chips(database, run_job):
    """Return a database with 400 chips over 2 x 2 grid cells."""
    add_scene(database.conn, side_px=2000)
    for col in range(150, 1900, 90):
        for row in range(150, 1900, 90):
            osm_id = col * 2000 + row
            add_feature(database.conn, point(col, row), osm_id=osm_id, natural="tree")
    run_job(database.conn, "collect_tags", "ground_tags", "plan_chips")
    mark_fetched(database.conn)
    return database


def test_no_pixel_is_in_two_splits(chips, run_job):
    counts = run_job(
        chips.conn, "split_pairs", split_val_fraction=0.3, split_test_fraction=0.3
    )
    assert counts.n_pending == 0
    assert counts.n_in == counts.n_ok + counts.n_rejected == 400
    assert set(counts.rejected) <= {"reaches into another split"}
    leaks = chips.conn.execute(
        "SELECT count(*) FROM skyscript.chip_split AS a"
        " JOIN skyscript.chip_split AS b ON b.scheme = a.scheme AND b.split < a.split"
        " JOIN skyscript.chip AS ca ON ca.id = a.chip_id"
        " JOIN skyscript.chip AS cb ON cb.id = b.chip_id"
        " WHERE ST_Overlaps(ca.footprint, cb.footprint)"
    ).fetchone()
    assert leaks == (0,)


def test_schemes_live_side_by_side_and_the_view_shows_the_last(chips, run_job):
    run_job(chips.conn, "split_pairs", split_val_fraction=0, split_test_fraction=0)
    run_job(chips.conn, "split_pairs", split_val_fraction=0, split_test_fraction=0.99)
    run_job(chips.conn, "link_features", "write_captions")
    splits = chips.conn.execute("SELECT DISTINCT split FROM skyscript.pair").fetchall()
    assert splits == [("test",)]


def test_a_second_run_changes_nothing(chips, run_job):
    rows = "SELECT *, xmin::text FROM skyscript.chip_split ORDER BY chip_id"
    run_job(chips.conn, "split_pairs")
    before = chips.conn.execute(rows).fetchall()
    run_job(chips.conn, "split_pairs")
    assert chips.conn.execute(rows).fetchall() == before


def test_shares_that_leave_nothing_to_train_on_are_refused(chips, run_job):
    with pytest.raises(UsageError, match="leave nothing to train on"):
        run_job(
            chips.conn, "split_pairs", split_val_fraction=0.5, split_test_fraction=0.5
        )


def test_a_split_that_no_cell_came_into_is_told(chips, run_job, caplog):
    run_job(
        chips.conn, "split_pairs", split_val_fraction=0.001, split_test_fraction=0.001
    )
    (told,) = [r.message for r in caplog.records if r.levelname == "WARNING"]
    assert told.startswith("no chip is in val or test: whole cells of ")
    assert "there are 4; have more ground" in told


def test_a_split_that_is_not_wanted_is_not_missed(chips, run_job, caplog):
    run_job(chips.conn, "split_pairs", split_val_fraction=0, split_test_fraction=0)
    assert [r for r in caplog.records if r.levelname == "WARNING"] == []


def test_cells_are_drawn_in_the_asked_shares(conn):
    shares = conn.execute(
        "SELECT count(*) FILTER (WHERE s = 'test') / 10000.0,"
        " count(*) FILTER (WHERE s = 'val') / 10000.0"
        " FROM generate_series(1, 10000) AS cell,"
        " skyscript.cell_split(cell, 0.1, 0.2, 0) AS s"
    ).fetchone()
    assert [float(share) for share in shares] == pytest.approx([0.2, 0.1], abs=0.015)
