"""Plan the chips: which feature is cut from which scene, and where exactly.

In: ``osm.feature``, ``scene``, the verdicts on tags. Out: ``chip`` rows in state
``planned``. A focus feature has a primary tag that can be seen at the scene's GSD.
Around a point, or a vertex of a line, the chip is a square of ``chip_side_px``; around
an area it is its bounding box with a margin. It lies off-centre by chance, by a
quarter of its side at most, on the scene's own pixel grid.

Which features are a focus at all can be sampled in two stages, as in the paper: by
``cell_fraction``, all in so many of the cells of 0.01 degrees, and by ``rare_below``,
all with a tag that those cells hardly hold. ``tag_cap`` bounds the chips of one tag. A
sample takes chips of the full plan and no others, so one can be widened later.

The geometry is in ``skyscript.place_chips``, the choice of scene and the cap in
``skyscript.choose_chips``. Chips that are planned already stay: a
feature that has one is not planned again when a better scene is loaded later, unless
the policy is to take all scenes. Load all scenes first, and machines agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db import queries

if TYPE_CHECKING:
    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "features"
SQL = queries.beside(__file__)


def parameters(settings: Settings) -> Parameters:
    """Return what places a chip, and ``plan``, its name in the chip's identity."""
    window = {
        "side_px": settings.chip_side_px,
        "min_side_px": settings.chip_min_side_px,
        "max_side_px": settings.chip_max_side_px,
        "margin": settings.chip_margin,
        "seed": settings.seed,
    }
    policy = settings.scene_policy.value
    plan = " ".join(f"{name}={_short(value)}" for name, value in window.items())
    return {
        **window,
        "policy": policy,
        "plan": f"policy={policy} {plan}",
        "cell_fraction": settings.cell_fraction,
        "rare_below": settings.rare_below,
        "tag_cap": settings.tag_cap,
    }


def _short(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def run(work: Work) -> None:
    """Insert the chips that are not there yet, in one statement."""
    work.conn.execute(SQL.analyze_input)
    with work.conn.transaction():
        work.conn.execute(
            SQL.insert_chips, {**parameters(work.settings), "limit": work.limit}
        )
    work.conn.execute(SQL.analyze)
