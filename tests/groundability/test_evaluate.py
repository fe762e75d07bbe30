from __future__ import annotations

import numpy as np
import pytest

from skyscript_db.groundability import compare, curve, evaluate, labels, report, sources
from skyscript_db.groundability.metrics import Rates
from skyscript_db.groundability.train import train
from tests.groundability.conftest import add_tag

CLASSIFIER = "classifier, key value, value, by landmarks"


def example_labels(n: int, classes: list[int]) -> labels.Labels:
    tags = [(f"key{i % 6}", str(i)) for i in range(n)]
    some = np.ones(n, dtype=np.bool_)
    counts = np.ones(n, dtype=np.int64)
    return labels.Labels(tags, np.array(classes), counts, ~some, some, ["primary"] * n)


def test_evaluate_makes_a_page(taught, words, settings, run_job, tmp_path):
    conn = taught.conn
    add_tag(conn, "thing", "huge a", n_features=100)
    add_tag(conn, "entity", "huge x", n_features=2)
    train(conn, settings)
    run_job(conn, "ground_tags")
    found = evaluate.evaluate(conn, settings)
    for kind in (evaluate.PLAIN, evaluate.GROUPED):
        assert found.groundable[kind][CLASSIFIER].f1 == 1.0
        ordered = found.gsd[kind]["cumulative, key value, value, by landmarks"]
        assert ordered.within_one == 1.0
        assert set(found.groundable[kind]) >= {"key prior", "nearest label"}
        assert [(x.share, x.f1) for x in found.curves[kind]] == [(0.5, 1.0), (1.0, 1.0)]
    page = report.markdown(found)
    for line in (
        "120 labels of single tags, 60 of them groundable",
        "F1 1.000 plain (meets 0.90)",
        "its F1 is 1.000 plain (1.000 to 1.000) and 1.000 grouped by key",
        "| plain | 100% | 96 | 1.000 |  |",
        "| all | 120 | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 |",
        "| label | 1 | 100 | 98.039% | 100 |",
        "| classifier | 1 | 2 | 1.961% | 2 |",
        "0% of what it tells cannot be seen, 0% of what it refuses can",
        "Shares of the 100 labelled tags of loaded features",
    ):
        assert line in page
    report.write(page, tmp_path / "docs" / "page.md")
    assert (tmp_path / "docs" / "page.md").read_text() == page


def test_who_decides_where_nothing_is_judged_yet(taught):
    add_tag(taught.conn, "entity", "huge x", n_features=7)
    assert sources.read(taught.conn) == [sources.Decided("nothing", 1, 7, 0)]


def test_errors_are_expected_of_what_the_classifier_decides():
    decided = [
        sources.Decided("label", 5, 1000, 500),
        sources.Decided("classifier", 4, 30, 10),
    ]
    expected = sources.expected_errors(decided, Rates(0.4, 0.25))
    assert expected == pytest.approx(10 * 0.4 + 20 * 0.25)


def test_raters_who_say_the_same_and_what_captions_take_a_key_for(conn):
    examples = labels.read(conn)
    known = dict(zip(examples.tags, examples.is_agreed.tolist(), strict=True))
    assert known["building", "yes"]
    assert not known["landuse", "retail"]
    assert not known["landuse", "farmy"]
    roles = dict(zip(examples.tags, examples.roles, strict=True))
    assert roles["building", "yes"] == "primary"
    assert roles["surface", "asphalt"] == "attribute"


def test_a_rival_has_its_threshold_chosen_in_the_training_folds():
    examples = example_labels(120, [0 if i % 2 else -1 for i in range(120)])
    truth = examples.is_groundable

    def shy(labels, train, test):
        del labels, train
        return np.where(truth[test], 0.3, 0.1)

    where = np.arange(120) % 5
    assert compare._passes(shy, examples, where).tolist() == truth.tolist()


def test_the_curve_leaves_out_whole_keys_and_keeps_what_it_had():
    tags = [(f"key{i % 6}", str(i)) for i in range(60)]
    half = curve._draw(tags, 0.5, 0, by_key=True)
    more = curve._draw(tags, 0.75, 0, by_key=True)
    assert (len(half), len(more)) == (30, 50)
    assert len({tags[i][0] for i in half}) == 3
    assert set(half.tolist()) < set(more.tolist())
    single = curve._draw(tags, 0.5, 0, by_key=False)
    assert len(single) == 30
    assert len({tags[i][0] for i in single}) > 3
    assert curve._draw(tags, 0.5, 1, by_key=False).tolist() != single.tolist()
    assert len(curve._draw(tags, 1.0, 0, by_key=True)) == 60
