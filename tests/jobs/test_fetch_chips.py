from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from loaders import providers
from loaders.rasters import RasterOptions, load, pixels
from skyscript_db import imagery
from skyscript_db.database import connect
from skyscript_db.jobs.runner import Counts
from tests.fix_rasters import noise, write_raster
from tests.jobs.fetch_helpers import add_chips, add_scene, content, fetch, states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyscript_db.config import Settings
    from tests.fix_database import Database


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
    monkeypatch.setattr(imagery, "MAX_CUT_PX", 1000)
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
    class Late(pixels.RasterProvider):
        def cut(self, *args: Any) -> Iterator[Any]:
            with connect(database.info) as other:
                other.execute("UPDATE skyscript.scene SET loaded_at = now()")
            yield from super().cut(*args)

    add_scene(database.conn, tmp_path / "a.tif", noise(3))
    add_chips(database.conn, (0, 0, 32, 32))
    monkeypatch.setattr(providers, "PROVIDERS", {"raster": lambda *_: Late(1)})
    assert fetch(database.conn, settings) == Counts(n_pending=1)


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
