"""Scenes that the emulator serves, registered without a listing."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg.types.json import Jsonb

from loaders.rasters import RasterOptions, load
from skyscript_db.config import Settings
from skyscript_db.remote import calls
from tests.fix_earth_engine import EarthEngine
from tests.jobs.fetch_helpers import Connection

NAMES = ("R", "G", "B")


def serve_scene(
    conn: Connection,
    earth_engine: EarthEngine,
    pixels: np.ndarray,
    name: str = "a",
    stretch: dict[str, Any] | None = None,
    **options: Any,
) -> None:
    """Have the emulator serve an image, and register it as a scene of its grid."""
    path = earth_engine.add("TEST/ORTHOS", name, pixels, names=NAMES, **options)
    values = stretch or {"method": "none"}
    text = "none" if stretch is None else f"{stretch['min'][0]},{stretch['max'][0]}"
    load(
        conn, [path], RasterOptions("ee", bands="R,G,B", stretch=text, alias="EE")
    ).check()
    conn.execute("UPDATE skyscript.collection SET provider = 'earth-engine'")
    conn.execute(
        "UPDATE skyscript.scene SET uri = %s, bands = %s, stretch = %s,"
        " file_sha256 = NULL WHERE name = %s",
        (
            f"TEST/ORTHOS/{name}",
            Jsonb({"rgb": list(NAMES)}),
            Jsonb(values),
            name,
        ),
    )
    # A second scene is loaded into what must be a collection of files for a moment.


def raster_again(conn: Connection) -> None:
    """Let the next scene be added."""
    conn.execute("UPDATE skyscript.collection SET provider = 'raster'")


def at(settings: Settings, earth_engine: EarthEngine, **changes: Any) -> Settings:
    """Return settings that mean the emulator."""
    told = {
        "earth_engine_url": earth_engine.url,
        "earth_engine_project": earth_engine.project,
        "image_format": "png",
    }
    return settings.model_copy(update=told | changes)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make back-offs short."""
    monkeypatch.setattr(calls, "BACK_OFF_S", 0.01)


def asked(earth_engine: EarthEngine, status: int = 200) -> list[tuple[int, ...]]:
    """Return the windows that were answered with a status."""
    return [
        (w.col_off, w.row_off, w.width, w.height)
        for w in earth_engine.counts.windows
        if w.status == status
    ]


def facts(conn: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """Return state, HTTP status and cause of each chip."""
    return conn.execute(
        "SELECT state, http_status, cause FROM skyscript.chip ORDER BY id"
    ).fetchall()
