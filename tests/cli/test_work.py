"""Commands that load and build, from an empty database on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Skyscript, Told
from tests.fix_database import Database
from tests.fix_project import Project

LOADED = "west: 111 objects = 33 features + 78 left out, in "


def test_load_osm(skyscript: Skyscript, project: Project) -> None:
    west = str(project.extract("west"))
    told = skyscript("load", "osm", west)
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith(LOADED)
    assert told.out.endswith(" s\n          78 no tags\n")
    told = skyscript("load", "osm", west)
    assert (told.status, told.out) == (0, "west: the same file is loaded already\n")
    found = skyscript("load", "osm", west, "--name", "other", "--json").json()
    assert found.pop("seconds") > 0
    assert found == {
        "extract": "other",
        "status": "loaded",
        "replaced": None,
        "n_nodes": 89,
        "n_ways": 20,
        "n_relations": 2,
        "n_features": 33,
        "left_out": {"no tags": 78},
        "data_at": "2020-01-01T00:00:00+00:00",
    }
    east = str(project.extract("east"))
    told = skyscript("load", "osm", east, "--name", "other")
    assert "\nreplaced what other was, from west.opl\n" in told.out
    assert skyscript("remove", "osm", "other").out == "removed other\n"
    told = skyscript("remove", "osm", "other")
    assert (told.status, told.out, told.err) == (
        2,
        "",
        "skyscript: no extract is named 'other'; loaded are: west\n",
    )


BAD_FILES = {
    "empty.osm.pbf": (b"", "is empty: download it again"),
    "text.osm.pbf": (b"hello, I am a text", "is not a PBF file"),
    "cut.osm.pbf": (b"\x00\x00", "is cut short"),
    "text.osm": (b"hello", "damaged, cut short, or not what its name says"),
    "page.html": (b"<html>", "its name must end in one of"),
    "long.opl": (b"n1 v1 Tname=" + b"x" * 5000 + b" x1 y1\n", "shorten the tag"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_osm_files_are_told(
    skyscript: Skyscript, project: Project, tmp_path: Path, name: str
) -> None:
    skyscript("load", "osm", str(project.extract("west")))
    content, message = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    told = skyscript("load", "osm", str(tmp_path / name), "--name", "west")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("skyscript: ")
    assert message in told.err
    assert "Traceback" not in told.err
    found = skyscript("status", "--json").json()
    assert [(x["extract"], x["n_features"]) for x in found["extracts"]] == [
        ("west", 33)
    ]


def test_missing_files_are_told(skyscript: Skyscript) -> None:
    told = skyscript("load", "osm", "nope.osm.pbf")
    assert (told.status, told.out, told.err) == (
        2,
        "",
        "skyscript: no file nope.osm.pbf: check its name and folder\n",
    )
    told = skyscript("load", "rasters", "nope.tif", "--collection", "x")
    assert told.status == 1
    assert told.out == "1 files = 0 new + 0 unchanged + 0 replaced + 1 rejected\n"
    assert "nope.tif: no such file" in told.err


def test_load_rasters(
    skyscript: Skyscript,
    project: Project,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_text("hello")
    one = str(project.scene("one"))
    told = skyscript("load", "rasters", one, str(bad), "--collection", "orthos")
    assert told.status == 1
    assert told.out == "2 files = 1 new + 0 unchanged + 0 replaced + 1 rejected\n"
    assert told.err.startswith(f"rejected: {bad}: not a GeoTIFF, or a damaged one: ")
    assert told.err.count("\n") == 1
    assert [r for r in caplog.records if r.levelname == "WARNING"] == []
    found = skyscript("load", "rasters", one, "--collection", "orthos", "--json").json()
    assert found["files"] == {one: "unchanged"}
    assert found["rejected"] == {}


def test_run(skyscript: Skyscript, project: Project, database: Database) -> None:
    skyscript("load", "osm", str(project.extract("west")))
    skyscript("load", "rasters", str(project.scene("one")), "--collection", "orthos")
    reasons = (
        "                       14 no imagery covers it\n"
        "                        4 no primary tag can be seen\n"
        "                        1 reaches outside the scene\n"
    )
    told = skyscript("run", "plan_chips", "--dry-run")
    assert (told.status, told.err) == (0, "")
    start = "plan_chips             33 features = "
    assert told.out == f"{start}0 ok + 19 rejected + 14 pending\n{reasons}"
    runs = "SELECT count(*) FROM skyscript.job_run WHERE job = 'plan_chips'"
    assert database.conn.execute(runs).fetchone() == (0,)
    told = skyscript("run", "plan_chips", "--limit", "2")
    assert told.out == f"{start}2 ok + 19 rejected + 12 pending\n{reasons}"
    assert skyscript("run", "plan_chips", "--json").json() == {
        "job": "plan_chips",
        "unit": "features",
        "error": None,
        "n_in": 33,
        "n_ok": 14,
        "n_rejected": 19,
        "n_pending": 0,
        "rejected": {
            "no imagery covers it": 14,
            "no primary tag can be seen": 4,
            "reaches outside the scene": 1,
        },
    }


def test_settings_that_a_job_cannot_work_with(skyscript: Skyscript) -> None:
    told = skyscript("-s", "caption_recipe=nope", "run", "write_captions")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("skyscript: no caption recipe named 'nope'; there are: ")
    words = ["-s", "split_val_fraction=0.5", "-s", "split_test_fraction=0.5"]
    told = skyscript(*words, "run", "split_pairs")
    assert (told.status, told.out) == (2, "")
    assert "leave nothing to train on" in told.err
    jobs = {job["job"]: job for job in skyscript("status", "--json").json()["jobs"]}
    for name, error in {
        "write_captions": "UsageError: no caption recipe named 'nope'; there are: ",
        "split_pairs": "UsageError: validation (0.5) and test (0.5) leave nothing to ",
    }.items():
        assert jobs[name]["status"] == "failed"
        assert jobs[name]["error"].startswith(error)
        assert f"\n{name} failed: {error}" in skyscript("status").out
    assert jobs["collect_tags"]["error"] is None


def test_status_tells_errors_on_one_line(
    skyscript: Skyscript, database: Database
) -> None:
    error = "StorageError: the disk\nis full " + "and so on " * 100
    database.conn.execute(
        "INSERT INTO skyscript.job_run (job, parameters, code_version, status, error)"
        " VALUES ('fetch_chips', '{}', '0', 'failed', %s)",
        (error,),
    )
    (line,) = (x for x in skyscript("status").out.splitlines() if "StorageError" in x)
    assert line.startswith("fetch_chips failed: StorageError: the disk is full and so")
    assert line.endswith("…")
    assert len(line) < 270
    assert "`skyscript status --json` tells errors in full" in skyscript("status").out
    jobs = {job["job"]: job for job in skyscript("status", "--json").json()["jobs"]}
    assert jobs["fetch_chips"]["error"] == error


def test_what_is_not_there_is_told_before_anything_is_asked(
    skyscript: Skyscript, told: Callable[..., Told], tmp_path: Path
) -> None:
    for words, message in {
        ("collection", "nope"): "no collection 'nope' is loaded: `skyscript status`",
        ("plan", "nope"): "no chip is of the plan 'nope': `skyscript remove plan`",
        ("osm", "nope"): "no extract is named 'nope'; loaded are: none",
    }.items():
        refused = skyscript("remove", *words)
        assert (refused.status, refused.out) == (2, "")
        assert refused.err.startswith(f"skyscript: {message}")
    nothing = told({"SKYSCRIPT_HOME": str(tmp_path)}, ("db", "reset"))
    assert (nothing.status, nothing.err) == (0, "")
    assert nothing.out == f"nothing to delete: no database in {tmp_path}/cluster\n"


def test_build_goes_on_where_a_job_cannot(
    skyscript: Skyscript, project: Project, tmp_path: Path
) -> None:
    skyscript("load", "osm", str(project.extract("west")))
    (tmp_path / "file").write_text("in the way")
    told = skyscript("-s", f"home={tmp_path}/file/home", "build")
    assert told.status == 1
    assert "fetch_chips     not done\n" in told.out
    assert "split_pairs             0 chips = 0 ok" in told.out
    message = f"\nfetch_chips: cannot write {tmp_path}/file/home/chips: Not a directory"
    assert message in told.err  # on one line, however long
    told = skyscript("-s", "clip_model=nope", "build", "--json")
    assert (told.status, told.out[0]) == (1, "[")
    assert "\nembed_chips, embed_captions: open_clip has no model 'nope'" in told.err


def test_build_twice(skyscript: Skyscript, project: Project) -> None:
    skyscript("load", "osm", str(project.extract("west")))
    skyscript("load", "rasters", str(project.folder), "--collection", "orthos")
    first = skyscript("build")
    assert (first.status, first.err) == (0, "")
    assert "score_pairs            50 pairs = 50 ok + 0 rejected" in first.out
    assert skyscript("build").out == first.out


def test_jobs_before_there_is_anything(skyscript: Skyscript) -> None:
    told = skyscript("run", "score_pairs")
    assert (told.status, told.out) == (1, "")
    assert "nothing is embedded by" in told.err
    assert "run `skyscript run embed_chips`" in told.err
    told = skyscript("search", "a tree")
    assert (told.status, told.out) == (1, "")
    assert "models in use: none" in told.err
    told = skyscript("status")
    assert told.status == 0
    assert told.out.count("never run") == 10


def test_a_server_of_the_users_own_is_not_ours_to_stop(
    skyscript: Skyscript, database: Database
) -> None:
    for words in (["stop"], ["start"], ["reset", "--yes"]):
        told = skyscript("db", *words)
        assert (told.status, told.out) == (2, "")
        assert "names a server of your own" in told.err
    found = skyscript("db", "status", "--json").json()
    assert (found["server"], found["running"]) == ("your own", True)
    assert skyscript("db", "url").out == f"{database.info}\n"


def test_an_empty_database_is_made_ready(
    skyscript: Skyscript, empty_database: str
) -> None:
    told = skyscript("status", SKYSCRIPT_DATABASE_URL=empty_database)
    assert (told.status, told.err) == (0, "")
    told = skyscript("db", "upgrade", SKYSCRIPT_DATABASE_URL=empty_database)
    assert told.out.startswith("at revision 0")


def test_a_role_that_may_only_read_is_told(
    skyscript: Skyscript, database: Database
) -> None:
    role = f"reader_{database.conn.info.dbname}"
    database.conn.execute(f"CREATE ROLE {role}")
    try:
        database.conn.execute(f"GRANT USAGE ON SCHEMA skyscript, osm TO {role}")
        database.conn.execute(
            f"GRANT SELECT ON ALL TABLES IN SCHEMA skyscript, osm TO {role}"
        )
        url = f"{database.info} options='-c role={role}'"
        assert skyscript("status", SKYSCRIPT_DATABASE_URL=url).status == 0
        told = skyscript("run", "collect_tags", SKYSCRIPT_DATABASE_URL=url)
        assert (told.status, told.out) == (1, "")
        assert told.err == (
            "skyscript: this role may not do that: permission denied for table "
            "job_run\n"
        )
    finally:
        database.conn.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_database_of_a_later_version_is_told(
    skyscript: Skyscript, database: Database
) -> None:
    database.conn.execute("UPDATE skyscript.alembic_version SET version_num = '9999'")
    told = skyscript("status")
    assert (told.status, told.out) == (1, "")
    assert "revision 9999, which this version does not know" in told.err
    with psycopg.connect(database.info) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
