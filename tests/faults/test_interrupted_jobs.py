"""Jobs that are interrupted, lose their server, or meet another."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from skyscript_db import api
from skyscript_db.cluster import Cluster
from skyscript_db.errors import JobBusy
from skyscript_db.jobs.runner import Work, run
from tests import fix_project
from tests.faults import state
from tests.faults.state import State, check_same
from tests.faults.victim import Misfortune
from tests.fix_project import Project
from tests.fix_stages import Site

INTERRUPTED = (
    "skyscript: interrupted; what was done is kept, run the same again to go on\n"
)


@pytest.mark.parametrize(
    ("job", "kind", "n"),
    [
        ("collect_tags", "interrupt while waiting", 3),
        ("fetch_chips", "interrupt", 8),
        ("link_features", "interrupt while waiting", 8),
        ("embed_chips", "interrupt", 14),
    ],
)
def test_interrupt_is_told_and_nothing_is_lost(
    site: Callable[..., Site], peaceful: State, job: str, kind: str, n: int
) -> None:
    disturbed = site(before=job)
    ended = disturbed.run("run", job, fate=Misfortune(kind, n))
    assert (ended.status, ended.out) == (130, "")
    assert ended.err.strip() == INTERRUPTED.strip()
    assert disturbed.ledger(job)[-1] == ("interrupted", "KeyboardInterrupt")
    check_same(disturbed.build(), peaceful)


def test_interrupt_of_a_build_ends_it(
    site: Callable[..., Site], peaceful: State
) -> None:
    disturbed = site(before="fetch_chips")
    ended = disturbed.run("build", fate=Misfortune("interrupt", 12))
    assert ended.status == 130
    assert ended.err.endswith(INTERRUPTED)
    assert "not done" not in ended.out
    check_same(disturbed.build(), peaceful)


@pytest.mark.parametrize(
    ("job", "n"),
    [
        ("ground_tags", 2),
        ("plan_chips", 3),
        ("fetch_chips", 7),
        ("link_features", 7),
        ("write_captions", 9),
        ("embed_captions", 9),
        ("score_pairs", 6),
    ],
)
def test_lost_connection_is_told_and_nothing_is_lost(
    site: Callable[..., Site], peaceful: State, job: str, n: int
) -> None:
    disturbed = site(before=job)
    ended = disturbed.run("run", job, fate=Misfortune("terminate", n))
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("skyscript: lost the server: ")
    assert ended.err.endswith("Run the same again to go on.\n")
    assert disturbed.ledger(job)[-1] == ("running", None)  # nobody could tell
    check_same(disturbed.build(), peaceful)
    assert ("interrupted", "process died") in disturbed.ledger(job)


def test_kill_9_of_the_embedded_server(
    project: Project, peaceful: State, tmp_path: Path
) -> None:
    settings = project.settings.model_copy(update={"home": tmp_path / "home"})
    cluster = Cluster(settings.home)
    try:
        with api.connect(settings) as conn:
            fix_project.load(conn, settings, project)
            pid = cluster.status().pid
            assert pid is not None
            site = Site(conn, settings, tmp_path)
            fate = Misfortune("kill postmaster", 60, victim_pid=pid)
            ended = site.run("build", fate=fate)
        assert ended.status == 1
        assert "skyscript: lost the server: " in ended.err
        assert "Traceback" not in ended.err
        ended = site.run("build")
        assert (ended.status, ended.err) == (0, fix_project.no_val(5))
        with api.connect(settings) as conn:
            check_same(state.check_whole(conn, settings), peaceful)
    finally:
        cluster.reset()


def test_two_of_one_job_do_not_run_at_once_and_others_may(
    site: Callable[..., Site], peaceful: State
) -> None:
    busy = site(before="link_features")
    first = busy.start("run", "link_features", fate=Misfortune("hold", 6))
    first.wait()
    with pytest.raises(JobBusy, match="link_features is already running"):
        run(api.job_named("link_features"), Work(busy.conn, busy.settings))
    second = busy.run("run", "link_features")
    assert (second.status, second.out) == (1, "")
    assert second.err == (
        "skyscript: link_features is already running on this database: wait for it to "
        "end, or end that process; what it has done is kept\n"
    )
    other = busy.run("run", "split_pairs")
    assert (other.status, other.err) == (0, fix_project.no_val(5))
    assert first.end().status == 0
    assert busy.ledger("link_features") == [("finished", None)]
    check_same(busy.build(), peaceful)


def test_build_goes_round_a_job_that_is_busy(
    site: Callable[..., Site], peaceful: State
) -> None:
    busy = site(before="score_pairs")
    first = busy.start("run", "score_pairs", fate=Misfortune("hold", 6))
    first.wait()
    ended = busy.run("build")
    assert ended.status == 1
    assert "score_pairs     not done\n" in ended.out
    assert (
        "split_pairs            44 chips = 39 ok + 5 rejected + 0 pending\n"
        in ended.out
    )
    assert "score_pairs is already running" in " ".join(ended.err.split())
    first.process.kill()
    assert first.end().status == -signal.SIGKILL
    check_same(busy.build(), peaceful)
