"""OpenStreetMap: the extracts that were loaded and the features in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    PrimaryKeyConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from skyscript_db.models.base import (
    Base,
    geometry,
    identity,
    osm_id,
    osm_kind,
    osm_type,
)


class ExtractFeature(Base):
    """An object of one extract; osm.feature shows the newest version of each.

    One partition an extract, made by osm2pgsql and attached as a whole. Its table has
    these columns in another order, which PostgreSQL allows.
    """

    __tablename__ = "extract_feature"

    extract: Mapped[str] = mapped_column(
        comment="Name of the extract, the partition key."
    )
    osm_type: Mapped[str] = osm_type()
    osm_id: Mapped[int] = osm_id()
    kind: Mapped[str] = osm_kind()
    tags: Mapped[dict[str, Any]] = mapped_column(comment="All tags, verbatim.")
    geom: Mapped[Any] = geometry("GEOMETRY", "Point, line or area, as loaded.")
    version: Mapped[int | None] = mapped_column(
        comment="OSM's version of the object, where the file has it."
    )
    changed_at: Mapped[datetime | None] = mapped_column(
        comment="When that version was made, where the file has it."
    )
    is_current: Mapped[bool] = mapped_column(
        comment="False where another extract holds a newer version of the object."
    )

    __table_args__ = (
        # The number first: it is what features are looked up by.
        PrimaryKeyConstraint("osm_id", "osm_type", "extract"),
        CheckConstraint("osm_type IN ('N', 'W', 'R')", name="osm_type"),
        CheckConstraint("kind IN ('n', 'w', 'a')", name="kind"),
        Index(
            "ix_extract_feature_geom",
            "geom",
            postgresql_using="gist",
            postgresql_where=text("is_current"),
        ),
        {
            "schema": "osm",
            "postgresql_partition_by": "LIST (extract)",
            "comment": "OSM objects with geometry, by extract; query osm.feature.",
        },
    )


class OsmImport(Base):
    """One load of one OSM file, finished or not."""

    __tablename__ = "osm_import"

    id: Mapped[int] = identity()
    extract: Mapped[str] = mapped_column(comment="Name that the extract goes by.")
    file_name: Mapped[str] = mapped_column(comment="Name of the file, without folder.")
    file_sha256: Mapped[str] = mapped_column(comment="Hash of the file, in hex.")
    file_bytes: Mapped[int] = mapped_column(BigInteger, comment="Size of the file.")
    style_sha256: Mapped[str] = mapped_column(
        comment="Hash of the Lua style that chose the features, in hex."
    )
    osm2pgsql_version: Mapped[str] = mapped_column(comment="The program's version.")
    status: Mapped[str] = mapped_column(
        server_default="running", comment="running, loaded, replaced, removed, failed."
    )
    error: Mapped[str | None] = mapped_column(comment="Why it failed.")
    data_at: Mapped[datetime | None] = mapped_column(
        comment="Date of the data: the file's header, else its newest object."
    )
    n_nodes: Mapped[int | None] = mapped_column(BigInteger, comment="Nodes read.")
    n_ways: Mapped[int | None] = mapped_column(BigInteger, comment="Ways read.")
    n_relations: Mapped[int | None] = mapped_column(
        BigInteger, comment="Relations read."
    )
    n_features: Mapped[int | None] = mapped_column(
        BigInteger, comment="Features stored, of the objects read."
    )
    left_out: Mapped[dict[str, Any] | None] = mapped_column(
        comment="Objects read and not stored, counted by reason."
    )
    started_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="When the load began."
    )
    finished_at: Mapped[datetime | None] = mapped_column(comment="When it ended.")

    __table_args__ = (
        CheckConstraint(
            "status IN ('running', 'loaded', 'replaced', 'removed', 'failed')",
            name="status",
        ),
        # One live load an extract.
        Index(
            "uq_osm_import_extract_loaded",
            "extract",
            unique=True,
            postgresql_where=text("status = 'loaded'"),
        ),
        {"comment": "Loads of OSM files; at most one per extract is 'loaded'."},
    )
