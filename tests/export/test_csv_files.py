"""SkyScript's own form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from skyscript_db.export import export, folder
from tests.export.dataset import jpeg, rows

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.config import Settings
    from tests.export.dataset import Dataset


def test_files_have_skyscript_columns_and_names(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1, osm_id=198234555)
    dataset.scene("brandenburg", alias="DE", acquired_at=None)
    dataset.chip(2, "road", None, collection="brandenburg", osm_id=41429166, kind="w")
    dataset.chip(3, "natural tree", split=None, kind="n")
    dataset.score({1: 0.25, 2: 0.125})

    result = export(dataset.conn, settings, tmp_path, format="csv", force=True)

    assert rows(tmp_path / "train.csv") == [
        [
            "filepath",
            "title",
            "title_multi_objects",
            "similarity_CLIP_openai",
            "similarity_multi_CLIP_openai",
        ],
        [
            "images/a198234555_CH_19.jpg",
            "an aerial image of landuse of quarry",
            "an aerial image of landuse of quarry, surrounded by road",
            "0.25",
            "0.25",
        ],
        [
            "images/w41429166_DE_.jpg",
            "an aerial image of road",
            "an aerial image of road",
            "0.125",
            "0.125",
        ],
    ]
    assert rows(tmp_path / "train.tsv", "\t") == [
        ["filepath", "title"],
        ["images/a198234555_CH_19.jpg", "an aerial image of landuse of quarry"],
        ["images/w41429166_DE_.jpg", "an aerial image of road"],
    ]
    assert rows(tmp_path / "unsplit.csv")[1] == [
        "images/n30_CH_19.jpg",
        "an aerial image of natural tree",
        "an aerial image of landuse of quarry, surrounded by road",
        "",
        "",
    ]
    assert (tmp_path / "images/a198234555_CH_19.jpg").read_bytes() == jpeg(1)
    assert result.command == (
        f"cd {tmp_path} && python -m open_clip_train.main --dataset-type csv "
        "--train-data train.tsv --csv-img-key filepath --csv-caption-key title"
    )


def test_later_chips_of_one_name_are_numbered(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    for chip_id in (5, 6, 7):
        dataset.chip(chip_id, osm_id=1)

    export(dataset.conn, settings, tmp_path / "out", format="csv")

    found = {p.name: p.read_bytes() for p in (tmp_path / "out/images").iterdir()}
    assert found == {
        "a1_CH_19.jpg": jpeg(5),
        "a1_CH_19-2.jpg": jpeg(6),
        "a1_CH_19-3.jpg": jpeg(7),
    }


def test_alias_puts_nothing_but_letters_and_digits_into_names(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.scene("odd", alias="../É x/S2")
    dataset.chip(1, collection="odd")

    export(dataset.conn, settings, tmp_path / "out", format="csv")

    assert [p.name for p in (tmp_path / "out/images").iterdir()] == ["a10_xS2_19.jpg"]


@pytest.mark.parametrize(
    "caption",
    [
        'shop of "A, B"',
        "=cmd|' /C calc'!A0",
        "name of café\tnoir",
        "two\nlines\r\nand three",
        "../../etc/passwd",
    ],
)
def test_captions_come_back_as_they_are(
    dataset: Dataset, settings: Settings, tmp_path: Path, caption: str
) -> None:
    dataset.chip(1, caption, caption + "!")

    export(dataset.conn, settings, tmp_path / "out", format="csv", prefix="")

    name = "images/a10_CH_19.jpg"
    assert rows(tmp_path / "out/train.csv")[1] == [name, caption, caption + "!"]
    assert rows(tmp_path / "out/train.tsv", "\t")[1] == [name, caption]


def test_metadata_has_all_that_is_known(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1)
    dataset.score({1: 0.25})

    export(dataset.conn, settings, tmp_path / "out", format="csv")

    found = json.loads((tmp_path / "out/metadata.jsonl").read_text(encoding="utf-8"))
    del found["sha256"]
    assert found == {
        "filepath": "images/a10_CH_19.jpg",
        "chip_id": 1,
        "captions": [
            {
                "kind": "focus",
                "text": "landuse of quarry",
                "recipe": "skyscript-1",
                "n_tokens": 5,
                "similarity": {"CLIP_openai/openai": 0.25},
            },
            {
                "kind": "multi_feature",
                "text": "landuse of quarry, surrounded by road",
                "recipe": "skyscript-1",
                "n_tokens": 5,
                "similarity": {"CLIP_openai/openai": 0.25},
            },
        ],
        "osm": {
            "type": "W",
            "id": 10,
            "kind": "a",
            "version": 3,
            "changed_at": "2019-06-01T00:00:00+00:00",
            "visible_fraction": 1.0,
            "width_px": 20.0,
            "height_px": 10.0,
            "touches_edge": False,
        },
        "center_tags": {"landuse": "quarry"},
        "surrounding_tags": [{"highway": "track"}],
        "surrounding_osm": [
            {
                "osm_type": "W",
                "osm_id": 7,
                "kind": "w",
                "version": 2,
                "visible_fraction": 0.5,
                "width_px": 8.0,
                "height_px": 4.0,
                "touches_edge": True,
            }
        ],
        "osm_imagery_gap_days": 4,
        "collection": "swissimage",
        "collection_alias": "CH",
        "provider": "earth-engine",
        "scene": "swissimage-1",
        "scene_uri": "ee://swissimage/1",
        "scene_file": None,
        "scene_sha256": None,
        "acquired_at": "2019-06-05T10:30:00+00:00",
        "time": [2019, 6, 5, 10, 30],
        "gsd_m": 0.1,
        "cloud_fraction": None,
        "nodata_fraction": None,
        "is_synthetic": False,
        "width_px": 32,
        "height_px": 32,
        "crs": "EPSG:2056",
        "scene_transform": [0.1, 0, 0, 0, -0.1, 0],
        "scene_width_px": 10000,
        "scene_height_px": 10000,
        "bands": {},
        "stretch": {},
        "encoding": None,
        "col_off_px": 0,
        "row_off_px": 0,
        "lon": 9.75,
        "lat": 47.375,
        "box": [9.5, 47.25, 10, 47.5],
        "footprint": "POLYGON((9.5 47.25,9.5 47.5,10 47.5,10 47.25,9.5 47.25))",
        "cell": 494550975,
        "split": "train",
        "licence": "CC-BY-4.0",
        "attribution": "© swisstopo; © OpenStreetMap contributors (ODbL)",
    }


def test_images_are_copied_where_linking_fails(
    dataset: Dataset,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(folder.os, "link", refuse)
    path = dataset.chip(1)

    export(dataset.conn, settings, tmp_path / "out", format="csv")

    assert (tmp_path / "out/images/a10_CH_19.jpg").read_bytes() == jpeg(1)
    assert path.stat().st_nlink == 1
