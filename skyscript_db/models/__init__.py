"""The tables, one module a subject. Importing this package registers them all."""

from skyscript_db.models import (
    caption,
    chip,
    classifier,
    embedding,
    fetching,
    imagery,
    ledger,
    osm,
    tag,
)
from skyscript_db.models.base import SCHEMA, Base

metadata = Base.metadata

__all__ = [
    "SCHEMA",
    "caption",
    "chip",
    "classifier",
    "embedding",
    "fetching",
    "imagery",
    "ledger",
    "metadata",
    "osm",
    "tag",
]
