"""Pixels of the emulator, computed through the real client."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import ee
import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp

from tests.fix_earth_engine import EarthEngine
from tests.fix_rasters import VADUZ, noise
from tests.loaders.earth_engine.emulator_helpers import compute, grid_at


@pytest.fixture
def pixels(earth_engine: EarthEngine) -> np.ndarray:
    pixels = noise(3)
    earth_engine.add("C", "one", pixels, about='bands = ["R", "G", "B"]')
    earth_engine.initialize()
    return pixels


def test_computed_pixels_are_the_files(pixels: np.ndarray) -> None:
    cut = compute(ee.Image("C/one").select(["B", "G"]), grid_at(10, 20, 30, 25))
    assert cut.dtype.names == ("B", "G")
    assert cut["G"].dtype == np.uint8
    np.testing.assert_array_equal(cut["G"], pixels[1, 20:45, 10:40])


def test_the_client_turns_npy_into_an_array(pixels: np.ndarray) -> None:
    params = {
        "expression": ee.Image("C/one"),
        "fileFormat": "NUMPY_NDARRAY",
        "grid": grid_at(0, 0, 2, 3),
    }
    array = ee.data.computePixels(params)
    np.testing.assert_array_equal(array["R"], pixels[0, :3, :2])


def test_a_large_window_is_computed_in_strips_and_whole(
    earth_engine: EarthEngine,
) -> None:
    wide = noise(1, side_px=1100)
    earth_engine.add("C", "wide", wide)
    earth_engine.initialize()
    cut = compute(ee.Image("C/wide").add(1), grid_at(0, 0, 1100, 1100))
    np.testing.assert_array_equal(cut["B1"], wide[0].astype(int) + 1)


def test_without_a_grid_the_image_is_whole(pixels: np.ndarray) -> None:
    assert compute(ee.Image("C/one"), None).shape == (64, 64)


@pytest.mark.parametrize("offset", [(-8, 60), (60, -8), (-3, -5)])
def test_what_lies_outside_is_masked(
    pixels: np.ndarray, offset: tuple[int, int]
) -> None:
    col, row = offset
    image = ee.Image("C/one").select("R")
    grid = grid_at(col, row, 10, 10)
    cut = compute(image.addBands(image.mask().rename("known")), grid)
    framed = np.zeros((84, 84), dtype=np.uint8)
    framed[10:74, 10:74] = pixels[0]
    wanted = framed[row + 10 : row + 20, col + 10 : col + 20]
    np.testing.assert_array_equal(cut["R"], wanted)
    np.testing.assert_array_equal(cut["known"], (wanted > 0).astype(np.float32))


def test_a_window_wholly_outside_is_all_masked(pixels: np.ndarray) -> None:
    cut = compute(ee.Image("C/one").mask(), grid_at(500, 500, 4, 4))
    assert not cut["R"].any()


def test_nodata_masks_each_band_alone(earth_engine: EarthEngine) -> None:
    values = np.array([[[0, 5]], [[7, 0]]], dtype="uint16")
    earth_engine.add("C", "one", values, nodata=0)
    earth_engine.initialize()
    image = ee.Image("C/one")
    cut = compute(
        image.unmask(9).addBands(image.mask().reduce(ee.Reducer.max())),
        grid_at(0, 0, 2, 1),
    )
    assert cut["B1"].tolist() == [[9, 5]]
    assert cut["B2"].tolist() == [[7, 9]]
    assert cut["max"].tolist() == [[1, 1]]


def test_what_is_no_number_is_masked(earth_engine: EarthEngine) -> None:
    values = np.array([[[np.nan, 0.25]]], dtype="float32")
    earth_engine.add("C", "one", values)
    earth_engine.initialize()
    cut = compute(ee.Image("C/one"), grid_at(0, 0, 2, 1))
    assert cut.dtype["B1"] == np.float32
    assert cut["B1"].tolist() == [[0, 0.25]]


def test_opacity_is_the_mask_and_no_band(earth_engine: EarthEngine) -> None:
    values = np.full((4, 1, 2), 50, dtype="uint8")
    values[3] = [0, 255]
    colours = [ColorInterp[name] for name in ("red", "green", "blue", "alpha")]
    earth_engine.add("C", "one", values, colours=colours)
    earth_engine.initialize()
    cut = compute(ee.Image("C/one"), grid_at(0, 0, 2, 1))
    assert cut.dtype.names == ("B1", "B2", "B3")
    assert cut["B1"].tolist() == [[0, 50]]


def test_a_coarse_band_is_told_on_the_fine_grid(earth_engine: EarthEngine) -> None:
    scl = np.arange(16, dtype="uint8").reshape(1, 4, 4)
    earth_engine.add("C", "one", noise(1, side_px=8))
    earth_engine.add("C", "one.SCL", scl, transform=VADUZ @ VADUZ.scale(2))
    earth_engine.initialize()
    cut = compute(ee.Image("C/one").select("SCL"), grid_at(1, 3, 4, 3))
    wanted = scl[0].repeat(2, axis=0).repeat(2, axis=1)[3:6, 1:5]
    np.testing.assert_array_equal(cut["SCL"], wanted)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (grid_at(0.5, 0, 4, 4), "pixels lie between the image's is not emulated"),
        (grid_at(0, 0, 4, 4, transform=VADUZ @ VADUZ.scale(2)), "another scale"),
        (grid_at(0, 0, 4, 4, transform=VADUZ @ VADUZ.rotation(9)), "another scale"),
        (grid_at(0, 0, 4, 4, crs="EPSG:32633"), "from EPSG:32632, .* to EPSG:32633"),
        (grid_at(0, 0, 4, 4, crs="EPSG:1"), "CRS of a map projection could not"),
        (grid_at(0, 0, 0, 4), "dimensions must be positive"),
        (grid_at(0, 0, 4, 4, transform=VADUZ @ VADUZ.scale(0)), "not invertible"),
    ],
)
def test_grids_that_do_not_fit_are_refused(
    pixels: np.ndarray, grid: dict[str, object], message: str
) -> None:
    with pytest.raises(ee.EEException, match=message):
        compute(ee.Image("C/one"), grid)


def test_a_constant_needs_a_grid(pixels: np.ndarray) -> None:
    with pytest.raises(ee.EEException, match="no fixed projection"):
        compute(ee.Image(5), None)
    assert compute(ee.Image(5), grid_at(0, 0, 2, 1))["constant"].tolist() == [[5, 5]]


def test_the_size_of_a_request_counts_a_byte_of_mask_a_band(
    earth_engine: EarthEngine,
) -> None:
    earth_engine.add("C", "one", noise(3))
    earth_engine.initialize()
    image = ee.Image("C/one")
    with pytest.raises(
        ee.EEException,
        match=r"Total request size \(50356224 bytes\) must be less than or equal to "
        r"50331648 bytes\.",
    ):
        compute(image, grid_at(0, 0, 4096, 2049))
    with pytest.raises(
        ee.EEException, match=r"Pixel grid dimensions .* less than or equal to 32768"
    ):
        compute(image, grid_at(0, 0, 32769, 1))


def test_exactly_the_limit_is_served(earth_engine: EarthEngine) -> None:
    earth_engine.add("C", "one", noise(1))
    earth_engine.initialize()
    cut = compute(ee.Image("C/one"), grid_at(0, 0, 4096, 6144))
    assert cut.nbytes == 24 << 20


def test_geotiff_keeps_the_grid(pixels: np.ndarray, tmp_path: Path) -> None:
    sent = ee.data.computePixels(
        {
            "expression": ee.Image("C/one"),
            "fileFormat": "GEO_TIFF",
            "grid": grid_at(4, 6, 3, 2),
        }
    )
    path = tmp_path / "sent.tif"
    path.write_bytes(sent)
    with rasterio.open(path) as dataset:
        assert dataset.crs.to_epsg() == 32632
        assert dataset.transform[:6] == (1, 0, 537004, 0, -1, 5219994)
        assert dataset.descriptions == ("R", "G", "B")
        np.testing.assert_array_equal(dataset.read(), pixels[:, 6:8, 4:7])


def test_png_shows_masked_pixels_as_clear(pixels: np.ndarray) -> None:
    sent = ee.data.computePixels(
        {
            "expression": ee.Image("C/one"),
            "fileFormat": "PNG",
            "grid": grid_at(-1, 0, 2, 1),
        }
    )
    with Image.open(io.BytesIO(sent)) as picture:
        assert picture.mode == "RGBA"
        assert picture.getpixel((0, 0)) == (0, 0, 0, 0)
        assert picture.getpixel((1, 0)) == (*pixels[:, 0, 0].tolist(), 255)


def test_jpeg_is_what_a_whole_picture_comes_as(pixels: np.ndarray) -> None:
    params = {"expression": ee.Image("C/one"), "grid": grid_at(0, 0, 8, 8)}
    sent = ee.data.computePixels(params | {"fileFormat": "AUTO_JPEG_PNG"})
    assert sent[:3] == b"\xff\xd8\xff"


def test_formats_that_do_not_fit_are_refused(pixels: np.ndarray) -> None:
    image = ee.Image("C/one").select(["R", "G"])
    with pytest.raises(ee.EEException, match="one or three 8-bit bands"):
        compute(image, grid_at(0, 0, 4, 4), fileFormat="PNG")
    with pytest.raises(ee.EEException, match="TF_RECORD_IMAGE is not emulated"):
        compute(image, grid_at(0, 0, 4, 4), fileFormat="TF_RECORD_IMAGE")


def test_get_pixels_serves_an_asset(pixels: np.ndarray) -> None:
    array = ee.data.getPixels(
        {
            "assetId": "C/one",
            "fileFormat": "NUMPY_NDARRAY",
            "bandIds": ["G"],
            "grid": grid_at(1, 2, 3, 4),
        }
    )
    np.testing.assert_array_equal(array["G"], pixels[1, 2:6, 1:4])
    with pytest.raises(ee.EEException, match="does not exist"):
        ee.data.getPixels({"assetId": "C/two", "fileFormat": "NPY"})


def test_visualization_stretches(pixels: np.ndarray) -> None:
    cut = compute(
        ee.Image("C/one"),
        grid_at(0, 0, 4, 4),
        visualizationOptions={"ranges": [{"min": 50, "max": 150}]},
    )
    stretched = np.rint((pixels[0, :4, :4] - 50.0) * 2.55).clip(0, 255)
    np.testing.assert_array_equal(cut["vis-red"], stretched.astype("uint8"))


def test_the_asked_windows_are_noted(
    earth_engine: EarthEngine, pixels: np.ndarray
) -> None:
    compute(ee.Image("C/one").select("R"), grid_at(10, 20, 30, 25))
    (asked,) = earth_engine.counts.windows
    assert (asked.asset, asked.col_off, asked.row_off) == ("C/one", 10, 20)
    assert (asked.width, asked.height) == (30, 25)


def test_many_clients_are_served_at_once(
    earth_engine: EarthEngine, pixels: np.ndarray
) -> None:
    image = ee.Image("C/one").select("R").add(0)
    cuts: dict[int, np.ndarray] = {}

    def ask(row: int) -> None:
        cuts[row] = compute(image, grid_at(0, row, 64, 1))["R"][0]

    threads = [threading.Thread(target=ask, args=(row,)) for row in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for row in range(20):
        np.testing.assert_array_equal(cuts[row], pixels[0, row])
    assert earth_engine.counts.by_path["computePixels"] == 20
    assert earth_engine.counts.max_concurrent > 1


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "bands"),
    [
        ("naip_virginia_staunton_4band_1m", ["R", "G", "B", "N"]),
        ("landsat7_olinda_recife_28m5", ["B1", "B2", "B3", "B4", "B5", "B7"]),
        ("sentinel2_accomack_va_10m_B02B03B04B08", ["B2", "B3", "B4", "B8"]),
    ],
)
def test_real_images_come_as_they_are(
    earth_engine: EarthEngine, real_data: Path, name: str, bands: list[str]
) -> None:
    source = real_data / "imagery" / f"{name}.tif"
    earth_engine.describe("C", f"bands = {bands}")
    (earth_engine.folder / "C" / f"{name}.tif").symlink_to(source)
    earth_engine.initialize()
    with rasterio.open(source) as dataset:
        grid = grid_at(
            100, 90, 120, 80, crs=str(dataset.crs), transform=dataset.transform
        )
        window = rasterio.windows.Window(100, 90, 120, 80)
        wanted = dataset.read(window=window)
        known = wanted != dataset.nodata
    cut = compute(ee.Image(f"C/{name}"), grid)
    for number, band in enumerate(bands):
        assert cut[band].dtype == wanted.dtype
        told = np.where(known[number], wanted[number], 0)
        np.testing.assert_array_equal(cut[band], told)
