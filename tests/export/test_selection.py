"""Which pairs pass into an export."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from skyscript_db import area
from skyscript_db.errors import UsageError
from skyscript_db.export import export, selection
from skyscript_db.progress import LoggedProgress

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.config import Settings
    from tests.export.dataset import Dataset


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"split": "val"}, {2}),
        ({"split": "unsplit"}, {3}),
        ({"area": "9.0,47.0,9.6,48.0"}, {1, 3, 4}),
        ({"collections": ["naip"]}, {4}),
        ({"tags": {"natural": "tree"}}, {3}),
        ({"min_similarity": 0.25}, {3, 4}),
        ({"min_similarity": 0.25, "caption_kind": "multi_feature"}, {3, 4}),
        ({"limit": 2}, {1, 2}),
        ({"tags": {"landuse": "quarry"}, "split": "train", "limit": 1}, {1}),
    ],
    ids=str,
)
def test_filters(
    dataset: Dataset,
    settings: Settings,
    tmp_path: Path,
    filters: dict[str, object],
    expected: set[int],
) -> None:
    dataset.chip(1)
    dataset.chip(2, split="val", lon=9.7)
    dataset.chip(3, split=None, tags={"natural": "tree"}, multi=None)
    dataset.scene("naip", alias="US")
    dataset.chip(4, collection="naip")
    dataset.score({1: 0.1, 2: 0.2, 3: 0.3, 4: 0.4})
    if "area" in filters:
        filters = {"area": area.parse(dataset.conn, str(filters["area"]))}

    export(dataset.conn, settings, tmp_path / "out", format="csv", **filters)  # type: ignore[arg-type]

    lines = (tmp_path / "out/metadata.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["chip_id"] for line in lines} == expected


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"split": "dev"}, "no split 'dev'"),
        ({"caption_kind": "title"}, "no caption kind 'title'"),
        ({"limit": 0}, "limit is 0"),
        ({"max_per_caption": 0}, "max_per_caption is 0"),
        ({"max_per_tag": -1}, "max_per_tag is -1"),
        ({"top": 0}, "the top 0 is no share"),
        ({"top": 0.3, "scorer": "nobody"}, "no scorer nobody"),
        ({"format": "parquet"}, "no format 'parquet'"),
    ],
)
def test_bad_filters_are_refused(
    conn: psycopg.Connection[object],
    settings: Settings,
    tmp_path: Path,
    filters: dict[str, object],
    message: str,
) -> None:
    with pytest.raises(UsageError, match=message):
        export(conn, settings, tmp_path, **{"format": "csv", **filters})  # type: ignore[arg-type]


@pytest.fixture
def quarries(dataset: Dataset) -> Dataset:
    """Six chips of quarries and one of a beach; a score of a tenth of the id each."""
    for chip_id in range(1, 7):
        text = "landuse of quarry" if chip_id < 5 else "quarry of sand"
        dataset.chip(chip_id, text)
    dataset.chip(7, "natural beach", tags={"natural": "beach"})
    dataset.conn.execute(
        "INSERT INTO skyscript.tag (key, value, text, n_features) VALUES"
        " ('landuse', 'quarry', 'landuse of quarry', 6),"
        " ('natural', 'beach', 'natural beach', 1) ON CONFLICT DO NOTHING"
    )
    dataset.conn.execute(
        "INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)"
        " SELECT id, 'override', 10, 'test' FROM skyscript.tag ON CONFLICT DO NOTHING"
    )
    return dataset


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"max_per_caption": 2}, {1, 2, 5, 6, 7}),
        ({"max_per_tag": 3}, {1, 2, 3, 7}),
        ({"max_per_caption": 1, "max_per_tag": 5}, {1, 5, 7}),
        ({"max_per_tag": 1, "tags": {"landuse": "quarry"}}, {1}),
        ({"top": 0.3}, {6, 7}),
        ({"top": 0.3, "scorer": "judge/w"}, {6, 7}),
    ],
)
def test_caps_and_the_best_share(
    quarries: Dataset,
    settings: Settings,
    tmp_path: Path,
    filters: dict[str, object],
    expected: set[int],
) -> None:
    quarries.conn.execute(
        "INSERT INTO skyscript.embedding_model (name, weights, weights_sha256,"
        " dimension, is_default) VALUES ('judge', 'w', 'x', 4, true)"
        " ON CONFLICT DO NOTHING"
    )
    quarries.conn.execute(
        "INSERT INTO skyscript.pair_similarity (model_id, chip_id, text_id, similarity)"
        " SELECT m.id, c.chip_id, c.text_id, c.chip_id / 10.0"
        " FROM skyscript.caption AS c, skyscript.embedding_model AS m"
    )
    export(quarries.conn, settings, tmp_path / "out", format="csv", **filters)
    lines = (tmp_path / "out/metadata.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["chip_id"] for line in lines} == expected


def test_pairs_are_those_of_one_moment(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    class Meddler(LoggedProgress):
        """Deletes all chips, in another connection, once they are chosen."""

        def start(self, total: int, unit: str) -> None:
            assert (total, unit) == (3, "chips")
            with psycopg.connect(dataset.conn.info.dsn) as other:
                other.execute("DELETE FROM skyscript.chip")

    for chip_id in range(1, 4):
        dataset.chip(chip_id)

    result = export(
        dataset.conn, settings, tmp_path / "out", format="csv", progress=Meddler()
    )

    assert result.n_chips == 3


def test_an_unknown_recipe_is_told_with_those_that_there_are(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no caption recipe named 'nope'; there are: "):
        export(dataset.conn, settings, tmp_path / "out", format="csv", recipe="nope")


def test_batches_get_plans_of_their_own(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "BATCH", 1)
    for chip_id in range(1, 13):
        dataset.chip(chip_id)

    chosen = selection.Selection(recipe="skyscript-1")
    samples = selection.read(
        dataset.conn, chosen, LoggedProgress(), has_surrounding=False
    )

    # A generic plan, from the eleventh on, would find surroundings that nobody wants.
    assert [sample.chip_id for sample in samples] == list(range(1, 13))
    prepared = dataset.conn.execute(
        "SELECT statement FROM pg_prepared_statements WHERE statement LIKE %s",
        ("%surrounding_osm%",),
    )
    assert prepared.fetchall() == []
