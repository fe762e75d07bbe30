from __future__ import annotations

import tomllib
from datetime import date

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from examples.helsinki.scenes import coarse, fine
from skyscript_db.rasters import read, to_8_bits


@pytest.fixture
def picture(tmp_path):
    """A picture of 1300 x 1250 pixels of 0.5 m, of noise in blocks of 10 m."""
    noise = np.random.default_rng(1).integers(0, 256, (3, 63, 65), dtype=np.uint8)
    values = noise.repeat(20, axis=1).repeat(20, axis=2)[:, :1250, :1300]
    path = tmp_path / "town.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=3,
        dtype="uint8",
        height=1250,
        width=1300,
        crs="EPSG:3067",
        transform=from_origin(385_000, 6_672_000, 0.5, 0.5),
    ) as image:
        image.write(values)
        image.update_tags(
            TIFFTAG_IMAGEDESCRIPTION="SYNTHETIC",
            TIFFTAG_DATETIME="2019:04:14 18:23:00",
        )
    return path


def test_quarters_hold_the_pixels_of_their_place(picture, tmp_path):
    files = fine(picture, tmp_path / "scenes")
    assert [file.name for file in files] == [
        f"town_{name}.tif" for name in ("nw", "ne", "sw", "se")
    ]
    with rasterio.open(picture) as whole:
        for file in files:
            with rasterio.open(file) as scene:
                window = whole.window(*scene.bounds)
                assert (scene.read() == whole.read(window=window)).all()
                assert scene.tags()["TIFFTAG_IMAGEDESCRIPTION"] == "SYNTHETIC"


def test_coarse_values_come_back_by_the_stretch_of_the_collection(picture, tmp_path):
    file = coarse(picture, tmp_path / "scenes")
    with rasterio.open(file) as scene, rasterio.open(picture) as whole:
        assert (scene.width, scene.height) == (65, 62)
        assert scene.res == (10, 10)
        assert scene.descriptions == ("B4", "B3", "B2")
        facts = tomllib.loads(file.with_suffix(".toml").read_text("utf-8"))
        assert facts == {
            "start": date(2019, 4, 14),
            "properties": {"CLOUDY_PIXEL_PERCENTAGE": 0},
        }
        pixels = to_8_bits(
            *read(scene, (1, 2, 3)),
            {"method": "linear", "min": [0, 0, 0], "max": [3000, 3000, 3000]},
        )
        expected = whole.read()[:, 10:1240:20, 10::20].transpose(1, 2, 0)
    assert np.abs(pixels.astype(int) - expected).max() <= 1
