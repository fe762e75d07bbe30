import errno
import fcntl
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from skyscript_db.errors import JobBusy, StorageError
from skyscript_db.images import ImageFolder, encode, is_finished, path_of
from tests.fix_rasters import noise

PIXELS = noise(3).transpose(1, 2, 0)


@pytest.mark.parametrize(
    ("chip_id", "path"),
    [
        (0x3F0C_1122_3344_559A, "3f/3f0c11223344559a.jpg"),
        (1, "00/0000000000000001.jpg"),
        (-1, "ff/ffffffffffffffff.jpg"),
    ],
)
def test_path_follows_from_the_id(chip_id: int, path: str):
    assert path_of(chip_id, "jpg") == path


def test_png_keeps_every_pixel():
    image = Image.open(io.BytesIO(encode(PIXELS, "png", 95)))
    assert np.array_equal(np.asarray(image), PIXELS)


def test_jpeg_keeps_the_full_resolution_of_colour():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2, 0] = 255
    stripes[:, 1::2, 2] = 255
    image = np.asarray(Image.open(io.BytesIO(encode(stripes, "jpg", 95)))).astype(int)
    assert np.abs(image - stripes).max() < 30


@pytest.mark.parametrize(("known", "other"), [("jpg", "png"), ("png", "jpg")])
def test_an_image_that_is_not_finished_is_told(known: Any, other: Any):
    data = encode(PIXELS, known, 95)
    assert is_finished(data, known, (64, 64))
    assert not is_finished(data, other, (64, 64))
    assert not is_finished(data, known, (64, 63))
    assert not is_finished(data[:-1], known, (64, 64))
    assert not is_finished(data[:4] + data[-8:], known, (64, 64))
    assert not is_finished(b"<html>quota exceeded</html>", known, (64, 64))


@pytest.mark.parametrize("image_format", ["jpg", "png"])
def test_files_do_not_tell_how_pixels_lay_in_memory(image_format: Any):
    four = np.full((64, 64, 4), 7, np.uint8)
    four[..., :3] = PIXELS
    parts = [four[..., :3], four[3:60, 5:40, :3], four[..., 1:], four[:, ::2, :3]]
    for part in parts:
        gathered = np.array(part, order="C")
        assert encode(part, image_format, 95) == encode(gathered, image_format, 95)


def test_write_leaves_one_file_and_tells_its_hash(tmp_path: Path):
    folder = ImageFolder(tmp_path / "chips")
    with folder.writing():
        stored = folder.write("ab/abc.jpg", b"abc")
        folder.sync([stored.path])
    assert stored.n_bytes == 3
    assert stored.sha256 == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    files = [p for p in (tmp_path / "chips").rglob("*") if p.is_file()]
    assert files == [tmp_path / "chips/ab/abc.jpg"]


def test_files_are_flushed_before_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    flushed: list[str] = []

    def fsync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        flushed.append(path.relative_to(tmp_path).as_posix())

    folder = ImageFolder(tmp_path)
    with folder.writing():
        paths = [folder.write(path, b"abc").path for path in ("a/1.jpg", "b/2.jpg")]
        monkeypatch.setattr(os, "fsync", fsync)
        folder.sync(paths)
    assert sorted(flushed[:2]) == ["a/1.jpg", "b/2.jpg"]
    assert sorted(flushed[2:]) == [".", "a", "b"]


def test_what_a_killed_process_left_goes(tmp_path: Path):
    leftover = tmp_path / "chips/.partial/abc.jpg"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"ab")
    with ImageFolder(tmp_path / "chips").writing():
        assert not leftover.exists()


def test_one_process_at_a_time(tmp_path: Path):
    with (
        ImageFolder(tmp_path / "chips").writing(),
        pytest.raises(JobBusy, match="another process writes chips"),
        ImageFolder(tmp_path / "chips").writing(),
    ):
        pass
    with ImageFolder(tmp_path / "chips").writing():
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(StorageError, match="another SKYSCRIPT_HOME or SKYSCRIPT_CH"),
        ImageFolder(tmp_path / "file/chips").writing(),
    ):
        pass


def test_a_failed_write_leaves_nothing(tmp_path: Path):
    folder = ImageFolder(tmp_path / "chips")
    (tmp_path / "chips/ab/abc.jpg").mkdir(parents=True)  # a folder of the same name
    with folder.writing(), pytest.raises(StorageError, match=r"abc\.jpg"):
        folder.write("ab/abc.jpg", b"abc")
    assert list((tmp_path / "chips/.partial").iterdir()) == []


def test_files_of_one_name_in_two_folders_are_not_mixed(tmp_path: Path):
    folder = ImageFolder(tmp_path / "chips")
    datas = {f"{n}/same.png": bytes([n]) * 200_000 for n in range(8)}
    with folder.writing(), ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            list(pool.map(folder.write, datas, datas.values()))
    for path, data in datas.items():
        assert folder.file(path).read_bytes() == data
    assert list((tmp_path / "chips/.partial").iterdir()) == []


def test_the_lock_is_one_that_network_file_systems_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    flock = fcntl.flock

    def as_by_nfs(handle: int, how: int) -> Any:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        return flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", as_by_nfs)
    with ImageFolder(tmp_path / "chips").writing():
        pass


def test_a_lock_that_is_not_given_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(handle: int, how: int) -> Any:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(StorageError, match=r"lock: No locks available"),
        ImageFolder(tmp_path / "chips").writing(),
    ):
        pass


def test_tidied_folders_are_tidy_at_the_end(tmp_path: Path):
    folder = ImageFolder(tmp_path / "chips")
    for _ in range(2):
        with folder.writing():
            folder.write("a.jpg", b"abc")
            folder.tidy()
    assert [p.name for p in (tmp_path / "chips").iterdir()] == ["a.jpg"]
