"""The labels that classifiers learn from, read from the database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyscript_db import queries
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    import psycopg
    from numpy.typing import NDArray

    from skyscript_db.groundability.encoders import Tag

SQL = queries.beside(__file__)

# The five classes of GSD, in metres, from the finest to the coarsest.
CLASSES_M = (0.1, 0.2, 0.6, 1.0, 10.0)
NOT_GROUNDABLE = -1
MIN_LABELS, MIN_KEYS = 40, 5


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of single tags, sorted by tag.

    Attributes:
        tags: Key and value of each.
        classes: Index (n,) into ``CLASSES_M``, or -1 for not groundable.
        n_features: Loaded features (n,) that carry the tag.
        in_wildcard: Whether (n,) the tag's whole key is labelled too.
        is_agreed: Whether (n,) two raters said the same of whether it can be seen.
        roles: What captions take the key for: primary, attribute, or empty.
    """

    tags: list[Tag]
    classes: NDArray[np.intp]
    n_features: NDArray[np.int64]
    in_wildcard: NDArray[np.bool_]
    is_agreed: NDArray[np.bool_]
    roles: list[str]

    def __len__(self) -> int:
        return len(self.tags)

    @property
    def is_groundable(self) -> NDArray[np.bool_]:
        """Whether (n,) each tag can be seen at all."""
        return np.asarray(self.classes != NOT_GROUNDABLE, dtype=np.bool_)

    @property
    def sha256(self) -> str:
        """Hash of tags and classes, in hex."""
        digest = hashlib.sha256()
        for (key, value), of in zip(self.tags, self.classes.tolist(), strict=True):
            digest.update(f"{key}\0{value}\0{of}\n".encode())
        return digest.hexdigest()

    def where(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Labels:
        """Return some of them."""
        indices = np.arange(len(self))[which]
        return Labels(
            [self.tags[i] for i in indices],
            self.classes[indices],
            self.n_features[indices],
            self.in_wildcard[indices],
            self.is_agreed[indices],
            [self.roles[i] for i in indices],
        )


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """How the rules fare on labelled tags, which they decide before any model.

    Attributes:
        n: Labelled tags that a rule decides.
        differing: Those on which rule and label differ; the label counts.
    """

    n: int
    differing: list[Tag]


def read(conn: psycopg.Connection[Any]) -> Labels:
    """Read the labels of single tags, without those that a rule decides anyway.

    Labels of whole keys are no examples: they stand for many values, seen by nobody.

    Raises:
        UsageError: There are too few to learn from, or a class beyond the five.
    """
    rows = conn.execute(SQL.select_labels).fetchall()
    n_keys = len({key for key, *_ in rows})
    if len(rows) < MIN_LABELS or n_keys < MIN_KEYS:
        raise UsageError(
            f"{len(rows)} labels of single tags, of {n_keys} keys, are too few to "
            f"learn from ({MIN_LABELS} of {MIN_KEYS} keys at least): "
            "`skyscript db upgrade` fills skyscript.tag_label with those that we ship"
        )
    return Labels(
        [(key, value) for key, value, *_ in rows],
        np.array([_class(row[0], row[1], row[2]) for row in rows], dtype=np.intp),
        np.array([row[3] for row in rows], dtype=np.int64),
        np.array([row[4] for row in rows], dtype=np.bool_),
        np.array([row[5] for row in rows], dtype=np.bool_),
        [row[6] for row in rows],
    )


def check_rules(conn: psycopg.Connection[Any]) -> RuleCheck:
    """Compare rules and labels where both decide."""
    rows = conn.execute(SQL.select_ruled_labels).fetchall()
    differing = [(key, value) for key, value, is_equal in rows if not is_equal]
    return RuleCheck(len(rows), differing)


def agreement(conn: psycopg.Connection[Any]) -> float | None:
    """Return the F1 of one rater's votes by the other's; None where there are none."""
    row = conn.execute(SQL.count_seen).fetchone()
    assert row is not None  # noqa: S101 - counts are always told
    one, other, both = row
    return 2 * both / (one + other) if one + other else None


def _class(key: str, value: str, max_gsd_m: float | None) -> int:
    if max_gsd_m is None:
        return NOT_GROUNDABLE
    if max_gsd_m not in CLASSES_M:
        raise UsageError(
            f"the label of {key}={value} says {max_gsd_m:g} m, which is none of the "
            f"classes {', '.join(f'{x:g}' for x in CLASSES_M)}"
        )
    return CLASSES_M.index(max_gsd_m)
