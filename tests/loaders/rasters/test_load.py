from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loaders import scenes
from loaders.rasters import RasterLoad, RasterOptions, load
from skyscript_db.database import connect
from skyscript_db.errors import LoaderError, UsageError
from skyscript_db.images import ImageFolder
from tests.fix_database import Database
from tests.fix_rasters import noise, write_raster
from tests.loaders.rasters.helpers import Connection, load_one


def counts(result: RasterLoad) -> tuple[int, int, int, int, int]:
    """Return in, new, unchanged, replaced, rejected."""
    return (
        result.n_in,
        result.n_new,
        result.n_unchanged,
        result.n_replaced,
        len(result.rejected),
    )


def test_one_bad_file_does_not_stop_the_others(conn: Connection, tmp_path: Path):
    write_raster(tmp_path / "a.tif", noise(3))
    (tmp_path / "b.tif").write_text("this is no image")
    write_raster(tmp_path / "deeper/c.TIFF", noise(3))
    (tmp_path / "readme.txt").write_text("not looked at")
    result = load(conn, [tmp_path, tmp_path / "a.tif"], RasterOptions("orthos"))
    assert counts(result) == (3, 2, 0, 0, 1)
    with pytest.raises(LoaderError, match=r"1 of 3 rasters were rejected:\n.*/b\.tif"):
        result.check()


def test_a_load_that_takes_nothing_makes_no_collection(
    conn: Connection, tmp_path: Path
):
    (tmp_path / "a.tif").write_text("this is no image")
    # It lies off the Earth, which is found within the transaction of a scene.
    write_raster(tmp_path / "b.tif", noise(3), crs="EPSG:4326")
    result = load(conn, [tmp_path, tmp_path / "none.tif"], RasterOptions("orthos"))
    assert counts(result) == (3, 0, 0, 0, 3)
    assert collections(conn) == []

    write_raster(tmp_path / "c.tif", noise(3))
    load(conn, [tmp_path], RasterOptions("orthos", licence="CC0-1.0"))
    assert collections(conn) == [("orthos", "CC0-1.0")]
    load(conn, [tmp_path / "a.tif"], RasterOptions("orthos"))
    assert collections(conn) == [("orthos", "CC0-1.0")]


def collections(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute("SELECT name, licence FROM skyscript.collection").fetchall()


def test_a_name_twice_is_rejected(conn: Connection, tmp_path: Path):
    write_raster(tmp_path / "a/x.tif", noise(3))
    write_raster(tmp_path / "b/x.tif", noise(3) + 1)
    result = load(conn, [tmp_path], RasterOptions("orthos"))
    assert counts(result) == (2, 1, 0, 0, 1)
    again = load(conn, [tmp_path / "b"], RasterOptions("orthos"))
    assert counts(again) == (1, 0, 0, 0, 1)
    assert "rename" in next(iter(again.rejected.values()))


def test_second_load_changes_nothing_but_what_is_told(conn: Connection, tmp_path: Path):
    path = write_raster(tmp_path / "a.tif", noise(3))
    before = load_one(conn, path, licence="CC0-1.0")
    add_chip(conn, before["id"], "failed")
    day = datetime(2020, 5, 1, tzinfo=UTC)
    result = load(conn, [path], RasterOptions("orthos", acquired_at=day))
    assert counts(result) == (1, 0, 1, 0, 0)
    assert load_one(conn, path) == {**before, "acquired_at": day}
    chips = conn.execute("SELECT state, cause, n_attempts FROM skyscript.chip")
    assert chips.fetchall() == [("planned", None, 0)]


def test_a_file_that_moved_is_unchanged(conn: Connection, tmp_path: Path):
    path = write_raster(tmp_path / "a.tif", noise(3))
    load_one(conn, path)
    (tmp_path / "new").mkdir()
    moved = path.rename(tmp_path / "new/a.tif")
    result = load(conn, [moved], RasterOptions("orthos"))
    assert counts(result) == (1, 0, 1, 0, 0)
    uri = conn.execute("SELECT uri FROM skyscript.scene").fetchone()
    assert uri == (str(moved),)


@pytest.mark.parametrize("change", ["content", "bands", "stretch", "gsd"])
def test_a_replaced_scene_loses_its_chips(
    conn: Connection, tmp_path: Path, change: str
):
    path = write_raster(tmp_path / "a.tif", noise(3))
    before = load_one(conn, path)
    add_chip(conn, before["id"], "ok")
    image = tmp_path / "chips/00/0000000000000001.jpg"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"image")
    if change == "content":
        write_raster(path, noise(3) + 1)
    told = {"bands": {"bands": "3,2,1"}, "stretch": {"stretch": "0,99"}}
    told["gsd"] = {"gsd_m": 2.0}
    store = ImageFolder(tmp_path / "chips")
    options = RasterOptions("orthos", chips=store, **told.get(change, {}))
    result = load(conn, [path], options)
    assert counts(result) == (1, 0, 0, 1, 0)
    assert result.n_chips_dropped == 1
    assert conn.execute("SELECT count(*) FROM skyscript.chip").fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM skyscript.chip_feature").fetchone() == (
        0,
    )
    assert conn.execute(
        "SELECT count(*) FROM skyscript.caption_retelling"
    ).fetchone() == (0,)
    assert not image.exists()
    after = conn.execute("SELECT id FROM skyscript.scene").fetchone()
    assert after == (before["id"],)


def test_a_replaced_scene_keeps_what_was_told_of_it(conn: Connection, tmp_path: Path):
    path = write_raster(tmp_path / "a.tif", noise(3))
    day = datetime(2020, 5, 1, tzinfo=UTC)
    # The collection has the terms of its first scene.
    write_raster(tmp_path / "0.tif", noise(3))
    load(conn, [tmp_path / "0.tif"], RasterOptions("orthos", licence="ODbL-1.0"))
    told = {"acquired_at": day, "licence": "CC0-1.0", "attribution": "A surveyor"}
    load(conn, [path], RasterOptions("orthos", **told))
    write_raster(path, noise(3) + 1)
    assert load(conn, [path], RasterOptions("orthos")).n_replaced == 1
    found = conn.execute(
        "SELECT acquired_at, licence, attribution FROM skyscript.scene WHERE name = 'a'"
    )
    assert found.fetchone() == (day, "CC0-1.0", "A surveyor")


def test_a_collection_that_was_removed_meanwhile_is_told(conn: Connection):
    with pytest.raises(LoaderError, match="removed while it was loaded"):
        scenes.lock(conn, 12345)


def add_chip(conn: Connection, scene_id: int, state: str) -> None:
    """Insert a chip of 32 x 32 pixels, and what it shows."""
    is_ok = state == "ok"
    conn.execute(
        "INSERT INTO skyscript.chip (id, scene_id, osm_type, osm_id, kind, plan,"
        " footprint, lon, lat, gsd_m, col_off_px, row_off_px, width_px, height_px,"
        " state, cause, image_path, sha256, n_attempts)"
        " SELECT 1, id, 'N', 1, 'n', 'test', ST_GeometryN(footprint, 1), 9.5, 47.1,"
        " gsd_m, 0, 0, 32, 32, %s, %s, %s, %s, 3 FROM skyscript.scene WHERE id = %s",
        (
            state,
            None if is_ok else "file missing",
            "00/0000000000000001.jpg" if is_ok else None,
            "abc" if is_ok else None,
            scene_id,
        ),
    )
    conn.execute(
        "INSERT INTO skyscript.chip_feature (chip_id, osm_type, osm_id, kind, role,"
        " tags, visible_fraction, width_px, height_px, touches_edge)"
        " VALUES (1, 'N', 1, 'n', 'focus', '{}', 1, 1, 1, false)"
    )
    conn.execute(
        "INSERT INTO skyscript.caption_retelling (recipe, chip_id)"
        " SELECT name, 1 FROM skyscript.caption_recipe LIMIT 1"
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"collection": "---"}, "--alias"),
        ({"collection": "new", "alias": "A B"}, "--alias"),
        ({"collection": "or-thos"}, "alias ORTHOS is that of collection orthos"),
        ({"collection": "orthos", "alias": "OTHER"}, "has the alias ORTHOS"),
        ({"collection": "s2"}, "holds earth-engine images"),
        ({"collection": "orthos", "gsd_m": -1.0}, "--gsd"),
    ],
)
def test_a_collection_that_does_not_fit_is_refused(
    conn: Connection, tmp_path: Path, options: dict[str, Any], why: str
):
    path = write_raster(tmp_path / "a.tif", noise(3))
    load_one(conn, path)
    conn.execute(
        "INSERT INTO skyscript.collection (name, alias, provider)"
        " VALUES ('s2', 'S2', 'earth-engine')"
    )
    with pytest.raises(UsageError, match=why):
        load(conn, [path], RasterOptions(**options))


def test_an_alias_that_is_taken_while_files_are_read_is_refused(
    database: Database, tmp_path: Path
):
    path = write_raster(tmp_path / "a.tif", noise(3))

    def files() -> Iterator[Path]:
        with connect(database.info) as other:
            load(other, [path], RasterOptions("foo-bar")).check()
        yield path

    with pytest.raises(UsageError, match="alias FOOBAR is that of collection foo-bar"):
        load(database.conn, files(), RasterOptions("foobar"))
    assert collections(database.conn) == [("foo-bar", None)]
