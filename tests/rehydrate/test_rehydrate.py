from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skyscript_db.config import Settings
from skyscript_db.errors import UsageError
from skyscript_db.export import export
from skyscript_db.rehydrate import Rehydration, rehydrate
from tests.fix_project import Project
from tests.fix_stages import Site

Again = Callable[..., Rehydration]


@pytest.fixture(scope="module")
def exported(
    town: Site, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return a function that gives an export of the town in a format."""
    folder = tmp_path_factory.mktemp("exports")
    for form in ("csv", "webdataset"):
        export(town.conn, town.settings, folder / form, format=form, name="again")
    return lambda form: folder / form


@pytest.fixture
def again(project: Project, settings: Settings, tmp_path: Path) -> Again:
    """Return a function that rehydrates into a folder of the test's own."""

    def run(manifest: Path, **options: Any) -> Rehydration:
        options = {
            "output": tmp_path / "again",
            "rasters": project.folder,
            **options,
        }
        return rehydrate(settings, manifest, lambda: "", **options)

    return run


def bare(export: Path, tmp_path: Path) -> Path:
    """Return the manifest and the rows of an export in a folder without images."""
    folder = tmp_path / "bare"
    folder.mkdir()
    for name in ("manifest.json", "metadata.jsonl"):
        shutil.copy(export / name, folder / name)
    return folder


def images(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*.jpg")
    }


def test_a_manifest_without_images_gets_them_back(
    exported: Any, again: Again, tmp_path: Path
):
    folder = bare(exported("csv"), tmp_path)
    result = again(folder / "manifest.json", output=None)
    expected = images(exported("csv"))
    assert len(expected) > 20
    assert images(folder) == expected
    assert result.is_whole
    assert (result.n_matched, result.n_kept) == (len(expected), 0)
    assert not (folder / ".partial").exists()


def test_what_matches_is_kept(exported: Any, again: Again, tmp_path: Path):
    n = len(images(exported("csv")))
    assert again(exported("csv"), limit=5).n_matched == 5
    times = [p.stat().st_mtime_ns for p in sorted((tmp_path / "again").rglob("*.jpg"))]
    result = again(exported("csv"))
    assert (result.n_in, result.n_matched, result.n_kept) == (n, n, 5)
    after = {p.stat().st_mtime_ns for p in (tmp_path / "again").rglob("*.jpg")}
    assert set(times) <= after


def test_a_damaged_file_is_made_anew(exported: Any, again: Again, tmp_path: Path):
    again(exported("csv"))
    victim = sorted((tmp_path / "again").rglob("*.jpg"))[0]
    victim.write_bytes(b"no image")
    result = again(exported("csv"))
    assert result.n_kept == result.n_matched - 1
    assert images(tmp_path / "again") == images(exported("csv"))


def test_shards_tell_their_chips_too(exported: Any, again: Again, tmp_path: Path):
    result = again(exported("webdataset"))
    assert result.is_whole
    found = images(tmp_path / "again")
    assert sorted(found.values()) == sorted(images(exported("csv")).values())
    assert all(len(Path(name).stem) == 16 for name in found)


def test_another_encoder_differs_and_is_named(
    exported: Any, again: Again, tmp_path: Path
):
    folder = bare(exported("csv"), tmp_path)
    rows = (folder / "metadata.jsonl").read_text()
    label = json.loads(rows.splitlines()[0])["encoding"]
    assert label.startswith("jpg 95; pillow ")
    old = "jpg 60; pillow 1.0; libjpeg_turbo 1.0"
    (folder / "metadata.jsonl").write_text(rows.replace(label, old))
    result = again(folder, limit=3)
    here = label.replace("jpg 95", "jpg 60")
    cause = f"written by another encoder: {old}; here: {here}"
    assert result.differs == Counter({cause: 3})
    assert not result.is_whole


def test_scenes_that_are_not_there_fail(exported: Any, again: Again, tmp_path: Path):
    result = again(exported("csv"), rasters=tmp_path, limit=4)
    assert result.failed.total() == 4
    remedy = "is missing: name the folder that holds it as it was with --rasters DIR"
    assert all(
        cause.startswith(f"{tmp_path}/") and cause.endswith(remedy)
        for cause in result.failed
    )


def test_a_file_of_the_same_name_is_not_taken_for_the_scene(
    exported: Any, again: Again, project: Project, tmp_path: Path
):
    for name in ("one", "two", "three", "four"):
        shutil.copy(project.scene("one"), tmp_path / f"{name}.tif")
    result = again(exported("csv"), rasters=tmp_path)
    assert result.n_matched > 0
    assert len(result.failed) == 3
    assert all(
        "has changed since it was loaded: name the folder" in cause
        for cause in result.failed
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no image"),
        ("{", "is damaged"),
        ("[]", "a row lacks filepath"),
        ('{"filepath": "a.jpg", "provider": "raster"}', "a row lacks sha256, crs"),
    ],
)
def test_what_is_no_manifest_is_told(
    again: Again, tmp_path: Path, text: str, message: str
):
    path = tmp_path / "metadata.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        again(path)


@pytest.mark.parametrize("name", ["/etc/x.jpg", "../x.jpg", "a/../../x.jpg", "run.sh"])
def test_a_name_outside_the_folder_is_refused(
    exported: Any, again: Again, tmp_path: Path, name: str
):
    folder = bare(exported("csv"), tmp_path)
    first = (folder / "metadata.jsonl").read_text().splitlines()[0]
    row = json.loads(first) | {"filepath": name}
    (folder / "metadata.jsonl").write_text(json.dumps(row))
    with pytest.raises(UsageError, match="not to be trusted"):
        again(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"filepath": 7}, "filepath = 7"),
        ({"provider": ["raster"], "scene_uri": "x"}, r"provider = \['raster'\]"),
        ({"width_px": "64"}, "width_px = '64'"),
        ({"height_px": True}, "height_px = True"),
        ({"bands": [1, 2, 3]}, r"bands = \[1, 2, 3\]"),
        ({"scene_transform": [1, 0, 0]}, r"scene_transform = \[1, 0, 0\]"),
        ({"scene_file": {"a": 1}}, "scene_file = "),
        ({"encoding": 95}, "encoding = 95"),
    ],
)
def test_values_of_a_wrong_type_are_told(
    exported: Any, again: Again, tmp_path: Path, change: dict[str, Any], told: str
):
    folder = bare(exported("csv"), tmp_path)
    first = (folder / "metadata.jsonl").read_text().splitlines()[0]
    (folder / "metadata.jsonl").write_text(json.dumps(json.loads(first) | change))
    with pytest.raises(UsageError, match=f"wrong type: {told}"):
        again(folder)


@pytest.mark.parametrize("name", ["{}", "./{}"])
def test_two_rows_for_one_file_are_refused(
    exported: Any, again: Again, tmp_path: Path, name: str
):
    folder = bare(exported("csv"), tmp_path)
    first, second = (folder / "metadata.jsonl").read_text().splitlines()[:2]
    path = name.format(json.loads(first)["filepath"])
    row = json.loads(second) | {"filepath": path}
    (folder / "metadata.jsonl").write_text(f"{first}\n{json.dumps(row)}")
    with pytest.raises(UsageError, match="two rows name the file"):
        again(folder)


HREF = "https://93.184.215.14/a.tif"


@pytest.mark.parametrize(
    ("uri", "bands"),
    [
        ("/home/me/item.json", {"rgb": [{"href": "/etc/secret.tif", "band": 1}] * 3}),
        ("item.json", {"rgb": [{"href": HREF, "band": 1}] * 3}),
        (HREF, {"rgb": [{"href": "/etc/secret.tif", "band": 1}] * 3}),
        (HREF, {"rgb": [{"href": "file:///etc/secret.tif", "band": 1}] * 3}),
        (HREF, {"rgb": [{"href": 7, "band": 1}] * 3}),
        (HREF, {"rgb": [1, 2, 3]}),
        (HREF, {"rgb": "R"}),
        (HREF, {"rgb": [], "cloud": {"href": "mask.tif"}}),
        (HREF, {"rgb": [], "token_url": "/etc/secret"}),
        (HREF, {"rgb": [], "token_url": ["http://10.0.0.1"]}),
    ],
)
def test_scenes_from_stac_are_never_files_from_here(
    exported: Any, again: Again, tmp_path: Path, uri: str, bands: dict[str, Any]
):
    folder = bare(exported("csv"), tmp_path)
    first = json.loads((folder / "metadata.jsonl").read_text().splitlines()[0])
    told = {"provider": "stac", "scene_uri": uri, "bands": bands}
    (folder / "metadata.jsonl").write_text(json.dumps(first | told))
    with pytest.raises(UsageError, match="which is no http"):
        again(folder)


def test_another_file_is_no_manifest(again: Again, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UsageError, match=r"is no manifest: name manifest\.json"):
        again(tmp_path / "notes.txt")
    with pytest.raises(UsageError, match=r"is no manifest: name manifest\.json"):
        again(tmp_path)
