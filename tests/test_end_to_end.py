"""From files to pairs, and the same pairs whatever the order of things."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests import fix_project
from tests.faults import state
from tests.faults.state import State
from tests.fix_database import Database
from tests.fix_project import EXTRACTS, SCENES, Project
from tests.fix_stages import Site


def build(database: Database, project: Project, home: Path, **order: Any) -> State:
    chosen = project.on(database.info, home)
    fix_project.load(database.conn, chosen, project, **order)
    fix_project.build(database.conn, chosen)
    return state.check_whole(database.conn, chosen)


def test_files_become_pairs(town: Site, peaceful: State) -> None:
    assert {name: len(rows) for name, rows in peaceful.exact.items()} == {
        "feature": 66,
        "import": 2,
        "scene": 4,
        "tag": 21,
        "verdict": 23,
        "chip": 46,
        "chip_feature": 123,
        "caption": 88,
        "caption_text": 27,
        "split": 39,
        "model": 1,
        "refused": 0,
    }
    pairs = town.conn.execute(
        "SELECT count(*), count(similarity), count(DISTINCT chip_id),"
        " count(DISTINCT caption_kind), count(split), bool_and(licence = 'CC0-1.0')"
        " FROM skyscript.pair"
    ).fetchone()
    assert pairs == (88, 88, 44, 2, 78, True)
    causes = "SELECT cause, count(*) FROM skyscript.chip WHERE state <> 'ok' GROUP BY 1"
    assert town.conn.execute(causes).fetchall() == [("constant image", 2)]


def test_order_of_loading_changes_nothing(
    database: Database, project: Project, peaceful: State, tmp_path: Path
) -> None:
    found = build(
        database,
        project,
        tmp_path / "home",
        extracts=list(reversed(EXTRACTS)),
        scenes=list(reversed(SCENES)),
    )
    state.check_same(found, peaceful)


def test_build_between_the_loads_changes_nothing(
    database: Database, project: Project, peaceful: State, tmp_path: Path
) -> None:
    for extract, scenes in EXTRACTS.items():
        found = build(
            database, project, tmp_path / "home", extracts=[extract], scenes=scenes
        )
    # But for the version of the tree that both extracts hold: a chip keeps what its
    # features were when it was linked.
    state.check_same(_without_versions(found), _without_versions(peaceful))
    versions = "SELECT DISTINCT version FROM skyscript.chip_feature WHERE osm_id = 1"
    assert database.conn.execute(versions).fetchall() == [(1,)]


def _without_versions(found: State) -> State:
    rows = [(*row[:6], *row[8:]) for row in found.exact["chip_feature"]]
    return replace(found, exact={**found.exact, "chip_feature": rows})
