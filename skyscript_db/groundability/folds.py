"""Folds of cross-validation: plain, and grouped by key.

Made from hashes of the tags, so that they are equal on every machine and for every
model that is compared on them.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyscript_db.groundability.encoders import Tag

N_FOLDS = 5


def plain(
    tags: Sequence[Tag],
    classes: Sequence[object],
    n_folds: int = N_FOLDS,
    *,
    deal: int = 0,
) -> NDArray[np.intp]:
    """Return the fold (n,) of each tag; every class is spread evenly over them.

    Another number as ``deal`` gives other folds.
    """
    folds = np.zeros(len(tags), dtype=np.intp)
    for group in _by_class(classes).values():
        for turn, i in enumerate(sorted(group, key=lambda i: _hash(tags[i], deal))):
            folds[i] = turn % n_folds
    return folds


def grouped(
    tags: Sequence[Tag],
    classes: Sequence[object],
    n_folds: int = N_FOLDS,
    *,
    deal: int = 0,
) -> NDArray[np.intp]:
    """Return the fold (n,) of each tag; all tags of a key are in one fold.

    Keys are dealt out from those with many tags to those with few, by chance among
    the about equal, each to the fold that its classes fill most evenly.
    """
    counts: dict[str, Counter[object]] = defaultdict(Counter)
    for (key, _), of in zip(tags, classes, strict=True):
        counts[key][of] += 1
    filled: list[Counter[object]] = [Counter() for _ in range(n_folds)]
    fold_of = {}

    def turn(key: str) -> tuple[int, str]:
        return -counts[key].total().bit_length(), _hash((key, ""), deal)

    order = sorted(counts, key=turn)
    for key in order:
        best = min(range(n_folds), key=lambda n: _load(filled[n], counts[key]))
        filled[best] += counts[key]
        fold_of[key] = best
    return np.array([fold_of[key] for key, _ in tags], dtype=np.intp)


def splits(
    folds: NDArray[np.intp],
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the indices to train on and those to test on, fold by fold."""
    for n in np.unique(folds):
        yield np.flatnonzero(folds != n), np.flatnonzero(folds == n)


def _load(filled: Counter[object], more: Counter[object]) -> int:
    return sum((filled[of] + n) ** 2 - filled[of] ** 2 for of, n in more.items())


def _by_class(classes: Sequence[object]) -> dict[object, list[int]]:
    groups: dict[object, list[int]] = defaultdict(list)
    for i, of in enumerate(classes):
        groups[of].append(i)
    return groups


def _hash(tag: Tag, deal: int) -> str:
    told = "\0".join(tag) if deal == 0 else "\0".join((*tag, str(deal)))
    return hashlib.sha256(told.encode()).hexdigest()
