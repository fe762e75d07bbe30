from __future__ import annotations

import os
import signal
import subprocess

import psycopg
import pytest

from skyscript_db.cluster import (
    Cluster,
    owner,
    postmaster,
)
from skyscript_db.errors import ServerError
from tests.cluster.helpers import execute, query, start_elsewhere, wait_for


def test_a_killed_server_starts_again_with_its_data(cluster: Cluster) -> None:
    cluster.start()
    execute(cluster, "CREATE TABLE kept AS SELECT 7 AS n")
    pid = cluster.status().pid
    assert pid is not None

    with psycopg.connect(cluster.url()):
        os.kill(pid, signal.SIGKILL)
        cluster.start()

        assert query(cluster, "SELECT n FROM kept") == [(7,)]
        assert cluster.status().pid != pid


def test_orphans_deep_in_a_query_do_not_block_the_next_start(
    running: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postmaster, "ORPHAN_PATIENCE_S", 0.5)
    endless = "SELECT count(*) FROM generate_series(1, 1e12)"
    client = subprocess.Popen(
        ["psql", "-qc", endless, running.url()], stderr=subprocess.DEVNULL
    )
    active = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%1e12)'"
    wait_for(lambda: query(running, active))
    pid = running.status().pid
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    running.start(durable=False)

    assert query(running, "SELECT 1") == [(1,)]
    assert client.wait(timeout=10) != 0


def test_a_killed_backend_brings_the_server_back_by_itself(running: Cluster) -> None:
    with psycopg.connect(running.url()) as conn:
        os.kill(conn.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    running.start(durable=False)

    assert query(running, "SELECT 1") == [(1,)]


def test_a_server_that_goes_down_right_after_it_answered_is_brought_back(
    running: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.stop()
    really = Cluster._answers
    said = iter([True])
    monkeypatch.setattr(
        Cluster, "_answers", lambda self: next(said, False) or really(self)
    )
    running.start(durable=False)

    assert query(running, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("pid", ["", "1", "ours"])
def test_a_leftover_pid_file_is_not_mistaken_for_a_server(
    running: Cluster, pid: str
) -> None:
    pid_file = running.data / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    running.stop()
    pid = pid.replace("ours", str(os.getpid()))
    pid_file.write_text("\n".join([pid, *lines[1:]]) if pid else "")

    assert not running.status().running
    running.start(durable=False)
    assert query(running, "SELECT 1") == [(1,)]


def test_a_number_reused_by_a_process_of_the_server_user_is_no_server(
    running: Cluster,
) -> None:
    account = owner.server_account(running.data)
    pid_file = running.data / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    running.stop()
    user = None if account.is_me else account.uid
    with subprocess.Popen(["sleep", "60"], user=user) as sleep:
        pid_file.write_text("\n".join([str(sleep.pid), *lines[1:]]))
        running.start(durable=False)
        sleep.kill()

    assert query(running, "SELECT 1") == [(1,)]


def test_a_start_killed_while_it_makes_the_cluster_is_made_anew(
    cluster: Cluster,
) -> None:
    killed = start_elsewhere(cluster.home)
    wait_for((cluster.folder / "data.new" / "PG_VERSION").exists)
    killed.kill()
    killed.communicate()
    assert not cluster.data.exists()

    cluster.start(durable=False)

    assert query(cluster, "SELECT 1") == [(1,)]
    assert not (cluster.folder / "data.new").exists()


def test_a_ctrl_c_at_the_terminal_does_not_reach_the_server(running: Cluster) -> None:
    pid = running.status().pid
    assert pid is not None

    assert os.getsid(pid) != os.getsid(0)


def test_a_server_that_cannot_start_shows_its_log(running: Cluster) -> None:
    running.stop()
    settings = running.data / "postgresql.auto.conf"
    before = settings.read_text()
    settings.write_text(f"{before}no_such_setting = on\n")

    with pytest.raises(ServerError, match="no_such_setting"):
        running.start(durable=False)
    settings.write_text(before)
