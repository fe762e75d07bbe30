"""Jobs that are killed, and what the next build makes of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from skyscript_db.jobs import JOBS
from skyscript_db.jobs.runner import name_of
from tests.faults.state import State, check_same
from tests.faults.victim import Misfortune
from tests.fix_project import Project
from tests.fix_stages import Site

NAMES = [name_of(job) for job in JOBS]
# The first statement enters the run in the ledger. The later ones are in the midst of
# the batches, where there are any, and a run that is on its last meets none of them.
MOMENTS = (1, 2, 5, 9, 14)


@pytest.mark.parametrize("job", NAMES)
def test_build_after_kill_9_equals_an_undisturbed_one(
    site: Callable[..., Site], peaceful: State, job: str
) -> None:
    disturbed = site(before=job)
    fates = [Misfortune("kill", n) for n in MOMENTS]
    statuses = [disturbed.run("run", job, fate=fate).status for fate in fates]
    assert statuses[:2] == [-signal.SIGKILL, -signal.SIGKILL]
    assert set(statuses) <= {-signal.SIGKILL, 0}
    check_same(disturbed.build(), peaceful)
    # The first died before it was in the ledger; the build is in it too.
    runs = disturbed.ledger(job)[-len(MOMENTS) :]
    assert runs[0] == ("interrupted", "process died")
    assert runs[-1] == ("finished", None)


def test_a_killed_jobs_statement_does_not_outlive_it(
    site: Callable[..., Site], peaceful: State
) -> None:
    disturbed = site(before="plan_chips")
    running = disturbed.start("run", "plan_chips", fate=Misfortune("wait in server", 3))
    running.wait()
    running.process.kill()
    assert running.end().status == -signal.SIGKILL
    time.sleep(2)
    check_same(disturbed.build(), peaceful)


def test_builds_killed_again_and_again_equal_an_undisturbed_one(
    site: Callable[..., Site], peaceful: State, project: Project
) -> None:
    disturbed = site()
    first = "INSERT INTO skyscript.osm_import"
    loads = [
        ("load", "osm", str(project.extract("west"))),
        ("load", "osm", str(project.extract("east"))),
        (
            *("load", "rasters", str(project.folder), "--collection", "orthos"),
            *("--licence", "CC0-1.0"),
        ),
    ]
    for words in loads:
        after = first if words[1] == "osm" else "skyscript.collection"
        for n in (2, 9, 16):
            fate = Misfortune("kill", n, after=after)
            assert disturbed.run(*words, fate=fate).status == -signal.SIGKILL
        ended = disturbed.run(*words)
        assert (ended.status, ended.err) == (0, "")
    for n in (10, 25, 60, 100, 150, 210):
        assert disturbed.run("build", fate=Misfortune("kill", n)).status in {-9, 0}
    check_same(disturbed.build(), peaceful)


@pytest.mark.parametrize("limit", [7])
def test_a_build_in_small_steps_equals_one_in_one_go(
    site: Callable[..., Site], peaceful: State, limit: int
) -> None:
    disturbed = site(before="collect_tags")
    for job in NAMES:
        n_done = -1
        while n_done != (n_done := done(disturbed, job, limit)):
            pass
    check_same(disturbed.build(), peaceful)


def done(site: Site, job: str, limit: int) -> int:
    from skyscript_db import api
    from skyscript_db.jobs import runner

    work = runner.Work(site.conn, site.settings, limit)
    counts = runner.run(api.job_named(job), work)
    return counts.n_ok + counts.n_rejected


def test_a_second_build_changes_nothing(
    site: Callable[..., Site], peaceful: State
) -> None:
    built = site(before="split_pairs")
    check_same(built.build(), peaceful)
    n_updates = (
        "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables"
        " WHERE relname NOT IN ('job_run', 'pending') ORDER BY 1"
    )
    before = settled(built, n_updates)
    check_same(built.build(), peaceful)
    assert settled(built, n_updates) == before


def settled(site: Site, query: str) -> list[tuple[object, ...]]:
    """Return statistics, once this session's own are told to the server."""
    site.conn.execute("SELECT pg_stat_force_next_flush()")
    return site.conn.execute(query.encode()).fetchall()
