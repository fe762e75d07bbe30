"""Several extracts together, and one in the place of another."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from loaders import osm
from loaders.osm import extract as tables
from loaders.osm import imports
from skyscript_db.errors import JobBusy, LoaderError, UsageError
from tests.loaders.osm_files import write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fix_database import Database


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    return database.conn.execute(query.encode()).fetchall()


def load(database: Database, path: Path, **options: Any) -> osm.OsmLoad:
    return osm.load(database.conn, database.info, path, **options)


def tree(number: int, *, version: int | None = 1, when: str = "") -> str:
    history = f"v{version} " if version else ""
    return f"n{number} {history}{f't{when} ' if when else ''}Tnatural=tree x9 y47"


def current(database: Database) -> list[tuple[Any, ...]]:
    return rows(
        database, "SELECT osm_id, extract, version FROM osm.feature ORDER BY osm_id"
    )


def statuses(database: Database) -> list[tuple[Any, ...]]:
    return rows(
        database, "SELECT extract, status FROM skyscript.osm_import ORDER BY id"
    )


def test_same_file_twice_is_loaded_once(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "a.opl", tree(1), "n2 x9 y47")
    first = load(database, path)
    again = load(database, path)
    assert (first.status, again.status) == ("loaded", "unchanged")
    assert (first.replaced, again.replaced) == (None, None)
    assert (again.n_features, again.left_out) == (1, {"no tags": 1})
    assert statuses(database) == [("a", "loaded")]
    forced = load(database, path, force=True)
    assert (forced.status, forced.replaced) == ("loaded", "a.opl")
    assert statuses(database) == [("a", "replaced"), ("a", "loaded")]
    assert current(database) == [(1, "a", 1)]


def test_other_style_loads_again(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "a.opl", tree(1))
    load(database, path)
    database.conn.execute("UPDATE skyscript.osm_import SET style_sha256 = 'older'")
    assert load(database, path).status == "loaded"


def test_new_file_of_a_name_replaces_the_old(
    database: Database, tmp_path: Path
) -> None:
    load(database, write(tmp_path / "a.opl", tree(1), tree(2)), name="here")
    load(database, write(tmp_path / "b.opl", tree(2, version=2), tree(3)), name="here")
    assert current(database) == [(2, "here", 2), (3, "here", 1)]
    assert statuses(database) == [("here", "replaced"), ("here", "loaded")]
    (only,) = osm.extracts(database.conn)
    assert (only.extract, only.file_name, only.n_features) == ("here", "b.opl", 2)


def test_older_file_of_a_name_replaces_it_too(
    database: Database, tmp_path: Path
) -> None:
    load(database, write(tmp_path / "a.opl", tree(1, version=2)), name="here")
    load(database, write(tmp_path / "b.opl", tree(1, version=1)), name="here")
    assert current(database) == [(1, "here", 1)]


def test_newest_copy_of_an_object_is_current(
    database: Database, tmp_path: Path
) -> None:
    old = write(tmp_path / "old.opl", tree(1), tree(2), tree(3, version=7))
    new = write(tmp_path / "new.opl", tree(2, version=2), tree(3, version=6), tree(4))
    load(database, old)
    load(database, new)
    expected = [(1, "old", 1), (2, "new", 2), (3, "old", 7), (4, "new", 1)]
    assert current(database) == expected
    load(database, old, force=True)
    assert current(database) == expected
    assert rows(
        database,
        """SELECT extract, osm_id FROM osm.extract_feature WHERE NOT is_current
           ORDER BY extract""",
    ) == [("new", 3), ("old", 2)]


def test_three_copies_leave_one_current_whatever_comes_and_goes(
    database: Database, tmp_path: Path
) -> None:
    for version, name in ((2, "b"), (3, "c"), (1, "a")):
        load(database, write(tmp_path / f"{name}.opl", tree(1, version=version)))
    assert current(database) == [(1, "c", 3)]
    osm.remove(database.conn, "c")
    assert current(database) == [(1, "b", 2)]
    load(database, write(tmp_path / "b2.opl", tree(5)), name="b")
    assert current(database) == [(1, "a", 1), (5, "b", 1)]
    osm.remove(database.conn, "a")
    assert current(database) == [(5, "b", 1)]


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [
        # The time decides where versions are equal or absent.
        ("n1 v2 t2020-01-01T00:00:00Z", "n1 v2 t2021-01-01T00:00:00Z", "other"),
        ("n1 t2022-01-01T00:00:00Z", "n1 t2021-01-01T00:00:00Z", "one"),
        ("n1 v1", "n1", "one"),
        # Then the name that comes last, as of two dates.
        ("n1", "n1", "other"),
    ],
)
def test_ties_are_broken(
    database: Database, tmp_path: Path, one: str, other: str, winner: str
) -> None:
    shape = "Tnatural=tree x9 y47"
    load(database, write(tmp_path / "one.opl", f"{one} {shape}"))
    load(database, write(tmp_path / "other.opl", f"{other} {shape}"))
    assert [x[1] for x in current(database)] == [winner]
    load(database, tmp_path / "one.opl", force=True)
    assert [x[1] for x in current(database)] == [winner]


def test_file_with_the_newer_data_wins_a_tie(
    database: Database, tmp_path: Path
) -> None:
    newest = tree(9, when="2021-01-01T00:00:00Z")
    load(database, write(tmp_path / "a.opl", tree(1), newest))
    load(database, write(tmp_path / "b.opl", tree(1)))
    assert current(database)[0] == (1, "a", 1)


def test_extract_is_removed(database: Database, tmp_path: Path) -> None:
    load(database, write(tmp_path / "a.opl", tree(1)))
    osm.remove(database.conn, "a")
    assert current(database) == []
    assert statuses(database) == [("a", "removed")]
    assert rows(database, "SELECT FROM pg_tables WHERE schemaname = 'osm'") == [()]
    load(database, tmp_path / "a.opl")
    assert current(database) == [(1, "a", 1)]
    with pytest.raises(UsageError, match="no extract is named 'b'; loaded are: a"):
        osm.remove(database.conn, "b")


def test_any_name_will_do(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "a.opl", tree(1))
    names = ["100 % {x} %s", "A'b\"; DROP SCHEMA osm CASCADE; --", "Zürich", "x" * 200]
    for name in names:
        load(database, path, name=name)
    load(database, path, name=names[1], force=True)
    assert [x.extract for x in osm.extracts(database.conn)] == names
    for name in names[1:]:
        osm.remove(database.conn, name)
    assert current(database) == [(1, "100 % {x} %s", 1)]


def test_name_of_no_use_is_refused(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "a.opl", tree(1))
    for name in ("", "  ", "two\nlines", "nul\0", "x" * 201):
        with pytest.raises(UsageError, match="give it a name of one line"):
            load(database, path, name=name)


def test_table_is_attached_as_it_is(database: Database, tmp_path: Path) -> None:
    said: list[str] = []
    database.conn.add_notice_handler(lambda x: said.append(x.message_primary or ""))
    database.conn.execute("SET client_min_messages = debug1")
    load(database, write(tmp_path / "a.opl", tree(1)))
    assert any("is implied by existing constraints" in x for x in said)
    adopted = rows(
        database,
        """SELECT parent.relname, child.relname ~ '_(geom|key)$'
           FROM pg_inherits
           JOIN pg_class AS parent ON parent.oid = inhparent
           JOIN pg_class AS child ON child.oid = inhrelid
           WHERE child.relkind = 'i' ORDER BY 1""",
    )
    assert adopted == [
        ("ix_extract_feature_geom", True),
        ("pk_extract_feature", True),
    ]
    assert rows(
        database,
        "SELECT count(*) FROM pg_stats WHERE tablename ~ '^feature_a_'",
    ) == [(9,)]


def test_readers_see_old_or_new_and_never_a_mix(
    database: Database, tmp_path: Path
) -> None:
    few = write(tmp_path / "few.opl", *(tree(i) for i in range(1, 4)))
    many = write(tmp_path / "many.opl", *(tree(i, version=2) for i in range(1, 6)))
    load(database, few, name="a")
    seen, stop = set(), threading.Event()

    def watch() -> None:
        with psycopg.connect(database.info, autocommit=True) as conn:
            while not stop.is_set():
                seen.add(
                    conn.execute(
                        "SELECT count(*), min(version), max(version) FROM osm.feature"
                    ).fetchone()
                )

    reader = threading.Thread(target=watch)
    reader.start()
    try:
        for path in (many, few, many):
            load(database, path, name="a")
    finally:
        stop.set()
        reader.join()
    assert seen == {(3, 1, 1), (5, 2, 2)}


def test_swap_waits_for_a_reader(database: Database, tmp_path: Path) -> None:
    load(database, write(tmp_path / "a.opl", tree(1)), name="a")
    with psycopg.connect(database.info) as reader:
        reader.execute("SELECT FROM osm.feature")
        timer = threading.Timer(2.5, reader.rollback)
        timer.start()
        load(database, write(tmp_path / "b.opl", tree(2)), name="a")
        timer.join()
    assert current(database) == [(2, "a", 1)]


def test_swap_gives_up_on_a_reader_that_never_ends(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_PATIENCE_S", 0.0)
    load(database, write(tmp_path / "a.opl", tree(1)), name="a")
    with psycopg.connect(database.info) as reader:
        reader.execute("SELECT FROM osm.feature")
        with pytest.raises(LoaderError, match="others never stopped reading"):
            load(database, write(tmp_path / "b.opl", tree(2)), name="a")
    assert current(database) == [(1, "a", 1)]
    assert statuses(database) == [("a", "loaded"), ("a", "failed")]


def test_second_load_of_a_name_fails_at_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_LOCK_GRACE_S", 0.0)
    path = write(tmp_path / "a.opl", tree(1))
    with psycopg.connect(database.info) as other, imports.locked(other, "a"):
        pid = other.info.backend_pid
        began = time.monotonic()
        with pytest.raises(JobBusy, match=rf"'a' \(server process {pid}, since 20"):
            load(database, path)
        assert time.monotonic() - began < 2
        with pytest.raises(JobBusy):
            osm.remove(database.conn, "a")
        load(database, path, name="b")
    assert current(database) == [(1, "b", 1)]
    load(database, path)


@pytest.mark.real_data
def test_two_dates_of_one_country(database: Database, real_data: Path) -> None:
    for year in (2021, 2015):
        load(database, real_data / f"osm/monaco_{year}.osm.pbf")
    assert rows(
        database,
        """SELECT count(*), count(DISTINCT (osm_type, osm_id)),
               count(*) FILTER (WHERE extract = 'monaco_2021')
           FROM osm.feature""",
    ) == [(6966, 6966, 6460)]
    osm.remove(database.conn, "monaco_2021")
    assert rows(database, "SELECT count(*) FROM osm.feature") == [(3323,)]
