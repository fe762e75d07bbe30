from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from skyscript_db.cluster import (
    Cluster,
    owner,
)
from skyscript_db.errors import ServerError
from tests.cluster.helpers import query, start_elsewhere

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change users")


def test_there_is_a_private_socket_and_no_port(running: Cluster) -> None:
    assert query(running, "SHOW listen_addresses") == [("",)]
    socket = running.status().socket
    assert socket == running.folder / "socket"
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(running.data.stat().st_mode) == 0o700
    assert socket.stat().st_uid == running.data.stat().st_uid


@as_root
def test_another_user_cannot_connect(running: Cluster) -> None:
    stranger = next(x for x in ("daemon", "bin") if _has_user(x))
    refused = subprocess.run(
        ["psql", "-c", "SELECT 1", running.url()],
        user=stranger,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 2
    assert "Permission denied" in refused.stderr


def _has_user(name: str) -> bool:
    return name in {entry.pw_name for entry in pwd.getpwall()}


@as_root
def test_the_server_of_root_runs_unprivileged(running: Cluster) -> None:
    pid = running.status().pid
    process = Path(f"/proc/{pid}/status").read_text()
    uids = next(x for x in process.splitlines() if x.startswith("Uid:")).split()[1:]

    assert set(uids) == {str(running.data.stat().st_uid)}
    assert "0" not in uids


@as_root
def test_a_home_in_a_closed_folder_links_to_a_place_that_the_server_reaches(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)
    cluster = Cluster(tmp_path / "home")
    try:
        cluster.start(durable=False)
        stored = (tmp_path / "home" / "cluster").readlink()

        assert stored.parent == owner.STORE
        assert query(cluster, "SELECT 1") == [(1,)]
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    finally:
        cluster.reset()
    assert not stored.exists()
    assert not (tmp_path / "home" / "cluster").is_symlink()


@as_root
def test_an_empty_closed_home_is_opened_to_the_server(cluster: Cluster) -> None:
    cluster.home.mkdir(mode=0o700)
    folder = owner.make_folder(cluster.home, owner.server_account(cluster.data))

    assert folder == cluster.home / "cluster"
    assert stat.S_IMODE(cluster.home.stat().st_mode) == 0o701


@as_root
def test_a_closed_home_with_files_in_it_stays_closed(cluster: Cluster) -> None:
    cluster.home.mkdir(mode=0o700)
    (cluster.home / "secret").touch()
    folder = owner.make_folder(cluster.home, owner.server_account(cluster.data))

    assert folder.parent == owner.STORE
    assert stat.S_IMODE(cluster.home.stat().st_mode) == 0o700


def test_a_link_to_a_place_that_is_gone_is_not_replaced(cluster: Cluster) -> None:
    cluster.home.mkdir()
    (cluster.home / "cluster").symlink_to(cluster.home / "unplugged")

    with pytest.raises(ServerError, match="which is gone"):
        cluster.start(durable=False)


def test_an_ordinary_user_needs_no_root(cluster: Cluster) -> None:
    cluster.home.mkdir()
    user = "nobody" if os.geteuid() == 0 else ""
    if user:
        shutil.chown(cluster.home, user)
    started = start_elsewhere(cluster.home, user=user)
    _, errors = started.communicate(timeout=60)

    assert errors == ""
    assert cluster.data.stat().st_uid == cluster.home.stat().st_uid
    assert query(cluster, "SELECT 1") == [(1,)]


@as_root
def test_a_cluster_of_another_user_is_refused(running: Cluster) -> None:
    strange = start_elsewhere(running.home, user="daemon")
    _, errors = strange.communicate(timeout=60)

    assert "belongs to the user" in errors


def test_a_path_too_long_for_a_socket_has_it_elsewhere(cluster: Cluster) -> None:
    long = Cluster(cluster.home / ("a, long " + "x" * 100))
    try:
        long.start(durable=False)
        socket = long.status().socket

        assert socket.parent == Path("/tmp")  # noqa: S108
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert query(long, "SELECT 1") == [(1,)]
    finally:
        long.reset()
    assert not socket.exists()


def test_a_socket_folder_of_somebody_else_is_refused(cluster: Cluster) -> None:
    long = Cluster(cluster.home / ("x" * 100))
    long.socket.symlink_to(cluster.home)
    try:
        with pytest.raises(ServerError, match="is not a folder of the user"):
            long.start(durable=False)
    finally:
        long.socket.unlink()
        long.reset()


def test_variables_of_libpq_do_not_reach_the_server(
    running: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.stop()
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    running.start(durable=False)

    assert query(running, "SHOW port") == [("5432",)]
