"""The jobs, in the order of ``skyscript build``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from skyscript_db.jobs import (
    collect_tags,
    embed_captions,
    embed_chips,
    fetch_chips,
    ground_tags,
    link_features,
    plan_chips,
    rewrite_captions,
    score_pairs,
    split_pairs,
    write_captions,
)

if TYPE_CHECKING:
    from skyscript_db.jobs.runner import Job

JOBS: tuple[Job, ...] = cast(
    "tuple[Job, ...]",
    (
        collect_tags,
        ground_tags,
        plan_chips,
        fetch_chips,
        link_features,
        write_captions,
        rewrite_captions,
        embed_chips,
        embed_captions,
        score_pairs,
        split_pairs,
    ),
)
