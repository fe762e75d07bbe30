from __future__ import annotations

import logging

import psycopg
import pytest

from loaders import removal
from skyscript_db.errors import JobBusy, StorageError, UsageError
from tests.fix_rows import add_feature, add_scene
from tests.jobs.test_plan_chips import point

TABLES = ("chip", "chip_feature", "caption")


@pytest.fixture
def told(database, run_job, settings):
    """Two chips of two collections each, planned twice, on disk and told."""
    conn = database.conn
    for name in ("fine", "coarse"):
        add_scene(conn, name=name, collection=name)
    for n in range(2):
        add_feature(conn, point(500 + n, 500), osm_id=n, natural="tree")
    run_job(conn, "collect_tags", "ground_tags")
    for side_px in (128, 256):
        run_job(conn, "plan_chips", scene_policy="all", chip_side_px=side_px)
    conn.execute(
        "UPDATE skyscript.chip SET state = 'ok', sha256 = 'x', image_path = id || '.x'"
    )
    settings.chips.mkdir(parents=True)
    for (path,) in conn.execute("SELECT image_path FROM skyscript.chip"):
        (settings.chips / path).touch()
    run_job(conn, "link_features", "write_captions")
    return conn


def count(conn, table: str) -> int:
    (n,) = conn.execute(f"SELECT count(*) FROM skyscript.{table}").fetchone()
    return n


def test_a_collection_goes_with_its_chips_and_their_files(told, settings):
    before = {table: count(told, table) for table in TABLES}
    assert removal.remove_collection(told, settings, "fine") == 4
    assert {t: count(told, t) * 2 for t in TABLES} == before
    assert count(told, "scene") == count(told, "collection") == 1
    assert len(list(settings.chips.iterdir())) == 4


def test_a_plan_goes_and_the_other_stays(told, settings):
    (first, *_), (second, *_) = removal.plans(told)
    assert removal.remove_plan(told, settings, first) == 4
    assert [plan for plan, *_ in removal.plans(told)] == [second]
    assert count(told, "scene") == 2


@pytest.mark.parametrize(
    "words", ["side_px=128", "min_side_px=100 side_px=128", "policy=all side_px=1"]
)
def test_a_plan_is_known_by_what_no_other_has(told, words):
    (first, *_), _ = removal.plans(told)
    assert first.startswith("policy=all side_px=128 min_side_px=100 ")
    assert removal.find_plan(told, words) == first
    assert removal.find_plan(told, first) == first


@pytest.mark.parametrize("words", ["policy=all", "seed=0", "policy=all side_px="])
def test_words_of_several_plans_remove_none(told, settings, words):
    with pytest.raises(UsageError, match="may be any of 2 plans: policy=all side_px="):
        removal.remove_plan(told, settings, words)
    assert count(told, "chip") == 8


@pytest.mark.parametrize("words", ["", " ", "side_px=12", "side_px=128 seed=1"])
def test_words_of_no_plan_are_told(told, settings, words):
    with pytest.raises(UsageError, match="`skyscript remove plan` lists the plans"):
        removal.remove_plan(told, settings, words)


def test_what_is_not_there_is_told(told, settings):
    with pytest.raises(UsageError, match="no collection 'x' is loaded"):
        removal.remove_collection(told, settings, "x")
    with pytest.raises(UsageError, match="no chip is of the plan 'x'"):
        removal.remove_plan(told, settings, "x")
    assert count(told, "chip") == 8


def test_nothing_is_removed_under_a_running_job(told, settings, database):
    with psycopg.connect(database.info) as job:
        job.execute("SELECT pg_advisory_lock_shared(hashtext('skyscript chips'), 0)")
        with pytest.raises(JobBusy, match="a job is running"):
            removal.remove_collection(told, settings, "fine")
    assert count(told, "chip") == 8


def test_a_file_that_stays_keeps_no_other(told, settings, caplog):
    stuck, *_ = sorted(settings.chips.iterdir())
    stuck.unlink()
    stuck.mkdir()
    (stuck / "in the way").touch()
    with caplog.at_level(logging.WARNING):
        for name in ("fine", "coarse"):
            assert removal.remove_collection(told, settings, name) == 4
    assert list(settings.chips.iterdir()) == [stuck]
    assert f"{stuck.name} of a chip that is no more stays" in caplog.text


def test_nothing_is_removed_without_a_store(told, settings):
    wrong = settings.model_copy(update={"chips_url": "nonsense://bucket"})
    with pytest.raises(StorageError):
        removal.remove_collection(told, wrong, "fine")
    assert count(told, "chip") == 8
