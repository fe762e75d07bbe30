"""What every export does, whatever its format."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from skyscript_db.export import ExportResult, export
from tests.export.dataset import jpeg, tree

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.config import Settings
    from tests.export.dataset import Dataset

FORMATS = pytest.mark.parametrize("form", ["csv", "webdataset"])


def manifest(folder: Path) -> dict[str, Any]:
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


@FORMATS
def test_surroundings_can_be_kept_out_of_the_metadata(
    dataset: Dataset, settings: Settings, tmp_path: Path, form: str
) -> None:
    dataset.chip(1)

    whole = export(dataset.conn, settings, tmp_path / "a", format=form)
    short = export(
        *(dataset.conn, settings, tmp_path / "b"), format=form, has_surrounding=False
    )

    (a,), (b,) = (metadata(result.folder) for result in (whole, short))
    assert a.pop("surrounding_tags") == [{"highway": "track"}]
    assert [x["osm_id"] for x in a.pop("surrounding_osm")] == [7]
    assert (b.pop("surrounding_tags"), b.pop("surrounding_osm")) == (None, None)
    assert a == b
    assert whole.content_sha256 == short.content_sha256
    told = [manifest(result.folder)["parameters"] for result in (whole, short)]
    assert [each["has_surrounding"] for each in told] == [True, False]


def metadata(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of an export in either format."""
    if (folder / "metadata.jsonl").exists():
        lines = (folder / "metadata.jsonl").read_bytes().splitlines()
        return [json.loads(line) for line in lines]
    with tarfile.open(folder / "train-000000.tar") as shard:
        files = [m for m in shard if m.name.endswith(".json")]
        return [json.loads(shard.extractfile(file).read()) for file in files]  # type: ignore[union-attr]


def test_version_counts_up_only_when_the_content_changes(
    dataset: Dataset, settings: Settings, tmp_path: Path
) -> None:
    def run(form: str, name: str = "skyscript") -> ExportResult:
        folder = tmp_path / "out"
        return export(
            *(dataset.conn, settings, folder), format=form, name=name, overwrite=True
        )

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
        ("skyscript", 1, "csv", 1, 2, True, "{view} image of "),
        ("skyscript", 2, "csv", 2, 4, True, "{view} image of "),
        ("other", 1, "csv", 2, 4, True, "{view} image of "),
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
