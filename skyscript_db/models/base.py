"""What all models share: the metadata, the naming of constraints, short column helpers.

The models describe the tables for Alembic and for readers. Jobs speak SQL.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import CHAR, BigInteger, DateTime, Identity, Integer, MetaData, Text
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "skyscript"

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class Base(DeclarativeBase):
    """Parent of every model."""

    metadata = MetaData(schema=SCHEMA, naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own protocol
        str: Text,
        int: Integer,
        float: DOUBLE_PRECISION,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
    }


def identity() -> Mapped[int]:
    """Return a surrogate key that the server counts up."""
    return mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Surrogate key."
    )


def geometry(kind: str, comment: str, *, nullable: bool = False) -> Mapped[Any]:
    """Return a geometry column in WGS 84, without an index of its own."""
    return mapped_column(
        Geometry(kind, srid=4326, spatial_index=False),
        nullable=nullable,
        comment=comment,
    )


def osm_type(*, key: bool = False) -> Mapped[str]:
    """Return the column that tells nodes, ways and relations apart."""
    return mapped_column(
        CHAR(1), primary_key=key, nullable=False, comment="OSM's N, W or R."
    )


def osm_id(*, key: bool = False) -> Mapped[int]:
    """Return the column that holds OSM's number of the object."""
    return mapped_column(
        BigInteger,
        primary_key=key,
        autoincrement=False,
        nullable=False,
        comment="OSM's number of the object, unique within its osm_type.",
    )


def osm_kind() -> Mapped[str]:
    """Return the column that tells points, lines and areas apart."""
    return mapped_column(
        CHAR(1), nullable=False, comment="Shape: n a point, w a line, a an area."
    )
