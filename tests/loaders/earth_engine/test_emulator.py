"""Assets of the emulator, listed and described through the real client."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import ee
import numpy as np
import pytest

from tests.fix_earth_engine import EarthEngine
from tests.fix_rasters import VADUZ, noise

NAIP = "USDA/NAIP/DOQQ"
POINT = {"type": "Point", "coordinates": [9.4877, 47.1326]}
FAR = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
AROUND = {
    "type": "MultiPolygon",
    "coordinates": [[[[9, 47], [10, 47], [10, 48], [9, 48], [9, 47]]]],
}


@pytest.fixture
def naip(earth_engine: EarthEngine) -> EarthEngine:
    """Three images, of 2016, 2018 and 2020; the cloudiest is the last."""
    earth_engine.describe(
        NAIP, 'bands = ["R", "G", "B", "N"]\n[properties]\nkind = "x"'
    )
    for year, cloud in ((2016, 5), (2018, 20.5), (2020, 80)):
        about = f"start = {year}-07-01\nproperties = {{CLOUD_COVER = {cloud}}}"
        earth_engine.add(NAIP, f"of_{year}", noise(4), about)
    earth_engine.initialize()
    return earth_engine


def listed(**params: object) -> list[str]:
    images = ee.data.listImages({"parent": NAIP, **params})["images"]
    return [image["id"].rpartition("/")[2] for image in images]


def test_an_image_is_described_in_the_apis_words(naip: EarthEngine) -> None:
    image = ee.data.getAsset(f"{NAIP}/of_2018")
    assert image["type"] == "IMAGE"
    assert image["name"] == f"projects/earthengine-public/assets/{NAIP}/of_2018"
    assert image["id"] == f"{NAIP}/of_2018"
    assert image["startTime"] == "2018-07-01T00:00:00.000Z"
    assert image["properties"] == {"kind": "x", "CLOUD_COVER": 20.5}
    assert [band["id"] for band in image["bands"]] == ["R", "G", "B", "N"]
    assert image["bands"][0]["dataType"] == {"precision": "INT", "range": {"max": 255}}
    assert image["bands"][0]["grid"] == {
        "crsCode": "EPSG:32632",
        "dimensions": {"width": 64, "height": 64},
        "affineTransform": {
            "scaleX": 1,
            "translateX": 537000,
            "scaleY": -1,
            "translateY": 5220000,
        },
    }


def test_the_footprint_is_the_outline_in_degrees(naip: EarthEngine) -> None:
    geometry = ee.data.getAsset(f"{NAIP}/of_2018")["geometry"]
    ring = np.array(geometry["coordinates"][0])
    assert geometry["type"] == "Polygon"
    assert ring.shape == (5, 2)
    np.testing.assert_allclose(ring[0], [9.4881, 47.1332], atol=2e-3)
    np.testing.assert_array_equal(ring[0], ring[-1])


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({}, ["of_2016", "of_2018", "of_2020"]),
        ({"startTime": "2017-01-01T00:00:00Z"}, ["of_2018", "of_2020"]),
        ({"endTime": "2018-07-01T00:00:00Z"}, ["of_2016"]),
        ({"region": AROUND}, ["of_2016", "of_2018", "of_2020"]),
        ({"region": FAR}, []),
        ({"properties": ["CLOUD_COVER<=20.5"]}, ["of_2016", "of_2018"]),
        ({"properties": ["CLOUD_COVER > 6", 'kind = "x"']}, ["of_2018", "of_2020"]),
        ({"properties": ["NO_SUCH < 6"]}, []),
        ({"filter": "NOT properties.CLOUD_COVER = 5"}, ["of_2018", "of_2020"]),
        (
            {
                "filter": "(properties.CLOUD_COVER < 6 OR properties.CLOUD_COVER > 60)",
                "startTime": "2017-01-01T00:00:00Z",
            },
            ["of_2020"],
        ),
    ],
)
def test_filters_are_applied(
    naip: EarthEngine, params: dict[str, object], names: list[str]
) -> None:
    assert listed(**params) == names


def test_a_region_that_only_touches_by_an_edge_meets(naip: EarthEngine) -> None:
    ring = np.array(ee.data.getAsset(f"{NAIP}/of_2018")["geometry"]["coordinates"][0])
    (west, south), (east, north) = ring.min(axis=0), ring.max(axis=0)
    middle = (south + north) / 2
    crossing = [[west - 1, middle], [east + 1, middle], [east + 1, middle + 1e-5]]
    region = {"type": "Polygon", "coordinates": [[*crossing, crossing[0]]]}
    assert len(listed(region=region)) == 3


def test_pages_follow_each_other_without_gap(naip: EarthEngine) -> None:
    first = ee.data.listImages({"parent": NAIP, "pageSize": 2})
    token = first["nextPageToken"]
    rest = ee.data.listImages({"parent": NAIP, "pageSize": 2, "pageToken": token})
    ids = [image["id"] for page in (first, rest) for image in page["images"]]
    assert ids == [f"{NAIP}/of_{year}" for year in (2016, 2018, 2020)]
    assert "nextPageToken" not in rest


def test_a_spoilt_page_token_is_refused(naip: EarthEngine) -> None:
    with pytest.raises(ee.EEException, match="Invalid page size or token"):
        listed(pageToken="x!")


def test_the_basic_view_tells_names_alone(naip: EarthEngine) -> None:
    images = ee.data.listImages({"parent": NAIP, "view": "BASIC"})["images"]
    assert set(images[0]) == {"type", "name", "id"}


def test_folders_are_listed_from_the_root(naip: EarthEngine) -> None:
    listing = ee.data.listAssets("USDA/NAIP")["assets"]
    assert [(asset["type"], asset["id"]) for asset in listing] == [
        ("IMAGE_COLLECTION", NAIP)
    ]
    (root,) = ee.data.listAssets(f"projects/{naip.project}/assets")["assets"]
    assert root["name"] == f"projects/{naip.project}/assets/USDA"
    assert root["type"] == "FOLDER"


def test_a_projects_own_spelling_reaches_the_same(naip: EarthEngine) -> None:
    parent = f"projects/{naip.project}/assets/{NAIP}"
    images = ee.data.listImages({"parent": parent})["images"]
    assert images[0]["id"] == images[0]["name"] == f"{parent}/of_2016"
    assert ee.data.getAsset(NAIP)["type"] == "IMAGE_COLLECTION"


@pytest.mark.parametrize("asset", ["USDA/NO", f"{NAIP}/of_1990", f"{NAIP}/of_2016/x"])
def test_an_unknown_asset_is_not_found(naip: EarthEngine, asset: str) -> None:
    with pytest.raises(ee.EEException, match=r"does not exist or doesn't allow"):
        ee.data.getAsset(asset)
    with pytest.raises(ee.EEException, match=r"does not exist or doesn't allow"):
        ee.data.listImages(f"{asset}/none")


@pytest.mark.parametrize("asset", ["../secret", "C/../../secret", "C//x", "/etc/x"])
def test_no_path_leads_out_of_the_folder(earth_engine: EarthEngine, asset: str) -> None:
    earth_engine.add("../secret", "x", noise(1))
    address = urlsplit(earth_engine.url)
    with closing(HTTPConnection(address.hostname or "", address.port)) as connection:
        connection.request("GET", f"/v1/projects/p/assets/{asset}/x")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["error"]["status"]) == (
            404,
            "NOT_FOUND",
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("startTime >= ", "it ends too soon"),
        ('startTime >= "soon"', "Invalid timestamp"),
        ("properties.A = 1 properties.B = 2", "unexpected 'properties.B'"),
        ("intersects(\"{'type'\")", "Invalid GeoJSON"),
        ('intersects("POINT(1 2)")', "a region in WKT is not emulated"),
        ("sizeBytes > 3", "the field sizeBytes in filters is not emulated"),
    ],
)
def test_a_filter_that_is_not_understood_says_so(
    naip: EarthEngine, text: str, message: str
) -> None:
    with pytest.raises(ee.EEException, match=message):
        listed(filter=text)


def test_a_file_that_changes_is_read_again(naip: EarthEngine) -> None:
    before = ee.data.getAsset(f"{NAIP}/of_2016")
    about = "updated = 2030-01-01T00:00:00Z\nproperties = {CLOUD_COVER = 1}"
    naip.add(NAIP, "of_2016", noise(4, side_px=32), about)
    after = ee.data.getAsset(f"{NAIP}/of_2016")
    assert before["updateTime"] < after["updateTime"] == "2030-01-01T00:00:00.000Z"
    assert after["properties"]["CLOUD_COVER"] == 1
    assert after["bands"][0]["grid"]["dimensions"] == {"width": 32, "height": 32}


def test_bands_are_named_by_the_file_or_numbered(earth_engine: EarthEngine) -> None:
    earth_engine.add("C/named", "one", noise(2), names=("red", "nir"))
    earth_engine.add("C/plain", "one", noise(2))
    earth_engine.add("C/parts", "one", noise(2), names=("red", "nir"))
    coarse = VADUZ @ VADUZ.scale(2)
    earth_engine.add("C/parts", "one.SCL", noise(1, side_px=32), transform=coarse)
    earth_engine.initialize()
    names = {
        name: [band["id"] for band in ee.data.getAsset(f"C/{name}/one")["bands"]]
        for name in ("named", "plain", "parts")
    }
    assert names == {
        "named": ["red", "nir"],
        "plain": ["B1", "B2"],
        "parts": ["red", "nir", "SCL"],
    }
    assert len(ee.data.listImages("C/parts")["images"]) == 1


def test_too_many_names_of_bands_are_told(earth_engine: EarthEngine) -> None:
    earth_engine.add("C", "one", noise(1), about='bands = ["a", "b"]')
    earth_engine.initialize()
    with pytest.raises(ee.EEException, match="has 1 bands: give it no 2 names"):
        ee.data.getAsset("C/one")


def test_a_word_that_is_not_understood_is_told(earth_engine: EarthEngine) -> None:
    earth_engine.add("C", "one", noise(1), about="strat = 2020-01-01")
    earth_engine.initialize()
    with pytest.raises(ee.EEException, match="'strat' is none of bands, end"):
        ee.data.getAsset("C/one")


def test_what_is_not_emulated_is_told(naip: EarthEngine) -> None:
    with pytest.raises(ee.EEException, match=r"DELETE .* is not emulated"):
        ee.data.deleteAsset(f"{NAIP}/of_2016")
    with pytest.raises(ee.EEException, match=r"GET /v1/projects/.*is not emulated"):
        ee.data.listOperations()
