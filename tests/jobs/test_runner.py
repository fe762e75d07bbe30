from __future__ import annotations

import logging

import psycopg
import pytest

from skyscript_db.database import connect
from skyscript_db.errors import JobBusy, UsageError
from skyscript_db.jobs import JOBS, collect_tags, runner, split_pairs
from skyscript_db.progress import LoggedProgress
from tests.conftest import ROOT
from tests.fix_rows import add_feature

LEDGER = "SELECT job, status, n_in, n_ok, n_rejected, n_pending FROM skyscript.job_run"


def test_every_job_has_its_three_files_and_a_docstring():
    for job in JOBS:
        name = runner.name_of(job)
        folder = ROOT / "skyscript_db" / "jobs"
        assert (folder / f"{name}.sql").exists(), name
        assert (ROOT / "tests" / "jobs" / f"test_{name}.py").exists(), name
        assert job.__doc__, name
        assert "In:" in job.__doc__, f"{name} does not say what goes in"
        assert "Out:" in job.__doc__, f"{name} does not say what comes out"


def test_a_run_is_entered_in_the_ledger(database, settings, run_job):
    add_feature(database.conn, "POINT(1 1)", osm_id=1, natural="tree")
    run_job(database.conn, "collect_tags")
    assert database.conn.execute(LEDGER).fetchall() == [
        ("collect_tags", "finished", 1, 1, 0, 0)
    ]


def test_the_ledger_refuses_counts_that_do_not_reconcile(database):
    with pytest.raises(psycopg.errors.CheckViolation, match="ck_job_run_reconciles"):
        database.conn.execute(
            "INSERT INTO skyscript.job_run (job, parameters, code_version, n_in, n_ok,"
            " n_rejected, n_pending) VALUES ('x', '{}', '0', 3, 1, 1, 0)"
        )


def test_the_same_job_does_not_run_twice_at_once(database, settings):
    with (
        connect(database.info) as other,
        runner._only_one(other, "collect_tags"),
        pytest.raises(JobBusy, match="collect_tags is already running"),
    ):
        runner.run(collect_tags, runner.Work(database.conn, settings))
    runner.run(collect_tags, runner.Work(database.conn, settings))


def test_a_failed_run_is_entered_with_its_error(database, settings, monkeypatch):
    def fail(work: runner.Work) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(collect_tags, "run", fail)
    with pytest.raises(OSError, match="no space left"):
        runner.run(collect_tags, runner.Work(database.conn, settings))
    assert database.conn.execute(
        "SELECT status, error FROM skyscript.job_run"
    ).fetchall() == [("failed", "OSError: no space left")]


def test_settings_that_a_job_refuses_are_entered_like_any_failure(database, settings):
    refused = settings.model_copy(
        update={"split_val_fraction": 0.5, "split_test_fraction": 0.5}
    )
    with pytest.raises(UsageError, match="leave nothing to train on"):
        runner.run(split_pairs, runner.Work(database.conn, refused))
    ((status, error, n_in),) = database.conn.execute(
        "SELECT status, error, n_in FROM skyscript.job_run"
    ).fetchall()
    assert (status, n_in) == ("failed", None)
    assert error.startswith("UsageError: validation (0.5) and test (0.5) leave nothing")


def test_an_entry_of_a_process_that_died_is_marked_by_the_next_run(database, run_job):
    database.conn.execute(
        "INSERT INTO skyscript.job_run (job, parameters, code_version)"
        " VALUES ('collect_tags', '{}', '0')"
    )
    run_job(database.conn, "collect_tags")
    assert database.conn.execute(
        "SELECT status FROM skyscript.job_run ORDER BY id"
    ).fetchall() == [("interrupted",), ("finished",)]


def test_batches_cover_what_is_pending_once(database, settings):
    work = runner.Work(database.conn, settings)
    ten = "INSERT INTO pending (id) SELECT 100 + i FROM generate_series(1, 10) AS i"
    bounds = list(runner.batches(work, ten, {}, size=4, unit="things"))
    assert bounds == [
        {"first": 1, "last": 4},
        {"first": 5, "last": 8},
        {"first": 9, "last": 10},
    ]


def test_logged_progress_tells_rate_and_time_left(caplog, monkeypatch):
    progress = LoggedProgress()
    progress.start(100, "chips")
    progress.started -= 20
    progress.logged -= 20
    with caplog.at_level(logging.INFO):
        progress.advance(50)
    assert caplog.messages == ["50 of 100 chips, 2/s, 20 s left"]
