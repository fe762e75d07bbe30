from __future__ import annotations

import psycopg
import pytest

from loaders.earth_engine import load as module
from skyscript_db.errors import JobBusy, RequestFailed, StorageError
from tests.loaders.earth_engine.helpers import (
    JULY,
    VADUZ_AREA,
    add_cloudy,
    add_ortho,
    run_load,
    scenes,
)


def test_again_nothing_changes(database, ready, earth_engine):
    add_ortho(earth_engine, "one", JULY)
    run_load(database, ready, area=VADUZ_AREA)
    before = scenes(database)
    result = run_load(database, ready, area=VADUZ_AREA)
    assert (result.new, result.unchanged) == (0, 1)
    assert scenes(database) == before


def add_chip(database, image_path: str) -> None:
    database.conn.execute(
        "INSERT INTO skyscript.chip (id, scene_id, osm_type, osm_id, kind, plan,"
        " footprint, lon, lat, gsd_m, col_off_px, row_off_px, width_px, height_px)"
        " SELECT 7, id, 'N', 1, 'n', 'plan', ST_GeometryN(footprint, 1), 9, 47, gsd_m,"
        " 0, 0, 8, 8"
        " FROM skyscript.scene LIMIT 1"
    )
    database.conn.execute(
        "UPDATE skyscript.chip SET image_path = %s, state = 'ok', sha256 = 'x',"
        " file_bytes = 1, nodata_fraction = 0, fetched_at = now()",
        (image_path,),
    )


def test_an_updated_image_replaces_its_scene_and_drops_its_chips(
    database, ready, earth_engine
):
    add_ortho(earth_engine, "one", JULY)
    run_load(database, ready, area=VADUZ_AREA)
    add_chip(database, "a/b.jpg")
    file = ready.chips / "a" / "b.jpg"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    add_ortho(earth_engine, "one", JULY.replace("2019-01-01", "2020-01-01"))
    result = run_load(database, ready, area=VADUZ_AREA)
    assert (result.replaced, result.n_chips_dropped) == (1, 1)
    assert not file.exists()
    assert scenes(database)["one"]["version"].startswith("2020-01-01")


def test_without_a_store_of_chips_no_scene_is_replaced(database, ready, earth_engine):
    add_ortho(earth_engine, "one", JULY)
    run_load(database, ready, area=VADUZ_AREA)
    add_chip(database, "a/b.jpg")
    add_ortho(earth_engine, "one", JULY.replace("2019-01-01", "2020-01-01"))
    wrong = ready.model_copy(update={"chips_url": "nonsense://bucket"})
    with pytest.raises(StorageError):
        run_load(database, wrong, area=VADUZ_AREA)
    assert scenes(database)["one"]["version"].startswith("2019-01-01")
    chips = database.conn.execute("SELECT count(*) FROM skyscript.chip")
    assert chips.fetchone() == (1,)


def test_a_job_at_work_keeps_changed_scenes_as_they_are(database, ready, earth_engine):
    add_ortho(earth_engine, "one", JULY)
    run_load(database, ready, area=VADUZ_AREA)
    add_ortho(earth_engine, "one", JULY.replace("2019-01-01", "2020-01-01"))
    with psycopg.connect(database.info) as other:
        other.execute("SELECT pg_advisory_lock_shared(hashtext('skyscript chips'), 0)")
        with pytest.raises(JobBusy, match="scene one has changed"):
            run_load(database, ready, area=VADUZ_AREA)
    assert scenes(database)["one"]["version"].startswith("2019-01-01")


def test_another_stretch_in_the_catalogue_replaces_scenes(
    database, ready, earth_engine
):
    add_cloudy(earth_engine, "one", 5)
    run_load(database, ready, "cloudy", area=VADUZ_AREA)
    own = ready.home / "collections.toml"
    own.write_text(own.read_text().replace("max = 3000", "max = 4000"))
    result = run_load(database, ready, "cloudy", area=VADUZ_AREA)
    assert result.replaced == 1
    assert scenes(database)["one"]["stretch"]["max"] == [4000, 4000, 4000]


def test_a_load_that_broke_goes_on(database, ready, earth_engine, monkeypatch):
    monkeypatch.setattr(module, "PAGE_SIZE", 2)
    for n in range(5):
        add_ortho(earth_engine, f"n{n}")
    once = ready.model_copy(update={"request_tries": 1})
    earth_engine.misbehave(500, path="listAssets", after=1)
    with pytest.raises(RequestFailed):
        run_load(database, once, area=VADUZ_AREA)
    assert len(scenes(database)) == 2
    earth_engine.behave()
    result = run_load(database, once, area=VADUZ_AREA)
    assert (result.new, result.unchanged) == (3, 2)


def test_passing_faults_lose_nothing(database, ready, earth_engine, monkeypatch):
    monkeypatch.setattr(module, "PAGE_SIZE", 1)
    for n in range(4):
        add_ortho(earth_engine, f"n{n}")
    earth_engine.misbehave("truncated", path="listAssets", every=3)
    earth_engine.misbehave("html", path="listAssets", after=1, first=1)
    result = run_load(database, ready, area=VADUZ_AREA)
    assert (result.new, result.n_listed) == (4, 4)
