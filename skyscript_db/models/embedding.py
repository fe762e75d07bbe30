"""CLIP models, the embeddings they made and the similarities of pairs.

Embedding tables have one partition a model, made when the model is registered: it
holds vectors of one dimension, enforced by a CHECK, and its own HNSW index. They have
no foreign keys, since checking them would halve the speed of COPY: partitions exist
for registered models alone, and a job embeds only rows that it has just read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    text,
)
from sqlalchemy.dialects.postgresql import REAL
from sqlalchemy.orm import Mapped, mapped_column

from skyscript_db.models.base import Base, identity


def _partition_key() -> Mapped[int]:
    return mapped_column(
        SmallInteger,
        primary_key=True,
        autoincrement=False,
        comment="The model that made it.",
    )


def _unit_vector() -> Mapped[Any]:
    return mapped_column(
        HALFVEC, nullable=False, comment="Unit vector in the model's space."
    )


class EmbeddingModel(Base):
    """A CLIP, told apart by its weights."""

    __tablename__ = "embedding_model"

    id: Mapped[int] = mapped_column(
        SmallInteger, Identity(always=True), primary_key=True, comment="Surrogate key."
    )
    name: Mapped[str] = mapped_column(comment="open_clip's name, or the folder's.")
    weights: Mapped[str] = mapped_column(comment="Name of the weights.")
    weights_sha256: Mapped[str] = mapped_column(
        unique=True, comment="Hash of the weights as loaded, in hex."
    )
    dimension: Mapped[int] = mapped_column(comment="Length of its vectors.")
    is_default: Mapped[bool] = mapped_column(
        comment="Whether skyscript.pair shows its scores; true for one model."
    )
    created_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="When it was first used here."
    )

    __table_args__ = (
        CheckConstraint("dimension BETWEEN 1 AND 4000", name="dimension"),
        Index(
            "uq_embedding_model_is_default",
            "is_default",
            unique=True,
            postgresql_where=text("is_default"),
        ),
        {"comment": "CLIP models that embedded chips and captions."},
    )


class ChipEmbedding(Base):
    """The embedding of a chip by a model."""

    __tablename__ = "chip_embedding"

    model_id: Mapped[int] = _partition_key()
    chip_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="The chip."
    )
    embedding: Mapped[Any] = _unit_vector()

    __table_args__ = (
        {
            "postgresql_partition_by": "LIST (model_id)",
            "comment": "Embeddings of chips, one partition a model.",
        },
    )


class TextEmbedding(Base):
    """The embedding of a caption text by a model."""

    __tablename__ = "text_embedding"

    model_id: Mapped[int] = _partition_key()
    text_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="The caption text."
    )
    embedding: Mapped[Any] = _unit_vector()

    __table_args__ = (
        {
            "postgresql_partition_by": "LIST (model_id)",
            "comment": "Embeddings of caption texts, one partition a model.",
        },
    )


class EmbeddingRejection(Base):
    """A chip or a text that a model could not embed."""

    __tablename__ = "embedding_rejection"

    id: Mapped[int] = identity()
    model_id: Mapped[int] = mapped_column(
        SmallInteger,
        ForeignKey("skyscript.embedding_model.id", ondelete="CASCADE"),
        comment="The model that could not.",
    )
    chip_id: Mapped[int | None] = mapped_column(
        BigInteger,
        ForeignKey("skyscript.chip.id", ondelete="CASCADE"),
        comment="The chip, if it is one.",
    )
    text_id: Mapped[int | None] = mapped_column(
        ForeignKey("skyscript.caption_text.id", ondelete="CASCADE"),
        comment="The caption text, if it is one.",
    )
    reason: Mapped[str] = mapped_column(comment="Why not.")

    __table_args__ = (
        CheckConstraint("num_nonnulls(chip_id, text_id) = 1", name="subject"),
        Index("uq_embedding_rejection_chip_id", "chip_id", "model_id", unique=True),
        Index("uq_embedding_rejection_text_id", "text_id", "model_id", unique=True),
        {"comment": "Chips and texts that a model cannot embed, and why."},
    )


class PairSimilarity(Base):
    """The similarity of a chip and a text under a model."""

    __tablename__ = "pair_similarity"

    model_id: Mapped[int] = mapped_column(
        SmallInteger,
        ForeignKey("skyscript.embedding_model.id"),
        primary_key=True,
        comment="The model that scored it.",
    )
    chip_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("skyscript.chip.id", ondelete="CASCADE"),
        primary_key=True,
        comment="The chip.",
    )
    text_id: Mapped[int] = mapped_column(
        ForeignKey("skyscript.caption_text.id", ondelete="CASCADE"),
        primary_key=True,
        comment="The text: chips told by one text in two ways are scored once.",
    )
    similarity: Mapped[float] = mapped_column(
        REAL, comment="Cosine similarity of the two embeddings."
    )

    __table_args__ = (
        CheckConstraint("similarity BETWEEN -1.01 AND 1.01", name="similarity"),
        Index("ix_pair_similarity_chip_id", "chip_id"),
        {"comment": "Scores of pairs, kept for every scoring model."},
    )
