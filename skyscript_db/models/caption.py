"""Captions: distinct texts, and which chip is told by which text."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from skyscript_db.models.base import Base, identity


class CaptionRecipe(Base):
    """A version of the caption grammar; captions of several live side by side."""

    __tablename__ = "caption_recipe"

    name: Mapped[str] = mapped_column(primary_key=True, comment="Name and version.")
    prefix: Mapped[str] = mapped_column(comment="Put in front of every caption.")
    max_tokens: Mapped[int] = mapped_column(
        comment="Longest caption in CLIP's tokens, its two marks included."
    )
    min_size_px: Mapped[float] = mapped_column(
        comment="Smallest visible side of a surrounding line or area that is told."
    )
    description: Mapped[str] = mapped_column(comment="What sets it apart.")

    __table_args__ = (
        CheckConstraint("max_tokens BETWEEN 8 AND 77", name="max_tokens"),
        {"comment": "Versions of the caption grammar."},
    )


class CaptionText(Base):
    """A distinct caption text, stored and embedded once."""

    __tablename__ = "caption_text"

    id: Mapped[int] = identity()
    text: Mapped[str] = mapped_column(unique=True, comment="The text.")
    n_tokens: Mapped[int] = mapped_column(
        comment="Upper bound of its length in CLIP's tokens, without its two marks."
    )

    __table_args__ = ({"comment": "Distinct caption texts."},)


class Caption(Base):
    """A caption of a chip."""

    __tablename__ = "caption"

    chip_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("skyscript.chip.id", ondelete="CASCADE"),
        primary_key=True,
        comment="The chip.",
    )
    recipe: Mapped[str] = mapped_column(
        ForeignKey("skyscript.caption_recipe.name"),
        primary_key=True,
        comment="The recipe that wrote it.",
    )
    kind: Mapped[str] = mapped_column(
        primary_key=True,
        comment="focus: the focus feature alone; multi_feature: with its surroundings.",
    )
    text_id: Mapped[int] = mapped_column(
        ForeignKey("skyscript.caption_text.id"), comment="What it says."
    )

    __table_args__ = (
        CheckConstraint("kind IN ('focus', 'multi_feature')", name="kind"),
        Index("ix_caption_text_id", "text_id"),
        {"comment": "Captions of chips."},
    )
