"""The command line as users run it, a process a command."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import process
from tests.conftest import ROOT
from tests.fix_database import Database
from tests.fix_project import Project, no_val
from tests.fix_stages import Site


@pytest.mark.slow
def test_from_files_to_an_answer(
    empty_database: str, project: Project, tmp_path: Path
) -> None:
    settings = project.on(empty_database, tmp_path / "home")
    told = process(settings, "load", "osm", str(project.extract("west")))
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith("west: 111 objects = 33 features + 78 left out, in ")
    told = process(
        settings, "load", "rasters", str(project.folder), "--collection", "orthos"
    )
    assert (told.status, told.err) == (0, "")
    assert told.out == "4 files = 4 new + 0 unchanged + 0 replaced + 0 rejected\n"
    told = process(settings, "build")
    assert (told.status, told.err) == (0, no_val(3))
    assert told.out.startswith("collect_tags           21 tags = 21 ok")
    told = process(settings, "describe", "10.002,0.007,10.003,0.008", "--gsd", "0.5")
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith("landuse of forest, surrounded by road of footway; ")
    found = process(settings, "search", "a tree", "-k", "2", "--json").json()
    assert len(found) == 2
    found = process(settings, "export", str(tmp_path / "out"), "--format", "webdataset")
    assert (found.status, found.err) == (0, "")


def test_exit_statuses(town: Site) -> None:
    told = process(town.settings, "run", "nonsense")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("skyscript: no job named 'nonsense'; the jobs are: ")
    told = process(town.settings, "describe", "0,0,1,1", "--gsd", "1")
    assert (told.status, told.out) == (1, "")
    told = process(town.settings, "status", SKYSCRIPT_DATABASE_URL="host=/nowhere")
    assert (told.status, told.out) == (1, "")
    assert "Traceback" not in told.err


def test_interrupt(database: Database, project: Project, tmp_path: Path) -> None:
    settings = project.on(database.info, tmp_path)
    # The command waits for a table that we hold.
    with database.conn.transaction():
        database.conn.execute("LOCK TABLE skyscript.tag")
        from tests.fix_project import environment

        running = subprocess.Popen(
            [sys.executable, "-m", "skyscript_db", "run", "collect_tags"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", **environment(settings)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        deadline = time.monotonic() + 60
        while database.conn.execute(waiting).fetchone() != (1,):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, "")
    assert err.strip() == (
        "skyscript: interrupted; what was done is kept, run the same again to go on"
    )
    ledger = "SELECT status FROM skyscript.job_run"
    assert database.conn.execute(ledger).fetchall() == [("interrupted",)]


def test_a_reader_that_leaves_early(town: Site) -> None:
    told = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m skyscript_db run -h | head -c 1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (told.stdout, told.stderr) == ("U", "")
