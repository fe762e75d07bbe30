from __future__ import annotations

from loaders import regions
from skyscript_db import catalogue
from tests.fix_rows import add_feature

ENTRY = """
[[collection]]
name = "orthos"
provider = "earth-engine"
asset = "Test/orthos"
alias = "TO"
rgb = ["R", "G", "B"]
stretch = { method = "none" }
coverage = [[9, 47, 10, 48]]
gsd_m = 0.5
"""


def test_a_line_is_one_feature_however_many_points_it_has(database, run_job, settings):
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "collections.toml").write_text(ENTRY)
    line = ", ".join(f"{9.51 + n / 10000} 47.13" for n in range(40))
    add_feature(database.conn, "POINT(9.55 47.13)", osm_id=1, natural="tree")
    add_feature(database.conn, f"LINESTRING({line})", osm_id=2, natural="tree")
    run_job(database.conn, "collect_tags", "ground_tags")
    entry = catalogue.find(settings, "orthos")
    (found,) = regions.of_features(database.conn, settings, entry, None)
    assert found.n_features == 2


def test_features_elsewhere_or_in_cells_that_are_not_drawn_lack_nothing(
    database, run_job, settings
):
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "collections.toml").write_text(ENTRY)
    add_feature(database.conn, "POINT(9.55 47.13)", osm_id=1, natural="tree")
    add_feature(database.conn, "POINT(9.75 47.13)", osm_id=2, natural="tree")
    run_job(database.conn, "collect_tags", "ground_tags")
    entry = catalogue.find(settings, "orthos")
    every = regions.of_features(database.conn, settings, entry, None)
    assert [region.n_features for region in every] == [1, 1]
    (found,) = regions.of_features(database.conn, settings, entry, "9.5,47,9.6,47.2")
    assert found.n_features == 1
    few = settings.model_copy(update={"cell_fraction": 1e-9})
    assert regions.of_features(database.conn, few, entry, None) == []
    drawn = database.conn.execute(
        "SELECT osm_id, is_drawn FROM skyscript.place_chips("
        " 256, 100, 1000, 0.25, 0, within => skyscript.box(9.7, 47, 9.8, 48))"
    )
    assert drawn.fetchall() == [(2, True)]
