"""Expressions of the emulator, written by the real client."""

from __future__ import annotations

from typing import Any

import ee
import numpy as np
import pytest

from tests.fix_earth_engine import EarthEngine
from tests.fix_rasters import noise
from tests.loaders.earth_engine.emulator_helpers import compute, grid_at

ROW = grid_at(0, 0, 4, 1)


@pytest.fixture
def image(earth_engine: EarthEngine) -> ee.Image:
    """Two bands: A of 0, 1, 2 and 200; B of 10, 0, 30 and 40, of which 0 is nodata."""
    values = np.array([[[9, 1, 2, 200]], [[10, 0, 30, 40]]], dtype="uint8")
    earth_engine.add("C", "one", values, names=("A", "B"), nodata=0)
    earth_engine.initialize()
    return ee.Image("C/one")


def row(image: ee.Image, band: str | None = None) -> list[float]:
    cut = compute(image, ROW)
    return cut[band or cut.dtype.names[0]][0].tolist()


A = "A"
CASES: dict[str, tuple[Any, list[float], str]] = {
    "add": (lambda a: a.add(0.5), [9.5, 1.5, 2.5, 200.5], "float64"),
    "whole": (lambda a: a.subtract(10), [-1, -9, -8, 190], "int32"),
    "multiply": (lambda a: a.multiply(a), [81, 1, 4, 40000], "int32"),
    "divide": (lambda a: a.divide(4), [2.25, 0.25, 0.5, 50], "float64"),
    "floor": (lambda a: a.divide(4).floor(), [2, 0, 0, 50], "float64"),
    "round": (lambda a: a.divide(4).round(), [2, 0, 1, 50], "float64"),
    "clamp": (lambda a: a.clamp(2, 10), [9, 2, 2, 10], "uint8"),
    "toByte": (lambda a: a.multiply(2).toByte(), [18, 2, 4, 255], "uint8"),
    "toByte of less": (lambda a: a.subtract(2.5).toByte(), [6, 0, 0, 197], "uint8"),
    "toInt16": (lambda a: a.multiply(-0.9).toInt16(), [-8, 0, -1, -180], "int16"),
    "toFloat": (lambda a: a.toFloat(), [9, 1, 2, 200], "float32"),
    "gt": (lambda a: a.gt(2), [1, 0, 0, 1], "uint8"),
    "gte": (lambda a: a.gte(2), [1, 0, 1, 1], "uint8"),
    "or": (lambda a: a.eq(1).Or(a.eq(9)), [1, 1, 0, 0], "uint8"),
    "and not": (lambda a: a.gt(1).And(a.eq(9).Not()), [0, 0, 1, 1], "uint8"),
    "max": (lambda a: a.max(5), [9, 5, 5, 200], "uint8"),
    "remap": (lambda a: a.remap([1, 9], [7, 8], 0), [8, 7, 0, 0], "int32"),
    "bits": (lambda a: a.rightShift(1).bitwiseAnd(1), [0, 0, 1, 0], "uint8"),
    "updateMask": (lambda a: a.updateMask(a.lt(9)), [0, 1, 2, 0], "uint8"),
    "selfMask": (lambda a: a.gt(1).selfMask().unmask(5), [1, 5, 1, 1], "uint8"),
    "where masked": (lambda a: a.mask(a.gt(1)).unmask(-1), [9, -1, 2, 200], "int32"),
}


def test_functions_of_one_band(image: ee.Image) -> None:
    told = {}
    for name, (function, _, _) in CASES.items():
        cut = compute(function(image.select(A)), ROW)
        band = cut.dtype.names[0]
        told[name] = cut[band][0].tolist(), str(cut.dtype[band])
    assert told == {name: (wanted, dtype) for name, (_, wanted, dtype) in CASES.items()}


def test_a_value_that_is_masked_on_one_side_is_masked(image: ee.Image) -> None:
    total = image.select("A").add(image.select("B"))
    assert row(total) == [19, 0, 32, 240]
    assert row(total.mask()) == [1, 0, 1, 1]


def test_a_division_by_zero_is_masked(image: ee.Image) -> None:
    quotient = image.select("A").divide(image.select("A").subtract(1))
    assert row(quotient.unmask(-1)) == [9 / 8, -1, 2, 200 / 199]


def test_unmatched_values_of_a_remap_are_masked(image: ee.Image) -> None:
    assert row(image.select("A").remap([1], [7]).mask()) == [0, 1, 0, 0]


def test_bands_are_matched_by_name_or_else_in_order(image: ee.Image) -> None:
    swapped = image.select(["B", "A"])
    assert row(image.subtract(swapped), "A") == [0, 0, 0, 0]
    renamed = image.select(["B", "A"], ["x", "y"])
    assert row(image.subtract(renamed), "A") == [-1, 0, -28, 160]
    assert row(image.subtract([9, 10]), "B") == [0, 0, 20, 30]


def test_bands_are_selected_by_place_and_pattern(image: ee.Image) -> None:
    assert compute(image.select(1), ROW).dtype.names == ("B",)
    assert compute(image.select("[AB]"), ROW).dtype.names == ("A", "B")
    with pytest.raises(ee.EEException, match="Band pattern 'C' did not match any"):
        compute(image.select("C"), ROW)
    with pytest.raises(ee.EEException, match="index 5 is out of range"):
        compute(image.select(5), ROW)


def test_added_bands_are_named_apart(image: ee.Image) -> None:
    twice = image.addBands(image).addBands(image.select("A"))
    assert compute(twice, ROW).dtype.names == ("A", "B", "A_1", "B_1", "A_2")
    over = image.addBands(image.select("B").rename("A"), overwrite=True)
    assert row(over, "A") == [10, 0, 30, 40]


def test_bands_are_reduced_without_the_masked(image: ee.Image) -> None:
    assert row(image.reduce(ee.Reducer.max())) == [10, 1, 30, 200]
    assert row(image.reduce(ee.Reducer.min())) == [9, 1, 2, 40]
    assert row(image.reduce(ee.Reducer.sum())) == [19, 1, 32, 240]
    assert row(image.reduce(ee.Reducer.mean())) == [9.5, 1, 16, 120]


def test_any_band_with_data_tells_a_pixel_valid(image: ee.Image) -> None:
    assert row(image.mask().reduce(ee.Reducer.max())) == [1, 1, 1, 1]
    assert row(image.mask().reduce(ee.Reducer.min())) == [1, 0, 1, 1]


def test_a_linear_stretch_is_exact(earth_engine: EarthEngine) -> None:
    values = noise(3, dtype="uint16") * 17
    earth_engine.add("C", "one", values, about='bands = ["R", "G", "B"]')
    earth_engine.initialize()
    low, high = [30, 40.5, 0], [3000, 2500, 2999.5]
    span = [top - bottom for bottom, top in zip(low, high, strict=True)]
    stretched = (
        ee.Image("C/one")
        .subtract(low)
        .divide(span)
        .multiply(255)
        .add(0.5)
        .floor()
        .clamp(0, 255)
        .toByte()
    )
    cut = compute(stretched, grid_at(0, 0, 64, 64))
    for number, name in enumerate("RGB"):
        scaled = (values[number] - np.float64(low[number])) / span[number] * 255
        wanted = np.floor(scaled + 0.5).clip(0, 255).astype("uint8")
        np.testing.assert_array_equal(cut[name], wanted)


def test_visualize_takes_bounds_or_gain(image: ee.Image) -> None:
    by_bounds = image.visualize(bands=["A"], min=0, max=100)
    assert row(by_bounds, "vis-green") == [23, 3, 5, 255]
    by_gain = image.visualize(bands=["A", "A", "B"], gain=[2, 1, 1])
    assert row(by_gain, "vis-red") == [18, 2, 4, 255]
    with pytest.raises(ee.EEException, match="visualize with gamma is not emulated"):
        row(image.visualize(bands=["A"], gamma=2))


def test_a_function_that_is_not_known_is_named(image: ee.Image) -> None:
    unknown = r"the function Image\.derivative is not emulated; see docs/"
    with pytest.raises(ee.EEException, match=unknown):
        row(image.derivative())


def test_what_is_no_image_has_no_pixels(image: ee.Image) -> None:
    with pytest.raises(ee.EEException, match="must evaluate to an image"):
        compute(ee.Number(5), ROW)


@pytest.fixture
def collection(earth_engine: EarthEngine) -> ee.ImageCollection:
    """Three images near Vaduz, of 2016, 2018 and 2020, less and less cloudy."""
    for year, cloud in ((2016, 60), (2018, 20), (2020, 5)):
        about = f'start = {year}-07-01\nproperties = {{cloud = {cloud}, sat = "x"}}'
        earth_engine.add("C", f"of_{year}", noise(1, side_px=8), about)
    earth_engine.initialize()
    return ee.ImageCollection("C")


VADUZ_BOX = [9.4, 47.1, 9.6, 47.2]
COLLECTIONS: dict[str, tuple[Any, list[str]]] = {
    "all": (lambda c: c, ["2016", "2018", "2020"]),
    "date": (lambda c: c.filterDate("2017-01-01", "2020-07-01"), ["2018"]),
    "open date": (lambda c: c.filter(ee.Filter.date("2018-07-01")), ["2018"]),
    "inside": (
        lambda c: c.filterBounds(ee.Geometry.Rectangle(VADUZ_BOX)),
        ["2016", "2018", "2020"],
    ),
    "outside": (lambda c: c.filterBounds(ee.Geometry.Point([0, 0])), []),
    "lte": (lambda c: c.filter(ee.Filter.lte("cloud", 20)), ["2018", "2020"]),
    "gt": (lambda c: c.filter(ee.Filter.gt("cloud", 20)), ["2016"]),
    "eq": (lambda c: c.filter(ee.Filter.eq("sat", "y")), []),
    "metadata": (lambda c: c.filterMetadata("cloud", "less_than", 20), ["2020"]),
    "list": (lambda c: c.filter(ee.Filter.inList("cloud", [5, 60])), ["2016", "2020"]),
    "or": (
        lambda c: c.filter(
            ee.Filter.Or(ee.Filter.eq("cloud", 5), ee.Filter.eq("x", 1))
        ),
        ["2020"],
    ),
    "limit": (lambda c: c.limit(2, "cloud"), ["2020", "2018"]),
    "sort": (lambda c: c.sort("cloud", False).limit(1), ["2016"]),
}


def test_collections_are_filtered(collection: ee.ImageCollection) -> None:
    told = {}
    for name, (function, _) in COLLECTIONS.items():
        chosen = function(collection)
        names = chosen.aggregate_array("system:index").getInfo()
        told[name] = [index.removeprefix("of_") for index in names]
        assert chosen.size().getInfo() == len(names)
    assert told == {name: years for name, (_, years) in COLLECTIONS.items()}


def test_an_image_tells_of_itself(collection: ee.ImageCollection) -> None:
    image = collection.first()
    told = image.getInfo()
    assert (told["type"], told["id"]) == ("Image", "C/of_2016")
    assert told["properties"]["system:time_start"] == 1467331200000
    assert told["bands"] == [
        {
            "id": "B1",
            "data_type": {
                "type": "PixelType",
                "precision": "int",
                "min": 0,
                "max": 255,
            },
            "dimensions": [8, 8],
            "crs": "EPSG:32632",
            "crs_transform": [1, 0, 537000, 0, -1, 5220000],
        }
    ]
    assert image.bandNames().getInfo() == ["B1"]
    assert image.get("cloud").getInfo() == 60
    assert image.date().getInfo() == {"type": "Date", "value": 1467331200000}
    assert image.projection().getInfo()["crs"] == "EPSG:32632"
    assert image.geometry().getInfo()["type"] == "Polygon"


def test_a_collection_tells_of_its_images(collection: ee.ImageCollection) -> None:
    told = collection.filterDate("2020-01-01", "2021-01-01").getInfo()
    assert told["type"] == "ImageCollection"
    assert [image["id"] for image in told["features"]] == ["C/of_2020"]


def test_functions_are_mapped_over_a_collection(
    collection: ee.ImageCollection,
) -> None:
    marked = collection.map(lambda image: image.set("mark", image.get("cloud")))
    assert marked.aggregate_array("mark").getInfo() == [60, 20, 5]
    assert collection.aggregate_max("cloud").getInfo() == 60
    assert len(collection.toList(2).getInfo()) == 2


def test_an_unknown_asset_is_not_found(collection: ee.ImageCollection) -> None:
    with pytest.raises(ee.EEException, match=r"'projects/.*/NO' does not exist"):
        ee.ImageCollection("NO").size().getInfo()
    with pytest.raises(ee.EEException, match=r"'projects/.*/C/NO' does not exist"):
        ee.Image("C/NO").getInfo()
