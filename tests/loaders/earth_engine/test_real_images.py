"""Real images, from the listing to the pixels, against reads of the same files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from loaders.earth_engine.pixels import provider
from skyscript_db import rasters
from skyscript_db.imagery import Cut, Grid
from tests.loaders.earth_engine.helpers import run_load, scenes, settings_for

IMAGES = {
    "COPERNICUS/S2_SR_HARMONIZED": (
        "sentinel2_accomack_va_10m_B02B03B04B08.tif",
        ["B2", "B3", "B4", "B8"],
        [3, 2, 1],
        10,
    ),
    "USDA/NAIP/DOQQ": (
        "naip_virginia_staunton_4band_1m.tif",
        ["R", "G", "B", "N"],
        [1, 2, 3],
        1,
    ),
}


@pytest.mark.parametrize("collection", IMAGES)
def test_chips_of_real_images_are_those_of_their_files(
    database, settings, earth_engine, real_data: Path, collection: str
) -> None:
    name, bands, rgb, gsd_m = IMAGES[collection]
    source = real_data / "imagery" / name
    earth_engine.describe(
        collection,
        f"bands = {bands}\nstart = 2021-06-01\n"
        "properties = { CLOUDY_PIXEL_PERCENTAGE = 3 }",
    )
    (earth_engine.folder / collection / "image.tif").symlink_to(source)
    ready = settings_for(settings, earth_engine)
    result = run_load(database, ready, collection, area="-80,37,-75,39")
    assert (result.new, result.rejected) == (1, {})
    scene = scenes(database)["image"]
    assert scene["gsd_m"] == pytest.approx(gsd_m, rel=0.01)

    columns = ("uri", "crs", "width_px", "height_px", "bands", "stretch")
    told = {column: scene[column] for column in columns}
    grid = Grid("earth-engine", transform=tuple(scene["transform"]), **told)
    windows = some_windows(grid)
    with provider(ready, database.info) as service:
        cuts = list(service.cut(grid, windows))
    assert len(cuts) == len(windows)
    with rasterio.open(source) as dataset:
        for window, cut in zip(windows, cuts, strict=True):
            assert isinstance(cut, Cut)
            values, valid = rasters.read(dataset, rgb, window)
            expected = rasters.to_8_bits(values, valid, scene["stretch"])
            assert np.array_equal(cut.pixels, expected)
            assert np.array_equal(cut.valid, valid)


def some_windows(grid: Grid) -> list[Window]:
    """Return corners, edges, and windows in between, of several sizes."""
    random = np.random.default_rng(11)
    windows = [Window(0, 0, 100, 100)]
    windows.append(Window(grid.width_px - 64, grid.height_px - 100, 64, 100))
    for side in (50, 128, 256):
        col = int(random.integers(0, grid.width_px - side))
        row = int(random.integers(0, grid.height_px - side))
        windows.append(Window(col, row, side, side))
    return windows
