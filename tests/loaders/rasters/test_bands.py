from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fix_rasters import noise, write_raster
from tests.loaders.rasters.helpers import Connection, load_one, reason


@pytest.mark.parametrize(
    ("names", "options", "rgb"),
    [
        (["B02", "B03", "B04", "B08"], {}, [3, 2, 1]),
        (["Blue", "Green", "Red", "NIR"], {}, [3, 2, 1]),
        (["B2", "B3", "B4", "B11"], {}, [3, 2, 1]),
        (["SR_B2", "SR_B3", "SR_B4", "SR_B6"], {}, [3, 2, 1]),
        (["a", "b", "c", "d"], {}, [1, 2, 3]),
        (["a", "b", "c", "d"], {"bands": "4,3,2"}, [4, 3, 2]),
        (["a", "b", "c", "d"], {"bands": "D, B, A"}, [4, 2, 1]),
    ],
    ids=["sentinel", "words", "landsat", "surface", "first", "numbers", "names"],
)
def test_bands_of_eight_bits(
    conn: Connection,
    tmp_path: Path,
    names: list[str],
    options: dict[str, Any],
    rgb: list[int],
):
    path = write_raster(tmp_path / "a.tif", noise(4), names=names)
    scene = load_one(conn, path, **options)
    assert scene["bands"] == {"rgb": rgb, "names": names}


@pytest.mark.parametrize(
    ("n_bands", "options", "why"),
    [
        (1, {}, "single band.*rio stack.*--bands 1,1,1"),
        (2, {}, "which of its 2 bands.*--bands"),
        (6, {}, "which of its 6 bands.*--bands"),
        (4, {"bands": "5,2,1"}, "no band 5: choose from 1, 2, 3, 4"),
        (4, {"bands": "red,2,1"}, "no band red"),
        (4, {"bands": "2,1"}, "names 2 bands: name three"),
    ],
)
def test_bands_that_are_not_told_are_asked_for(
    conn: Connection, tmp_path: Path, n_bands: int, options: dict[str, Any], why: str
):
    path = write_raster(tmp_path / "a.tif", noise(n_bands, dtype="int16"))
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(reason(conn, path, **options))


def test_landsat_names_that_could_be_false_colour_are_asked_for(
    conn: Connection, tmp_path: Path
):
    names = ["B1", "B2", "B3", "B4", "B5", "B7"]
    path = write_raster(tmp_path / "a.tif", noise(6), names=names)
    assert "which of its 6 bands (B1, B2, B3" in reason(conn, path)


def test_grey_can_be_taken_for_colour(conn: Connection, tmp_path: Path):
    path = write_raster(tmp_path / "a.tif", noise(1))
    assert load_one(conn, path, bands="1,1,1")["bands"]["rgb"] == [1, 1, 1]


def test_sixteen_bits_are_stretched_between_percentiles(
    conn: Connection, tmp_path: Path
):
    ramp = np.arange(101, dtype="uint16").repeat(101).reshape(101, 101)
    pixels = np.stack([ramp * 10, ramp * 20, ramp * 30])
    path = write_raster(tmp_path / "a.tif", pixels, names=["red", "green", "blue"])
    assert load_one(conn, path)["stretch"] == {
        "method": "percentile",
        "low": 2,
        "high": 98,
        "min": [20, 40, 60],
        "max": [980, 1960, 2940],
    }


@pytest.mark.parametrize(
    ("dtype", "told", "expected"),
    [
        ("uint16", "0,3000", {"method": "linear", "min": [0] * 3, "max": [3000] * 3}),
        ("uint8", "0,100", {"method": "linear", "min": [0] * 3, "max": [100] * 3}),
        ("uint8", "none", {"method": "none"}),
    ],
)
def test_stretch_can_be_told(
    conn: Connection, tmp_path: Path, dtype: str, told: str, expected: dict[str, Any]
):
    path = write_raster(tmp_path / "a.tif", noise(3, dtype=dtype))
    assert load_one(conn, path, bands="1,2,3", stretch=told)["stretch"] == expected


@pytest.mark.parametrize("told", ["3000,0", "dark", "1", "nan,2", "none"])
def test_a_stretch_that_is_none_is_refused(conn: Connection, tmp_path: Path, told: str):
    path = write_raster(tmp_path / "a.tif", noise(3, dtype="uint16"))
    assert "--stretch" in reason(conn, path, bands="1,2,3", stretch=told)
