"""Chip files elsewhere than in a folder of the home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from skyscript_db import images
from skyscript_db.config import Settings
from skyscript_db.errors import StorageError
from skyscript_db.images import ImageFolder, open_store
from skyscript_db.images.bucket import Bucket
from tests.fix_database import Database
from tests.fix_rasters import noise
from tests.jobs.fetch_helpers import Counts, add_chips, add_scene, fetch

URL = "memory://bucket/chips"


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    fs = fsspec.filesystem("memory")
    yield fs
    fs.store.clear()


def at(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"chips_url": url})


def test_by_default_chips_are_in_the_home(settings: Settings):
    store = open_store(settings)
    assert isinstance(store, ImageFolder)
    assert store.root == settings.home / "chips"


@pytest.mark.parametrize("form", ["file://{}", "{}"], ids=["file-url", "path"])
def test_a_folder_may_be_named(settings: Settings, tmp_path: Path, form: str):
    store = open_store(at(settings, form.format(tmp_path / "a b")))
    assert isinstance(store, ImageFolder)
    assert store.root == tmp_path / "a b"


def test_a_bucket_keeps_what_is_written(memory: fsspec.AbstractFileSystem):
    bucket = Bucket(URL)
    assert not bucket.exists()
    with bucket.writing():
        stored = bucket.write("ab/abc.jpg", b"abc")
        bucket.sync([stored.path])
    assert stored.n_bytes == 3
    assert bucket.exists()
    assert bucket.file("ab/abc.jpg").read_bytes() == b"abc"
    assert memory.cat_file("/bucket/chips/ab/abc.jpg") == b"abc"
    for _ in range(2):
        bucket.remove("ab/abc.jpg")
    with pytest.raises(FileNotFoundError):
        bucket.file("ab/abc.jpg").read_bytes()


def test_a_missing_client_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(StorageError, match=r"pip install skyscript-db\[s3\]"):
        open_store(at(settings, "s3://bucket/chips"))


def test_an_address_of_nothing_is_refused(settings: Settings):
    with pytest.raises(StorageError, match="write s3://BUCKET/PREFIX"):
        open_store(at(settings, "s4://bucket/chips"))


def test_what_a_bucket_refuses_is_told(memory: fsspec.AbstractFileSystem):
    bucket = Bucket(URL)
    bucket._fs = None
    with pytest.raises(StorageError, match=f"{URL}/a.jpg: AttributeError"):
        bucket.write("a.jpg", b"abc")


def test_chips_go_to_a_bucket_and_are_read_from_there(
    database: Database,
    settings: Settings,
    tmp_path: Path,
    memory: fsspec.AbstractFileSystem,
):
    add_scene(database.conn, tmp_path / "a.tif", noise(3))
    add_chips(database.conn, (0, 0, 32, 32), (20, 20, 32, 32))
    assert fetch(database.conn, at(settings, URL)) == Counts(n_ok=2)
    rows = database.conn.execute(
        "SELECT image_path, sha256 FROM skyscript.chip ORDER BY id"
    ).fetchall()
    for path, sha256 in rows:
        data = memory.cat_file(f"/bucket/chips/{path}")
        assert images.StoredImage.of(path, data).sha256 == sha256
    assert not settings.chips.exists()


def test_a_bucket_that_is_out_of_reach_is_told():
    # FTP's client connects at once, and nothing answers at port 1 of this machine.
    with pytest.raises(StorageError, match=r"refused.*check the bucket's name"):
        Bucket("ftp://127.0.0.1:1/chips")
