"""What an evaluation found, and questions to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyscript_db.groundability import metrics
from skyscript_db.groundability.labels import CLASSES_M, NOT_GROUNDABLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyscript_db.groundability.curve import Point
    from skyscript_db.groundability.labels import Labels, RuleCheck
    from skyscript_db.groundability.sources import Decided

    Indices = NDArray[np.intp]

PLAIN, GROUPED = "plain", "grouped by key"
N_WORST, N_SUREST, N_KEYS = 25, 12, 10

# A tag judged wrongly: itself, label, verdict, probability, features that carry it.
Wrong = tuple[str, str, str, float, int]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the classifier says of labelled tags held out of its training.

    Attributes:
        probability: Of stage I (n,).
        is_told: Whether (n,) it reaches the threshold.
        classes: Class of stage II (n,), whatever stage I says.
    """

    probability: NDArray[np.float64]
    is_told: NDArray[np.bool_]
    classes: Indices

    @property
    def both(self) -> Indices:
        """Class (n,), or -1 where stage I refuses."""
        return np.where(self.is_told, self.classes, NOT_GROUNDABLE)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that an evaluation found.

    Attributes:
        encoder: Name of the text encoder.
        inputs: How it was told tags in what follows.
        labels: The labels.
        rules: How rules and labels agree.
        raters: F1 of one rater's votes by the other's, if there are votes.
        groundable: Stage I by folds and model.
        gsd: Stage II by folds and model.
        verdicts: The classifier's own, by folds.
        curves: F1 of stage I by folds, as it learns from more and more labels.
        deals: F1 of stage I by folds, on further deals of these.
        decided: Who decides the tags of loaded features.
    """

    encoder: str
    inputs: str
    labels: Labels
    rules: RuleCheck
    raters: float | None
    groundable: dict[str, dict[str, metrics.Binary]]
    gsd: dict[str, dict[str, metrics.Ordered]]
    verdicts: dict[str, Verdicts]
    curves: dict[str, list[Point]]
    deals: dict[str, list[float]]
    decided: list[Decided]

    def calibration(self, which: str) -> list[metrics.Bin]:
        """Return the bins of stage I."""
        told = self.verdicts[which].probability
        return metrics.calibration(self.labels.is_groundable, told)

    def confusion(self, which: str) -> Indices:
        """Return counts of (label, verdict), the last class being not groundable."""
        n = len(CLASSES_M)
        true, told = self.labels.classes, self.verdicts[which].both
        return metrics.confusion(true % (n + 1), told % (n + 1), n + 1)

    def cost(self, which: str) -> metrics.Cost | None:
        """Return the errors, weighted by how many features carry the tag."""
        told = self.verdicts[which].both
        return metrics.cost(self.labels.classes, told, self.labels.n_features)

    def in_wildcards(self, which: str) -> tuple[int, float, float]:
        """Return how many labelled tags are of a key that is labelled as a whole.

        And how often that label, and the classifier, are right about whether they
        can be seen.
        """
        some = self.labels.in_wildcard
        if not some.any():
            return 0, 0.0, 0.0
        is_true = self.labels.is_groundable[some]
        told = self.verdicts[which].is_told[some]
        return (
            int(some.sum()),
            float((~is_true).mean()),
            float((told == is_true).mean()),
        )

    def parts(self, which: str) -> list[tuple[str, int, metrics.Binary]]:
        """Return stage I on parts of the labels: name, how many, and how well."""
        is_true, told = self.labels.is_groundable, self.verdicts[which].is_told
        return [
            (name, int(part.sum()), metrics.binary(is_true[part], told[part]))
            for name, part in self._parts()
            if part.any()
        ]

    def _parts(self) -> list[tuple[str, NDArray[np.bool_]]]:
        keys = np.array([key for key, _ in self.labels.tags])
        roles, is_agreed = np.array(self.labels.roles), self.labels.is_agreed
        most = Counter(keys.tolist()).most_common(N_KEYS)
        return [
            ("all", np.ones(len(keys), dtype=np.bool_)),
            ("both raters say the same", is_agreed),
            ("the raters differ, or are not two", ~is_agreed),
            ("keys that say what an object is", roles == "primary"),
            ("keys that say how it is", roles == "attribute"),
            ("keys of which no value is seen", roles == ""),
            *((f"`{key}`", keys == key) for key, _ in most),
        ]

    def rates(self, which: str) -> metrics.Rates:
        """Return how often stage I is wrong, of what it tells and what it refuses."""
        told = self.verdicts[which].is_told
        return metrics.rates(self.labels.is_groundable, told)

    def worst(self, which: str) -> list[Wrong]:
        """Return the wrong verdicts on whether a tag is seen, the dearest first."""
        n_features, doubt = self.labels.n_features, self._doubt(which)
        wrong = np.flatnonzero(self._is_wrong(which)).tolist()
        order = sorted(wrong, key=lambda i: (-n_features[i], -doubt[i]))
        return [self._line(which, i) for i in order[:N_WORST]]

    def surest(self, which: str, *, is_told: bool) -> list[Wrong]:
        """Return the wrong verdicts, told or refused, that were said most surely."""
        doubt = self._doubt(which)
        some = self._is_wrong(which) & (self.verdicts[which].is_told == is_told)
        order = sorted(np.flatnonzero(some).tolist(), key=lambda i: -doubt[i])
        return [self._line(which, i) for i in order[:N_SUREST]]

    def _is_wrong(self, which: str) -> NDArray[np.bool_]:
        told = self.verdicts[which].is_told
        return np.asarray(told != self.labels.is_groundable, dtype=np.bool_)

    def _doubt(self, which: str) -> NDArray[np.float64]:
        return np.abs(self.verdicts[which].probability - self.labels.is_groundable)

    def _line(self, which: str, i: int) -> Wrong:
        told = self.verdicts[which]
        return (
            "=".join(self.labels.tags[i]),
            _class_name(int(self.labels.classes[i])),
            _class_name(int(told.both[i])),
            float(told.probability[i]),
            int(self.labels.n_features[i]),
        )


def _class_name(of: int) -> str:
    return "none" if of == NOT_GROUNDABLE else f"{CLASSES_M[of]:g} m"
