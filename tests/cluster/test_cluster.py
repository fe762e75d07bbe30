from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.cluster.helpers import execute, query, start_elsewhere

if TYPE_CHECKING:
    from skyscript_db.cluster import (
        Cluster,
    )


def test_a_new_home_gets_a_server_that_can_create_the_extensions(
    running: Cluster,
) -> None:
    execute(running, "CREATE EXTENSION postgis; CREATE EXTENSION vector")

    assert query(running, "SELECT current_user, current_database()") == [
        ("skyscript", "skyscript")
    ]
    assert query(running, "SHOW data_checksums") == [("on",)]
    assert query(running, "SELECT lower('ÅRE')") == [("åre",)]
    assert running.status().running


def test_starting_twice_leaves_the_first_server_alone(running: Cluster) -> None:
    first = running.status()

    assert running.start(durable=False) == first


def test_two_concurrent_starts_make_one_server(cluster: Cluster) -> None:
    both = [start_elsewhere(cluster.home), start_elsewhere(cluster.home)]
    (first, error_1), (second, error_2) = (x.communicate(timeout=60) for x in both)

    assert (error_1, error_2) == ("", "")
    assert first == second == f"{cluster.status().pid}\n"


def test_stopping_keeps_the_data(running: Cluster) -> None:
    execute(running, "CREATE TABLE kept AS SELECT 7 AS n")

    assert running.stop() is True
    assert running.stop() is False
    assert not running.status().running

    running.start(durable=False)
    assert query(running, "SELECT n FROM kept") == [(7,)]


def test_reset_removes_all_that_the_cluster_has_and_nothing_else(
    cluster: Cluster,
) -> None:
    chip = cluster.home / "chips" / "1.jpg"
    chip.parent.mkdir(parents=True)
    chip.touch()
    cluster.start(durable=False)
    execute(cluster, "CREATE TABLE gone AS SELECT 7 AS n")
    url = cluster.url()

    cluster.reset()

    assert {x.name for x in cluster.home.iterdir()} == {"chips", "cluster.lock"}
    assert chip.exists()
    assert cluster.status().version is None
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)

    cluster.reset()
    cluster.start(durable=False)
    assert query(cluster, "SELECT to_regclass('gone')") == [(None,)]
