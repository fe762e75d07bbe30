"""Fills a database with a real extract, repeated, and chips around its features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.common import one, real_data
from loaders import osm
from skyscript_db import queries
from skyscript_db.jobs import collect_tags, ground_tags, runner

if TYPE_CHECKING:
    from benchmarks.common import Connection
    from skyscript_db.config import Settings

SQL = queries.beside(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What to make.

    Attributes:
        copies: How often the extract is repeated.
        share: Share of the features that get a chip.
        side_deg: Height of a chip in degrees; its width is half as much again.
        only_told: Chips only around features that a caption can tell.
    """

    copies: int
    share: float = 0.05
    side_deg: float = 0.0019
    only_told: bool = False


def build(conn: Connection, url: str, settings: Settings, world: World) -> None:
    """Load the extract, repeat it, and add the chips."""
    osm.load(conn, url, real_data() / "osm/liechtenstein_2022.osm.pbf")
    if world.copies > 1:
        conn.execute(SQL.create_partition)
        conn.execute(SQL.copy_features, {"copies": world.copies})
    conn.execute(SQL.analyze_features)
    for job in (collect_tags, ground_tags):
        runner.run(job, runner.Work(conn, settings))
    conn.execute(SQL.insert_collection)
    conn.execute(SQL.insert_scene)
    conn.execute(
        SQL.insert_chips,
        {
            "share": world.share,
            "side_deg": world.side_deg,
            "only_told": world.only_told,
        },
    )
    conn.execute(SQL.analyze_chips)
    n_features, n_chips = one(conn, SQL.count_world)
    print(
        f"{n_features:,} features (Liechtenstein x {world.copies}), {n_chips:,} chips"
    )
