"""Imagery: collections and their scenes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION
from sqlalchemy.orm import Mapped, mapped_column

from skyscript_db.models.base import Base, geometry, identity


class Collection(Base):
    """A collection of images that share provider, bands and licence."""

    __tablename__ = "collection"

    id: Mapped[int] = identity()
    name: Mapped[str] = mapped_column(unique=True, comment="Name that users say.")
    alias: Mapped[str] = mapped_column(
        comment="Short name in exported file names, such as CH or US."
    )
    provider: Mapped[str] = mapped_column(comment="raster, earth-engine or stac.")
    gsd_m: Mapped[float | None] = mapped_column(
        comment="Ground sample distance in metres, where one holds for all scenes."
    )
    bands: Mapped[dict[str, Any] | None] = mapped_column(
        comment="Bands that make red, green and blue."
    )
    stretch: Mapped[dict[str, Any] | None] = mapped_column(
        comment="How values become 8 bits: the method and its constants."
    )
    cloud_property: Mapped[str | None] = mapped_column(
        comment="Scene property that holds the cloud cover."
    )
    licence: Mapped[str | None] = mapped_column(comment="SPDX identifier or terms.")
    attribution: Mapped[str | None] = mapped_column(comment="Credit to be printed.")
    source: Mapped[dict[str, Any] | None] = mapped_column(
        comment="Where a service has it: the asset of Earth Engine, or the catalogue "
        "and collection of STAC."
    )
    max_cloud_fraction: Mapped[float | None] = mapped_column(
        comment="Cloudiest scenes that are loaded unless told otherwise."
    )

    __table_args__ = (
        CheckConstraint("gsd_m > 0", name="gsd_m"),
        CheckConstraint(
            "max_cloud_fraction BETWEEN 0 AND 1", name="max_cloud_fraction"
        ),
        CheckConstraint(
            "provider IN ('raster', 'earth-engine', 'stac')", name="provider"
        ),
        {"comment": "Image collections."},
    )


class Scene(Base):
    """One acquisition: a footprint and the pixel grid that chips are cut on."""

    __tablename__ = "scene"

    id: Mapped[int] = identity()
    collection_id: Mapped[int] = mapped_column(
        ForeignKey("skyscript.collection.id", ondelete="CASCADE"),
        comment="Its collection.",
    )
    name: Mapped[str] = mapped_column(
        comment="Name within the collection: file stem, asset id or item id."
    )
    uri: Mapped[str] = mapped_column(comment="Where the pixels are.")
    footprint: Mapped[Any] = geometry(
        "MULTIPOLYGON", "Ground that its valid pixels cover."
    )
    acquired_at: Mapped[datetime | None] = mapped_column(comment="When it was taken.")
    gsd_m: Mapped[float] = mapped_column(comment="Ground sample distance in metres.")
    cloud_fraction: Mapped[float | None] = mapped_column(comment="Share under cloud.")
    crs: Mapped[str] = mapped_column(comment="Reference system, EPSG code or WKT.")
    srid: Mapped[int] = mapped_column(comment="The same, as spatial_ref_sys has it.")
    transform: Mapped[list[float]] = mapped_column(
        ARRAY(DOUBLE_PRECISION),
        comment="Affine (a, b, c, d, e, f): x = a*col + b*row + c, y = d*col + e*row "
        "+ f, col and row counted from the upper left corner.",
    )
    width_px: Mapped[int] = mapped_column(comment="Columns.")
    height_px: Mapped[int] = mapped_column(comment="Rows.")
    bands: Mapped[dict[str, Any]] = mapped_column(
        comment="Numbers of the bands that make red, green and blue, and their names."
    )
    stretch: Mapped[dict[str, Any]] = mapped_column(
        comment="How values become 8 bits: the method and its constants."
    )
    is_synthetic: Mapped[bool] = mapped_column(
        server_default=text("false"), comment="Drawn, not photographed."
    )
    licence: Mapped[str | None] = mapped_column(
        comment="Licence of this scene, where it differs from the collection's."
    )
    attribution: Mapped[str | None] = mapped_column(
        comment="Credit for this scene, where it differs from the collection's."
    )
    file_sha256: Mapped[str | None] = mapped_column(comment="Hash of a local file.")
    file_bytes: Mapped[int | None] = mapped_column(
        BigInteger, comment="Size of a local file."
    )
    properties: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"), comment="The provider's own properties."
    )
    loaded_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="When it was registered."
    )
    version: Mapped[str | None] = mapped_column(
        comment="What its provider calls this state of its pixels, such as when it was "
        "updated."
    )

    __table_args__ = (
        CheckConstraint("gsd_m > 0", name="gsd_m"),
        CheckConstraint("cloud_fraction BETWEEN 0 AND 1", name="cloud_fraction"),
        CheckConstraint("width_px > 0 AND height_px > 0", name="size"),
        CheckConstraint("cardinality(transform) = 6", name="transform"),
        Index("uq_scene_collection_id_name", "collection_id", "name", unique=True),
        Index("ix_scene_footprint", "footprint", postgresql_using="gist"),
        {"comment": "Acquisitions and their footprints."},
    )
