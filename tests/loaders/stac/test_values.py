"""Values that are not 8 bits, and bands whose colours nothing tells."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rasterio.windows import Window

from skyscript_db import rasters
from skyscript_db.config import Settings
from skyscript_db.errors import LoaderError, UsageError
from skyscript_db.jobs.fetch_estimate import estimate
from skyscript_db.jobs.runner import Counts, Work
from tests.fix_database import Database
from tests.fix_rasters import noise, write_raster
from tests.fix_stac import StacService, make_item, place_on
from tests.jobs.fetch_helpers import add_chips, fetch, states
from tests.loaders.stac.helpers import AREA, Connection, names, run, scene

SENTINEL_2 = "imagery/sentinel2_accomack_va_10m_B02B03B04B08.tif"
NOT_8_BITS = "its values are uint16, not 8 bits: say how they are shown with --stretch"


def local_item(folder: Path, path: Path, key: str = "image", **facts: Any) -> str:
    """Write an item over a file of this machine; return the item's path."""
    item = make_item("a", {key: str(path)}, **facts)
    place_on(item, path)
    folder.mkdir(exist_ok=True)
    told = folder / "a.json"
    told.write_text(json.dumps(item.to_dict(include_self_link=False)))
    return str(told)


def only_reason(rejected: dict[str, str]) -> str:
    (reason,) = rejected.values()
    return reason


# --- values -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int8", "float32"])
def test_values_that_would_wrap_are_refused(dtype: str):
    values, valid = noise(3, 4).astype(dtype), np.ones((4, 4), dtype=bool)
    with pytest.raises(LoaderError, match=f"its values are {dtype}, not 8 bits"):
        rasters.to_8_bits(values, valid, {"method": "none"})


def test_the_file_tells_its_type_where_the_item_does_not(
    conn: Connection, settings: Settings, stac: StacService
):
    for name, dtype in (("deep", "uint16"), ("flat", "uint8"), ("next", "uint8")):
        path = write_raster(stac.folder / f"{name}.tif", noise(3, dtype=dtype))
        stac.add("orthos", name, {"visual": path})
    result = run(conn, settings, stac.url, area=AREA)
    assert (result.new, len(result.rejected)) == (2, 1)
    assert only_reason(result.rejected).startswith(NOT_8_BITS)
    assert names(conn) == ["flat", "next"]
    # What was found of the second stands for the third.
    assert stac.count("/files/") == 2
    assert run(conn, settings, stac.url, area=AREA, stretch="0,3000").new == 1


def test_a_stretch_of_none_is_held_against_the_file(
    conn: Connection, settings: Settings, stac: StacService
):
    path = write_raster(stac.folder / "a.tif", noise(3, dtype="uint16"))
    stac.add("orthos", "a", {"visual": path})
    result = run(conn, settings, stac.url, area=AREA, stretch="none")
    assert only_reason(result.rejected).startswith(NOT_8_BITS)


def test_chips_of_what_was_taken_for_8_bits_fail_until_it_is_loaded_again(
    database: Database, settings: Settings, stac: StacService
):
    conn = database.conn
    first = write_raster(stac.folder / "a.tif", noise(3))
    stac.add("orthos", "a", {"visual": first})
    second = write_raster(stac.folder / "b.tif", noise(3, dtype="uint16") * 15)
    stac.add("orthos", "b", {"visual": second})
    assert run(conn, settings, stac.url, area=AREA).new == 2
    add_chips(conn, (0, 0, 32, 32), (8, 8, 32, 32), scene="b")
    assert fetch(conn, settings) == Counts(n_pending=2)
    ((_, state, cause, _), _) = states(conn)
    assert state == "failed"
    assert cause.startswith(f"{stac.href(second)}: {NOT_8_BITS}")
    again = run(conn, settings, stac.url, area=AREA, stretch="0,3000")
    assert (again.replaced, again.n_chips_dropped) == (2, 2)
    add_chips(conn, (0, 0, 32, 32), scene="b")
    assert fetch(conn, settings) == Counts(n_ok=1)


def test_a_real_file_of_16_bits(
    conn: Connection, settings: Settings, real_data: Path, tmp_path: Path
):
    path = real_data / SENTINEL_2
    item = local_item(tmp_path / "stac", path)
    assert only_reason(run(conn, settings, item).rejected).startswith(NOT_8_BITS)
    assert run(conn, settings, item, stretch="0,3000").new == 1
    # The file's own names tell its colours: B02, B03, B04, B08.
    assert [band["band"] for band in scene(conn, "a")["bands"]["rgb"]] == [3, 2, 1]
    add_chips(conn, (600, 600, 64, 48))
    as_png = settings.model_copy(update={"image_format": "png"})
    (cost,) = estimate(Work(conn, as_png))
    assert (cost.n_chips, cost.n_requests, cost.transfer_mb) == (1, 0, 0)
    assert fetch(conn, as_png) == Counts(n_ok=1)
    with rasters.opened(path) as dataset:
        numbers = dataset.read([3, 2, 1], window=Window(600, 600, 64, 48))
    wanted = np.floor(numbers / 3000 * 255 + 0.5).clip(0, 255).astype("uint8")
    found = np.asarray(Image.open(settings.chips / "00/0000000000000001.png"))
    np.testing.assert_array_equal(found, wanted.transpose(1, 2, 0))


# --- bands --------------------------------------------------------------------------

GREY = {"photometric": "minisblack"}


def named(*told: str) -> list[dict[str, str]]:
    return [{"name": name} for name in told]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (named("0", "1", "2", "3"), "4 bands of its asset 'image' (0, 1, 2, 3) are"),
        ([{}] * 5, "of the 5 bands of its asset 'image' are red, green and blue"),
        (named("nir", "red", "green"), "(nir, red, green)"),
        (None, "of the 5 bands of its asset 'image' are red, green and blue"),
    ],
)
def test_bands_that_are_not_told_to_be_colours_are_not_guessed(
    conn: Connection,
    settings: Settings,
    stac: StacService,
    told: list[dict[str, str]] | None,
    why: str,
):
    path = write_raster(stac.folder / "a.tif", noise(5), **GREY)
    facts = {} if told is None else {"eo:bands": told}
    stac.add("orthos", "a", {"image": path}, facts={"image": facts})
    reason = only_reason(run(conn, settings, stac.url, area=AREA).rejected)
    assert why in reason
    assert "with --assets, such as image:3,image:2,image:1, or as rgb of" in reason
    told_by_us = "image:3,image:2,image:1"
    assert run(conn, settings, stac.url, area=AREA, assets=told_by_us).new == 1


@pytest.mark.parametrize(
    ("told", "options", "expected"),
    [
        (named("B02", "B03", "B04", "B08"), {}, [3, 2, 1]),
        (named("B", "G", "R", "N", "E"), {}, [3, 2, 1]),
        ([{}, {}, {}, {"common_name": "nir"}], GREY, [1, 2, 3]),
        (named("1", "2", "3"), {}, [1, 2, 3]),
        (None, {"names": ["nir", "red", "green", "blue", "edge"]}, [2, 3, 4]),
        (None, {"photometric": "rgb"}, [1, 2, 3]),
    ],
)
def test_bands_are_found_by_what_is_told(
    conn: Connection,
    settings: Settings,
    stac: StacService,
    told: list[dict[str, str]] | None,
    options: dict[str, Any],
    expected: list[int],
):
    path = write_raster(stac.folder / "a.tif", noise(5), **options)
    facts = {} if told is None else {"eo:bands": told}
    stac.add("orthos", "a", {"image": path}, facts={"image": facts})
    assert run(conn, settings, stac.url, area=AREA).new == 1
    assert [band["band"] for band in scene(conn, "a")["bands"]["rgb"]] == expected


# --- an area beyond what is covered ---------------------------------------------------


def test_an_area_beyond_an_entry_is_refused_before_anything_is_asked(
    conn: Connection, settings: Settings, stac: StacService
):
    settings.home.mkdir(parents=True)
    (settings.home / "collections.toml").write_text(
        f"""
[[collection]]
name = "orthos"
provider = "stac"
catalogue = "{stac.url}"
alias = "O"
rgb = ["red", "green", "blue"]
stretch = {{ method = "none" }}
coverage = [[5, 45, 10, 48]]
"""
    )
    with pytest.raises(UsageError, match="outside of what orthos covers: W,S,E,N 5,45"):
        run(conn, settings, "orthos", area="20,10,21,11")
    assert stac.asked == []
