"""The chips in the temporary table ``pending``, as what fetching takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rasterio.windows import Window

from skyscript_db import queries
from skyscript_db.fetching import Chip
from skyscript_db.imagery import Grid
from skyscript_db.images import Encoding, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import psycopg

    from skyscript_db.config import Settings

SQL = queries.beside(__file__)

# Rows that are read in one statement.
PAGE = 2048


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene; ``loaded_at`` tells whether it is still the one that was read."""

    collection: str
    loaded_at: datetime
    grid: Grid


def planned_chips(
    conn: psycopg.Connection[Any], settings: Settings, provider: str
) -> Iterator[Chip]:
    """Yield the chips in ``pending`` that a provider has, in its order."""
    encoding = Encoding(settings.image_format, settings.jpeg_quality)
    values: dict[str, Any] = {"provider": provider, "after": 0, "size": PAGE}
    while rows := conn.execute(SQL.select_page, values).fetchall():
        scenes = _scenes(conn, sorted({row[2] for row in rows}))
        for _, chip_id, scene_id, *window in rows:
            scene = scenes[scene_id]
            path = path_of(chip_id, encoding.format)
            where = Window(*window)
            yield Chip(chip_id, scene_id, scene.grid, where, path, encoding, scene)
        values["after"] = rows[-1][0]


def _scenes(conn: psycopg.Connection[Any], ids: list[int]) -> dict[int, Scene]:
    rows = conn.execute(SQL.select_scenes, {"ids": ids}).fetchall()
    return {row[0]: _scene(*row[1:]) for row in rows}


def _scene(  # noqa: PLR0913, PLR0917 - the columns of select_scenes
    collection: str,
    loaded_at: datetime,
    provider: str,
    uri: str,
    crs: str,
    transform: list[float],
    width_px: int,
    height_px: int,
    bands: dict[str, Any],
    stretch: dict[str, Any],
    file_sha256: str | None,
) -> Scene:
    grid = Grid(
        provider=provider,
        uri=uri,
        crs=crs,
        transform=tuple(transform),
        width_px=width_px,
        height_px=height_px,
        bands=bands,
        stretch=stretch,
        file_sha256=file_sha256,
    )
    return Scene(collection, loaded_at, grid)
