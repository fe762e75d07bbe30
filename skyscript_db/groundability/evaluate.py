"""How far to trust the classifier: cross-validation, plain and grouped by key.

Grouped folds ask of keys that no label speaks of, so that ``building=a`` does not
vouch for ``building=b``. Strengths and thresholds are chosen inside the training
folds; what a fold tests was never seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skyscript_db.groundability import (
    compare,
    curve,
    encoders,
    folds,
    labels,
    metrics,
    sources,
    stages,
)
from skyscript_db.groundability.findings import GROUPED, PLAIN, Report, Verdicts
from skyscript_db.groundability.labels import CLASSES_M

if TYPE_CHECKING:
    import psycopg
    from numpy.typing import NDArray

    from skyscript_db.config import Settings
    from skyscript_db.groundability.labels import Labels

    Indices = NDArray[np.intp]
    Vectors = NDArray[np.float32]

# Rivals that compare vectors do so by themselves, and are given plain ones.
RIVALS_INPUTS = "key value, value, key"
# Further deals of the folds, which say how much of a figure is chance.
N_DEALS = 3


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
    for_rivals = told[RIVALS_INPUTS]
    kinds = deal(examples)
    with stages.one_thread():
        verdicts = {
            kind: {
                name: predict(vectors, examples, where)
                for name, vectors in told.items()
            }
            for kind, where in kinds.items()
        }
        return Report(
            encoder=loaded.name,
            inputs=inputs,
            labels=examples,
            rules=labels.check_rules(conn),
            raters=labels.agreement(conn),
            groundable={
                kind: _told(verdicts[kind], examples)
                | compare.groundable(for_rivals, examples, where)
                for kind, where in kinds.items()
            },
            gsd={
                kind: _classed(verdicts[kind], examples)
                | compare.gsd(for_rivals, examples, where)
                for kind, where in kinds.items()
            },
            verdicts={kind: verdicts[kind][inputs] for kind in kinds},
            curves={
                kind: curve.learn(told[inputs], examples, where, by_key=kind == GROUPED)
                for kind, where in kinds.items()
            },
            deals=_deals(told[inputs], examples),
            decided=sources.read(conn),
        )


def _told(
    by_inputs: dict[str, Verdicts], examples: Labels
) -> dict[str, metrics.Binary]:
    return {
        f"classifier, {name}": metrics.binary(examples.is_groundable, found.is_told)
        for name, found in by_inputs.items()
    }


def _classed(
    by_inputs: dict[str, Verdicts], examples: Labels
) -> dict[str, metrics.Ordered]:
    return {
        f"cumulative, {name}": _ordered(found, examples)
        for name, found in by_inputs.items()
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


def deal(examples: Labels, number: int = 0) -> dict[str, Indices]:
    """Return the folds (n,) of either kind; classes are spread evenly."""
    classes = examples.classes.tolist()
    return {
        PLAIN: folds.plain(examples.tags, classes, deal=number),
        GROUPED: folds.grouped(examples.tags, classes, deal=number),
    }


def _deals(vectors: Vectors, examples: Labels) -> dict[str, list[float]]:
    """Return F1 of stage I by folds, for further deals of them."""
    scores: dict[str, list[float]] = {PLAIN: [], GROUPED: []}
    for number in range(1, N_DEALS + 1):
        for kind, where in deal(examples, number).items():
            is_told = curve.judge(vectors, examples, where)
            told = metrics.binary(examples.is_groundable, is_told)
            scores[kind].append(told.f1)
    return scores


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


def _ordered(verdicts: Verdicts, examples: Labels) -> metrics.Ordered:
    seen = examples.is_groundable
    return metrics.ordered(examples.classes[seen], verdicts.classes[seen])
