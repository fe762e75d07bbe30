"""What stands in the column ``title``, and in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skyscript_db.export import export
from tests.export.dataset import rows

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.config import Settings
    from tests.export.dataset import Dataset


def test_title_is_the_caption_of_the_wanted_kind(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1, "quarry", "quarry by a road")
    dataset.score({1: 0.5})
    dataset.conn.execute(
        "UPDATE skyscript.pair_similarity AS s SET similarity = 0.25"
        " FROM skyscript.caption_text AS t"
        " WHERE t.id = s.text_id AND t.text = 'quarry by a road'"
    )
    told = {}
    for kind in ("focus", "multi_feature"):
        out = tmp_path / kind
        export(
            *(dataset.conn, settings, out),
            format="csv",
            caption_kind=kind,
            prefix="",
        )
        told[kind] = rows(out / "train.csv")[1][1:]
        assert rows(out / "train.tsv", "\t")[1][1] == told[kind][0]
    assert told == {
        "focus": ["quarry", "quarry by a road", "0.5", "0.25"],
        "multi_feature": ["quarry by a road", "quarry by a road", "0.25", "0.25"],
    }


@pytest.mark.parametrize(
    ("gsd_m", "prefix", "title"),
    [
        (1.0, None, "an aerial image of quarry"),
        (1.1, None, "a satellite image of quarry"),
        (1.1, "{view} photo: ", "a satellite photo: quarry"),
        (0.5, "{view} photo: ", "an aerial photo: quarry"),
        (0.5, "100 % {of} ", "100 % {of} quarry"),
    ],
)
def test_prefix_tells_aerial_from_satellite_images_by_gsd(
    dataset: Dataset,
    settings: Settings,
    tmp_path: Path,
    gsd_m: float,
    prefix: str | None,
    title: str,
) -> None:
    dataset.chip(1, "quarry")
    dataset.conn.execute("UPDATE skyscript.chip SET gsd_m = %s", (gsd_m,))

    export(dataset.conn, settings, tmp_path / "out", format="csv", prefix=prefix)

    assert rows(tmp_path / "out/train.csv")[1][1] == title


def test_prefix_goes_by_the_limit_of_the_recipe(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1, "quarry")
    dataset.conn.execute(
        "UPDATE skyscript.caption_recipe"
        " SET settings = settings || jsonb_build_object('aerial_max_gsd_m', 0.05)"
        " WHERE name = 'skyscript-1'"
    )
    try:
        export(dataset.conn, settings, tmp_path / "out", format="csv")
    finally:
        dataset.conn.execute(
            "UPDATE skyscript.caption_recipe SET settings = settings"
            " - 'aerial_max_gsd_m' WHERE name = 'skyscript-1'"
        )
    assert rows(tmp_path / "out/train.csv")[1][1] == "a satellite image of quarry"
