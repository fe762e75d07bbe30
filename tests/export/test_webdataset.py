"""Shards, as the webdataset library and open_clip read them."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import webdataset

from skyscript_db.errors import UsageError
from skyscript_db.export import export
from tests.export.dataset import jpeg

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.config import Settings
    from tests.export.dataset import Dataset


# The library leaves the closing of its files to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


def samples(shards: str) -> list[dict[str, Any]]:
    return list(webdataset.WebDataset(shards, shardshuffle=False))


def test_library_reads_back_what_was_written(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    for chip_id in (1, 2, 255):
        dataset.chip(chip_id)
    dataset.chip(3, split="val")

    result = export(
        dataset.conn, settings, tmp_path, format="webdataset", shard_chips=2, force=True
    )

    found = samples(f"{tmp_path}/train-{{000000..000001}}.tar")
    assert [s["__key__"] for s in found] == [
        "0000000000000001",
        "0000000000000002",
        "00000000000000ff",
    ]
    assert [s["jpg"] for s in found] == [jpeg(1), jpeg(2), jpeg(255)]
    assert {s["txt"] for s in found} == {b"landuse of quarry"}
    record = json.loads(found[2]["json"])
    assert record["id"] == "00000000000000ff"
    assert record["caption_single"] == "landuse of quarry"
    assert record["caption_multi"] == "landuse of quarry, surrounded by road"
    assert record["captions"][1]["text"] == "landuse of quarry, surrounded by road"
    assert record["osm"]["id"] == 2550
    assert json.loads((tmp_path / "sizes.json").read_text()) == {
        "train-000000.tar": 2,
        "train-000001.tar": 1,
        "val-000000.tar": 1,
    }
    assert result.command == (
        f"cd {tmp_path} && python -m open_clip_train.main --dataset-type webdataset "
        "--train-data 'train-{000000..000001}.tar' --train-num-samples 3 "
        "--val-data val-000000.tar --val-num-samples 1 --workers 2"
    )


def test_text_is_of_the_kind_and_has_the_prefix_asked_for(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1, "café")

    export(
        dataset.conn,
        settings,
        tmp_path / "out",
        format="webdataset",
        caption_kind="multi_feature",
        prefix="seen from above: ",
    )

    (sample,) = samples(f"{tmp_path}/out/train-000000.tar")
    record = json.loads(sample["json"])
    assert sample["txt"] == b"seen from above: landuse of quarry, surrounded by road"
    assert record["caption_single"] == "seen from above: café"
    assert record["captions"][0]["text"] == "café"


def test_members_are_adjacent_and_bear_no_time_or_owner(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1)
    dataset.chip(2)

    export(dataset.conn, settings, tmp_path / "out", format="webdataset")

    with tarfile.open(tmp_path / "out/train-000000.tar") as tar:
        members = tar.getmembers()
    assert [m.name for m in members] == [
        "0000000000000001.jpg",
        "0000000000000001.txt",
        "0000000000000001.json",
        "0000000000000002.jpg",
        "0000000000000002.txt",
        "0000000000000002.json",
    ]
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {
        (0, 0, 0, "", "", 0o644)
    }


def test_shard_is_limited_in_bytes(
    dataset: Dataset,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for chip_id in range(1, 5):
        dataset.chip(chip_id, data=jpeg(chip_id) + bytes(40_000))
    limit = 110_000
    monkeypatch.setattr("skyscript_db.export.webdataset.SHARD_BYTES", limit)

    export(dataset.conn, settings, tmp_path / "out", format="webdataset")

    shards = sorted((tmp_path / "out").glob("*.tar"))
    assert [s.name for s in shards] == ["train-000000.tar", "train-000001.tar"]
    assert all(s.stat().st_size <= limit for s in shards)


def test_shard_of_no_chip_is_refused(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1)
    with pytest.raises(UsageError, match="at least one chip"):
        export(
            dataset.conn, settings, tmp_path / "o", format="webdataset", shard_chips=0
        )
    assert not (tmp_path / "o").exists()
