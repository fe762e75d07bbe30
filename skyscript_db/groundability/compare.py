"""The rivals on the folds of the classifier, each with a threshold of its own.

A rival that tells a probability or a score has its threshold chosen as ours is: that
of the best F1 on folds inside the training folds.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from skyscript_db.groundability import folds, metrics, rivals, stages

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyscript_db.groundability.labels import Labels

    Indices = NDArray[np.intp]
    Vectors = NDArray[np.float32]
    Judge = Callable[[Labels, Indices, Indices], NDArray[Any]]

# Scores of rivals spread wider than our probabilities do.
THRESHOLDS = tuple(n / 100 for n in range(10, 91, 2))


def groundable(
    vectors: Vectors, examples: Labels, where: Indices
) -> dict[str, metrics.Binary]:
    """Return how well each rival tells what can be seen at all.

    Args:
        vectors: Vectors (n, dimension) of the labelled tags.
        examples: The labels.
        where: The fold (n,) of each.
    """
    judges: dict[str, Judge] = {
        "key prior": rivals.key_prior,
        "nearest label": partial(rivals.nearest, vectors),
        f"nearest {rivals.N_NEAREST} labels": partial(rivals.neighbours, vectors),
        "character n-grams": rivals.characters,
        "support vectors (RBF)": partial(rivals.support_vectors, vectors),
    }
    return {
        name: metrics.binary(examples.is_groundable, _passes(judge, examples, where))
        for name, judge in judges.items()
    }


def gsd(
    vectors: Vectors, examples: Labels, where: Indices
) -> dict[str, metrics.Ordered]:
    """Return how well each rival finds the class of what can be seen."""
    is_seen = examples.is_groundable
    seen = examples.where(is_seen)
    judges: dict[str, Judge] = {
        "multinomial": partial(rivals.multinomial_class, vectors[is_seen]),
        "ridge on the index": partial(rivals.ridge_class, vectors[is_seen]),
        "commonest class": rivals.commonest_class,
        "median of the key": rivals.key_class,
        "nearest label": partial(rivals.nearest_class, vectors[is_seen]),
    }
    return {
        name: metrics.ordered(seen.classes, _cross(judge, seen, where[is_seen]))
        for name, judge in judges.items()
    }


def _passes(judge: Judge, examples: Labels, where: Indices) -> NDArray[np.bool_]:
    is_told = np.zeros(len(examples), dtype=np.bool_)
    for train, test in folds.splits(where):
        threshold = _threshold(judge, examples, train)
        is_told[test] = judge(examples, train, test) >= threshold
    return is_told


def _threshold(judge: Judge, examples: Labels, train: Indices) -> float:
    known = examples.where(train)
    told = []
    for inner in stages.inner_folds(known.tags, known.is_groundable):
        held_out = np.zeros(len(train))
        for some, others in folds.splits(inner):
            held_out[others] = judge(examples, train[some], train[others])
        told.append(held_out)
    return stages.best_threshold(known.is_groundable, told, among=THRESHOLDS)


def _cross(judge: Judge, examples: Labels, where: Indices) -> NDArray[Any]:
    parts = [
        (test, judge(examples, train, test)) for train, test in folds.splits(where)
    ]
    told = np.zeros(len(examples), dtype=parts[0][1].dtype)
    for test, part in parts:
        told[test] = part
    return told
