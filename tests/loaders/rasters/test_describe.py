from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from affine import Affine

from loaders.rasters import RasterOptions, load
from tests.fix_rasters import VADUZ, noise, write_raster
from tests.loaders.rasters.helpers import Connection, covers, load_one


def test_a_file_becomes_a_scene(conn: Connection, tmp_path: Path):
    path = write_raster(tmp_path / "vaduz.tif", noise(3))
    scene = load_one(conn, path, licence="CC-BY-4.0", attribution="Land Office")
    assert scene["uri"] == str(path)
    assert scene["crs"] == "EPSG:32632"
    assert scene["srid"] == 32632
    assert scene["transform"] == [1, 0, 537000, 0, -1, 5220000]
    assert (scene["width_px"], scene["height_px"]) == (64, 64)
    assert scene["bands"] == {"rgb": [1, 2, 3], "names": ["1", "2", "3"]}
    assert scene["stretch"] == {"method": "none"}
    assert scene["gsd_m"] == pytest.approx(1.0004, abs=0.0001)
    assert scene["area_m2"] == pytest.approx(64 * 64, rel=0.002)
    assert scene["file_bytes"] == path.stat().st_size
    assert scene["acquired_at"] is None
    assert not scene["is_synthetic"]
    collection = conn.execute(
        "SELECT name, alias, provider, licence, attribution FROM skyscript.collection"
    ).fetchall()
    assert collection == [("orthos", "ORTHOS", "raster", "CC-BY-4.0", "Land Office")]
    assert (scene["licence"], scene["attribution"]) == (None, None)


def test_terms_that_differ_from_the_collection_stay_with_the_scene(
    conn: Connection, tmp_path: Path
):
    tags = {"TIFFTAG_COPYRIGHT": "(c) Land Office"}
    first = write_raster(tmp_path / "a.tif", noise(3))
    second = write_raster(tmp_path / "b.tif", noise(3), tags=tags)
    load_one(conn, first, licence="CC0-1.0")
    scene = load_one(conn, second, licence="CC-BY-4.0")
    assert scene["licence"] == "CC-BY-4.0"
    assert scene["attribution"] == "(c) Land Office"


@pytest.mark.parametrize(
    ("crs", "grid", "gsd_m"),
    [
        ("EPSG:3857", Affine(0.26, 0, 9519926, 0, -0.26, 3202940), 0.2299),
        ("EPSG:4326", Affine(1e-5, 0, 20.5, 0, -1e-5, -34.0), 1.0123),
        ("EPSG:2056", Affine(0.1, 0, 2758000, 0, -0.1, 1222000), 0.1000),
    ],
    ids=["web-mercator", "degrees", "swiss"],
)
def test_gsd_is_measured_on_the_ellipsoid(
    conn: Connection, tmp_path: Path, crs: str, grid: Affine, gsd_m: float
):
    path = write_raster(tmp_path / "a.tif", noise(3), crs=crs, transform=grid)
    assert load_one(conn, path)["gsd_m"] == pytest.approx(gsd_m, abs=0.0001)


def test_gsd_can_be_told(conn: Connection, tmp_path: Path):
    path = write_raster(tmp_path / "a.tif", noise(3))
    assert load_one(conn, path, gsd_m=0.6)["gsd_m"] == 0.6


def test_an_unknown_reference_system_is_registered(conn: Connection, tmp_path: Path):
    crs = "+proj=laea +lat_0=47.1 +lon_0=9.5 +x_0=1234 +ellps=GRS80 +units=m"
    grid = Affine(1, 0, 1234, 0, -1, 0)
    first = load_one(
        conn, write_raster(tmp_path / "a.tif", noise(3), crs=crs, transform=grid)
    )
    second = load_one(
        conn, write_raster(tmp_path / "b.tif", noise(3), crs=crs, transform=grid)
    )
    assert first["srid"] == second["srid"] >= 900_000
    assert first["crs"].startswith("PROJCS[")
    assert first["area_m2"] == pytest.approx(64 * 64, rel=0.002)
    assert covers(conn, first, 32, 32)
    place = conn.execute(
        "SELECT ST_AsText(ST_Transform(ST_SetSRID(ST_Point(1234, 0), %s), 4326), 6)",
        (first["srid"],),
    ).fetchone()
    assert place == ("POINT(9.5 47.1)",)


def test_a_rotated_grid_keeps_its_area(conn: Connection, tmp_path: Path):
    grid = VADUZ @ Affine.rotation(30)
    path = write_raster(tmp_path / "a.tif", noise(3), transform=grid)
    scene = load_one(conn, path)
    assert scene["transform"] == pytest.approx(tuple(grid)[:6])
    assert scene["gsd_m"] == pytest.approx(1.0004, abs=0.0001)
    assert scene["area_m2"] == pytest.approx(64 * 64, rel=0.002)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (
            {"TIFFTAG_DATETIME": "2015:06:01 10:30:00"},
            datetime(2015, 6, 1, 10, 30, tzinfo=UTC),
        ),
        ({"ACQUISITION_DATE": "2015-06-01"}, datetime(2015, 6, 1, tzinfo=UTC)),
        (
            {
                "TIFFTAG_DATETIME": "2019:01:01 00:00:00",
                "ACQUISITIONDATETIME": "2015-06-01T10:30:00Z",
            },
            datetime(2015, 6, 1, 10, 30, tzinfo=UTC),
        ),
        ({"TIFFTAG_DATETIME": "0000:00:00 00:00:00"}, None),
        ({"TIFFTAG_DATETIME": "2999:01:01 00:00:00"}, None),
        ({"TIFFTAG_DATETIME": "last summer"}, None),
    ],
    ids=["tiff", "day", "acquired-before-written", "zeros", "future", "words"],
)
def test_date_comes_from_tags(
    conn: Connection, tmp_path: Path, tags: dict[str, str], expected: datetime | None
):
    path = write_raster(tmp_path / "a.tif", noise(3), tags=tags)
    result = load(conn, [path], RasterOptions("orthos"))
    found = conn.execute("SELECT acquired_at FROM skyscript.scene").fetchone()
    assert found == (expected,)
    assert bool(result.notes) == (expected is None)


def test_date_that_is_told_wins(conn: Connection, tmp_path: Path):
    tags = {"TIFFTAG_DATETIME": "2015:06:01 10:30:00"}
    path = write_raster(tmp_path / "a.tif", noise(3), tags=tags)
    told = datetime(2010, 6, 1, tzinfo=UTC)
    scene = load_one(conn, path, acquired_at=told)
    assert (scene["acquired_at"], scene["properties"]) == (told, {})


@pytest.mark.parametrize(
    ("description", "is_synthetic"),
    [
        ("SYNTHETIC rendering of OpenStreetMap data", True),
        ("SYNTHETIC APERTURE RADAR", False),
        ("aerial photograph", False),
    ],
)
def test_synthetic_pictures_say_so(
    conn: Connection, tmp_path: Path, description: str, is_synthetic: bool
):
    tags = {"TIFFTAG_IMAGEDESCRIPTION": description}
    path = write_raster(tmp_path / "a.tif", noise(3), tags=tags)
    assert load_one(conn, path)["is_synthetic"] == is_synthetic


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "options", "gsd_m", "rgb", "share_valid"),
    [
        ("pairs/banepa_oam_z19.tif", {}, 0.132, [1, 2, 3], 0.7267),
        ("pairs/3420B_2010_328_RGB_LATLNG.tif", {}, 2.530, [1, 2, 3], 1),
        ("imagery/naip_virginia_staunton_4band_1m.tif", {}, 1.000, [1, 2, 3], 1),
        ("imagery/sentinel2_accomack_va_10m_B02B03B04B08.tif", {}, 10.0, [3, 2, 1], 1),
        (
            "imagery/landsat7_olinda_recife_28m5.tif",
            {"bands": "3,2,1"},
            28.50,
            [3, 2, 1],
            1,
        ),
    ],
    ids=["banepa", "swellendam", "naip", "sentinel-2", "landsat-7"],
)
def test_real_rasters(
    conn: Connection,
    real_data: Path,
    file: str,
    options: dict[str, Any],
    gsd_m: float,
    rgb: list[int],
    share_valid: float,
):
    scene = load_one(conn, real_data / file, **options)
    assert scene["gsd_m"] == pytest.approx(gsd_m, rel=0.001)
    assert scene["bands"]["rgb"] == rgb
    n_pixels = scene["width_px"] * scene["height_px"]
    share = scene["area_m2"] / (n_pixels * scene["gsd_m"] ** 2)
    assert share == pytest.approx(share_valid, abs=0.001)
    assert scene["is_valid"]
