"""Programs that are missing, fail or are killed, and people who change their minds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from loaders import osm
from loaders.osm import imports, memory
from skyscript_db.errors import LoaderError, StorageError
from tests.loaders.osm_files import CORNERS, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fix_database import Database


def load(database: Database, path: Path, **options: Any) -> osm.OsmLoad:
    return osm.load(database.conn, database.info, path, **options)


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    return database.conn.execute(query.encode()).fetchall()


def trees(path: Path, *numbers: int) -> Path:
    return write(path, *(f"n{n} v1 Tnatural=tree x9 y47" for n in numbers))


@pytest.fixture
def wrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script in the place of osm2pgsql, which it calls ``real``."""
    real = shutil.which("osm2pgsql")
    folder = tmp_path / "bin"
    folder.mkdir()

    def put(script: str) -> None:
        path = folder / "osm2pgsql"
        path.write_text(
            f'#!/bin/sh\nreal={real}\ncase "$1" in --version) exec $real "$@";; esac\n'
            f"{script}\n",
            encoding="utf-8",
        )
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return put


def check_untouched(database: Database, error: str) -> None:
    """Check that tree 1 is live, that a load failed so, and that nothing is left."""
    assert rows(database, "SELECT osm_id FROM osm.feature") == [(1,)]
    assert rows(database, "SELECT FROM pg_namespace WHERE nspname ~ '^osm_load'") == []
    found = rows(
        database, "SELECT status, error FROM skyscript.osm_import ORDER BY id DESC"
    )
    assert found[0][0] == "failed"
    assert error in found[0][1]
    assert [x[0] for x in found].count("loaded") == 1


def everything(database: Database) -> list[tuple[Any, ...]]:
    return rows(
        database,
        """SELECT extract, osm_type, osm_id, kind, tags::text, ST_AsEWKT(geom), version,
               changed_at, is_current
           FROM osm.extract_feature ORDER BY extract, osm_type, osm_id""",
    )


def test_missing_program_is_named(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        LoaderError, match=r"osm2pgsql is not installed: run db/install"
    ):
        load(database, trees(tmp_path / "a.opl", 1))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            "osm2pgsql version 1.8.0",
            r"is version 1\.8\.0, and 1\.11 or later is needed",
        ),
        ("hello", "does not tell its version"),
    ],
)
def test_unfit_program_is_refused(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    message: str,
) -> None:
    program = tmp_path / "osm2pgsql"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(LoaderError, match=message):
        load(database, trees(tmp_path / "a.opl", 1))


def test_killed_program_is_told_from_a_failed_one(
    database: Database, tmp_path: Path, wrap: Callable[[str], None]
) -> None:
    load(database, trees(tmp_path / "a.opl", 1), name="a")
    # Killed when it has stored everything and is about to end.
    wrap('$real "$@" && kill -9 $$')
    newer = trees(tmp_path / "b.opl", 1, 2)
    with pytest.raises(
        LoaderError, match=r"SIGKILL.*memory: this file needs about 1\.0"
    ):
        load(database, newer, name="a")
    check_untouched(database, "SIGKILL")
    wrap('exec $real "$@"')
    load(database, newer, name="a")
    after_kill = everything(database)
    load(database, newer, name="a", force=True)
    assert everything(database) == after_kill
    assert len(after_kill) == 2


def test_program_killed_while_it_reads(
    database: Database, tmp_path: Path, wrap: Callable[[str], None]
) -> None:
    load(database, trees(tmp_path / "a.opl", 1), name="a")
    wrap('$real "$@" & sleep 0.05; kill -9 $!; wait $!')
    with pytest.raises(LoaderError, match="SIGKILL"):
        load(database, trees(tmp_path / "b.opl", 1, 2), name="a")
    check_untouched(database, "SIGKILL")


FAILURES = {
    "ERROR: could not extend file: No space left on device": (
        StorageError,
        "disk is full: make room",
    ),
    "ERROR: std::bad_alloc": (LoaderError, r"about 1\.0 GB are needed"),
    "ERROR: Connecting to database failed": (LoaderError, "see the server's log"),
    "ERROR: something new": (LoaderError, "something new"),
    "": (LoaderError, "it gave no reason"),
}


@pytest.mark.parametrize("said", FAILURES)
def test_failure_of_the_program_is_explained(
    database: Database, tmp_path: Path, wrap: Callable[[str], None], said: str
) -> None:
    load(database, trees(tmp_path / "a.opl", 1), name="a")
    wrap(f"echo '{said}' >&2; exit 1")
    kind, message = FAILURES[said]
    with pytest.raises(kind, match=message):
        load(database, trees(tmp_path / "b.opl", 2), name="a")
    check_untouched(database, said.removeprefix("ERROR: "))


def test_run_after_a_killed_one_ends_what_it_left(
    database: Database, tmp_path: Path
) -> None:
    path = trees(tmp_path / "a.opl", 1)
    load(database, path, name="b")
    staging = imports.staging_name("a")
    conn = database.conn
    conn.execute(
        """INSERT INTO skyscript.osm_import
               (extract, file_name, file_sha256, file_bytes, style_sha256,
                osm2pgsql_version)
           VALUES ('a', 'a.opl', '', 1, '', '')"""
    )
    table = sql.Identifier(staging, "feature")
    conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(staging)))
    conn.execute(sql.SQL("CREATE TABLE {} (id int)").format(table))
    # An osm2pgsql that outlived its parent is still writing.
    with psycopg.connect(database.info, application_name=staging) as orphan:
        orphan.execute(sql.SQL("INSERT INTO {} VALUES (1)").format(table))
        # Whichever extract is loaded next cleans up.
        load(database, path, name="b", force=True)
        with pytest.raises(psycopg.OperationalError):
            orphan.execute("SELECT 1")
    assert rows(
        database,
        "SELECT status, error FROM skyscript.osm_import WHERE extract = 'a'",
    ) == [("failed", "the process that loaded it ended before it did")]
    load(database, path, name="a")
    assert [x.extract for x in osm.extracts(conn)] == ["a", "b"]


SCRIPT = """
import signal
import sys
from pathlib import Path
from loaders import osm
from skyscript_db.database import connect

# A shell that starts us in the background lets us ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
with connect(sys.argv[1]) as conn:
    osm.load(conn, sys.argv[1], Path(sys.argv[2]), name="a")
"""


def _wait_for_pid(path: Path) -> int:
    deadline = time.monotonic() + 30
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(path.read_text())


@pytest.mark.parametrize("when", ["reading", "read"])
def test_run_after_kill_9_equals_an_undisturbed_one(
    database: Database, tmp_path: Path, wrap: Callable[[str], None], when: str
) -> None:
    path = trees(tmp_path / "a.opl", 1, 2)
    load(database, path, name="a")
    undisturbed = everything(database)
    load(database, trees(tmp_path / "b.opl", 1), name="a")
    reads = '$real "$@"; ' if when == "read" else ""
    wrap(f"{reads}echo $$ > {tmp_path}/pid; exec sleep 60")
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, database.info, path])
    pid = _wait_for_pid(tmp_path / "pid")
    process.kill()
    process.wait()
    os.kill(pid, signal.SIGKILL)
    assert rows(database, "SELECT osm_id FROM osm.feature") == [(1,)]
    wrap('exec $real "$@"')
    load(database, path, name="a")
    check = "SELECT status FROM skyscript.osm_import ORDER BY id"
    assert [x[0] for x in rows(database, check)] == [
        "replaced",
        "replaced",
        "failed",
        "loaded",
    ]
    assert everything(database) == undisturbed


def test_interrupt_ends_the_program_and_cleans_up(
    database: Database, tmp_path: Path, wrap: Callable[[str], None]
) -> None:
    load(database, trees(tmp_path / "a.opl", 1), name="a")
    wrap(f'$real "$@"; echo $$ > {tmp_path}/pid; exec sleep 60')
    path = trees(tmp_path / "b.opl", 2)
    command = [sys.executable, "-c", SCRIPT, database.info, path]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        pid = _wait_for_pid(tmp_path / "pid")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert said.endswith("KeyboardInterrupt\n")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    check_untouched(database, "KeyboardInterrupt")


class Stopper:
    """Ends a connection when the bar moves."""

    def __init__(self, database: Database, pid: int) -> None:
        self.database, self.pid = database, pid

    def start(self, total: int, unit: str) -> None:
        assert (total > 0, unit) == (True, "objects")

    def advance(self, n: int) -> None:
        assert n > 0
        self.database.conn.execute("SELECT pg_terminate_backend(%s)", [self.pid])


def test_server_that_stops_the_load_is_named(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(database, trees(tmp_path / "a.opl", 1), name="a")
    path = trees(tmp_path / "b.opl", 2)
    with psycopg.connect(database.info, autocommit=True) as conn:
        stopper = Stopper(database, conn.info.backend_pid)
        with pytest.raises(LoaderError, match="the server stopped the load"):
            osm.load(conn, database.info, path, name="a", progress=stopper)
    assert rows(database, "SELECT osm_id FROM osm.feature") == [(1,)]
    load(database, path, name="a")
    assert rows(database, "SELECT osm_id FROM osm.feature") == [(2,)]


def test_role_without_rights_is_told(database: Database, tmp_path: Path) -> None:
    conn = database.conn
    conn.execute("CREATE ROLE osm_reader")
    try:
        conn.execute("GRANT USAGE ON SCHEMA skyscript, osm TO osm_reader")
        conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA skyscript TO osm_reader")
        conn.execute("SET ROLE osm_reader")
        with pytest.raises(LoaderError, match="let an administrator make it the owner"):
            load(database, trees(tmp_path / "a.opl", 1))
    finally:
        conn.execute("RESET ROLE; DROP OWNED BY osm_reader; DROP ROLE osm_reader")


def test_view_on_the_table_of_an_extract_is_told(
    database: Database, tmp_path: Path
) -> None:
    load(database, trees(tmp_path / "a.opl", 1))
    names = "SELECT tablename FROM pg_tables WHERE tablename ~ '^feature_a_'"
    ((table,),) = rows(database, names)
    view = sql.SQL("CREATE VIEW mine AS SELECT osm_id FROM {}")
    database.conn.execute(view.format(sql.Identifier("osm", table)))
    with pytest.raises(LoaderError, match=r"view mine depends.*read osm\.feature"):
        load(database, trees(tmp_path / "b.opl", 2), name="a")
    check_untouched(database, "depend")


# The file of node locations is as long as the largest node id asks, so ids are small.
TOWN = (
    *CORNERS,
    "n5 v1 Tnatural=tree x9.05 y47.05",
    "w1 v1 Thighway=path Nn1,n2",
    "w2 v1 Thighway=path Nn1,n9,n2",
    "w3 v1 Nn1,n2,n3",
    "w4 v1 Nn3,n4,n1",
    "r1 v1 Ttype=multipolygon,landuse=forest Mw3@outer,w4@outer",
)


@pytest.mark.parametrize("flat_nodes_from", [0, 8 * 1024**3])
def test_little_memory_gives_the_same(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flat_nodes_from: int,
) -> None:
    path = write(tmp_path / "town.opl", *TOWN)
    in_memory = load(database, path)
    expected = everything(database)
    monkeypatch.setattr(memory, "free_memory", lambda: 1)
    monkeypatch.setattr(memory, "_FLAT_NODES_FROM_BYTES", flat_nodes_from)
    monkeypatch.setattr(memory, "_FLAT_NODES_BYTES", 0)
    on_disk = load(database, path, force=True)
    assert on_disk.left_out == in_memory.left_out
    assert on_disk.left_out == {"no tags": 6, "nodes missing from the file": 1}
    assert everything(database) == expected
