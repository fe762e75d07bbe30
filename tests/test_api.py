"""What notebooks and scripts call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skyscript_db import api, schema
from skyscript_db.errors import (
    ModelMismatch,
    ModelUnavailable,
    StorageError,
    UsageError,
)
from skyscript_db.jobs.runner import Work, run
from tests.fix_database import Database
from tests.fix_project import Project
from tests.fix_stages import Site
from tests.loaders.osm_files import write

ONE = "10.002,0.007,10.003,0.008"


def test_connect_makes_an_empty_database_ready(
    empty_database: str, project: Project, tmp_path: Path
) -> None:
    with api.connect(project.on(empty_database, tmp_path)) as conn:
        assert schema.current_revision(conn) == schema.head_revision()
        assert conn.autocommit


def test_a_load_can_be_described_at_once(
    database: Database, project: Project, tmp_path: Path
) -> None:
    chosen = project.on(database.info, tmp_path)
    path = write(tmp_path / "a.opl", "n1 v1 Tnatural=tree,name=x x1 y1")
    result = api.load_osm(database.conn, chosen, path)
    assert (result.status, result.n_features) == ("loaded", 1)
    assert api.describe(database.conn, "0,0,2,2", gsd_m=0.5) == "natural tree"
    assert api.describe(database.conn, "0,0,2,2", gsd_m=50) is None
    assert api.load_osm(database.conn, chosen, path).status == "unchanged"
    api.remove_osm(database.conn, chosen, "a")
    assert api.describe(database.conn, "0,0,2,2", gsd_m=0.5) is None


def test_search_returns_hits(town: Site) -> None:
    hits = api.search(town.conn, town.settings, "a tree", k=5, area=ONE)
    assert len(hits) == 5
    assert all(-1 <= hit.similarity <= 1 for hit in hits)
    assert {hit.collection for hit in hits} == {"orthos"}
    assert {hit.plan for hit in hits} == {"exact"}
    assert all((town.settings.chips / hit.image_path).is_file() for hit in hits)
    assert api.search(town.conn, town.settings, "a tree", k=5, area=ONE) == hits
    trees = api.search(town.conn, town.settings, "x", k=99, tags={"natural": "tree"})
    assert {hit.osm_type for hit in trees} == {"N"}
    nothing = api.search(town.conn, town.settings, "x", collections=["no such"])
    assert nothing == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k is 0: Ask for 1 to 10000 rows"),
        ({"k": 10**9}, "k is 1000000000: Ask for"),
        ({"split": "all"}, "no split all: Say train, val or test"),
        ({"area": "POINT(1 1)"}, "not a polygon"),
    ],
)
def test_search_refuses_with_the_remedy(
    town: Site, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        api.search(town.conn, town.settings, "a tree", **options)


def test_search_by_split_means_the_scheme_drawn_last(site: Callable[..., Site]) -> None:
    drawn = site(before="end")
    (before,) = schemes(drawn)
    again = drawn.settings.model_copy(update={"split_test_fraction": 0.6})
    run(api.job_named("split_pairs"), Work(drawn.conn, again))
    (after,) = schemes(drawn) - {before}
    n_train = {}
    for scheme in (before, after, None):
        options = {"k": 999, "split": "train", "split_scheme": scheme}
        n_train[scheme] = len(api.search(drawn.conn, again, "x", **options))
    assert n_train[before] == 21
    assert n_train[after] == n_train[None] != 21


def test_search_shows_the_captions_of_the_first_recipe(
    site: Callable[..., Site],
) -> None:
    told = site(before="end")
    options = {"k": 5, "tags": {"building": "yes"}}
    both = told.settings.model_copy(update={"caption_recipe": "plain-1,paper-1"})
    (hit, *_) = api.search(told.conn, both, "x", **options)
    assert hit.caption is None
    run(api.job_named("write_captions"), Work(told.conn, both))
    (hit, *_) = api.search(told.conn, both, "x", **options)
    assert hit.caption is not None
    assert hit.caption.startswith("A building")
    (hit, *_) = api.search(told.conn, told.settings, "x", **options)
    assert hit.caption is not None
    assert hit.caption.startswith("building")


def schemes(site: Site) -> set[str]:
    found = site.conn.execute("SELECT DISTINCT scheme FROM skyscript.chip_split")
    return {scheme for (scheme,) in found}


def test_describe_by_a_recipe_that_is_not_there(town: Site) -> None:
    with pytest.raises(UsageError, match="no caption recipe is named nope: See"):
        api.describe(town.conn, ONE, gsd_m=0.5, recipe="nope")


def test_a_job_is_found_by_its_name() -> None:
    assert api.job_named("plan_chips").UNIT == "features"
    with pytest.raises(
        UsageError, match="no job named 'x'; the jobs are: collect_tags"
    ):
        api.job_named("x")


def test_build_tells_what_each_job_did(
    site: Callable[..., Site], tmp_path: Path
) -> None:
    halfway = site(before="fetch_chips")
    (tmp_path / "file").write_text("in the way")
    broken = halfway.settings.model_copy(
        update={"home": tmp_path / "file", "clip_model": str(tmp_path)}
    )
    outcomes = {o.job: o for o in api.build(Work(halfway.conn, broken))}
    assert list(outcomes)[:2] == ["collect_tags", "ground_tags"]
    kinds = {job: type(o.error) for job, o in outcomes.items() if o.error}
    assert kinds == {
        "fetch_chips": StorageError,
        "embed_chips": ModelUnavailable,
        "embed_captions": ModelUnavailable,
        "score_pairs": ModelMismatch,
    }
    counts = outcomes["link_features"].counts
    assert counts is not None
    assert counts.n_in == 0
