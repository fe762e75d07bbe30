"""What every export does, whatever its format."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest

from skyscript_db import area
from skyscript_db.errors import StorageError, UsageError
from skyscript_db.export import ExportResult, export
from skyscript_db.export.folder import MARKER, MARKER_TEXT
from skyscript_db.progress import LoggedProgress
from tests.export.dataset import jpeg

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.config import Settings
    from tests.export.dataset import Dataset

FORMATS = pytest.mark.parametrize("form", ["csv", "webdataset"])


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def manifest(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@FORMATS
def test_counts_reconcile_when_files_are_missing_or_changed(
    dataset: Dataset, settings: Settings, tmp_path: Path, form: str
) -> None:
    dataset.chip(1)
    dataset.chip(2).unlink()
    dataset.chip(3).write_bytes(jpeg(99))
    dataset.chip(4, split="test", multi=None)

    result = export(dataset.conn, settings, tmp_path / "out", format=form)

    assert result.n_selected == 4
    assert result.n_chips == 2
    assert result.n_pairs == 3
    assert result.splits == {"test": 1, "train": 1}
    assert result.rejected == {"image file changed": 1, "image file missing": 1}
    assert manifest(tmp_path / "out")["counts"] == {
        "selected": 4,
        "chips": 2,
        "pairs": 3,
        "synthetic": 0,
        "splits": {"test": 1, "train": 1},
        "rejected": {"image file changed": 1, "image file missing": 1},
    }


@FORMATS
def test_second_export_is_equal_to_the_byte(
    dataset: Dataset, settings: Settings, tmp_path: Path, form: str
) -> None:
    for chip_id in (3, 1, 2):
        dataset.chip(chip_id)

    first = export(dataset.conn, settings, tmp_path / "a", format=form)
    second = export(dataset.conn, settings, tmp_path / "b", format=form)

    a, b = tree(tmp_path / "a"), tree(tmp_path / "b")
    for files in (a, b):
        files["manifest.json"] = b"\n".join(
            line
            for line in files["manifest.json"].splitlines()
            if b'"created_at"' not in line
        )
    assert a == b
    assert first.content_sha256 == second.content_sha256


@FORMATS
def test_checksums_name_every_file_but_themselves_and_the_manifest(
    dataset: Dataset, settings: Settings, tmp_path: Path, form: str
) -> None:
    dataset.chip(1)
    dataset.chip(2, split=None)

    export(dataset.conn, settings, tmp_path / "out", format=form)

    files = tree(tmp_path / "out")
    del files["manifest.json"]
    lines = files.pop("SHA256SUMS").decode().splitlines()
    assert dict(reversed(line.split("  ")) for line in lines) == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "out", check=True)


def test_export_replaces_an_earlier_one_and_keeps_what_is_not_ours(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1)
    out = tmp_path / "out"
    export(dataset.conn, settings, out, format="csv")
    (out / "notes.txt").write_text("mine")
    (out / "images" / "mine.jpg").write_bytes(b"mine")

    export(dataset.conn, settings, out, format="webdataset")

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
        export(dataset.conn, settings, out, format="csv", progress=Killed())
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
        export(dataset.conn, settings, tmp_path / "out", format="csv")

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
        export(dataset.conn, settings, tmp_path, format="webdataset", split="val")

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


def test_version_counts_up_only_when_the_content_changes(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    def run(form: str, name: str = "skyscript") -> ExportResult:
        return export(dataset.conn, settings, tmp_path / "out", format=form, name=name)

    dataset.chip(1)
    assert run("csv").version == 1
    assert run("webdataset").version == 1
    dataset.chip(2)
    assert run("csv").version == 2
    assert run("csv", name="other").version == 1

    rows = dataset.conn.execute(
        "SELECT name, version, format, n_chips, n_pairs, content_sha256 <> '',"
        " parameters ->> 'prefix' FROM skyscript.dataset ORDER BY id"
    ).fetchall()
    assert rows == [
        ("skyscript", 1, "csv", 1, 2, True, "a satellite image of "),
        ("skyscript", 2, "csv", 2, 4, True, "a satellite image of "),
        ("other", 1, "csv", 2, 4, True, "a satellite image of "),
    ]


def test_role_that_may_only_read_exports_without_a_version(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1)
    role = f"reader_{os.getpid()}"
    conn = dataset.conn
    conn.execute(f"CREATE ROLE {role}")
    try:
        conn.execute(f"GRANT USAGE ON SCHEMA skyscript TO {role}")
        conn.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA skyscript TO {role}")
        conn.execute(f"SET ROLE {role}")
        result = export(conn, settings, tmp_path / "out", format="csv")
    finally:
        conn.execute("RESET ROLE")
        conn.execute(f"DROP OWNED BY {role}")
        conn.execute(f"DROP ROLE {role}")
    assert (result.n_chips, result.version) == (1, None)


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


def test_attribution_counts_licences_and_warns_of_synthetic_images(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    dataset.chip(1)
    dataset.chip(2)
    dataset.scene("drawn", alias="SY", is_synthetic=True)
    dataset.chip(3, collection="drawn")

    export(dataset.conn, settings, tmp_path / "out", format="webdataset")

    text = (tmp_path / "out/ATTRIBUTION.md").read_text(encoding="utf-8")
    assert "**SYNTHETIC**: 1 of the 3 images were drawn by a program." in text
    assert "Open Database License (ODbL) 1.0" in text
    assert (
        "| 3 | CC-BY-4.0 | © swisstopo; © OpenStreetMap contributors (ODbL) |" in text
    )
