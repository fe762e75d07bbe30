"""Runs of fetch_chips: repeated, limited, on a full disk, killed."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from skyscript_db.errors import StorageError
from skyscript_db.images import Encoding
from skyscript_db.jobs.runner import Counts
from tests.fix_rasters import noise
from tests.jobs.fetch_helpers import (
    GRID,
    ROOT,
    Connection,
    add_chips,
    add_scene,
    content,
    fetch,
    forget,
    states,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyscript_db.config import Settings
    from tests.fix_database import Database


@pytest.fixture
def png(settings: Settings) -> Settings:
    return settings.model_copy(update={"image_format": "png"})


# --- runs ----------------------------------------------------------------------------


def test_nothing_to_do(database: Database, settings: Settings):
    assert fetch(database.conn, settings) == Counts()


def test_second_run_changes_nothing(
    database: Database, settings: Settings, tmp_path: Path
):
    add_scene(database.conn, tmp_path / "a.tif", noise(3))
    add_chips(database.conn, (0, 0, 32, 32), (50, 0, 32, 32))
    query = "SELECT c::text, xmin FROM skyscript.chip AS c ORDER BY id"
    first = fetch(database.conn, settings)
    rows = database.conn.execute(query).fetchall()
    times = [p.stat().st_mtime_ns for p in settings.chips.rglob("*.jpg")]
    assert fetch(database.conn, settings) == first
    assert database.conn.execute(query).fetchall() == rows
    assert [p.stat().st_mtime_ns for p in settings.chips.rglob("*.jpg")] == times


def test_limit_bounds_a_run(database: Database, settings: Settings, tmp_path: Path):
    add_scene(database.conn, tmp_path / "a.tif", noise(3))
    add_chips(database.conn, (0, 0, 32, 32), (32, 0, 32, 32), (0, 32, 32, 32))
    assert fetch(database.conn, settings, limit=2) == Counts(n_ok=2, n_pending=1)
    assert fetch(database.conn, settings, limit=2) == Counts(n_ok=3)


def test_an_interrupted_run_is_a_fair_sample_in_dense_blocks(
    database: Database, settings: Settings, tmp_path: Path
):
    """Blocks are drawn by hash, whole, whatever the order of ids and places."""
    add_scene(database.conn, tmp_path / "a.tif", noise(3))
    corners = [(col, row) for row in range(0, 20480, 2048) for col in (0, 2048)]
    windows = [(col + n, row, 32, 32) for col, row in corners for n in range(4)]
    add_chips(database.conn, *windows)
    fetch(database.conn, settings, limit=40)
    tried = database.conn.execute(
        "SELECT row_off_px / 2048, col_off_px / 2048, count(*) FROM skyscript.chip"
        " WHERE state <> 'planned' GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    assert [n for _, _, n in tried] == [4] * 10
    # Neither the first rows nor every other one.
    assert [(row, col) for row, col, _ in tried] != sorted(
        (row // 2048, col // 2048) for col, row in corners
    )[:10]
    assert len({row for row, _, _ in tried}) >= 5


def test_what_wrote_a_file_is_kept_with_it(
    database: Database, settings: Settings, tmp_path: Path
):
    add_scene(database.conn, tmp_path / "a.tif", noise(3))
    add_chips(database.conn, (0, 0, 32, 32), (60, 0, 32, 32))
    fetch(database.conn, settings.model_copy(update={"jpeg_quality": 80}))
    rows = database.conn.execute(
        "SELECT encoding, cloud_fraction, tried_at > planned_at FROM skyscript.chip"
        " ORDER BY id"
    ).fetchall()
    assert rows == [(Encoding("jpg", 80).label, None, True), (None, None, True)]
    assert rows[0][0].startswith("jpg 80; pillow ")


def test_batches_and_threads_give_what_one_gives(
    database: Database, settings: Settings, tmp_path: Path
):
    add_scene(database.conn, tmp_path / "a.tif", noise(3, 512))
    add_chips(database.conn, *GRID)
    fetch(database.conn, settings.model_copy(update={"workers": 1}))
    alone = content(database.conn, settings)
    assert len(alone[1]) == 625
    forget(database.conn)
    fetch(database.conn, settings.model_copy(update={"workers": 4}))
    assert content(database.conn, settings) == alone


# --- a full disk ---------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a file system of 128 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount a small file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_leaves_the_batch_pending(
    database: Database, png: Settings, tmp_path: Path, small_disk: Path
):
    add_scene(database.conn, tmp_path / "a.tif", noise(3, 512))
    add_chips(database.conn, *((col, 0, 64, 64) for col in range(0, 448, 10)))
    small = png.model_copy(update={"home": small_disk})
    with pytest.raises(StorageError, match="No space left on device; free space, or"):
        fetch(database.conn, small)
    assert {state for _, state, *_ in states(database.conn)} == {"planned"}
    assert list((small_disk / "chips/.partial").iterdir()) == []
    for path in (small_disk / "chips").rglob("*.png"):
        with Image.open(path) as image:
            image.load()
    ledger = database.conn.execute("SELECT status, error FROM skyscript.job_run")
    assert "StorageError: cannot write" in ledger.fetchall()[0][1]
    assert fetch(database.conn, png) == Counts(n_ok=45)


def test_a_disk_that_does_not_flush_leaves_the_batch_pending(
    database: Database, png: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    add_scene(database.conn, tmp_path / "a.tif", noise(3))
    add_chips(database.conn, (0, 0, 32, 32), (20, 5, 40, 32))
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match="Input/output error"):
        fetch(database.conn, png)
    monkeypatch.setattr(os, "fsync", fsync)
    assert [state for _, state, *_ in states(database.conn)] == ["planned", "planned"]
    assert fetch(database.conn, png) == Counts(n_ok=2)


def test_a_quota_on_file_size_is_told_too(
    database: Database, png: Settings, tmp_path: Path
):
    add_scene(database.conn, tmp_path / "a.tif", noise(3))
    add_chips(database.conn, (0, 0, 64, 64))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(StorageError, match="free space"):
            fetch(database.conn, png)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert states(database.conn) == [(1, "planned", None, 0)]
    assert fetch(database.conn, png) == Counts(n_ok=1)


# --- a killed run --------------------------------------------------------------------

RUN = """
import sys
from pathlib import Path
from skyscript_db.config import Settings
from skyscript_db.database import connect
from skyscript_db.jobs import fetch_chips, runner
settings = Settings(home=Path(sys.argv[2]), workers=2)
with connect(sys.argv[1]) as conn:
    runner.run(fetch_chips, runner.Work(conn, settings))
"""


def start_run(database: Database, settings: Settings) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", RUN, database.info, str(settings.home)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )


def wait_for_files(settings: Settings, n: int) -> None:
    for _ in range(6000):
        if sum(1 for _ in settings.chips.glob("0*/*.jpg")) >= n:
            return
        time.sleep(0.005)
    raise AssertionError(f"no {n} files after half a minute")


@pytest.mark.parametrize(
    ("n_files", "how", "status"),
    [
        (1, signal.SIGKILL, "running"),
        (300, signal.SIGKILL, "running"),
        (520, signal.SIGKILL, "running"),
        (300, signal.SIGINT, "interrupted"),
    ],
    ids=["killed-early", "killed-midway", "killed-late", "ctrl-c"],
)
def test_a_stopped_run_goes_on_to_the_same_result(
    database: Database,
    settings: Settings,
    tmp_path: Path,
    n_files: int,
    how: signal.Signals,
    status: str,
):
    conn = database.conn
    add_scene(conn, tmp_path / "a.tif", noise(3, 512))
    add_chips(conn, *GRID)
    process = start_run(database, settings)
    wait_for_files(settings, n_files)
    process.send_signal(how)
    assert process.wait(timeout=30) != 0
    (settings.chips / ".partial/0000000000000384.jpg").write_bytes(b"half an ima")
    entry = conn.execute("SELECT status FROM skyscript.job_run").fetchone()
    assert entry == (status,)
    n_ok = sum(state == "ok" for _, state, *_ in states(conn))
    assert 0 <= n_ok < len(GRID)
    wait_until_alone(conn)

    assert fetch(conn, settings) == Counts(n_ok=len(GRID))
    resumed = content(conn, settings)
    forget(conn)
    undisturbed = settings.model_copy(update={"home": tmp_path / "other"})
    fetch(conn, undisturbed)
    assert content(conn, undisturbed) == resumed
    assert conn.execute("SELECT status FROM skyscript.job_run ORDER BY id").fetchall()[
        0
    ] == ("interrupted",)


def wait_until_alone(conn: Connection) -> None:
    """Wait for the server to see that the killed process is gone."""
    for _ in range(500):
        others = conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchone()
        if others == (0,):
            return
        time.sleep(0.01)
    raise AssertionError("the killed process still holds its connection")
