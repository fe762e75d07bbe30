"""Draw train, validation and test by place.

In: ``chip`` rows in state ``ok``. Out: ``chip_split``. A grid cell of 0.01 x 0.01
degrees is drawn as a whole, by a hash of the cell and the seed. A chip that reaches
into a cell of another split belongs to none, so that no pixel is in two splits.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from skyscript_db import queries
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work

logger = logging.getLogger(__name__)

UNIT = "chips"
SQL = queries.beside(__file__)


def parameters(settings: Settings) -> Parameters:
    """Return the shares, the seed, and ``scheme``, the name of all three.

    Raises:
        UsageError: The shares leave nothing to train on.
    """
    val, test = settings.split_val_fraction, settings.split_test_fraction
    if val + test >= 1:
        raise UsageError(
            f"validation ({val}) and test ({test}) leave nothing to train on: lower "
            "SKYSCRIPT_SPLIT_VAL_FRACTION or SKYSCRIPT_SPLIT_TEST_FRACTION"
        )
    scheme = f"cell val={val:g} test={test:g} seed={settings.seed}"
    return {"val": val, "test": test, "seed": settings.seed, "scheme": scheme}


def run(work: Work) -> None:
    """Draw the split of each chip that has none under this scheme."""
    chosen = parameters(work.settings)
    with work.conn.transaction():
        work.conn.execute(SQL.insert_splits, {**chosen, "limit": work.limit})
    work.conn.execute(SQL.analyze)
    _warn_of_empty(work, chosen)


def _warn_of_empty(work: Work, chosen: Parameters) -> None:
    rows = work.conn.execute(SQL.select_splits, chosen).fetchall()
    drawn, n_cells = {split for split, _ in rows}, sum(n for _, n in rows)
    wanted = {"train"} | {name for name in ("val", "test") if chosen[name]}
    missing = [name for name in ("train", "val", "test") if name in wanted - drawn]
    if n_cells and missing and work.limit is None:
        logger.warning(
            "no chip is in %s: whole cells of 0.01 degrees are drawn, and "
            "there are %d; have more ground, another seed (SKYSCRIPT_SEED), or larger "
            "shares (SKYSCRIPT_SPLIT_VAL_FRACTION, SKYSCRIPT_SPLIT_TEST_FRACTION)",
            *(" or ".join(missing), n_cells),
        )
