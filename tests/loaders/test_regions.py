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
