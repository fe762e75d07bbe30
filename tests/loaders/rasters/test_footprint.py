import math
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.warp import transform

from tests.fix_rasters import noise, write_raster
from tests.loaders.rasters.helpers import Connection, covers, load_one


def half_valid() -> np.ndarray:
    pixels = noise(3)
    pixels[:, :, :24] = 0
    return pixels


@pytest.mark.parametrize("kind", ["nodata", "alpha", "mask"])
def test_footprint_leaves_out_what_holds_no_data(
    conn: Connection, tmp_path: Path, kind: str
):
    pixels, options = half_valid(), {}
    valid = (pixels[0] > 0).astype("uint8") * 255
    if kind == "nodata":
        options = {"nodata": 0}
    elif kind == "alpha":
        colours = (
            ColorInterp.red,
            ColorInterp.green,
            ColorInterp.blue,
            ColorInterp.alpha,
        )
        pixels, options = np.vstack([pixels, valid[None]]), {"colours": colours}
    else:
        options = {"mask": valid}
    scene = load_one(conn, write_raster(tmp_path / "a.tif", pixels, **options))
    assert scene["area_m2"] == pytest.approx(40 * 64, rel=0.002)
    assert not covers(conn, scene, 23.9, 32)
    assert covers(conn, scene, 24.1, 32)


def test_values_that_are_no_numbers_hold_no_data(conn: Connection, tmp_path: Path):
    pixels = noise(3, dtype="float32")
    pixels[:, :, :24] = np.nan
    scene = load_one(conn, write_raster(tmp_path / "a.tif", pixels), bands="1,2,3")
    assert scene["area_m2"] == pytest.approx(40 * 64, rel=0.002)
    assert all(math.isfinite(v) for v in scene["stretch"]["min"])


def test_one_valid_band_makes_a_valid_pixel(conn: Connection, tmp_path: Path):
    pixels = noise(3)
    pixels[0, :, :24] = 0
    scene = load_one(conn, write_raster(tmp_path / "a.tif", pixels, nodata=0))
    assert covers(conn, scene, 10, 10)


def test_specks_leave_no_hole_but_gaps_do(conn: Connection, tmp_path: Path):
    pixels = noise(3)
    pixels[:, 10, 10] = 0
    pixels[:, 30:40, 30:40] = 0
    scene = load_one(conn, write_raster(tmp_path / "a.tif", pixels, nodata=0))
    assert covers(conn, scene, 10.5, 10.5)
    assert not covers(conn, scene, 35, 35)


def test_a_slanted_collar_is_never_covered(conn: Connection, tmp_path: Path):
    """Reduced to cells of 2 x 2 pixels, stepped back and simplified."""
    rows, cols = np.mgrid[0:1500, 0:1500]
    is_valid = (rows + 0.3 * cols > 400) & (cols - 0.2 * rows > 100)
    pixels = np.where(is_valid, 100, 0).astype("uint8")[None].repeat(3, axis=0)
    options = {"nodata": 0, "compress": "deflate", "tiled": True}
    scene = load_one(conn, write_raster(tmp_path / "a.tif", pixels, **options))
    assert scene["is_valid"]
    assert scene["n_points"] < 400
    assert 0.99 < scene["area_m2"] / is_valid.sum() < 1.002
    for row in range(0, 1500, 100):
        edge = int(np.argmax(is_valid[row])) if is_valid[row].any() else 1500
        assert edge == 0 or not covers(conn, scene, edge - 0.5, row + 0.5)


def test_a_footprint_across_the_antimeridian_is_cut_there(
    conn: Connection, tmp_path: Path
):
    (x,), (y,) = transform("EPSG:4326", "EPSG:32701", [-179.999], [-17.0])
    grid = Affine(10, 0, x - 320, 0, -10, y)
    path = write_raster(tmp_path / "a.tif", noise(3), crs="EPSG:32701", transform=grid)
    scene = load_one(conn, path)
    assert scene["n_parts"] == 2
    assert scene["area_m2"] == pytest.approx(640 * 640, rel=0.01)


def test_windows_at_the_edge_lie_inside_but_for_a_pixel(
    conn: Connection, tmp_path: Path
):
    """Over 100 km the edge is a curve in degrees, and the footprint has its chords."""
    pixels = np.full((3, 1000, 1000), 100, "uint8")
    grid = Affine(100, 0, 537000, 0, -100, 5220000)
    path = write_raster(tmp_path / "a.tif", pixels, transform=grid, compress="deflate")
    load_one(conn, path)
    inside = conn.execute(
        "SELECT ST_CoveredBy(skyscript.to_ground("
        "ST_MakeEnvelope(x + 1, y + 1, x + 255, y + 255), srid, transform), footprint)"
        " FROM skyscript.scene, unnest(ARRAY[0, 372, 744]) AS x,"
        " unnest(ARRAY[0, 372, 744]) AS y"
    ).fetchall()
    assert inside == [(True,)] * 9
