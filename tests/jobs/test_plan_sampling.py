"""The two stages of SkyScript's paper, and the cap on chips of one tag."""

from __future__ import annotations

import pytest

from tests.fix_rows import add_feature, add_scene
from tests.jobs.test_plan_chips import DEG, point

CHIPS = "SELECT id, osm_id FROM skyscript.chip ORDER BY id"
AREA = "skyscript.box(10.0, 0.17, 10.06, 0.2)"


@pytest.fixture
def trees(database, run_job):
    """40 trees in 40 cells, one of which bears a water_tower too."""
    add_scene(database.conn, lon=10, lat=0.2, side_px=20_000)
    for n in range(40):
        place = f"POINT({10.005 + n % 8 * 0.01} {0.195 - n // 8 * 0.01})"
        add_feature(database.conn, place, osm_id=n, natural="tree")
    add_feature(
        database.conn, "POINT(10.0061 0.1942)", osm_id=99, man_made="water_tower"
    )
    run_job(database.conn, "collect_tags", "ground_tags")
    return database.conn


def reasons(counts) -> dict[str, int]:
    return dict(counts.rejected)


def test_a_share_of_the_cells_is_drawn_whole(trees, run_job):
    counts = run_job(trees, "plan_chips", cell_fraction=0.5)
    n_drawn = counts.n_ok
    assert 10 < n_drawn < 31
    assert reasons(counts) == {"its cell was not drawn": 41 - n_drawn}


def test_a_tag_that_no_drawn_cell_holds_comes_from_all_cells(trees, run_job):
    counts = run_job(trees, "plan_chips", cell_fraction=0.000001, rare_below=1)
    assert (counts.n_ok, counts.n_rejected) == (41, 0)


def test_tags_that_are_common_in_the_drawn_cells_are_not_sought_elsewhere(
    trees, run_job
):
    # Whatever cells are drawn: trees are in them, the water_tower may be.
    counts = run_job(trees, "plan_chips", cell_fraction=0.5, rare_below=2)
    drawn = [osm_id for _, osm_id in trees.execute(CHIPS)]
    assert 99 in drawn
    assert counts.n_ok < 41


def test_a_sample_is_part_of_the_full_plan_and_can_be_widened(trees, run_job):
    run_job(trees, "plan_chips", cell_fraction=0.3)
    some = trees.execute(CHIPS).fetchall()
    run_job(trees, "plan_chips", cell_fraction=0.6)
    more = trees.execute(CHIPS).fetchall()
    run_job(trees, "plan_chips")
    every = trees.execute(CHIPS).fetchall()
    assert 0 < len(some) < len(more) < len(every) == 41
    assert set(some) < set(more) < set(every)


def test_the_cap_bounds_the_chips_of_a_tag_and_spares_rare_ones(trees, run_job):
    counts = run_job(trees, "plan_chips", tag_cap=5)
    drawn = [osm_id for _, osm_id in trees.execute(CHIPS)]
    assert len(drawn) == 6
    assert 99 in drawn
    assert reasons(counts) == {"over the cap of 5 chips a tag": 35}
    assert counts.n_in == 41


def test_a_chip_counts_towards_its_rarest_tag_alone(database, run_job):
    add_scene(database.conn)
    for n in range(4):
        add_feature(
            database.conn, point(500 + n, 500), osm_id=n, natural="tree", barrier="gate"
        )
    add_feature(database.conn, point(800, 800), osm_id=9, natural="tree")
    run_job(database.conn, "collect_tags", "ground_tags")
    database.conn.execute(
        "INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)"
        " SELECT id, 'override', 1, 'test' FROM skyscript.tag"
    )
    run_job(database.conn, "plan_chips", tag_cap=2)
    drawn = [osm_id for _, osm_id in database.conn.execute(CHIPS)]
    assert len(drawn) == 3
    assert 9 in drawn


def test_planned_chips_count_towards_the_cap_and_a_second_run_adds_none(trees, run_job):
    run_job(trees, "plan_chips", tag_cap=5)
    before = trees.execute(CHIPS).fetchall()
    for n in range(100, 120):
        add_feature(trees, f"POINT(10.05 {0.1 + n * DEG})", osm_id=n, natural="tree")
    run_job(trees, "plan_chips", tag_cap=5)
    assert trees.execute(CHIPS).fetchall() == before


def test_a_raised_cap_adds_chips(trees, run_job):
    run_job(trees, "plan_chips", tag_cap=5)
    counts = run_job(trees, "plan_chips", tag_cap=7)
    assert counts.n_ok == 8


def test_a_tag_too_fine_for_the_image_is_not_counted(database, run_job):
    add_scene(database.conn, gsd_m=1)
    for n in range(3):
        add_feature(
            database.conn,
            point(500 + n, 500),
            osm_id=n,
            man_made="pier",
            natural="tree",
        )
    run_job(database.conn, "collect_tags", "ground_tags")
    database.conn.execute(
        "INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)"
        " SELECT id, 'override', CASE key WHEN 'natural' THEN 0.5 ELSE 10 END, 'test'"
        " FROM skyscript.tag"
    )
    add_feature(database.conn, point(800, 800), osm_id=9, man_made="pier")
    counts = run_job(database.conn, "plan_chips", tag_cap=2)
    # All count as piers, though fewer of them have a tree.
    assert counts.n_ok == 2


@pytest.mark.parametrize(("cell_fraction", "rare_below"), [(1, 0), (0.5, 0), (0.5, 99)])
def test_within_an_area_the_same_are_drawn(trees, cell_fraction, rare_below):
    def drawn(within: str) -> set[int]:
        rows = trees.execute(
            f"SELECT osm_id FROM skyscript.sample_features(%s, %s, 7, {within})"
            " INNER JOIN osm.feature AS f USING (osm_type, osm_id)"
            f" WHERE is_drawn AND f.geom && {AREA}",
            (cell_fraction, rare_below),
        ).fetchall()
        return {osm_id for (osm_id,) in rows}

    assert drawn(AREA) == drawn("NULL") != set()
