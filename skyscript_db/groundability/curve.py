"""The learning curve: would more labels help?

Each tag is judged by classifiers that learned from a part of the other folds. Of plain
folds single labels are left out; of folds grouped by key, all labels of a key at once,
so that the curve says what labels of further keys would bring.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyscript_db.groundability import folds, metrics, stages

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyscript_db.groundability.encoders import Tag
    from skyscript_db.groundability.labels import Labels

    Indices = NDArray[np.intp]
    Vectors = NDArray[np.float32]

SHARES = (0.25, 0.5, 0.75, 1.0)
# Which labels are left out is chance, so that it is drawn more than once.
N_DRAWS = 3


@dataclass(frozen=True, slots=True)
class Point:
    """F1 of stage I, learned from a share of the training labels.

    Attributes:
        share: Of the labels of the training folds.
        n_labels: How many these were, on average.
        f1: The mean of all draws.
        lowest: Of the draws.
        highest: Of the draws.
    """

    share: float
    n_labels: int
    f1: float
    lowest: float
    highest: float


def judge(
    vectors: Vectors,
    examples: Labels,
    where: Indices,
    keep: Callable[[Indices], Indices] = lambda train: train,
) -> NDArray[np.bool_]:
    """Return whether (n,) each tag is told by stage I, learned from other folds.

    Args:
        vectors: Vectors (n, dimension) of the labelled tags.
        examples: The labels.
        where: The fold (n,) of each.
        keep: Which of the training labels to learn from.
    """
    is_told = np.zeros(len(examples), dtype=np.bool_)
    for train, test in folds.splits(where):
        some = keep(train)
        known = examples.where(some)
        fitted = stages.fit_groundable(vectors[some], known.is_groundable, known.tags)
        is_told[test] = fitted.passes(vectors[test])
    return is_told


def learn(
    vectors: Vectors, examples: Labels, where: Indices, *, by_key: bool
) -> list[Point]:
    """Return the curve, from few labels to all.

    Args:
        vectors: Vectors (n, dimension) of the labelled tags.
        examples: The labels.
        where: The fold (n,) of each.
        by_key: Whether whole keys are left out, not single labels.
    """
    return [_point(vectors, examples, where, (share, by_key)) for share in SHARES]


def _point(
    vectors: Vectors, examples: Labels, where: Indices, choice: tuple[float, bool]
) -> Point:
    share, by_key = choice
    sizes: list[int] = []
    scores: list[float] = []
    for draw in range(N_DRAWS if share < 1 else 1):

        def keep(train: Indices, draw: int = draw) -> Indices:
            tags = [examples.tags[i] for i in train]
            some = train[_draw(tags, share, draw, by_key=by_key)]
            sizes.append(len(some))
            return some

        is_told = judge(vectors, examples, where, keep)
        scores.append(metrics.binary(examples.is_groundable, is_told).f1)
    mean = float(np.mean(scores))
    return Point(share, round(np.mean(sizes)), mean, min(scores), max(scores))


def _draw(tags: list[Tag], share: float, draw: int, *, by_key: bool) -> Indices:
    """Return which tags (n,) are kept; a larger share holds the smaller ones."""

    def order(i: int) -> tuple[str, str]:
        key, value = tags[i]
        return _hash(draw, key if by_key else f"{key}={value}"), value

    found = sorted(range(len(tags)), key=order)
    n = max(round(share * len(tags)), 1)
    if by_key:
        last = tags[found[n - 1]][0]
        n += sum(tags[i][0] == last for i in found[n:])
    return np.array(sorted(found[:n]), dtype=np.intp)


def _hash(draw: int, text: str) -> str:
    return hashlib.sha256(f"{draw} {text}".encode()).hexdigest()
