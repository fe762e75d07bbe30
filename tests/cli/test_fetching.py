"""What the command line says of fetching: costs before, causes after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fix_database import Database
from tests.fix_rasters import noise
from tests.jobs.fetch_helpers import add_chips, add_scene, states


@pytest.fixture
def two_failed(database: Database, tmp_path: Path) -> Path:
    """Return where the file of three chips should be, which all cannot be cut."""
    pixels = noise(3)
    pixels[:, :32, :32] = 90
    add_scene(database.conn, tmp_path / "a.tif", pixels)
    add_chips(database.conn, (32, 32, 32, 32), (20, 32, 32, 32), (0, 0, 32, 32))
    return tmp_path / "a.tif"


def test_failures_are_grouped_with_a_remedy(
    skyscript: Any, database: Database, two_failed: Path
):
    away = two_failed.rename(two_failed.with_name("away"))
    told = skyscript("run", "fetch_chips")
    assert told.status == 0
    assert (
        "3 chips failed, 0 of them out of attempts: `skyscript failures` tells why and "
        "what to do; the next run tries the others again\n" in told.err
    )
    (cause,) = skyscript("failures", "--json").json()["causes"]
    assert cause["last_at"].startswith("20")
    assert {k: cause[k] for k in cause if k != "last_at"} == {
        "state": "failed",
        "http_status": None,
        "cause": "… is missing: put it back, or load it from where it is now",
        "n_chips": 3,
        "n_tried_again": 3,
        "collections": ["orthos"],
        "example": f"{two_failed} is missing: put it back, or load it from where it "
        "is now",
        "remedy": "put the file back or load it from where it is now",
    }
    away.rename(two_failed)
    assert "chips failed" not in skyscript("run", "fetch_chips").err
    told = skyscript("failures")
    assert "        1 rejected: constant image\n" in told.out
    assert "-> nothing to do: there is no picture at this place" in told.out


def test_nothing_failed(skyscript: Any):
    assert skyscript("failures").out == "no chip failed or was rejected\n"


def test_a_pause_is_told(skyscript: Any, database: Database):
    database.conn.execute(
        "INSERT INTO skyscript.request_limit (service, paused_until, pause_cause)"
        " VALUES ('earth-engine:p', '2999-01-01', 'quota exceeded')"
    )
    told = skyscript("failures").out
    assert (
        "earth-engine:p is paused until 2999-01-01 00:00:00 UTC: quota exceeded" in told
    )


def test_ids_and_numbers_do_not_tell_causes_apart(
    skyscript: Any, database: Database, two_failed: Path
):
    database.conn.execute(
        "UPDATE skyscript.chip SET state = 'failed', n_attempts = 3, http_status = 404,"
        " cause = format('asset USDA/NAIP/m_%s not found, try %s', id, id)"
    )
    (cause,) = skyscript("failures", "--json").json()["causes"]
    assert cause["cause"] == "asset USDA… not found, try N"
    assert (cause["n_chips"], cause["n_tried_again"]) == (3, 0)
    assert cause["remedy"].startswith("the provider has the scene no more")


def test_status_names_the_command(skyscript: Any, two_failed: Path):
    two_failed.unlink()
    assert "failures" not in skyscript("status").out.lower().partition("funnel")[0]
    skyscript("run", "fetch_chips")
    assert "`skyscript failures` tells the causes" in skyscript("status").out


def test_retry_failed_takes_those_out_of_attempts(
    skyscript: Any, database: Database, two_failed: Path
):
    away = two_failed.rename(two_failed.with_name("away"))
    for _ in range(3):
        skyscript("run", "fetch_chips")
    away.rename(two_failed)
    assert "0 ok + 3 rejected + 0 pending" in skyscript("run", "fetch_chips").out
    told = skyscript("run", "fetch_chips", "--retry-failed", "--cause", "no such text")
    assert "0 failed chips are tried again" in told.err
    dry = skyscript("run", "fetch_chips", "--retry-failed", "--dry-run")
    assert "0 ok + 0 rejected + 3 pending" in dry.out
    assert {state for _, state, *_ in states(database.conn)} == {"failed"}
    told = skyscript("run", "fetch_chips", "--retry-failed", "--cause", "is missing")
    assert "3 failed chips are tried again" in told.err
    assert "2 ok + 1 rejected + 0 pending" in told.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("collect_tags", "--retry-failed"), "--retry-failed is of fetch_chips"),
        (("fetch_chips", "--cause", "x"), "--cause narrows --retry-failed: give both"),
    ],
)
def test_options_of_fetch_chips_alone(
    skyscript: Any, words: tuple[str, ...], message: str
):
    told = skyscript("run", *words)
    assert told.status == 2
    assert message in told.err


def test_a_dry_run_tells_what_it_would_cost(
    skyscript: Any, database: Database, two_failed: Path
):
    database.conn.execute("UPDATE skyscript.collection SET provider = 'earth-engine'")
    (cost,) = skyscript("run", "fetch_chips", "--dry-run", "--json").json()["estimate"]
    assert cost == {
        "provider": "earth-engine",
        "collection": "orthos",
        "n_chips": 3,
        "n_requests": 1,
        "transfer_mb": 64 * 64 * 4 / 1e6,
        "hours": 1 / 100 / 3600,
        "disk_mb": 3 * 32 * 32 * 0.35 / 1e6,
    }
    told = skyscript("run", "fetch_chips", "--dry-run")
    assert "transfer_mb" in told.out
    assert {state for _, state, *_ in states(database.conn)} == {"planned"}


def test_a_dry_run_knows_the_files_that_are_there(
    skyscript: Any, database: Database, two_failed: Path
):
    skyscript("run", "fetch_chips", "--limit", "2")
    database.conn.execute(
        "UPDATE skyscript.chip SET state = 'planned', cause = NULL, sha256 = NULL,"
        " image_path = NULL WHERE id = 1"
    )
    database.conn.execute(
        "UPDATE skyscript.chip SET state = 'ok', sha256 = 'x', image_path = 'x',"
        " cause = NULL, file_bytes = 2048 WHERE id = 2"
    )
    costs = skyscript("run", "fetch_chips", "--dry-run", "--json").json()["estimate"]
    assert costs[0]["n_requests"] == 0
    assert costs[0]["disk_mb"] == pytest.approx(costs[0]["n_chips"] * 2048 / 1e6)


def test_rehydrate_tells_what_became_of_images(
    on_town: Any, tmp_path: Path, project: Any
):
    words = ("export", str(tmp_path / "x"), "--format", "csv", "--name", "again")
    assert on_town(*words).status == 0
    rows = (tmp_path / "x/metadata.jsonl").read_text().splitlines()
    words = ("rehydrate", str(tmp_path / "x"), "--output", str(tmp_path / "y"))
    told = on_town(*words, "--rasters", str(project.folder))
    assert told.status == 0
    n = len(rows)
    assert f"{n} images = {n} matched (0 were there) + 0 differ + 0 failed" in told.out
    assert on_town(*words).status == 0
    for path in (tmp_path / "y").rglob("*.jpg"):
        path.unlink()
    told = on_town(*words, "--rasters", str(tmp_path), "--limit", "1", "--json")
    assert told.status == 1
    assert '"failed": {' in told.out
