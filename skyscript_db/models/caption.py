"""Captions: distinct texts, and which chip is told by which text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from skyscript_db.models.base import Base, identity


class CaptionRecipe(Base):
    """A version of the caption grammar; captions of several live side by side."""

    __tablename__ = "caption_recipe"

    name: Mapped[str] = mapped_column(primary_key=True, comment="Name and version.")
    prefix: Mapped[str] = mapped_column(
        comment="Put in front of every caption; {view} in it reads an aerial "
        "or a satellite, by the GSD."
    )
    max_tokens: Mapped[int] = mapped_column(
        comment="Longest caption in CLIP's tokens, its two marks included."
    )
    min_size_px: Mapped[float] = mapped_column(
        comment="Smallest visible side of a surrounding line or area that is told."
    )
    description: Mapped[str] = mapped_column(comment="What sets it apart.")
    style: Mapped[str] = mapped_column(
        server_default="paper",
        comment="paper: as SkyScript released them; plain: English sentences by rule; "
        "llm: plain sentences that a language model rewrote.",
    )
    settings: Mapped[dict[str, Any]] = mapped_column(
        server_default=sql("'{}'"),
        comment="What else sets it apart; docs/captions.md lists the names.",
    )

    __table_args__ = (
        CheckConstraint("max_tokens BETWEEN 8 AND 77", name="max_tokens"),
        CheckConstraint("style IN ('paper', 'plain', 'llm')", name="style"),
        CheckConstraint("jsonb_typeof(settings) = 'object'", name="settings"),
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
    """A caption of a chip.

    Without foreign keys: checking three of them takes longer than putting a caption
    together, and the job reads chip, recipe and text in the statement that writes it.
    """

    __tablename__ = "caption"

    chip_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="The chip."
    )
    recipe: Mapped[str] = mapped_column(
        primary_key=True, comment="The recipe that wrote it."
    )
    kind: Mapped[str] = mapped_column(
        primary_key=True,
        comment="focus: the focus feature alone; multi_feature: with its surroundings.",
    )
    text_id: Mapped[int] = mapped_column(BigInteger, comment="What it says.")

    __table_args__ = (
        CheckConstraint("kind IN ('focus', 'multi_feature')", name="kind"),
        Index("ix_caption_text_id", "text_id"),
        {"comment": "Captions of chips."},
    )


class CaptionBasis(Base):
    """What told the captions of a recipe: verdicts, rules, words, the grammar."""

    __tablename__ = "caption_basis"

    recipe: Mapped[str] = mapped_column(
        ForeignKey("skyscript.caption_recipe.name", ondelete="CASCADE"),
        comment="The recipe.",
    )
    key: Mapped[str] = mapped_column(
        comment="Key of the tag or rule; empty for the grammar as a whole."
    )
    value: Mapped[str] = mapped_column(
        comment="Value of the tag; * for what holds for all values of the key."
    )
    digest: Mapped[str] = mapped_column(comment="What was known of it.")

    __mapper_args__ = {"primary_key": [recipe, key, value]}  # noqa: RUF012
    __table_args__ = (
        # Values can be longer than a B-tree entry may be.
        Index(
            "uq_caption_basis_recipe_key_value",
            "recipe",
            sql("md5(key)"),
            sql("md5(value)"),
            unique=True,
        ),
        {
            "comment": "Verdicts, rules and words as they were when a recipe's "
            "captions were last told."
        },
    )


class CaptionRetelling(Base):
    """A chip whose captions no longer say what would be told now."""

    __tablename__ = "caption_retelling"

    recipe: Mapped[str] = mapped_column(
        ForeignKey("skyscript.caption_recipe.name", ondelete="CASCADE"),
        primary_key=True,
        comment="The recipe.",
    )
    chip_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="The chip."
    )

    __table_args__ = (
        {"comment": "Chips to be told anew, since what tells them has changed."},
    )


class CaptionRewrite(Base):
    """What a language model made of a text, with what it takes to know how."""

    __tablename__ = "caption_rewrite"

    recipe: Mapped[str] = mapped_column(
        ForeignKey("skyscript.caption_recipe.name"),
        primary_key=True,
        comment="The recipe, of style llm.",
    )
    model: Mapped[str] = mapped_column(
        primary_key=True,
        comment="The model asked, by the name that its endpoint takes.",
    )
    prompt_sha256: Mapped[str] = mapped_column(
        primary_key=True,
        comment="Hash of the instructions it was given, in hex; they are in the "
        "recipe's settings.",
    )
    source_id: Mapped[int] = mapped_column(
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="The text told by rule.",
    )
    text_id: Mapped[int] = mapped_column(
        BigInteger,
        comment="What is told instead; the same where the model's reply was refused.",
    )
    fallback_reason: Mapped[str | None] = mapped_column(
        comment="Why the rule's text was kept; NULL where it was rewritten."
    )
    reply: Mapped[str | None] = mapped_column(
        comment="What the model replied, if its words were refused."
    )
    n_attempts: Mapped[int] = mapped_column(comment="Times that it was asked.")
    rewritten_at: Mapped[datetime] = mapped_column(
        server_default=sql("now()"), comment="When it replied."
    )

    __table_args__ = (
        CheckConstraint(
            "(fallback_reason IS NOT NULL) = (text_id = source_id)",
            name="fallback_reason",
        ),
        Index("ix_caption_rewrite_text_id", "text_id"),
        Index("ix_caption_rewrite_source_id", "source_id"),
        {
            "comment": "What a language model made of each text told by rule, or why "
            "that text was kept."
        },
    )
