"""Reads chips and features from PostgreSQL into Arrow tables."""

from __future__ import annotations

from typing import Any

import psycopg
import pyarrow as pa

FEATURES = (
    "SELECT osm_type::text, osm_id, kind::text, tags::text, version,"
    " extract(epoch FROM changed_at)::bigint, ST_AsBinary(geom) FROM osm.feature"
)
FEATURE = pa.schema(
    [
        ("osm_type", pa.string()),
        ("osm_id", pa.int64()),
        ("kind", pa.string()),
        ("tags", pa.string()),
        ("version", pa.int32()),
        ("changed_at", pa.int64()),
        ("geom", pa.binary()),
    ]
)
CHIPS = (
    "SELECT id, osm_type::text, osm_id, width_px::float8, height_px::float8,"
    " ST_AsBinary(footprint) FROM skyscript.chip ORDER BY cell, id"
)
CHIP = pa.schema(
    [
        ("id", pa.int64()),
        ("osm_type", pa.string()),
        ("osm_id", pa.int64()),
        ("width_px", pa.float64()),
        ("height_px", pa.float64()),
        ("footprint", pa.binary()),
    ]
)


def table(url: str, query: str, schema: Any) -> Any:
    """Return the rows of a query as a table of that schema."""
    batches = []
    with psycopg.connect(url) as conn, conn.cursor("peer", binary=True) as cursor:
        cursor.itersize = 100_000
        cursor.execute(query)
        while rows := cursor.fetchmany(100_000):
            columns = [
                pa.array(x, y.type)
                for x, y in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            batches.append(pa.record_batch(columns, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)
