from __future__ import annotations

import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest
import rasterio
from PIL import Image

from loaders.rasters import RasterOptions, load
from skyscript_db import rasters
from skyscript_db.database import connect
from skyscript_db.errors import StorageError
from skyscript_db.jobs import fetch_chips, runner
from skyscript_db.jobs.runner import Counts, Work
from tests.fix_rasters import noise, write_raster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyscript_db.config import Settings
    from tests.fix_database import Database

Connection = psycopg.Connection[Any]

ROOT = Path(__file__).parent.parent.parent


def add_scene(conn: Connection, path: Path, pixels: np.ndarray, **options: Any) -> None:
    """Write a raster and load it; numbers stand for its bands."""
    write_raster(path, pixels, **options)
    load(conn, [path], RasterOptions("orthos", bands="1,2,3")).check()


def add_chips(
    conn: Connection, *windows: tuple[int, int, int, int], scene: str = "a"
) -> None:
    """Plan chips numbered from 1: first column, first row, columns, rows."""
    for number, window in enumerate(windows, start=1):
        conn.execute(
            "INSERT INTO skyscript.chip (id, scene_id, osm_type, osm_id, kind, plan,"
            " footprint, lon, lat, gsd_m, col_off_px, row_off_px, width_px, height_px)"
            " SELECT %s, id, 'N', 1, 'n', 'test', ST_GeometryN(footprint, 1),"
            " 9.5, 47.1, gsd_m, %s, %s, %s, %s FROM skyscript.scene WHERE name = %s",
            (number, *window, scene),
        )


def fetch(conn: Connection, settings: Settings, limit: int | None = None) -> Counts:
    return runner.run(fetch_chips, Work(conn, settings, limit=limit))


def states(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT id, state, cause, n_attempts FROM skyscript.chip ORDER BY id"
    ).fetchall()


def content(conn: Connection, settings: Settings) -> tuple[list[Any], dict[str, str]]:
    """Return all that a run leaves, but for times: rows, and files with hashes."""
    rows = conn.execute(
        "SELECT id, state, cause, n_attempts, image_path, sha256, file_bytes,"
        " nodata_fraction FROM skyscript.chip ORDER BY id"
    ).fetchall()
    files = {
        str(path.relative_to(settings.chips)): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in settings.chips.rglob("*")
        if path.is_file()
    }
    return rows, files


@pytest.fixture
def png(settings: Settings) -> Settings:
    return settings.model_copy(update={"image_format": "png"})


# --- what is cut ---------------------------------------------------------------------


def test_chip_is_the_window_on_the_scenes_own_grid(
    database: Database, png: Settings, tmp_path: Path
):
    pixels = noise(3)
    add_scene(database.conn, tmp_path / "a.tif", pixels)
    add_chips(database.conn, (5, 20, 40, 32))
    assert fetch(database.conn, png) == Counts(n_ok=1)
    row = database.conn.execute(
        "SELECT state, image_path, sha256, file_bytes, nodata_fraction, n_attempts,"
        " fetched_at > planned_at FROM skyscript.chip"
    ).fetchone()
    file = png.chips / "00/0000000000000001.png"
    data = file.read_bytes()
    assert row == (
        "ok",
        "00/0000000000000001.png",
        hashlib.sha256(data).hexdigest(),
        len(data),
        0,
        1,
        True,
    )
    with Image.open(file) as image:
        assert image.size == (40, 32)
        cut = np.asarray(image).transpose(2, 0, 1)
    assert np.array_equal(cut, pixels[:, 20:52, 5:45])


def test_jpeg_is_near_the_pixels(
    database: Database, settings: Settings, tmp_path: Path
):
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype("uint8")
    pixels = np.stack([ramp, ramp + 50, 200 - ramp])
    add_scene(database.conn, tmp_path / "a.tif", pixels)
    add_chips(database.conn, (0, 0, 64, 64))
    fetch(database.conn, settings)
    with Image.open(settings.chips / "00/0000000000000001.jpg") as image:
        assert image.format == "JPEG"
        cut = np.asarray(image).transpose(2, 0, 1).astype(int)
    assert np.abs(cut - pixels).max() <= 4


def test_sixteen_bits_share_the_stretch_of_their_scene(
    database: Database, png: Settings, tmp_path: Path
):
    ramp = np.arange(101, dtype="uint16").repeat(101).reshape(101, 101) * 10
    add_scene(database.conn, tmp_path / "a.tif", np.stack([ramp, ramp, ramp]))
    add_chips(database.conn, (0, 0, 50, 50), (0, 51, 50, 50))
    fetch(database.conn, png)
    top = np.asarray(Image.open(png.chips / "00/0000000000000001.png"))
    bottom = np.asarray(Image.open(png.chips / "00/0000000000000002.png"))
    # 20 becomes 0 and 980 becomes 255; row n holds 10 n.
    assert top[:4, 0, 0].tolist() == [0, 0, 0, 3]
    assert top[49, 0, 0] == round((490 - 20) / 960 * 255)
    assert bottom[0, 0, 0] == round((510 - 20) / 960 * 255)
    assert bottom[-4:, 0, 0].tolist() == [252, 255, 255, 255]


def test_nodata_is_black_and_counted(database: Database, png: Settings, tmp_path: Path):
    pixels = noise(3)
    pixels[:, :, :16] = 201
    add_scene(database.conn, tmp_path / "a.tif", pixels, nodata=201)
    add_chips(database.conn, (0, 0, 64, 64))
    fetch(database.conn, png)
    row = database.conn.execute("SELECT nodata_fraction FROM skyscript.chip").fetchone()
    assert row == (0.25,)
    cut = np.asarray(Image.open(png.chips / "00/0000000000000001.png"))
    assert not cut[:, :16].any()
    assert cut[:, 16:].all()


def test_scenes_that_share_a_file_keep_their_own_bands(
    database: Database, png: Settings, tmp_path: Path
):
    path = tmp_path / "a.tif"
    add_scene(database.conn, path, noise(3))
    load(database.conn, [path], RasterOptions("turned", bands="3,2,1")).check()
    database.conn.execute("UPDATE skyscript.scene SET name = 'b' WHERE id = 2")
    add_chips(database.conn, (0, 0, 32, 32))
    database.conn.execute("UPDATE skyscript.chip SET id = 2")
    add_chips(database.conn, (0, 0, 32, 32), scene="b")
    fetch(database.conn, png)
    first = np.asarray(Image.open(png.chips / "00/0000000000000001.png"))
    second = np.asarray(Image.open(png.chips / "00/0000000000000002.png"))
    assert np.array_equal(first, second[:, :, ::-1])


# --- what is rejected ----------------------------------------------------------------


def test_what_has_nothing_to_see_is_rejected_and_counted(
    database: Database, settings: Settings, tmp_path: Path
):
    pixels = noise(3, 128)
    pixels[:, :, :64] = 0
    pixels[:, 64:, 96:] = np.array([90, 91, 92])[:, None, None]
    add_scene(database.conn, tmp_path / "a.tif", pixels, nodata=0)
    add_chips(
        database.conn,
        (64, 0, 32, 32),
        (0, 0, 32, 32),
        (40, 0, 32, 32),
        (96, 64, 32, 32),
        (100, 0, 32, 32),
        (-1, 0, 32, 32),
    )
    counts = fetch(database.conn, settings)
    assert states(database.conn) == [
        (1, "ok", None, 1),
        (2, "rejected", "all nodata", 1),
        (3, "rejected", "mostly nodata", 1),
        (4, "rejected", "constant image", 1),
        (5, "rejected", "window outside the scene", 1),
        (6, "rejected", "window outside the scene", 1),
    ]
    assert counts == Counts(
        n_ok=1,
        rejected={
            "all nodata": 1,
            "constant image": 1,
            "mostly nodata": 1,
            "window outside the scene": 2,
        },
    )
    assert counts.n_in == 6
    assert len(content(database.conn, settings)[1]) == 1


def test_a_window_beyond_bounds_takes_no_memory(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: Any
):
    add_scene(database.conn, tmp_path / "a.tif", noise(3))
    add_chips(database.conn, (0, 0, 64, 64))
    monkeypatch.setattr(rasters, "MAX_CUT_PX", 1000)
    fetch(database.conn, settings)
    assert states(database.conn) == [(1, "rejected", "window too large", 1)]


# --- what fails, and is tried again --------------------------------------------------


def test_a_missing_file_fails_until_it_is_back(
    database: Database, settings: Settings, tmp_path: Path
):
    path = tmp_path / "a.tif"
    add_scene(database.conn, path, noise(3))
    add_chips(database.conn, (0, 0, 32, 32), (32, 32, 32, 32))
    away = path.rename(tmp_path / "away")
    assert fetch(database.conn, settings) == Counts(n_pending=2)
    cause = f"{path} is missing: put it back, or load it from where it is now"
    assert states(database.conn) == [(1, "failed", cause, 1), (2, "failed", cause, 1)]
    away.rename(path)
    assert fetch(database.conn, settings) == Counts(n_ok=2)


def test_attempts_end_and_a_new_load_begins_them_again(
    database: Database, settings: Settings, tmp_path: Path
):
    path = tmp_path / "a.tif"
    add_scene(database.conn, path, noise(3))
    add_chips(database.conn, (0, 0, 32, 32))
    away = path.rename(tmp_path / "away")
    counts = [fetch(database.conn, settings) for _ in range(4)]
    cause = f"{path} is missing: put it back, or load it from where it is now"
    assert [c.n_pending for c in counts] == [1, 1, 0, 0]
    assert counts[3] == Counts(rejected={cause: 1})
    assert states(database.conn) == [(1, "failed", cause, 3)]
    away.rename(path)
    load(database.conn, [path], RasterOptions("orthos")).check()
    assert fetch(database.conn, settings) == Counts(n_ok=1)


def test_a_file_that_changed_is_not_cut(
    database: Database, settings: Settings, tmp_path: Path
):
    path = tmp_path / "a.tif"
    add_scene(database.conn, path, noise(3))
    add_chips(database.conn, (0, 0, 32, 32))
    write_raster(path, noise(3) + 1)
    assert fetch(database.conn, settings) == Counts(n_pending=1)
    cause = f"{path} has changed since it was loaded: load it again"
    assert states(database.conn) == [(1, "failed", cause, 1)]


def test_a_damaged_block_fails_only_its_own_chips(
    database: Database, settings: Settings, tmp_path: Path
):
    path = tmp_path / "a.tif"
    tiles = {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"}
    add_scene(database.conn, path, noise(3, 128), **tiles)
    with rasterio.open(path) as dataset:
        last = int(dataset.get_tag_item("BLOCK_OFFSET_1_1", "TIFF", bidx=1))
    data = bytearray(path.read_bytes())
    data[last : last + 100] = bytes(100)
    path.write_bytes(data)
    database.conn.execute(
        "UPDATE skyscript.scene SET file_sha256 = %s",
        (hashlib.sha256(data).hexdigest(),),
    )
    add_chips(database.conn, (0, 0, 64, 64), (64, 64, 64, 64))
    assert fetch(database.conn, settings) == Counts(n_ok=1, n_pending=1)
    cause = f"{path} is damaged here: get it again and load it"
    assert states(database.conn) == [(1, "ok", None, 1), (2, "failed", cause, 1)]


def test_a_scene_loaded_anew_meanwhile_keeps_its_chips_pending(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: Any
):
    def cut_late(*args: Any) -> Iterator[Any]:
        with connect(database.info) as other:
            other.execute("UPDATE skyscript.scene SET loaded_at = now()")
        yield from rasters.cut(*args)

    add_scene(database.conn, tmp_path / "a.tif", noise(3))
    add_chips(database.conn, (0, 0, 32, 32))
    monkeypatch.setattr(fetch_chips, "CUTTERS", {"raster": cut_late})
    assert fetch(database.conn, settings) == Counts(n_pending=1)


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


GRID = [(col, row, 32, 32) for row in range(0, 400, 16) for col in range(0, 400, 16)]


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


def forget(conn: Connection) -> None:
    """Plan all chips afresh."""
    conn.execute(
        "UPDATE skyscript.chip SET state = 'planned', sha256 = NULL, image_path = NULL,"
        " file_bytes = NULL, nodata_fraction = NULL, fetched_at = NULL, n_attempts = 0"
    )


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
    is_ok = [state == "ok" for _, state, *_ in states(conn)]
    assert 0 <= sum(is_ok) < len(GRID)
    assert sum(is_ok) % 256 == 0
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


# --- real files ----------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "bands", "windows"),
    [
        ("pairs/banepa_oam_z19.tif", None, [(100, 100, 256, 256)]),
        ("pairs/3420B_2010_328_RGB_LATLNG.tif", None, [(500, 1500, 256, 256)]),
        ("imagery/naip_virginia_staunton_4band_1m.tif", None, [(200, 200, 256, 256)]),
        (
            "imagery/sentinel2_accomack_va_10m_B02B03B04B08.tif",
            None,
            [(900, 900, 256, 256)],
        ),
        ("imagery/landsat7_olinda_recife_28m5.tif", "3,2,1", [(50, 50, 256, 256)]),
    ],
    ids=["banepa", "swellendam", "naip", "sentinel-2", "landsat-7"],
)
def test_real_rasters_give_pictures(
    database: Database,
    settings: Settings,
    real_data: Path,
    file: str,
    bands: str | None,
    windows: list[tuple[int, int, int, int]],
):
    path = real_data / file
    load(database.conn, [path], RasterOptions("real", bands=bands)).check()
    add_chips(database.conn, *windows, scene=path.stem)
    assert fetch(database.conn, settings) == Counts(n_ok=1)
    picture = np.asarray(Image.open(settings.chips / "00/0000000000000001.jpg"))
    assert picture.shape == (256, 256, 3)
    assert 20 < picture.mean() < 200
    assert picture.std() > 8
