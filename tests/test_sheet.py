"""The contact sheet."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from PIL import Image

from skyscript_db import sheet
from skyscript_db.errors import StorageError, UsageError
from tests.export.dataset import Dataset

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.config import Settings

SIDE = sheet.SIDE_PX


@pytest.fixture
def dataset(conn: psycopg.Connection[Any], settings: Settings) -> Dataset:
    return Dataset(conn, settings.chips)


def drawn(dataset: Dataset, settings: Settings, limit: int, **values: object) -> Any:
    parameters = {
        "recipe": settings.caption_recipe,
        "caption_kind": "focus",
        "area": None,
        "collections": None,
        "seed": 0,
        "limit": limit,
    }
    rows = dataset.conn.execute(sheet.SQL.draw_chips, parameters | values).fetchall()
    return [(caption, collection) for caption, collection, *_ in rows]


def test_draw_writes_a_png_with_the_chips_that_exist(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    for chip_id in range(1, 6):
        dataset.chip(chip_id)
    path = tmp_path / "new" / "sheet.png"

    assert sheet.draw(dataset.conn, settings, path, n=4, columns=2) == 4

    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.width == 2 * sheet.MARGIN_PX + 2 * SIDE + sheet.GAP_PX
        assert image.height > 2 * SIDE
    assert [p.name for p in path.parent.iterdir()] == ["sheet.png"]


def test_same_seed_draws_the_same_sheet_and_another_does_not(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    for chip_id in range(1, 9):
        dataset.chip(chip_id)

    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        sheet.draw(dataset.conn, settings, tmp_path / f"{name}.png", n=3, seed=seed)

    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_collections_take_turns_and_captions_come_once_before_twice(
    dataset: Dataset, settings: Settings
) -> None:
    for chip_id in range(1, 20):
        dataset.chip(chip_id, "building")
    dataset.chip(20, "water")
    dataset.chip(21, "golf bunker")
    dataset.scene("naip", alias="US")
    dataset.chip(22, "building", collection="naip")

    found = drawn(dataset, settings, 4)

    assert {collection for _, collection in found[:2]} == {"swissimage", "naip"}
    assert sorted(c for c, collection in found if collection == "swissimage") == [
        "building",
        "golf bunker",
        "water",
    ]
    assert drawn(dataset, settings, 9, collections=["naip"]) == [("building", "naip")]


def test_missing_and_changed_files_are_left_out_and_told(
    dataset: Dataset,
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    dataset.chip(1)
    dataset.chip(2).unlink()
    dataset.chip(3).write_bytes(b"no image")

    with caplog.at_level(logging.WARNING):
        assert sheet.draw(dataset.conn, settings, tmp_path / "s.png") == 1

    (record,) = caplog.records
    assert "file missing: 1" in record.getMessage()
    assert "file corrupt: 1" in record.getMessage()


def test_synthetic_images_are_told_in_red(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    def red(path: Path) -> int:
        with Image.open(path) as image:
            colours = image.getcolors(image.width * image.height) or []
        return sum(n for n, colour in colours if colour == (0xB0, 0x00, 0x20))

    dataset.chip(1)
    dataset.scene("drawn", alias="SY", is_synthetic=True)
    dataset.chip(2, collection="drawn")

    sheet.draw(dataset.conn, settings, tmp_path / "a.png")
    sheet.draw(dataset.conn, settings, tmp_path / "b.png", collections=["swissimage"])

    assert red(tmp_path / "a.png") > 100
    assert red(tmp_path / "b.png") == 0


def test_a_long_caption_makes_a_tall_row(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    def height(words: int) -> int:
        dataset.chip(words, " ".join(["quarry"] * words), collection=f"c{words}")
        path = tmp_path / "s.png"
        sheet.draw(
            *(dataset.conn, settings, path),
            collections=[f"c{words}"],
            caption_kind="focus",
        )
        with Image.open(path) as image:
            return image.height

    one, nine, many, more = (height(words) for words in (1, 36, 200, 300))
    assert one < nine < many == more == one + 13 * sheet.LINE_PX


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sheet.jpg", {}, r"name it .*sheet\.png"),
        ("sheet.png", {"n": 0}, "1 to 400 chips, not 0"),
        ("sheet.png", {"columns": 0}, "1 to 20 columns, not 0"),
        ("sheet.png", {"collections": ["none"]}, "skyscript status"),
        ("sheet.png", {"recipe": "nope"}, "named 'nope'; there are: llm-1, paper-1, "),
        ("sheet.png", {"caption_kind": "title"}, "no caption kind 'title': give focus"),
    ],
)
def test_bad_options_are_refused(
    dataset: Dataset,
    settings: Settings,
    tmp_path: Path,
    name: str,
    options: dict[str, Any],
    message: str,
) -> None:
    dataset.chip(1)
    with pytest.raises(UsageError, match=message):
        sheet.draw(dataset.conn, settings, tmp_path / name, **options)
    assert not (tmp_path / name).exists()


def test_wrong_home_is_refused(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1).unlink()
    with pytest.raises(StorageError, match="SKYSCRIPT_HOME"):
        sheet.draw(dataset.conn, settings, tmp_path / "s.png")
