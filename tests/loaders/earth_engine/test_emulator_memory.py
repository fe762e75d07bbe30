"""What the emulator keeps of files, and that it sees what becomes of them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ee
import pytest

from loaders.earth_engine.emulator import elsewhere
from loaders.earth_engine.emulator.assets import Library
from loaders.earth_engine.emulator.folders import Look, Memory, Stamp
from skyscript_db.errors import UsageError
from tests.fix_earth_engine import EarthEngine
from tests.fix_rasters import VADUZ, noise, write_raster

LONG_AGO_NS = 1_600_000_000_000_000_000
FAR_AHEAD_NS = 4_000_000_000_000_000_000


@pytest.fixture
def service(earth_engine: EarthEngine) -> EarthEngine:
    """Images ``one`` and ``two`` of a collection C, written long ago and listed."""
    earth_engine.describe("C", "gsd = 1.0")
    earth_engine.add("C", "one", noise(2), "properties = {CLOUD = 5}")
    earth_engine.add("C", "two", noise(2))
    age(earth_engine.folder)
    earth_engine.initialize()
    assert list(listed()) == ["one", "two"]
    return earth_engine


def age(folder: Path, at_ns: int = LONG_AGO_NS) -> None:
    for path in folder.rglob("*.*"):
        os.utime(path, ns=(at_ns, at_ns))


def listed() -> dict[str, dict]:
    images = ee.data.listImages("C")["images"]
    return {image["id"].rpartition("/")[2]: image for image in images}


def bands(name: str) -> list[str]:
    return [band["id"] for band in listed()[name]["bands"]]


def overwrite(path: Path, text: str) -> None:
    """Write over a file so that it looks the same: in place, of its size and time."""
    status = path.stat()
    path.write_bytes(text.encode().ljust(status.st_size)[: status.st_size])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_second_listing_opens_no_file(service: EarthEngine) -> None:
    before = listed()
    paths = [path for path in (service.folder / "C").iterdir() if path.is_file()]
    assert len(paths) == 4
    for path in paths:
        overwrite(path, "whoever reads this fails")
    assert listed() == before
    assert ee.data.getAsset("C/one") == before["one"]
    (service.folder / "C" / "two.tif").touch()
    with pytest.raises(ee.EEException, match="not a GeoTIFF"):
        listed()


def test_a_changed_file_is_seen(service: EarthEngine) -> None:
    service.add("C", "two", noise(3, side_px=32))
    assert bands("two") == ["B1", "B2", "B3"]
    assert listed()["two"]["bands"][0]["grid"]["dimensions"]["width"] == 32


def test_a_file_put_in_anothers_place_is_seen(service: EarthEngine) -> None:
    old = service.folder / "C" / "two.tif"
    new = service.add("elsewhere", "new", noise(2), names=("red", "nir"))
    new.write_bytes(new.read_bytes().ljust(10_000, b"\0"))
    old.write_bytes(old.read_bytes().ljust(10_000, b"\0"))
    age(service.folder)
    assert bands("two") == ["B1", "B2"]
    new.replace(old)  # of the same size and time
    assert bands("two") == ["red", "nir"]


def test_a_changed_sidecar_is_seen(service: EarthEngine) -> None:
    sidecar = service.folder / "C" / "one.toml"
    assert listed()["one"]["properties"] == {"gsd": 1.0, "CLOUD": 5}
    sidecar.write_text("properties = {CLOUD = 6}")
    assert listed()["one"]["properties"] == {"gsd": 1.0, "CLOUD": 6}
    sidecar.unlink()
    assert listed()["one"]["properties"] == {"gsd": 1.0}
    sidecar.with_suffix(".json").write_text('{"gsd": 2}')
    assert listed()["one"]["properties"] == {"gsd": 2}


def test_what_is_said_of_the_collection_may_change(service: EarthEngine) -> None:
    service.describe("C", "gsd = 2.0")
    assert [image["properties"]["gsd"] for image in listed().values()] == [2.0, 2.0]
    (service.folder / "C" / "collection.toml").unlink()
    assert listed()["two"].get("properties", {}) == {}


def test_a_file_that_is_removed_or_added_is_seen(service: EarthEngine) -> None:
    (service.folder / "C" / "one.tif").unlink()
    assert list(listed()) == ["two"]
    with pytest.raises(ee.EEException, match="does not exist"):
        ee.data.getAsset("C/one")
    service.add("C", "three", noise(2))
    assert list(listed()) == ["three", "two"]


def test_a_band_in_a_file_beside_may_come_and_go(service: EarthEngine) -> None:
    coarse = VADUZ @ VADUZ.scale(2)
    part = service.add("C", "one.SCL", noise(1, side_px=32), transform=coarse)
    assert bands("one") == ["B1", "B2", "SCL"]
    part.unlink()
    assert bands("one") == ["B1", "B2"]


def test_what_may_still_be_written_to_is_not_kept(service: EarthEngine) -> None:
    age(service.folder, FAR_AHEAD_NS)
    assert listed()["one"]["properties"]["CLOUD"] == 5
    overwrite(service.folder / "C" / "one.toml", "properties = {CLOUD = 7}")
    assert listed()["one"]["properties"]["CLOUD"] == 7


def test_many_threads_are_told_the_same(tmp_path: Path) -> None:
    for number in range(20):
        write_raster(tmp_path / "C" / f"{number:02}.tif", noise(1))
    age(tmp_path)
    library = Library(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda _: library.images("C"), range(16)))
    assert [image.key for image in told[0]][:2] == ["C/00", "C/01"]
    assert all(images == told[0] for images in told)


def test_what_is_removed_is_forgotten() -> None:
    memory: Memory[str] = Memory()
    stamps = (Stamp("a.tif", mtime_ns=1, n_bytes=1, inode=1),)
    for name in ("a", "b"):
        memory.recall("C", name, stamps, lambda: "first")
    memory.forget_others("C", ["a"])
    again = [memory.recall("C", name, stamps, lambda: "second") for name in "ab"]
    assert again == ["first", "second"]


def test_files_belong_together_by_name(tmp_path: Path) -> None:
    names = ["a.tif", "a.B.tif", "a.toml", "b.json", "b.tif", "c.x.tif", "b.txt"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "folder.tif").mkdir()
    (tmp_path / "gone.tif").symlink_to(tmp_path / "nowhere")
    look = Look(tmp_path)
    assert look.images("*.tif") == ["a", "b", "c.x"]
    assert look.images("[bc]*.tif") == ["b", "c.x"]
    assert [stamp.name for stamp in look.files("a").all] == [
        "a.tif",
        "a.B.tif",
        "a.toml",
    ]
    assert [stamp.name for stamp in look.files("b").all] == ["b.tif", "b.json"]
    assert Look(tmp_path / "nowhere").images("*") == []


def test_a_pattern_with_a_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "collections.toml"
    path.write_text('[C]\nfolder = "."\nfiles = "below/*.tif"')
    with pytest.raises(UsageError, match="holds a folder: name it in 'folder'"):
        elsewhere.read(path)
