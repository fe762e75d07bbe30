"""The folder of an export: what may be replaced, and what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skyscript_db.errors import StorageError, UsageError
from skyscript_db.export import export
from skyscript_db.export.folder import MARKER, MARKER_TEXT
from skyscript_db.progress import LoggedProgress
from tests.export.dataset import tree

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.config import Settings
    from tests.export.dataset import Dataset


def test_export_replaces_an_earlier_one_if_told_and_keeps_what_is_not_ours(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1)
    out = tmp_path / "out"
    export(dataset.conn, settings, out, format="csv")
    (out / "notes.txt").write_text("mine")
    (out / "images" / "mine.jpg").write_bytes(b"mine")

    before = tree(out)

    for options in ({}, {"force": True}):
        with pytest.raises(UsageError, match=r"an earlier export: .*--overwrite"):
            export(dataset.conn, settings, out, format="webdataset", **options)
    assert tree(out) == before

    export(dataset.conn, settings, out, format="webdataset", overwrite=True)

    assert sorted(tree(out)) == [
        "ATTRIBUTION.md",
        "SHA256SUMS",
        "images/mine.jpg",
        "manifest.json",
        "notes.txt",
        "sizes.json",
        "train-000000.tar",
    ]


class Killed(LoggedProgress):
    """Ends the export as soon as it has written a chip."""

    def advance(self, n: int) -> None:
        raise KeyboardInterrupt(n)


def test_killed_export_shows_as_incomplete_and_is_done_again(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    for chip_id in (1, 2, 3):
        dataset.chip(chip_id)
    out = tmp_path / "out"
    export(dataset.conn, settings, out, format="csv")

    with pytest.raises(KeyboardInterrupt):
        export(
            *(dataset.conn, settings, out),
            format="csv",
            overwrite=True,
            progress=Killed(),
        )
    assert not (out / "manifest.json").exists()
    assert (out / MARKER).read_text() == MARKER_TEXT

    result = export(dataset.conn, settings, out, format="csv")
    assert result.n_chips == 3
    assert not list(out.glob("*.part"))
    assert not (out / MARKER).exists()


def test_chip_files_are_untouched_by_a_second_export(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    path = dataset.chip(1)
    before = path.read_bytes()

    for _ in range(2):
        export(dataset.conn, settings, tmp_path / "out", format="csv", overwrite=True)

    assert path.read_bytes() == before
    assert path.stat().st_nlink == 2


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json", MARKER])
def test_folder_of_others_is_refused_unless_forced(
    dataset: Dataset, settings: Settings, tmp_path: Path, name: str
) -> None:
    dataset.chip(1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("{}")

    with pytest.raises(UsageError, match=r"not empty .* --force"):
        export(dataset.conn, settings, tmp_path / "out", format="csv")
    assert tree(tmp_path / "out") == {name: b"{}"}

    assert export(
        dataset.conn, settings, tmp_path / "out", format="csv", force=True
    ).n_chips


def test_folder_of_the_chips_is_refused(dataset: Dataset, settings: Settings) -> None:
    dataset.chip(1)
    with pytest.raises(UsageError, match="where the chips themselves are"):
        export(dataset.conn, settings, settings.chips / "x", format="csv", force=True)


def test_no_pair_is_refused_and_an_earlier_export_stays(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1)
    export(dataset.conn, settings, tmp_path, format="webdataset", force=True)
    before = tree(tmp_path)

    with pytest.raises(UsageError, match="skyscript status"):
        export(
            *(dataset.conn, settings, tmp_path),
            format="webdataset",
            split="val",
            overwrite=True,
        )

    assert tree(tmp_path) == before


def test_wrong_home_is_refused_and_writes_nothing(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1)
    other = settings.model_copy(update={"home": tmp_path / "elsewhere"})
    with pytest.raises(StorageError, match=r"image file missing: 1.*SKYSCRIPT_HOME"):
        export(dataset.conn, other, tmp_path / "out", format="csv")
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_made_is_a_storage_error(
    dataset: Dataset, settings: Settings
) -> None:
    dataset.chip(1)
    with pytest.raises(StorageError, match="cannot write /proc/x"):
        export(dataset.conn, settings, "/proc/x", format="csv")
