"""How far to trust the classifier: cross-validation, plain and grouped by key.

Grouped folds ask of keys that no label speaks of, so that ``building=a`` does not
vouch for ``building=b``. Strengths and thresholds are chosen inside the training
folds; what a fold tests was never seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from skyscript_db.groundability import encoders, folds, labels, metrics, rivals, stages
from skyscript_db.groundability.labels import CLASSES_M, NOT_GROUNDABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from numpy.typing import NDArray

    from skyscript_db.config import Settings
    from skyscript_db.groundability.labels import Labels, RuleCheck

    Indices = NDArray[np.intp]
    Vectors = NDArray[np.float32]
    Judge = Callable[[Labels, Indices, Indices], NDArray[Any]]

PLAIN, GROUPED = "plain", "grouped by key"
N_WORST = 25
# Rivals that compare vectors do so by themselves, and are given plain ones.
RIVALS_INPUTS = "key value, value, key"


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
    """

    encoder: str
    inputs: str
    labels: Labels
    rules: RuleCheck
    raters: float | None
    groundable: dict[str, dict[str, metrics.Binary]]
    gsd: dict[str, dict[str, metrics.Ordered]]
    verdicts: dict[str, Verdicts]

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

    def worst(self, which: str) -> list[tuple[str, str, str, float, int]]:
        """Return the wrong verdicts on whether a tag is seen, the dearest first."""
        told = self.verdicts[which]
        wrong = np.flatnonzero(told.is_told != self.labels.is_groundable)
        doubt = np.abs(told.probability - self.labels.is_groundable)
        order = sorted(
            wrong.tolist(), key=lambda i: (-self.labels.n_features[i], -doubt[i])
        )
        return [
            (
                "=".join(self.labels.tags[i]),
                _class_name(int(self.labels.classes[i])),
                _class_name(int(told.both[i])),
                float(told.probability[i]),
                int(self.labels.n_features[i]),
            )
            for i in order[:N_WORST]
        ]


def evaluate(
    conn: psycopg.Connection[Any],
    settings: Settings,
    *,
    encoder: str = encoders.SENTENCE,
    inputs: str = encoders.DEFAULT_INPUTS,
) -> Report:
    """Compare the classifier, told tags in every way, with its rivals.

    Raises:
        ModelUnavailable: The encoder cannot be had here.
        UsageError: There is no such encoder, no such inputs, or too few labels.
    """
    encoders.check_inputs(inputs)
    examples = labels.read(conn)
    loaded = encoders.load(encoder, settings)
    told = {
        name: encoders.encode_tags(loaded, examples.tags, name)
        for name in encoders.INPUTS
    }
    kinds = deal(examples)
    with stages.one_thread():
        verdicts = {
            (kind, name): predict(vectors, examples, where)
            for kind, where in kinds.items()
            for name, vectors in told.items()
        }
        return Report(
            encoder=loaded.name,
            inputs=inputs,
            labels=examples,
            rules=labels.check_rules(conn),
            raters=labels.agreement(conn),
            groundable={
                kind: {
                    **_told(verdicts, kind, examples),
                    **_groundable_rivals(told[RIVALS_INPUTS], examples, where),
                }
                for kind, where in kinds.items()
            },
            gsd={
                kind: {
                    **_classed(verdicts, kind, examples),
                    **_gsd_rivals(told[RIVALS_INPUTS], examples, where),
                }
                for kind, where in kinds.items()
            },
            verdicts={kind: verdicts[kind, inputs] for kind in kinds},
        )


def _told(
    verdicts: dict[tuple[str, str], Verdicts], of: str, examples: Labels
) -> dict[str, metrics.Binary]:
    return {
        f"classifier, {name}": metrics.binary(examples.is_groundable, found.is_told)
        for (kind, name), found in verdicts.items()
        if kind == of
    }


def _classed(
    verdicts: dict[tuple[str, str], Verdicts], of: str, examples: Labels
) -> dict[str, metrics.Ordered]:
    return {
        f"cumulative, {name}": _ordered(found, examples)
        for (kind, name), found in verdicts.items()
        if kind == of
    }


def measure(vectors: Vectors, examples: Labels) -> dict[str, float]:
    """Return what is kept of a classifier's quality, from both kinds of folds."""
    told: dict[str, float] = {}
    for kind, where in deal(examples).items():
        verdicts = predict(vectors, examples, where)
        first = metrics.binary(examples.is_groundable, verdicts.is_told)
        second = _ordered(verdicts, examples)
        told |= {
            f"F1, {kind}": round(first.f1, 4),
            f"within one class, {kind}": round(second.within_one, 4),
        }
    return told


def deal(examples: Labels) -> dict[str, Indices]:
    """Return the folds (n,) of either kind; classes are spread evenly."""
    classes = examples.classes.tolist()
    return {
        PLAIN: folds.plain(examples.tags, classes),
        GROUPED: folds.grouped(examples.tags, classes),
    }


def predict(vectors: Vectors, examples: Labels, where: Indices) -> Verdicts:
    """Judge each tag by a classifier that learned from the other folds."""
    n = len(examples)
    probability, is_told = np.zeros(n), np.zeros(n, dtype=np.bool_)
    classes = np.zeros(n, dtype=np.intp)
    for train, test in folds.splits(where):
        known = examples.where(train)
        first = stages.fit_groundable(vectors[train], known.is_groundable, known.tags)
        probability[test] = first.probability(vectors[test])
        is_told[test] = first.passes(vectors[test])
        seen = known.where(known.is_groundable)
        second = stages.fit_classes(
            vectors[train][known.is_groundable], seen.classes, seen.tags, len(CLASSES_M)
        )
        classes[test] = second.classes(vectors[test])
    return Verdicts(probability, is_told, classes)


def _groundable_rivals(
    vectors: Vectors, examples: Labels, where: Indices
) -> dict[str, metrics.Binary]:
    judges: dict[str, Judge] = {
        "key prior": rivals.key_prior,
        "nearest label": partial(rivals.nearest, vectors),
        "character n-grams": rivals.characters,
        "support vectors (RBF)": partial(rivals.support_vectors, vectors),
    }
    return {
        name: metrics.binary(
            examples.is_groundable, _cross(judge, examples, where) >= 0.5
        )
        for name, judge in judges.items()
    }


def _gsd_rivals(
    vectors: Vectors, examples: Labels, where: Indices
) -> dict[str, metrics.Ordered]:
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


def _cross(judge: Judge, examples: Labels, where: Indices) -> NDArray[Any]:
    parts = [
        (test, judge(examples, train, test)) for train, test in folds.splits(where)
    ]
    told = np.zeros(len(examples), dtype=parts[0][1].dtype)
    for test, part in parts:
        told[test] = part
    return told


def _ordered(verdicts: Verdicts, examples: Labels) -> metrics.Ordered:
    seen = examples.is_groundable
    return metrics.ordered(examples.classes[seen], verdicts.classes[seen])


def _class_name(of: int) -> str:
    return "none" if of == NOT_GROUNDABLE else f"{CLASSES_M[of]:g} m"
