"""The two stages, learned from vectors of labelled tags.

Stage I is a logistic regression. Stage II asks, for each class of GSD but the finest,
whether a tag is seen at that GSD: cumulative logistic regressions. A class is told
where it and all finer ones pass, so that one doubt makes the verdict finer, never
coarser. Both are dot products, which PostgreSQL computes.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from skyscript_db.groundability import folds, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyscript_db.groundability.encoders import Tag

    Vectors = NDArray[np.float32]
    Classes = NDArray[np.intp]

# Inverse strengths of the regularisation to choose from.
STRENGTHS = (1.0, 3.0, 10.0, 30.0)
# Thresholds of stage I to choose from.
THRESHOLDS = tuple(n / 100 for n in range(30, 61, 2))
N_INNER_FOLDS = 3


@dataclass(frozen=True, slots=True)
class Linear:
    """A logistic regression: coefficients (dimension,) and an intercept."""

    coefficients: NDArray[np.float64]
    intercept: float
    threshold: float = 0.5

    def probability(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return the probabilities (n,) of vectors (n, dimension)."""
        logits = vectors @ self.coefficients + self.intercept
        return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float64)

    def passes(self, vectors: Vectors) -> NDArray[np.bool_]:
        """Return which (n,) reach the threshold."""
        return self.probability(vectors) >= self.threshold


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Stage II: a regression for each class but the finest, from fine to coarse."""

    steps: tuple[Linear, ...]

    def classes(self, vectors: Vectors) -> Classes:
        """Return the indices (n,) of the classes."""
        passes = np.stack([step.passes(vectors) for step in self.steps])
        return np.asarray(np.cumprod(passes, axis=0).sum(axis=0), dtype=np.intp)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread: matrices are small, and threads would wait mostly."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - with scikit-learn

    with threadpool_limits(1):
        yield


# --- stage I ------------------------------------------------------------------------


def fit_groundable(
    vectors: Vectors, is_groundable: NDArray[np.bool_], tags: Sequence[Tag]
) -> Linear:
    """Learn stage I; strength and threshold are chosen on inner folds of both kinds.

    The strength is that of the least log loss. The threshold is that of the best F1,
    meant over tags of known keys and of unknown ones; of equals, the nearest to a half.

    Args:
        vectors: Vectors (n, dimension).
        is_groundable: What is so (n,).
        tags: The tags, whose keys make the inner folds.
    """
    inner = inner_folds(tags, is_groundable)
    told = {
        strength: [_held_out(vectors, is_groundable, x, strength) for x in inner]
        for strength in STRENGTHS
    }
    best = min(told, key=lambda x: sum(_log_loss(is_groundable, p) for p in told[x]))
    fitted = fit_logistic(vectors, is_groundable, best)
    return replace(fitted, threshold=best_threshold(is_groundable, told[best]))


def inner_folds(tags: Sequence[Tag], is_groundable: NDArray[np.bool_]) -> list[Classes]:
    """Return the folds (n,) inside training folds: plain ones, and grouped by key."""
    kinds = (folds.plain, folds.grouped)
    return [deal(tags, is_groundable.tolist(), N_INNER_FOLDS) for deal in kinds]


def fit_logistic(
    vectors: Vectors, is_true: NDArray[np.bool_], strength: float
) -> Linear:
    """Learn a logistic regression; of labels that are all equal, a constant."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow

    if is_true.all() or not is_true.any():
        n = len(is_true)
        odds = (int(is_true.sum()) + 0.5) / (n - int(is_true.sum()) + 0.5)
        return Linear(np.zeros(vectors.shape[1]), float(np.log(odds)))
    model = LogisticRegression(C=strength, max_iter=5000).fit(vectors, is_true)
    return Linear(model.coef_[0].astype(np.float64), float(model.intercept_[0]))


def _held_out(
    vectors: Vectors, is_true: NDArray[np.bool_], inner: Classes, strength: float
) -> NDArray[np.float64]:
    told = np.zeros(len(is_true))
    for train, test in folds.splits(inner):
        fitted = fit_logistic(vectors[train], is_true[train], strength)
        told[test] = fitted.probability(vectors[test])
    return told


def best_threshold(
    is_true: NDArray[np.bool_],
    told: Sequence[NDArray[np.float64]],
    *,
    among: Sequence[float] = THRESHOLDS,
) -> float:
    """Return the threshold of the best F1, meant over what was told of held out tags.

    Args:
        is_true: What is so (n,).
        told: Probabilities (n,), once for each kind of folds.
        among: Thresholds to choose from; of equals, the nearest to a half.
    """

    def quality(threshold: float) -> tuple[float, float]:
        f1 = sum(metrics.binary(is_true, p >= threshold).f1 for p in told)
        return f1, -abs(threshold - 0.5)

    return max(among, key=quality)


def _log_loss(is_true: NDArray[np.bool_], told: NDArray[np.float64]) -> float:
    likely = np.where(is_true, told, 1 - told)
    return float(-np.log(np.maximum(likely, 1e-12)).mean())


# --- stage II -----------------------------------------------------------------------


def fit_classes(
    vectors: Vectors, classes: Classes, tags: Sequence[Tag], n_classes: int
) -> Cumulative:
    """Learn stage II from groundable tags; strength by the mean distance in classes.

    Args:
        vectors: Unit vectors (n, dimension).
        classes: Indices (n,) of ordered classes.
        tags: The tags, whose keys make the inner folds.
        n_classes: How many classes there are.
    """
    inner = folds.grouped(tags, classes.tolist(), N_INNER_FOLDS)
    best = min(
        STRENGTHS,
        key=lambda x: _distance(vectors, classes, inner, (x, n_classes)),
    )
    return fit_cumulative(vectors, classes, best, n_classes)


def fit_cumulative(
    vectors: Vectors, classes: Classes, strength: float, n_classes: int
) -> Cumulative:
    """Learn one regression for each class but the finest."""
    return Cumulative(
        tuple(
            fit_logistic(vectors, classes >= n, strength) for n in range(1, n_classes)
        )
    )


def _distance(
    vectors: Vectors, classes: Classes, inner: Classes, choice: tuple[float, int]
) -> float:
    told = np.zeros_like(classes)
    for train, test in folds.splits(inner):
        fitted = fit_cumulative(vectors[train], classes[train], *choice)
        told[test] = fitted.classes(vectors[test])
    return float(np.abs(told - classes).mean())
