from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from skyscript_db import catalogue
from skyscript_db.errors import UsageError

OWN = """
[[collection]]
name = "mine"
provider = "earth-engine"
asset = "projects/my-project/assets/orthos"
alias = "ME"
rgb = ["b1", "b2", "b3"]
stretch = { method = "none" }
"""


def write_own(settings, text):
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "collections.toml").write_text(text)


def test_the_ten_collections_of_skyscript_are_there(settings):
    entries = {
        entry.alias: (entry.asset, entry.gsd_m)
        for entry in catalogue.all(settings)
        if entry.provider == "earth-engine"
    }
    assert entries == {
        "CH": ("Switzerland/SWISSIMAGE/orthos/10cm", 0.1),
        "ES": ("Spain/PNOA/PNOA10", 0.1),
        "DE": ("Germany/Brandenburg/orthos/20cm", 0.2),
        "FI": ("Finland/SMK/V/50cm", 0.5),
        "US": ("USDA/NAIP/DOQQ", None),
        "P3": ("SKYSAT/GEN-A/PUBLIC/ORTHO/RGB", 0.8),
        "P5": ("SKYSAT/GEN-A/PUBLIC/ORTHO/MULTISPECTRAL", 2),
        "S2": ("COPERNICUS/S2_SR_HARMONIZED", 10),
        "L8": ("LANDSAT/LC08/C02/T1_TOA", 30),
        "L9": ("LANDSAT/LC09/C02/T1_TOA", 30),
    }


def test_every_entry_says_who_is_to_be_credited_and_where_it_is_from(settings):
    for entry in catalogue.all(settings):
        assert entry.licence, entry.name
        assert entry.attribution, entry.name
        assert entry.note, entry.name
        assert entry.start, entry.name


def test_names_and_aliases_are_unique(settings):
    entries = catalogue.all(settings)
    assert len({entry.name for entry in entries}) == len(entries)
    assert len({entry.alias for entry in entries}) == len(entries)


def test_sentinel_2_is_read_in_full(settings):
    entry = catalogue.find(settings, "COPERNICUS/S2_SR_HARMONIZED")
    assert [band.key for band in entry.rgb] == ["B4", "B3", "B2"]
    assert entry.stretch.as_json() == {
        "method": "linear",
        "min": [0.0, 0.0, 0.0],
        "max": [3000.0, 3000.0, 3000.0],
    }
    assert entry.cloud is not None
    assert entry.cloud.tells == {"values": [3, 8, 9, 10]}
    assert (entry.cloud_property, entry.max_cloud) == ("CLOUDY_PIXEL_PERCENTAGE", 20)
    assert entry.start == date(2017, 3, 28)
    assert entry.begins_at == datetime(2017, 3, 28, tzinfo=UTC)
    assert entry.ends_at is None
    assert not entry.is_global


@pytest.mark.parametrize("name", ["usda/naip/doqq", "US", " us "])
def test_an_entry_is_found_by_asset_and_alias_in_any_case(settings, name):
    assert catalogue.find(settings, name).name == "USDA/NAIP/DOQQ"


def test_the_finest_gsd_is_known_where_scenes_differ(settings):
    assert catalogue.find(settings, "US").known_gsd_m == 0.3
    assert catalogue.find(settings, "CH").known_gsd_m == 0.1


def test_an_own_entry_is_added(settings):
    write_own(settings, OWN)
    entry = catalogue.find(settings, "mine")
    assert (entry.asset, entry.is_global) == ("projects/my-project/assets/orthos", True)
    assert catalogue.find(settings, "S2").name == "COPERNICUS/S2_SR_HARMONIZED"


def test_an_own_entry_replaces_one_by_name(settings):
    write_own(settings, OWN.replace('"mine"', '"USDA/NAIP/DOQQ"'))
    assert catalogue.find(settings, "USDA/NAIP/DOQQ").alias == "ME"


def test_an_unknown_name_says_how_to_add_one(settings):
    with pytest.raises(UsageError, match=r"no collection 'moon'.*collections\.toml"):
        catalogue.find(settings, "moon")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("collection = 3", "has to be a list"),
        ("x = [", "is not TOML"),
    ],
)
def test_an_own_file_that_is_no_list_is_told(settings, fault, told):
    write_own(settings, fault)
    with pytest.raises(UsageError, match=r"home/collections\.toml") as error:
        catalogue.all(settings)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (OWN.replace("ME", "M/E"), "collection mine: alias: "),
        (OWN.replace('"b1", ', ""), "collection mine: rgb"),
        (
            OWN.replace("rgb", "rbg"),
            "rgb: Field required (three bands: red, green and blue); rbg: Extra",
        ),
        (OWN.replace("asset", "note"), "the id at Earth Engine is missing"),
        (OWN.replace("earth-engine", "stac"), "address of the catalogue is missing"),
        (OWN + "max_cloud = 5\n", "needs a cloud_property"),
        (OWN + "cloud = { key = 'Q' }\n", "cloud: give either values or bits"),
        (
            OWN.replace('"none"', '"linear", min = 3, max = 3'),
            "stretch: max must be larger than min",
        ),
    ],
)
def test_an_entry_with_a_fault_is_left_out_and_refused(settings, caplog, fault, told):
    good = OWN.replace("mine", "good").replace("ME", "GOOD")
    write_own(settings, fault + good)

    assert catalogue.find(settings, "good").alias == "GOOD"
    (warning,) = caplog.messages
    assert warning.startswith(f"left out: {settings.home}/collections.toml, coll")
    assert told in warning
    names = [entry.name for entry in catalogue.all(settings)]
    assert "good" in names
    assert "mine" not in names

    with pytest.raises(
        UsageError, match=r"home/collections\.toml, .*correct it"
    ) as error:
        catalogue.find(settings, "mine")
    assert told in str(error.value)


def test_a_faulty_entry_does_not_stand_aside_for_the_one_it_replaces(settings):
    write_own(settings, OWN.replace("mine", "USDA/NAIP/DOQQ").replace("ME", "M/E"))
    with pytest.raises(UsageError, match="collection USDA/NAIP/DOQQ: alias"):
        catalogue.find(settings, "USDA/NAIP/DOQQ")
    assert catalogue.find(settings, "CH").gsd_m == 0.1
