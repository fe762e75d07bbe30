"""Chips: the images cut for training, what is in them, and their splits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import REAL
from sqlalchemy.orm import Mapped, mapped_column

from skyscript_db.models.base import Base, geometry, osm_id, osm_kind, osm_type


class Chip(Base):
    """One image to cut, and then cut, around a focus feature."""

    __tablename__ = "chip"

    id: Mapped[int] = mapped_column(
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="Hash of scene, focus feature and plan: equal on every machine.",
    )
    scene_id: Mapped[int] = mapped_column(
        ForeignKey("skyscript.scene.id", ondelete="CASCADE"), comment="Cut from this."
    )
    osm_type: Mapped[str] = osm_type()
    osm_id: Mapped[int] = osm_id()
    kind: Mapped[str] = osm_kind()
    plan: Mapped[str] = mapped_column(
        comment="Parameters of plan_chips that placed the window."
    )
    footprint: Mapped[Any] = geometry("POLYGON", "Ground that the window covers.")
    lon: Mapped[float] = mapped_column(comment="Longitude of its centre, degrees.")
    lat: Mapped[float] = mapped_column(comment="Latitude of its centre, degrees.")
    cell: Mapped[int] = mapped_column(
        Computed(
            "floor((lat + 90) * 100)::integer * 36000"
            " + floor((lon + 180) * 100)::integer",
            persisted=True,
        ),
        comment="Grid cell of 0.01 x 0.01 degrees that holds the centre.",
    )
    gsd_m: Mapped[float] = mapped_column(comment="Ground sample distance in metres.")
    col_off_px: Mapped[int] = mapped_column(comment="First column in the scene.")
    row_off_px: Mapped[int] = mapped_column(comment="First row in the scene.")
    width_px: Mapped[int] = mapped_column(comment="Columns.")
    height_px: Mapped[int] = mapped_column(comment="Rows.")
    state: Mapped[str] = mapped_column(
        server_default="planned",
        comment="planned; ok: on disk; rejected: no use, for its cause; failed: may "
        "be tried again.",
    )
    n_attempts: Mapped[int] = mapped_column(
        server_default=text("0"), comment="Times that a fetch was tried."
    )
    cause: Mapped[str | None] = mapped_column(comment="Why it was rejected or failed.")
    http_status: Mapped[int | None] = mapped_column(comment="Of the last reply.")
    image_path: Mapped[str | None] = mapped_column(
        comment="Image file, relative to the folder of chips."
    )
    sha256: Mapped[str | None] = mapped_column(comment="Hash of the image file.")
    file_bytes: Mapped[int | None] = mapped_column(comment="Size of the image file.")
    nodata_fraction: Mapped[float | None] = mapped_column(
        REAL, comment="Share of its pixels that hold no data."
    )
    planned_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="When it was planned."
    )
    fetched_at: Mapped[datetime | None] = mapped_column(comment="When it was cut.")
    cloud_fraction: Mapped[float | None] = mapped_column(
        REAL, comment="Share of its pixels under cloud, where the collection tells."
    )
    encoding: Mapped[str | None] = mapped_column(
        comment="What wrote the file: format, quality, and versions of the encoder."
    )
    tried_at: Mapped[datetime | None] = mapped_column(
        comment="When a fetch was last tried."
    )

    __table_args__ = (
        CheckConstraint(
            "state IN ('planned', 'ok', 'rejected', 'failed')", name="state"
        ),
        CheckConstraint(
            "(state = 'ok') = (sha256 IS NOT NULL)"
            " AND (state = 'ok') = (image_path IS NOT NULL)",
            name="ok_has_file",
        ),
        CheckConstraint(
            "(state IN ('rejected', 'failed')) = (cause IS NOT NULL)", name="cause"
        ),
        CheckConstraint("width_px > 0 AND height_px > 0", name="size"),
        CheckConstraint("cloud_fraction BETWEEN 0 AND 1", name="cloud_fraction"),
        Index("uq_chip_image_path", "image_path", unique=True),
        Index("ix_chip_scene_id", "scene_id"),
        Index("ix_chip_osm_id", "osm_id"),
        Index("ix_chip_cell", "cell"),
        Index("ix_chip_footprint", "footprint", postgresql_using="gist"),
        Index("ix_chip_pending", "id", postgresql_where=text("state <> 'ok'")),
        {"comment": "Images to cut and cut, one a focus feature and scene."},
    )


class ChipFeature(Base):
    """An OSM feature in a chip, as it was when the two were linked.

    Without a foreign key: checking it takes longer than the spatial join itself, and
    link_features reads the chips that it writes for in the same statement.
    """

    __tablename__ = "chip_feature"

    chip_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="The chip."
    )
    osm_type: Mapped[str] = osm_type(key=True)
    osm_id: Mapped[int] = osm_id(key=True)
    kind: Mapped[str] = osm_kind()
    role: Mapped[str] = mapped_column(
        comment="focus: the chip was cut around it; surrounding: the others."
    )
    tags: Mapped[dict[str, Any]] = mapped_column(comment="All tags as seen then.")
    version: Mapped[int | None] = mapped_column(comment="Version as seen then.")
    changed_at: Mapped[datetime | None] = mapped_column(
        comment="When that version was made."
    )
    visible_fraction: Mapped[float] = mapped_column(
        REAL, comment="Share of its area or length that lies in the chip."
    )
    width_px: Mapped[float] = mapped_column(
        REAL, comment="Width of the visible part in pixels."
    )
    height_px: Mapped[float] = mapped_column(
        REAL, comment="Height of the visible part in pixels."
    )
    touches_edge: Mapped[bool] = mapped_column(
        comment="Whether the chip's edge cuts or touches it."
    )
    relation: Mapped[str | None] = mapped_column(
        comment="How it lies to the focus feature; NULL: is the focus, or was linked "
        "before this was known."
    )
    direction: Mapped[str | None] = mapped_column(
        comment="Where it lies from the focus feature, north being up in OSM; NULL: "
        "on no single side."
    )
    distance_px: Mapped[float | None] = mapped_column(
        REAL, comment="Least distance to the focus feature in pixels, within the chip."
    )

    __table_args__ = (
        CheckConstraint("role IN ('focus', 'surrounding')", name="role"),
        CheckConstraint("visible_fraction BETWEEN 0 AND 1", name="visible_fraction"),
        CheckConstraint(
            "relation IN ('around', 'inside', 'across', 'along', 'meeting', 'beside',"
            " 'near')",
            name="relation",
        ),
        CheckConstraint(
            "direction IN ('north', 'north-east', 'east', 'south-east', 'south',"
            " 'south-west', 'west', 'north-west')",
            name="direction",
        ),
        CheckConstraint("distance_px >= 0", name="distance_px"),
        Index(
            "uq_chip_feature_focus",
            "chip_id",
            unique=True,
            postgresql_where=text("role = 'focus'"),
        ),
        Index("ix_chip_feature_osm_id", "osm_id"),
        # For searches by tag; the tags of surrounding features are too many to index.
        Index(
            "ix_chip_feature_focus_tags",
            "tags",
            postgresql_using="gin",
            postgresql_where=text("role = 'focus'"),
        ),
        {"comment": "OSM features in chips."},
    )


class ChipSplit(Base):
    """The split of a chip under one scheme."""

    __tablename__ = "chip_split"

    scheme: Mapped[str] = mapped_column(
        primary_key=True, comment="How splits were drawn: the rule and its numbers."
    )
    chip_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("skyscript.chip.id", ondelete="CASCADE"),
        primary_key=True,
        comment="The chip.",
    )
    split: Mapped[str] = mapped_column(comment="train, val or test.")
    cell: Mapped[int] = mapped_column(comment="Grid cell that decided.")

    __table_args__ = (
        CheckConstraint("split IN ('train', 'val', 'test')", name="split"),
        Index("ix_chip_split_chip_id", "chip_id"),
        {"comment": "Train, validation and test, drawn by place."},
    )
