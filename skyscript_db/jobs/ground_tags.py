"""Judge which tags can be seen from above, and at which GSD.

In: ``tag``, ``tag_label``. Out: ``tag_groundability`` rows of source ``label``. A label
for the very tag beats one for its key (value ``*``). Verdicts of other sources are not
touched; which one counts is decided by ``skyscript.tag_verdict``. A tag that no label
speaks of is pending: it is taken as not groundable until somebody decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db import queries

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
    """Write the labels' verdicts; those that stay the same keep their date."""
    with work.conn.transaction():
        work.conn.execute(SQL.delete_unlabelled)
        work.conn.execute(SQL.upsert_verdicts, {"limit": work.limit})
    work.conn.execute(SQL.analyze)
