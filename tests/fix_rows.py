"""Factories of rows: plain defaults, inserted by SQL, ids returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]


def add_extract(conn: Connection, name: str = "test") -> None:
    """Make the partition of an extract; osm2pgsql makes it in real life."""
    conn.execute(
        psycopg.sql.SQL(
            "CREATE TABLE IF NOT EXISTS osm.{} PARTITION OF osm.extract_feature "
            "FOR VALUES IN ({})"
        ).format(psycopg.sql.Identifier(f"feature_{name}"), name)
    )


def add_feature(
    conn: Connection,
    wkt: str,
    *,
    osm_id: int,
    extract: str = "test",
    kind: str | None = None,
    version: int | None = 1,
    changed_at: str | None = "2020-01-01T00:00:00Z",
    **tags: str,
) -> None:
    """Insert a feature; its kind follows from the geometry. ``_`` in keys is ``:``."""
    kind = kind or {"P": "n", "L": "w"}.get(wkt[0], "a")
    if wkt.startswith("POLYGON"):
        kind = "a"
    add_extract(conn, extract)
    conn.execute(
        "INSERT INTO osm.extract_feature (extract, osm_type, osm_id, kind, tags, geom,"
        " version, changed_at, is_current) VALUES (%s, %s, %s, %s, %s,"
        " ST_GeomFromText(%s, 4326), %s, %s, true)",
        (
            extract,
            "N" if kind == "n" else "W",
            osm_id,
            kind,
            Jsonb({key.replace("__", ":"): value for key, value in tags.items()}),
            wkt,
            version,
            changed_at,
        ),
    )


def add_scene(
    conn: Connection,
    *,
    name: str = "scene",
    collection: str = "orthos",
    gsd_m: float = 0.5,
    lon: float = 10.0,
    lat: float = 0.0,
    side_px: int = 2000,
    deg_per_px: float = 0.00001,
    acquired_at: str | None = "2020-06-01T00:00:00Z",
    uri: str = "/nowhere.tif",
) -> int:
    """Insert a square scene in EPSG:4326, its upper left corner at lon, lat."""
    side = side_px * deg_per_px
    conn.execute(
        "INSERT INTO skyscript.collection (name, alias, provider, licence)"
        " VALUES (%s, upper(left(%s, 2)), 'raster', 'CC0-1.0') ON CONFLICT DO NOTHING",
        (collection, collection),
    )
    row = conn.execute(
        "INSERT INTO skyscript.scene (collection_id, name, uri, footprint,"
        " acquired_at, gsd_m, crs, srid, transform, width_px, height_px, bands,"
        " stretch) SELECT id, %s, %s,"
        " ST_Multi(ST_MakeEnvelope(%s, %s, %s, %s, 4326)), %s, %s, 'EPSG:4326', 4326,"
        ' %s, %s, %s, \'{"rgb": [1, 2, 3]}\', \'{"method": "none"}\''
        " FROM skyscript.collection WHERE name = %s RETURNING id",
        (
            name,
            uri,
            *(lon, lat - side, lon + side, lat),
            acquired_at,
            gsd_m,
            [deg_per_px, 0.0, float(lon), 0.0, -deg_per_px, float(lat)],
            side_px,
            side_px,
            collection,
        ),
    ).fetchone()
    assert row is not None
    return int(row[0])


def mark_fetched(conn: Connection) -> None:
    """Say of every planned chip that it is on disk."""
    conn.execute(
        "UPDATE skyscript.chip SET state = 'ok', sha256 = md5(id::text),"
        " image_path = id || '.jpg'"
    )


@pytest.fixture
def run_job(settings: Any) -> Callable[..., Any]:
    """Return a function that runs jobs by name and returns the last one's counts."""
    from skyscript_db import api
    from skyscript_db.jobs import runner

    def run(conn: Connection, *names: str, limit: int | None = None, **changes: Any):
        chosen = type(settings)(**{**settings.model_dump(), **changes})
        counts = None
        for name in names:
            work = runner.Work(conn, chosen, limit=limit)
            counts = runner.run(api.job_named(name), work)
        return counts

    return run
