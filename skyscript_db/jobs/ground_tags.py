"""Judge which tags can be seen from above, and at which GSD.

In: ``tag``, ``tag_label``, ``tag_rule`` and, if one was trained, the default row of
``tag_classifier``. Out: ``tag_groundability``, a row for each source that speaks of the
tag: ``label`` for the very tag, ``rule`` for its form, ``wildcard`` for its whole key,
and ``classifier:ID``. Overrides are not touched; which source counts is decided by
``skyscript.tag_verdict``. A tag that no source speaks of is pending: it is taken as not
groundable until somebody decides. No model is needed: without one, labels and rules
decide what they can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db import queries
from skyscript_db.groundability.score import score

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "tags"
SQL = queries.beside(__file__)


def parameters(settings: Settings) -> Parameters:
    """Depend on no setting."""
    del settings
    return {}


def run(work: Work) -> None:
    """Write the verdicts; those that stay the same keep their date."""
    work.conn.execute(SQL.upsert_verdicts, {"limit": work.limit})
    score(work.conn, work.settings)
    work.conn.execute(SQL.analyze)
