"""Draw train, validation and test by place.

In: ``chip`` rows in state ``ok``. Out: ``chip_split``. A grid cell of 0.01 x 0.01
degrees is drawn as a whole, by a hash of the cell and the seed. A chip that reaches
into a cell of another split belongs to none, so that no pixel is in two splits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db import queries
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work

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
    with work.conn.transaction():
        work.conn.execute(
            SQL.insert_splits, {**parameters(work.settings), "limit": work.limit}
        )
    work.conn.execute(SQL.analyze)
