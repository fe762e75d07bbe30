from __future__ import annotations

import numpy as np
import pytest

from skyscript_db.groundability import metrics


def test_binary():
    is_true = np.array([True, True, True, False, False])
    is_told = np.array([True, True, False, True, False])
    told = metrics.binary(is_true, is_told)
    assert told == metrics.Binary(precision=2 / 3, recall=2 / 3, f1=2 / 3, accuracy=0.6)


def test_binary_of_nothing_told():
    told = metrics.binary(np.array([True, False]), np.array([False, False]))
    assert told == metrics.Binary(precision=0, recall=0, f1=0, accuracy=0.5)


def test_rates():
    is_true = np.array([True, True, True, False, False])
    is_told = np.array([True, True, False, True, False])
    assert metrics.rates(is_true, is_told) == metrics.Rates(1 / 3, 0.5)


def test_calibration():
    is_true = np.array([True, False, True, True])
    bins = metrics.calibration(is_true, np.array([0.25, 0.25, 1.0, 0.9]))
    assert bins == [
        metrics.Bin(low=0.2, high=0.3, n=2, predicted=0.25, observed=0.5),
        metrics.Bin(low=0.9, high=1.0, n=2, predicted=0.95, observed=1.0),
    ]
    assert metrics.calibration_error(bins) == pytest.approx(0.15)


def test_ordered():
    true, told = np.array([0, 1, 2, 4]), np.array([0, 2, 4, 4])
    assert metrics.ordered(true, told) == metrics.Ordered(0.5, 0.75, 0.75)


def test_confusion():
    counts = metrics.confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    assert counts.tolist() == [[1, 0], [1, 1]]


def test_errors_cost_as_much_as_features_carry_the_tag():
    true, told = np.array([-1, 3, 3, 3, 2]), np.array([1, -1, 4, 2, 2])
    cost = metrics.cost(true, told, np.array([10, 20, 30, 40, 100]))
    assert cost == metrics.Cost(0.05, 0.1, 0.15, 0.2)
    assert cost.total == pytest.approx(0.5)
    assert metrics.cost(true, told, np.zeros(5, dtype=np.int64)) is None
