"""Who decides the tags of loaded features, and what the classifier's errors cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyscript_db import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from skyscript_db.groundability.metrics import Rates

SQL = queries.beside(__file__)
CLASSIFIER = "classifier"


@dataclass(frozen=True, slots=True)
class Decided:
    """The tags of loaded features that one source decides.

    Attributes:
        source: override, label, rule, wildcard, classifier or nothing.
        n_tags: Distinct tags.
        n_features: How often features carry them.
        n_told: How often so, of those that can be seen.
    """

    source: str
    n_tags: int
    n_features: int
    n_told: int


def read(conn: psycopg.Connection[Any]) -> list[Decided]:
    """Count them by source, as ``ground_tags`` left them, the busiest first."""
    return [Decided(*row) for row in conn.execute(SQL.count_sources)]


def expected_errors(decided: Sequence[Decided], rates: Rates) -> float:
    """Return how many tag occurrences the classifier likely judges wrongly.

    It is taken to be wrong on those that it decides as often as on labelled tags: of
    what it tells, and of what it refuses.
    """
    return sum(
        each.n_told * rates.told_unseen
        + (each.n_features - each.n_told) * rates.refused_seen
        for each in decided
        if each.source == CLASSIFIER
    )
