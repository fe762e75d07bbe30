"""Collect the distinct tags of all loaded features.

In: ``osm.feature``. Out: ``tag``, with the text that CLIP reads and the number of
features. A tag that no feature carries any more stays, with a count of zero: verdicts
on it are kept. Tags are counted all at once, so a limit is not heeded.
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
    """Count the tags anew; rows whose count and text stay are not touched."""
    with work.conn.transaction():
        work.conn.execute(SQL.count_tags)
        work.conn.execute(SQL.update_tags)
        work.conn.execute(SQL.insert_tags)
        work.conn.execute(SQL.drop_counts)
    work.conn.execute(SQL.analyze)
