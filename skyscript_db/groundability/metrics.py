"""Measures of the two stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_BINS = 10


@dataclass(frozen=True, slots=True)
class Binary:
    """How well groundable tags are told from the others."""

    precision: float
    recall: float
    f1: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of errors in what was told, and in what was refused."""

    told_unseen: float
    refused_seen: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Tags whose probability lies in one range: what was said, and what was so."""

    low: float
    high: float
    n: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Ordered:
    """How well the class of GSD is found; ``error`` is the mean distance in classes."""

    exact: float
    within_one: float
    error: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Shares of all tagged features whose tag is judged wrongly."""

    accepted: float
    refused: float
    too_coarse: float
    too_fine: float

    @property
    def total(self) -> float:
        """Share with any error."""
        return self.accepted + self.refused + self.too_coarse + self.too_fine


def binary(is_true: NDArray[np.bool_], is_told: NDArray[np.bool_]) -> Binary:
    """Compare what is so with what was said; nothing of nothing counts as 0."""
    hits = int((is_true & is_told).sum())
    precision = _share(hits, int(is_told.sum()))
    recall = _share(hits, int(is_true.sum()))
    return Binary(
        precision=precision,
        recall=recall,
        f1=_share(2 * hits, int(is_told.sum() + is_true.sum())),
        accuracy=float((is_true == is_told).mean()),
    )


def rates(is_true: NDArray[np.bool_], is_told: NDArray[np.bool_]) -> Rates:
    """Return how often what was told, and what was refused, is wrong."""
    return Rates(
        told_unseen=_share(int((is_told & ~is_true).sum()), int(is_told.sum())),
        refused_seen=_share(int((~is_told & is_true).sum()), int((~is_told).sum())),
    )


def calibration(
    is_true: NDArray[np.bool_], probability: NDArray[np.float64]
) -> list[Bin]:
    """Return the bins of probability that hold any tag."""
    which = np.minimum((probability * N_BINS).astype(int), N_BINS - 1)
    return [
        Bin(
            low=n / N_BINS,
            high=(n + 1) / N_BINS,
            n=int((which == n).sum()),
            predicted=float(probability[which == n].mean()),
            observed=float(is_true[which == n].mean()),
        )
        for n in np.unique(which).tolist()
    ]


def calibration_error(bins: list[Bin]) -> float:
    """Return the expected calibration error, the mean gap over all tags."""
    n = sum(each.n for each in bins)
    return sum(each.n * abs(each.predicted - each.observed) for each in bins) / n


def ordered(true: NDArray[np.intp], told: NDArray[np.intp]) -> Ordered:
    """Compare ordered classes, given as indices."""
    distance = np.abs(true - told)
    return Ordered(
        exact=float((distance == 0).mean()),
        within_one=float((distance <= 1).mean()),
        error=float(distance.mean()),
    )


def confusion(
    true: NDArray[np.intp], told: NDArray[np.intp], n_classes: int
) -> NDArray[np.intp]:
    """Return counts (n_classes, n_classes): rows are what is so, columns what was."""
    counts = np.zeros((n_classes, n_classes), dtype=np.intp)
    np.add.at(counts, (true, told), 1)
    return counts


def cost(
    true: NDArray[np.intp], told: NDArray[np.intp], n_features: NDArray[np.int64]
) -> Cost | None:
    """Weigh errors by how many features carry the tag; None where none carries any.

    Classes are indices of ever larger GSDs, with -1 for not groundable.
    """
    total = int(n_features.sum())
    if total == 0:
        return None

    def share(which: NDArray[np.bool_]) -> float:
        return float(n_features[which].sum() / total)

    both = (true >= 0) & (told >= 0)
    return Cost(
        accepted=share((true < 0) & (told >= 0)),
        refused=share((true >= 0) & (told < 0)),
        too_coarse=share(both & (told > true)),
        too_fine=share(both & (told < true)),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
