from __future__ import annotations

import pytest

from skyscript_db.errors import UsageError
from skyscript_db.groundability import verdicts
from skyscript_db.groundability.train import train
from skyscript_db.groundability.verdicts import Verdict
from tests.groundability.conftest import add_label, add_tag


def test_all_sources_are_told_in_the_order_in_which_they_count(
    taught, words, settings, run_job
):
    conn = taught.conn
    add_label(conn, "thing", "*", None)
    add_tag(conn, "thing", "huge a", n_features=3)
    trained = train(conn, settings)
    run_job(conn, "ground_tags")
    tag = ("thing", "huge a")
    verdicts.override(conn, tag, max_gsd_m=0.6, reason="ours are smaller")
    found = verdicts.why(conn, tag)
    assert [x.source for x in found.verdicts] == [
        *("override", "label", "wildcard", f"classifier:{trained.id}")
    ]
    assert found.verdicts[0] == Verdict("override", 0.6, None, "ours are smaller")
    assert found.n_features == 3
    assert len(found.nearest) == 3
    assert "=huge" in found.nearest[0].tag
    assert verdicts.clear_override(conn, tag)
    assert not verdicts.clear_override(conn, tag)
    assert verdicts.why(conn, tag).verdicts[0].source == "label"


@pytest.mark.parametrize(
    ("tag", "gsd_m", "source", "telling"),
    [
        (
            "building=house",
            0.3,
            "label",
            'at 0.3 m a caption tells it: "building of house"',
        ),
        ("building=house", 5, "label", "at 5 m no caption tells it"),
        ("shop=greengrocer", 0.3, "wildcard", "at 0.3 m no caption tells it"),
        ("name=Town Hall", 0.3, "rule", "at 0.3 m no caption tells it"),
        (
            "roof:shape=gabled",
            0.1,
            "label",
            "at 0.1 m a caption tells it beside what the object is: "
            '"roof shape of gabled"',
        ),
    ],
)
def test_tags_that_nothing_carries_are_explained_too(conn, tag, gsd_m, source, telling):
    found = verdicts.why(conn, verdicts.parse_tag(tag), gsd_m=gsd_m)
    assert (found.n_features, found.verdicts[0].source) == (0, source)
    assert found.telling == telling


def test_a_value_that_cannot_be_seen_is_told_by_its_key(conn, run_job):
    add_tag(conn, "building", "yes")
    add_tag(conn, "building", "office")
    from skyscript_db.jobs import ground_tags

    conn.execute(ground_tags.SQL.upsert_verdicts, {"limit": None})
    found = verdicts.why(conn, ("building", "office"), gsd_m=0.5)
    assert found.telling == 'at 0.5 m a caption tells its key alone: "building"'


def test_a_tag_that_nobody_judged(conn):
    found = verdicts.why(conn, ("no_such_key", "x"), gsd_m=1)
    assert (found.verdicts, found.nearest) == ([], [])


@pytest.mark.parametrize("text", ["building", "=x", "building=", "="])
def test_what_is_no_tag(text):
    with pytest.raises(UsageError, match="write KEY=VALUE"):
        verdicts.parse_tag(text)


def test_values_may_hold_equal_signs():
    assert verdicts.parse_tag("note=a=b") == ("note", "a=b")


def test_overrides_need_a_collected_tag_and_a_gsd(conn):
    with pytest.raises(UsageError, match="no feature carries shop=bakery: load"):
        verdicts.override(conn, ("shop", "bakery"), max_gsd_m=1, reason="x")
    add_tag(conn, "shop", "bakery")
    with pytest.raises(UsageError, match="a positive number of metres, not -1"):
        verdicts.override(conn, ("shop", "bakery"), max_gsd_m=-1, reason="x")


def test_an_override_counts_at_once(conn):
    add_tag(conn, "shop", "bakery")
    verdicts.override(conn, ("shop", "bakery"), max_gsd_m=0.3, reason="painted roofs")
    row = conn.execute("SELECT skyscript.max_gsd_m('shop', 'bakery')").fetchone()
    assert row == (0.3,)
    verdicts.override(conn, ("shop", "bakery"), max_gsd_m=None, reason="repainted")
    row = conn.execute("SELECT skyscript.max_gsd_m('shop', 'bakery')").fetchone()
    assert row == (None,)
