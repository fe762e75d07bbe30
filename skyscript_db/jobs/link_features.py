"""Link each chip to the OSM features that lie in it.

In: ``chip`` rows in state ``ok``, ``osm.feature``. Out: ``chip_feature``, with tags and
version as seen now, the visible share, the size in pixels and whether the chip's edge
cuts the feature. A chip is linked once; its focus row says that it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db import queries
from skyscript_db.jobs.runner import batches

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "chips"
SQL = queries.beside(__file__)

# About 80 features a chip in a city: a batch is some 400 K rows, a few seconds.
BATCH = 5000


def parameters(settings: Settings) -> Parameters:
    """Depend on no setting."""
    del settings
    return {}


def run(work: Work) -> None:
    """Link the chips without a focus row, a batch of neighbours at a time."""
    for bounds in batches(work, SQL.list_pending, {}, size=BATCH, unit=UNIT):
        with work.conn.transaction():
            work.conn.execute(SQL.link, bounds)
    work.conn.execute(SQL.analyze)
