"""Simple rivals of the classifier, to be compared on the same folds.

Each learns from the labels of the training folds alone, and judges the others.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from skyscript_db.groundability.encoders import readable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyscript_db.groundability.labels import Labels

    Indices = NDArray[np.intp]
    Told = NDArray[np.float64]

# Labels that the mean of all stands for, where a key has few of its own.
PRIOR_WEIGHT = 3
N_NEAREST = 10


def key_prior(labels: Labels, train: Indices, test: Indices) -> Told:
    """Return the share (n_test,) of groundable tags among those of the key."""
    is_true = labels.is_groundable
    of_key = _by_key(labels, train)
    mean = is_true[train].mean()
    told = []
    for i in test:
        known = of_key[labels.tags[i][0]]
        total = is_true[known].sum() + PRIOR_WEIGHT * mean
        told.append(total / (len(known) + PRIOR_WEIGHT))
    return np.array(told)


def nearest(
    vectors: NDArray[np.float32], labels: Labels, train: Indices, test: Indices
) -> Told:
    """Return 1 or 0 (n_test,), as the nearest labelled tag is groundable or not."""
    return labels.is_groundable[_nearest(vectors, train, test)].astype(np.float64)


def neighbours(
    vectors: NDArray[np.float32], labels: Labels, train: Indices, test: Indices
) -> Told:
    """Return the share (n_test,) of groundable tags among the nearest labelled."""
    order = np.argsort(-(vectors[test] @ vectors[train].T), axis=1, kind="stable")
    near = train[order[:, :N_NEAREST]]
    return np.asarray(labels.is_groundable[near].mean(axis=1), dtype=np.float64)


def characters(labels: Labels, train: Indices, test: Indices) -> Told:
    """Return probabilities (n_test,) of a regression on n-grams of characters."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - slow
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow

    texts = [f"{readable(key)} {readable(value)}" for key, value in labels.tags]
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    known = grams.fit_transform([texts[i] for i in train])
    model = LogisticRegression(C=10, max_iter=5000)
    model.fit(known, labels.is_groundable[train])
    told = model.predict_proba(grams.transform([texts[i] for i in test]))
    return np.asarray(told[:, 1], dtype=np.float64)


def support_vectors(
    vectors: NDArray[np.float32], labels: Labels, train: Indices, test: Indices
) -> Told:
    """Return the sides (n_test,) of an RBF kernel's border, as 0.5 + distance.

    It compares each tag with all support vectors, which one dot product cannot.
    """
    from sklearn.svm import SVC  # noqa: PLC0415 - slow to import

    model = SVC(C=3).fit(vectors[train], labels.is_groundable[train])
    told = np.clip(0.5 + model.decision_function(vectors[test]), 0, 1)
    return np.asarray(told, dtype=np.float64)


# --- stage II -----------------------------------------------------------------------


def commonest_class(labels: Labels, train: Indices, test: Indices) -> Indices:
    """Return the median class of all, for every tag."""
    median = int(np.median(labels.classes[train]))
    return np.full(len(test), median, dtype=np.intp)


def key_class(labels: Labels, train: Indices, test: Indices) -> Indices:
    """Return the median class of the key, or of all where the key is not known."""
    of_key = _by_key(labels, train)
    median = np.median(labels.classes[train])
    told = [
        np.median(labels.classes[known])
        if (known := of_key[labels.tags[i][0]])
        else median
        for i in test
    ]
    return np.array(told).astype(np.intp)


def nearest_class(
    vectors: NDArray[np.float32], labels: Labels, train: Indices, test: Indices
) -> Indices:
    """Return the class of the nearest labelled tag."""
    told = labels.classes[_nearest(vectors, train, test)]
    return np.asarray(told, dtype=np.intp)


def multinomial_class(
    vectors: NDArray[np.float32], labels: Labels, train: Indices, test: Indices
) -> Indices:
    """Return the likeliest class of a regression that knows of no order."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow

    model = LogisticRegression(C=3, max_iter=5000)
    model.fit(vectors[train], labels.classes[train])
    return np.asarray(model.predict(vectors[test]), dtype=np.intp)


def ridge_class(
    vectors: NDArray[np.float32], labels: Labels, train: Indices, test: Indices
) -> Indices:
    """Return the rounded index of a linear regression, as if steps were equal."""
    from sklearn.linear_model import Ridge  # noqa: PLC0415 - slow to import

    model = Ridge(alpha=1).fit(vectors[train], labels.classes[train])
    told = np.rint(model.predict(vectors[test]))
    return np.asarray(np.clip(told, 0, labels.classes.max()), dtype=np.intp)


def _nearest(vectors: NDArray[np.float32], train: Indices, test: Indices) -> Indices:
    found = train[np.argmax(vectors[test] @ vectors[train].T, axis=1)]
    return np.asarray(found, dtype=np.intp)


def _by_key(labels: Labels, train: Indices) -> dict[str, list[int]]:
    of_key: dict[str, list[int]] = defaultdict(list)
    for i in train.tolist():
        of_key[labels.tags[i][0]].append(i)
    return of_key
