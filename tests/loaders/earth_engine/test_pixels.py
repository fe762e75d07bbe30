from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from loaders.earth_engine import pixels as module
from loaders.earth_engine.pixels import provider
from skyscript_db import rasters
from skyscript_db.errors import CredentialsExpired, RequestFailed
from skyscript_db.imagery import Cut, Grid, Refusal
from tests.fix_rasters import VADUZ, noise
from tests.loaders.earth_engine.helpers import add_ortho, settings_for

NONE = {"method": "none"}
LINEAR = {"method": "linear", "min": [100, 0, 3.5], "max": [3000, 2900.5, 1000]}
WINDOWS = [Window(0, 0, 16, 16), Window(20, 3, 30, 12), Window(40, 40, 24, 24)]


@pytest.fixture
def ready(settings, earth_engine):
    return settings_for(settings, earth_engine)


def grid(asset: str, stretch=NONE, bands=("R", "G", "B"), **more) -> Grid:
    told = {"rgb": list(bands), **more}
    crs, transform = "EPSG:32632", tuple(VADUZ)[:6]
    return Grid("earth-engine", asset, crs, transform, 64, 64, told, stretch)


def cut_locally(path, stretch, window) -> tuple[np.ndarray, np.ndarray]:
    with rasterio.open(path) as dataset:
        values, valid = rasters.read(dataset, [1, 2, 3], window)
    return rasters.to_8_bits(values, valid, stretch), valid


def cut_all(database, settings, grid, windows) -> list[Cut | Refusal]:
    with provider(settings, database.info) as earth_engine:
        return list(earth_engine.cut(grid, windows))


def test_chips_are_those_of_the_file(database, ready, earth_engine):
    path = add_ortho(earth_engine, "one")
    cuts = cut_all(database, ready, grid("Test/orthos/one"), WINDOWS)
    for window, cut in zip(WINDOWS, cuts, strict=True):
        assert isinstance(cut, Cut)
        pixels, valid = cut_locally(path, NONE, window)
        assert np.array_equal(cut.pixels, pixels)
        assert np.array_equal(cut.valid, valid)
        assert cut.cloudy is None


def test_windows_that_lie_together_are_one_request(database, ready, earth_engine):
    add_ortho(earth_engine, "one")
    cut_all(database, ready, grid("Test/orthos/one"), WINDOWS)
    asked = earth_engine.counts.windows
    assert [(w.col_off, w.row_off, w.width, w.height) for w in asked] == [
        (0, 0, 64, 64)
    ]


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_stretched_chips_are_those_of_the_file(database, ready, earth_engine, dtype):
    numbers = np.random.default_rng(3).integers(0, 3200, (3, 64, 64)).astype(dtype)
    if dtype == "float32":
        numbers += 0.25
    names = ["R", "G", "B"]
    path = earth_engine.add("Test/orthos", "deep", numbers, names=names)
    cuts = cut_all(database, ready, grid("Test/orthos/deep", LINEAR), WINDOWS)
    for window, cut in zip(WINDOWS, cuts, strict=True):
        pixels, _ = cut_locally(path, LINEAR, window)
        assert np.array_equal(cut.pixels, pixels)


def test_what_holds_no_data_is_black_and_told(database, ready, earth_engine):
    numbers = noise(3)
    numbers[:, :10, :20] = 0
    names = ["R", "G", "B"]
    path = earth_engine.add("Test/orthos", "part", numbers, names=names, nodata=0)
    (cut,) = cut_all(database, ready, grid("Test/orthos/part"), WINDOWS[:1])
    pixels, valid = cut_locally(path, NONE, WINDOWS[0])
    assert not valid.all()
    assert np.array_equal(cut.valid, valid)
    assert np.array_equal(cut.pixels, pixels)


@pytest.mark.parametrize(
    ("told", "cloudy_values"), [({"values": [3, 9]}, {3, 9}), ({"bits": [1, 3]}, None)]
)
def test_cloud_is_told_pixel_by_pixel(
    database, ready, earth_engine, told, cloudy_values
):
    # Of 16 bits: a fourth band of 8 would pass for transparency.
    numbers = noise(4, dtype="uint16")
    numbers[3] %= 12
    names = ["R", "G", "B", "SCL"]
    earth_engine.add("Test/orthos", "cloudy", numbers, names=names)
    where = grid("Test/orthos/cloudy", cloud={"band": "SCL", **told})
    (cut,) = cut_all(database, ready, where, WINDOWS[:1])
    part = numbers[3, :16, :16]
    expected = np.isin(part, [3, 9]) if cloudy_values else (part & 0b1010) > 0
    assert cut.cloudy is not None
    assert np.array_equal(cut.cloudy, expected)


def test_windows_outside_are_refused_and_the_others_are_cut(
    database, ready, earth_engine
):
    add_ortho(earth_engine, "one")
    windows = [Window(60, 0, 8, 8), Window(0, 0, 8, 8), Window(-1, 0, 8, 8)]
    first, second, third = cut_all(database, ready, grid("Test/orthos/one"), windows)
    assert first == third == Refusal("window outside the scene", is_final=True)
    assert isinstance(second, Cut)


def test_requests_stay_under_the_limit(database, ready, earth_engine):
    path = add_ortho(earth_engine, "one")
    small = ready.model_copy(update={"max_request_mib": 0.03})
    cuts = cut_all(database, small, grid("Test/orthos/one"), WINDOWS)
    assert [(w.width, w.height) for w in earth_engine.counts.windows] == [
        (16, 16),
        (44, 61),
    ]
    for window, cut in zip(WINDOWS, cuts, strict=True):
        assert np.array_equal(cut.pixels, cut_locally(path, NONE, window)[0])


@pytest.mark.parametrize(
    "message", ["User memory limit exceeded.", "Computation timed out."]
)
def test_a_request_that_is_too_much_is_split_at_once(
    database, ready, earth_engine, message
):
    add_ortho(earth_engine, "one")
    earth_engine.misbehave(400, path="computePixels", first=1, message=message)
    cuts = cut_all(database, ready, grid("Test/orthos/one"), WINDOWS)
    assert [type(cut) for cut in cuts] == [Cut, Cut, Cut]
    assert earth_engine.counts.by_path["computePixels"] == 3


@pytest.mark.parametrize("kind", ["truncated", "shortened", "html", "reset", 500, 429])
def test_bad_answers_are_not_taken_for_pixels(database, ready, earth_engine, kind):
    path = add_ortho(earth_engine, "one")
    earth_engine.misbehave(kind, path="computePixels", first=1)
    (cut,) = cut_all(database, ready, grid("Test/orthos/one"), WINDOWS[:1])
    assert np.array_equal(cut.pixels, cut_locally(path, NONE, WINDOWS[0])[0])
    assert earth_engine.counts.by_path["computePixels"] == 2


def test_an_emulator_that_remembers_answers_without_the_file(
    database, ready, earth_engine
):
    path = add_ortho(earth_engine, "one")
    where = grid("Test/orthos/one")
    earth_engine.emulator.remember(True)
    (before,) = cut_all(database, ready, where, WINDOWS[:1])
    path.unlink()
    (after,) = cut_all(database, ready, where, WINDOWS[:1])
    assert np.array_equal(before.pixels, after.pixels)
    assert earth_engine.counts.by_path["computePixels"] == 2
    earth_engine.emulator.remember(False)
    with pytest.raises(RequestFailed):
        cut_all(database, ready, where, WINDOWS[:1])


def test_an_image_that_is_gone_is_told_with_its_status(database, ready, earth_engine):
    add_ortho(earth_engine, "one")
    with pytest.raises(RequestFailed, match="does not exist") as error:
        cut_all(database, ready, grid("Test/orthos/gone"), WINDOWS)
    assert error.value.status in {400, 404}
    assert not error.value.is_transient


def test_a_login_that_expires_ends_the_cutting(database, ready, earth_engine):
    add_ortho(earth_engine, "one")
    earth_engine.misbehave(401, path="computePixels")
    with pytest.raises(CredentialsExpired):
        cut_all(database, ready, grid("Test/orthos/one"), WINDOWS)


def test_windows_are_packed_by_what_earth_engine_counts(database, ready):
    with provider(ready, database.info) as earth_engine:
        assert earth_engine.max_request_bytes == 48 * 2**20 * 4 // 10
        assert earth_engine.concurrency == 40


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "magic"),
        (b"\x89PNG\r\n\x1a\n", "magic"),
        (b"<html>", "magic"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", ""),
    ],
)
def test_what_is_no_array_is_refused(answer, told):
    with pytest.raises(RequestFailed, match=told or "pixels that came") as error:
        module.read_answer(answer, Window(0, 0, 4, 4), ["red"])
    assert error.value.is_transient


def test_an_array_of_another_shape_is_refused():
    import io

    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 5), dtype=[("red", "u1")]))
    with pytest.raises(RequestFailed, match=r"\(4, 5\).* came, not \(4, 4\)"):
        module.read_answer(stream.getvalue(), Window(0, 0, 4, 4), ["red"])


def test_an_array_that_is_cut_off_is_refused():
    import io

    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 4), dtype=[("red", "u1")]))
    with pytest.raises(RequestFailed, match="pixels that came") as error:
        module.read_answer(stream.getvalue()[:-1], Window(0, 0, 4, 4), ["red"])
    assert error.value.is_transient


def test_objects_in_an_array_are_never_unpickled():
    import io

    stream = io.BytesIO()
    np.save(stream, np.array([[{"a": 1}]], dtype=object), allow_pickle=True)
    with pytest.raises(RequestFailed, match="pixels that came"):
        module.read_answer(stream.getvalue(), Window(0, 0, 1, 1), ["red"])


def test_a_window_is_told_on_the_scenes_own_grid():
    told = module.pixel_grid(grid("Test/orthos/one"), Window(3, 5, 7, 9))
    assert told == {
        "dimensions": {"width": 7, "height": 9},
        "affineTransform": {
            "scaleX": 1,
            "shearX": 0,
            "translateX": 537003,
            "shearY": 0,
            "scaleY": -1,
            "translateY": 5219995,
        },
        "crsCode": "EPSG:32632",
    }
