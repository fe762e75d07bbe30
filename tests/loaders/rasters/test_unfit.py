from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint

from tests.fix_rasters import VADUZ, noise, write_raster
from tests.loaders.rasters.helpers import Connection, reason


def text_file(path: Path) -> Path:
    path.write_text("this is no image\n" * 100)
    return path


def vrt_file(path: Path) -> Path:
    path.write_text(
        '<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" '
        'band="1"><SimpleSource><SourceFilename>/etc/passwd</SourceFilename>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    return path


def with_points(path: Path) -> Path:
    corners = [(0, 0, 9.5, 47.2), (0, 64, 9.6, 47.2), (64, 0, 9.5, 47.1)]
    points = [GroundControlPoint(r, c, x, y) for r, c, x, y in corners]
    return write_raster(
        path, noise(3), crs="EPSG:4326", transform=Affine.identity(), gcps=points
    )


def sparse_bomb(path: Path) -> Path:
    """A few kilobytes that say they are 40 gigapixels."""
    return empty_raster(path, 200_000, tiled=True, blockxsize=4096, blockysize=4096)


def one_block_bomb(path: Path) -> Path:
    return empty_raster(path, 20_000, tiled=True, blockxsize=20_000, blockysize=20_000)


def empty_raster(path: Path, side_px: int, **options: Any) -> Path:
    profile = {
        "driver": "GTiff",
        "crs": "EPSG:32632",
        "transform": VADUZ,
        "count": 3,
        "width": side_px,
        "height": side_px,
        "dtype": "uint8",
        "sparse_ok": True,
        "bigtiff": "yes",
        "compress": "deflate",
        **options,
    }
    with rasterio.open(path, "w", **profile):
        pass
    return path


UNFIT = {
    "text": (text_file, "not a GeoTIFF"),
    "vrt": (vrt_file, "not a GeoTIFF"),
    "no-crs": (lambda p: write_raster(p, noise(3), crs=None), "rio edit-info --crs"),
    "no-place": (
        lambda p: write_raster(p, noise(3), transform=Affine.identity()),
        "rio edit-info --transform",
    ),
    "points-only": (with_points, "rio warp"),
    "mirrored": (
        lambda p: write_raster(p, noise(3), transform=Affine(1, 0, 5e5, 0, 1, 5e6)),
        "mirrored",
    ),
    "flat": (
        lambda p: write_raster(p, noise(3), transform=Affine(1, 0, 5e5, 1, 0, 5e6)),
        "to a line",
    ),
    "all-nodata": (
        lambda p: write_raster(p, np.zeros((3, 64, 64), "uint8"), nodata=0),
        "holds no data",
    ),
    "metres-as-degrees": (
        lambda p: write_raster(p, noise(3), crs="EPSG:4326"),
        "off the Earth",
    ),
    "complex": (
        lambda p: write_raster(p, noise(3, dtype="complex64")),
        "complex numbers",
    ),
    "sparse-bomb": (sparse_bomb, "no image holds so little"),
    "one-block-bomb": (one_block_bomb, "TILED=YES"),
    "missing": (lambda p: p, "no such file"),
    "remote": (lambda _: Path("/vsicurl/http://example.org/a.tif"), "no such file"),
    "empty-folder": (lambda p: p.parent, "no .tif or .tiff"),
}


@pytest.mark.parametrize(("make", "why"), UNFIT.values(), ids=UNFIT.keys())
def test_unfit_files_are_rejected_with_a_remedy(
    conn: Connection, tmp_path: Path, make: Any, why: str
):
    assert why in reason(conn, make(tmp_path / "a.tif"))


@pytest.mark.parametrize("kind", ["cut", "overwritten"])
def test_a_damaged_file_is_rejected(conn: Connection, tmp_path: Path, kind: str):
    pixels = noise(3, 512, "uint16")
    path = write_raster(tmp_path / "a.tif", pixels, compress="deflate")
    whole = path.read_bytes()
    half = len(whole) // 2
    zeros = b"" if kind == "cut" else bytes(5000) + whole[half + 5000 :]
    path.write_bytes(whole[:half] + zeros)
    assert "damaged" in reason(conn, path, bands="1,2,3")


def test_files_beside_a_raster_have_no_say(conn: Connection, tmp_path: Path):
    path = write_raster(tmp_path / "a.tif", noise(3), transform=Affine.identity())
    (tmp_path / "a.tfw").write_text("1\n0\n0\n-1\n537000\n5220000\n")
    assert "rio edit-info --transform" in reason(conn, path)
