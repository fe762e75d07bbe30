"""Learn a classifier from the labels, and keep it in the database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from skyscript_db import queries
from skyscript_db.groundability import encoders, labels, score, stages, store
from skyscript_db.groundability.evaluate import measure

if TYPE_CHECKING:
    import numpy as np
    import psycopg
    from numpy.typing import NDArray

    from skyscript_db.config import Settings
    from skyscript_db.groundability.encoders import Encoder
    from skyscript_db.groundability.labels import Labels

SQL = queries.beside(__file__)


@dataclass(frozen=True, slots=True)
class Trained:
    """A classifier that was just learned, or was there already.

    Attributes:
        id: Hash of what it was trained on.
        is_new: Whether it was not there before.
        n_labels: Labels of single tags that it learned from.
        metrics: How good it was on labels held out of its training.
    """

    id: str
    is_new: bool
    n_labels: int
    metrics: dict[str, float]


def train(
    conn: psycopg.Connection[Any],
    settings: Settings,
    *,
    encoder: str = encoders.SENTENCE,
    inputs: str = encoders.DEFAULT_INPUTS,
) -> Trained:
    """Learn a classifier and make it the one whose verdicts count.

    The same encoder, inputs and labels give the classifier that is there already; the
    verdicts of others stay, and no longer count.

    Raises:
        ModelUnavailable: The encoder cannot be had here.
        UsageError: There is no such encoder, no such inputs, or too few labels.
    """
    encoders.check_inputs(inputs)
    examples = labels.read(conn)
    loaded = encoders.load(encoder, settings)
    classifier_id = _identify(loaded, inputs, examples)
    row = conn.execute(SQL.select_classifier, {"id": classifier_id}).fetchone()
    if row is None:
        with conn.transaction():
            metrics = _learn(conn, classifier_id, loaded, (inputs, examples))
            score.make_default(conn, classifier_id)
        return Trained(classifier_id, True, len(examples), metrics)  # noqa: FBT003
    score.make_default(conn, classifier_id)
    return Trained(classifier_id, False, len(examples), row[0])  # noqa: FBT003


def _identify(encoder: Encoder, inputs: str, examples: Labels) -> str:
    told = f"{store.fingerprint(encoder, inputs)} {examples.sha256}"
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _learn(
    conn: psycopg.Connection[Any],
    classifier_id: str,
    encoder: Encoder,
    known: tuple[str, Labels],
) -> dict[str, float]:
    inputs, examples = known
    vectors = encoders.encode_tags(encoder, examples.tags, inputs)
    model_id = store.register(conn, encoder, inputs, vectors.shape[1])
    store.add(conn, model_id, examples.tags, vectors)
    with stages.one_thread():
        first, second = fit(vectors, examples)
        metrics = measure(vectors, examples)
    values = {
        "id": classifier_id,
        "model_id": model_id,
        "encoder": encoder.name,
        "inputs": inputs,
        "label_sha256": examples.sha256,
        "n_labels": len(examples),
        "metrics": Jsonb(metrics),
        **_parameters(first),
    }
    conn.execute(SQL.insert_classifier, values)
    for n, step in enumerate(second.steps):
        values = {
            "id": classifier_id,
            "max_gsd_m": labels.CLASSES_M[n + 1],
            "finer_gsd_m": labels.CLASSES_M[n],
            **_parameters(step),
        }
        conn.execute(SQL.insert_step, values)
    return metrics


def fit(
    vectors: NDArray[np.float32], examples: Labels
) -> tuple[stages.Linear, stages.Cumulative]:
    """Learn both stages from vectors (n, dimension) of labelled tags."""
    groundable = examples.where(examples.is_groundable)
    return (
        stages.fit_groundable(vectors, examples.is_groundable, examples.tags),
        stages.fit_classes(
            vectors[examples.is_groundable],
            groundable.classes,
            groundable.tags,
            len(labels.CLASSES_M),
        ),
    )


def _parameters(linear: stages.Linear) -> dict[str, Any]:
    return {
        "coefficients": str(linear.coefficients.tolist()),
        "intercept": linear.intercept,
        "threshold": linear.threshold,
    }
