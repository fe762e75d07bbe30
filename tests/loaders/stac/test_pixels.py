from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from loaders.stac.pixels import StacProvider, provider
from skyscript_db import rasters
from skyscript_db.config import Settings
from skyscript_db.errors import LoaderError, RequestFailed
from skyscript_db.imagery import Cut, Grid, Refusal
from tests.fix_rasters import VADUZ, noise, write_raster
from tests.fix_stac import StacService

NONE = {"method": "none"}
TO_200 = {"method": "linear", "min": [0, 0, 0], "max": [200, 200, 200]}
WINDOWS = [Window(0, 0, 40, 30), Window(200, 180, 56, 76), Window(100, 100, 64, 64)]


@pytest.fixture
def pixels(settings: Settings, shared_info: str) -> Iterator[StacProvider]:
    with provider(settings, shared_info) as opened:
        yield opened


def tiled(folder: Path, name: str, bands: np.ndarray, **options: Any) -> Path:
    layout = {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"}
    return write_raster(folder / name, bands, **{**layout, **options})


def grid_of(
    path: Path, uri: str, rgb: list[dict[str, Any]], stretch: Any, **bands: Any
) -> Grid:
    with rasterio.open(path) as dataset:
        return Grid(
            provider="stac",
            uri=uri,
            crs=":".join(dataset.crs.to_authority() or [dataset.crs.to_wkt()]),
            transform=tuple(dataset.transform)[:6],
            width_px=dataset.width,
            height_px=dataset.height,
            bands={"rgb": rgb, "sign": None, **bands},
            stretch=stretch,
        )


def same_file(stac: StacService, path: Path, numbers: tuple[int, int, int]) -> Any:
    return [{"href": stac.href(path), "band": n} for n in numbers]


def local(path: Path, bands: list[int], window: Window, stretch: Any) -> Cut:
    with rasters.opened(path) as dataset:
        values, valid = rasters.read(dataset, bands, window)
    return Cut(rasters.to_8_bits(values, valid, stretch), valid)


def assert_same(found: Cut | Refusal, wanted: Cut) -> None:
    assert isinstance(found, Cut)
    np.testing.assert_array_equal(found.pixels, wanted.pixels)
    np.testing.assert_array_equal(found.valid, wanted.valid)


def test_windows_are_as_read_locally(pixels: StacProvider, stac: StacService):
    path = tiled(stac.folder, "a.tif", noise(4, 256), nodata=5)
    grid = grid_of(path, stac.url, same_file(stac, path, (3, 1, 4)), NONE)
    cuts = list(pixels.cut(grid, WINDOWS))
    for window, found in zip(WINDOWS, cuts, strict=True):
        assert_same(found, local(path, [3, 1, 4], window, NONE))


def test_little_is_read(pixels: StacProvider, stac: StacService):
    path = tiled(stac.folder, "a.tif", noise(3, 1024, "uint16") * 300)
    grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), TO_200)
    list(pixels.cut(grid, [Window(500, 500, 100, 100)]))
    n_bytes = sum(stop - first for _, first, stop in stac.ranges)
    assert n_bytes < path.stat().st_size / 4
    assert len(stac.ranges) < 12
    # The header is known by now, and so are no pixels.
    before = len(stac.ranges)
    list(pixels.cut(grid, [Window(500, 500, 100, 100)]))
    assert all(first > 0 for _, first, _ in stac.ranges[before:])


def test_three_files_scaled_before_the_stretch(pixels: StacProvider, stac: StacService):
    values = noise(3, 128, "uint16") * 20 + 1000
    values[:, :9, :9] = 0
    rgb = []
    for n, name in enumerate(("red", "green", "blue")):
        path = tiled(stac.folder, f"{name}.tif", values[n : n + 1], nodata=0)
        href = stac.href(path)
        rgb.append({"href": href, "band": 1, "scale": 0.0001, "offset": -0.1})
    stretch = {"method": "linear", "min": [0, 0, 0], "max": [0.3, 0.3, 0.3]}
    (found,) = pixels.cut(grid_of(path, stac.url, rgb, stretch), [Window(0, 0, 64, 64)])
    scaled = values[:, :64, :64] * 0.0001 + -0.1
    wanted = np.floor(scaled / 0.3 * 255 + 0.5).clip(0, 255).astype("uint8")
    wanted[:, :9, :9] = 0
    assert isinstance(found, Cut)
    np.testing.assert_array_equal(found.pixels, wanted.transpose(1, 2, 0))
    assert int((~found.valid).sum()) == 81


@pytest.mark.parametrize(
    "tells", [{"values": [8, 9]}, {"bits": [3]}], ids=["values", "bits"]
)
def test_cloud_is_that_of_the_nearest_coarser_pixel(
    pixels: StacProvider, stac: StacService, tells: dict[str, list[int]]
):
    path = tiled(stac.folder, "a.tif", noise(3, 128))
    scl = np.zeros((1, 64, 64), "uint8")
    scl[0, 1, 2], scl[0, 2, 2] = 8, 4
    coarse = tiled(stac.folder, "scl.tif", scl, transform=VADUZ * VADUZ.scale(2))
    cloud = {"href": stac.href(coarse), "band": 1, **tells}
    grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), NONE, cloud=cloud)
    (found,) = pixels.cut(grid, [Window(3, 1, 10, 10)])
    assert isinstance(found, Cut)
    assert found.cloudy is not None
    # Pixels 4 and 5 of rows 2 and 3 lie in it.
    assert np.argwhere(found.cloudy).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]


@pytest.mark.parametrize("kind", ["429", "500", "503", "truncate", "html"])
def test_what_fails_for_a_moment_is_asked_again(
    pixels: StacProvider, stac: StacService, kind: str
):
    path = tiled(stac.folder, "a.tif", noise(3, 256))
    grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), NONE)
    headers = {"Retry_After": "1"} if kind == "429" else {}
    stac.fail(kind, "a.tif", **headers)
    cuts = pixels.cut(grid, WINDOWS[:2])
    assert_same(next(cuts), local(path, [1, 2, 3], WINDOWS[0], NONE))
    stac.fail(kind, "a.tif", **headers)
    assert_same(next(cuts), local(path, [1, 2, 3], WINDOWS[1], NONE))
    assert not stac.faults


def test_a_fault_amid_a_window_is_told_with_its_status(
    settings: Settings, shared_info: str, stac: StacService
):
    path = tiled(stac.folder, "a.tif", noise(3, 1024))
    grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), NONE)
    few = settings.model_copy(update={"request_tries": 1})
    with provider(few, shared_info) as pixels:
        cuts = pixels.cut(grid, WINDOWS)
        next(cuts)
        stac.fail("500", "a.tif")
        with pytest.raises(RequestFailed, match=r"a\.tif answers 500") as caught:
            list(pixels.cut(grid, [Window(800, 800, 100, 100)]))
        assert (caught.value.status, caught.value.is_transient) == (500, True)
        cuts.close()


def test_a_missing_file_is_told_at_once(pixels: StacProvider, stac: StacService):
    path = tiled(stac.folder, "a.tif", noise(3))
    grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), NONE)
    stac.fail("404", "a.tif")
    with pytest.raises(RequestFailed, match="404") as caught:
        list(pixels.cut(grid, WINDOWS[:1]))
    assert caught.value.status == 404
    assert stac.count("a.tif") == 1


def test_a_signature_that_ended_is_renewed_once(
    pixels: StacProvider, stac: StacService
):
    path = tiled(stac.folder, "a.tif", noise(3, 1024))
    token_url = f"{stac.url}/token/s2"
    rgb = same_file(stac, path, (1, 2, 3))
    grid = grid_of(path, stac.url, rgb, NONE, token_url=token_url)
    assert_same(
        next(iter(pixels.cut(grid, WINDOWS))), local(path, [1, 2, 3], WINDOWS[0], NONE)
    )
    assert stac.n_tokens == 1
    stac.token = "sig=another"
    window = Window(900, 900, 64, 64)
    (found,) = pixels.cut(grid, [window])
    assert_same(found, local(path, [1, 2, 3], window, NONE))
    assert stac.n_tokens == 2


def test_a_token_is_not_used_past_its_end(pixels: StacProvider, stac: StacService):
    path = tiled(stac.folder, "a.tif", noise(3, 256))
    stac.token_life = timedelta(minutes=1)  # within what is spared
    rgb = same_file(stac, path, (1, 2, 3))
    grid = grid_of(path, stac.url, rgb, NONE, token_url=f"{stac.url}/token/s2")
    list(pixels.cut(grid, WINDOWS))
    assert stac.n_tokens == len(stac.ranges)


def test_no_message_tells_a_signature(pixels: StacProvider, stac: StacService):
    path = tiled(stac.folder, "a.tif", noise(3))
    rgb = same_file(stac, path, (1, 2, 3))
    grid = grid_of(path, stac.url, rgb, NONE, token_url=f"{stac.url}/token/s2")
    stac.fail("403", "a.tif", times=2)
    with pytest.raises(RequestFailed, match="403") as caught:
        list(pixels.cut(grid, WINDOWS[:1]))
    assert "sig=" not in str(caught.value)


def test_a_token_is_not_asked_for_further_in_than_its_scene(
    pixels: StacProvider, stac: StacService
):
    path = tiled(stac.folder, "a.tif", noise(3))
    rgb = same_file(stac, path, (1, 2, 3))
    token_url = f"{stac.url}/token/s2"
    away = grid_of(path, "http://10.0.0.1/i.json", rgb, NONE, token_url=token_url)
    with pytest.raises(LoaderError, match="named from outside"):
        list(pixels.cut(away, WINDOWS[:1]))
    assert (stac.n_tokens, stac.asked) == (0, [])


def test_a_server_without_ranges_is_told(pixels: StacProvider, stac: StacService):
    path = tiled(stac.folder, "a.tif", noise(3))
    stac.has_ranges = False
    grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), NONE)
    with pytest.raises(LoaderError, match="not answer by ranges"):
        list(pixels.cut(grid, WINDOWS[:1]))


def test_a_file_that_changes_is_not_mixed(pixels: StacProvider, stac: StacService):
    path = tiled(stac.folder, "a.tif", noise(3, 1024))
    grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), NONE)
    cuts = pixels.cut(grid, [Window(0, 0, 9, 9), Window(900, 900, 64, 64)])
    next(cuts)
    tiled(stac.folder, "a.tif", noise(3, 1024) + 1)
    with pytest.raises(LoaderError, match="changed while it was read"):
        next(cuts)


def test_a_grid_that_is_not_the_files_is_refused(
    pixels: StacProvider, stac: StacService
):
    path = tiled(stac.folder, "a.tif", noise(3, 128))
    other = tiled(stac.folder, "b.tif", noise(3, 64))
    shifted = tiled(
        stac.folder, "c.tif", noise(3, 128), transform=VADUZ.translation(0.5, 0) * VADUZ
    )
    for wrong, told in ((other, "128 x 128"), (shifted, "lies elsewhere")):
        grid = grid_of(path, stac.url, same_file(stac, wrong, (1, 2, 3)), NONE)
        with pytest.raises(LoaderError, match=told):
            list(pixels.cut(grid, WINDOWS[:1]))


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"this is no image", "no GeoTIFF"), (b"II*\0" + b"\xff" * 99, "no GeoTIFF")],
)
def test_what_is_no_geotiff_is_told(
    pixels: StacProvider, stac: StacService, data: bytes, why: str
):
    path = tiled(stac.folder, "a.tif", noise(3))
    grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), NONE)
    path.write_bytes(data)
    with pytest.raises(LoaderError, match=why):
        list(pixels.cut(grid, WINDOWS[:1]))


def test_a_window_beyond_the_scene_is_refused_for_good(
    pixels: StacProvider, stac: StacService
):
    path = tiled(stac.folder, "a.tif", noise(3, 128))
    grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), NONE)
    found = list(pixels.cut(grid, [Window(100, 100, 64, 64), Window(0, 0, 9, 9)]))
    assert found[0] == Refusal("window outside the scene", is_final=True)
    assert isinstance(found[1], Cut)


@pytest.mark.parametrize(
    ("name", "bands", "stretch"),
    [
        ("imagery/naip_virginia_staunton_4band_1m.tif", [1, 2, 3], NONE),
        (
            "imagery/sentinel2_accomack_va_10m_B02B03B04B08.tif",
            [3, 2, 1],
            {"method": "linear", "min": [0, 0, 0], "max": [3000, 3000, 3000]},
        ),
        ("imagery/landsat7_olinda_recife_28m5.tif", [3, 2, 1], NONE),
        ("pairs/banepa_oam_z19.tif", [1, 2, 3], NONE),
        ("pairs/3420B_2010_328_RGB_LATLNG.tif", [1, 2, 3], NONE),
    ],
)
def test_real_rasters(
    pixels: StacProvider,
    stac: StacService,
    real_data: Path,
    name: str,
    bands: list[int],
    stretch: Any,
):
    path = real_data / name
    stac.folder = real_data
    red, green, blue = bands
    rgb = same_file(stac, path, (red, green, blue))
    grid = grid_of(path, stac.url, rgb, stretch)
    side = min(grid.width_px, grid.height_px) // 3
    random = np.random.default_rng(1)
    windows = [
        Window(
            int(random.integers(0, grid.width_px - side)),
            int(random.integers(0, grid.height_px - side)),
            *(int(n) for n in random.integers(20, min(side, 400), 2)),
        )
        for _ in range(8)
    ]
    for window, found in zip(windows, pixels.cut(grid, windows), strict=True):
        assert_same(found, local(path, bands, window, stretch))
    assert 0 < len(stac.ranges) < 60


def test_redirects_are_followed_where_they_may_lead(
    pixels: StacProvider, stac: StacService
):
    path = tiled(stac.folder, "a.tif", noise(3))
    grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), NONE)
    path.rename(stac.folder / "b.tif")
    stac.fail(f"{stac.url}/files/b.tif", "a.tif", times=9)
    (found,) = pixels.cut(grid, WINDOWS[:1])
    assert_same(found, local(stac.folder / "b.tif", [1, 2, 3], WINDOWS[0], NONE))
    # As if the catalogue were on the network, and sent us to this machine.
    other = same_file(stac, tiled(stac.folder, "c.tif", noise(3)), (1, 2, 3))
    away = grid_of(stac.folder / "c.tif", "http://10.0.0.1/item.json", other, NONE)
    with pytest.raises(LoaderError, match="named from outside"):
        list(pixels.cut(away, WINDOWS[:1]))
    assert stac.count("c.tif") == 0


def test_many_threads(settings: Settings, shared_info: str, stac: StacService):
    paths = [
        tiled(stac.folder, f"{n}.tif", noise(3, 256, "uint16") + n) for n in range(8)
    ]

    def one(n: int) -> None:
        path = paths[n % 8]
        with rasters.opened(path):  # local files come and go beside
            wanted = [local(path, [1, 2, 3], window, TO_200) for window in WINDOWS]
        grid = grid_of(path, stac.url, same_file(stac, path, (1, 2, 3)), TO_200)
        for cut, same in zip(pixels.cut(grid, WINDOWS), wanted, strict=True):
            assert_same(cut, same)

    for name in ("429", "500", "truncate"):
        stac.fail(name, ".tif", times=3, Retry_After="0")
    with provider(settings, shared_info) as pixels, ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(48)))


def test_local_files_of_a_local_catalogue(pixels: StacProvider, tmp_path: Path):
    path = tiled(tmp_path, "a.tif", noise(3, 128))
    rgb = [{"href": str(path), "band": n} for n in (1, 2, 3)]
    grid = grid_of(path, str(tmp_path / "item.json"), rgb, NONE)
    (found,) = pixels.cut(grid, WINDOWS[:1])
    assert_same(found, local(path, [1, 2, 3], WINDOWS[0], NONE))
    away = grid_of(path, "https://example.org/item.json", rgb, NONE)
    with pytest.raises(LoaderError, match="not read from here"):
        list(pixels.cut(away, WINDOWS[:1]))
