"""Rules of tags, classifiers of groundability, and the vectors that they read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pgvector.sqlalchemy import HALFVEC, VECTOR
from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from skyscript_db.models.base import Base, identity
from skyscript_db.models.tag import MAX_GSD_COMMENT


def _coefficients() -> Mapped[Any]:
    return mapped_column(
        VECTOR,
        nullable=False,
        comment="Coefficients of the logistic regression, one a dimension.",
    )


class TagRule(Base):
    """A rule that decides tags by their form; the project ships these."""

    __tablename__ = "tag_rule"

    rank: Mapped[int] = mapped_column(
        primary_key=True,
        autoincrement=False,
        comment="Of several rules that fit a tag, the smallest counts.",
    )
    kind: Mapped[str] = mapped_column(
        comment="What it finds: name, number, address, date, ..."
    )
    key_pattern: Mapped[str | None] = mapped_column(
        comment="Regular expression that the key matches; NULL: any key."
    )
    value_pattern: Mapped[str | None] = mapped_column(
        comment="Regular expression that the value matches; NULL: any value."
    )
    max_gsd_m: Mapped[float | None] = mapped_column(comment=MAX_GSD_COMMENT)
    reason: Mapped[str] = mapped_column(comment="Why, in a few words.")

    __table_args__ = (
        CheckConstraint("num_nonnulls(key_pattern, value_pattern) > 0", name="pattern"),
        CheckConstraint("max_gsd_m > 0", name="max_gsd_m"),
        {
            "comment": "Rules that tell names, numbers and the like apart before a "
            "model reads them."
        },
    )


class HidingTag(Base):
    """A tag that hides the feature that carries it; the project ships these."""

    __tablename__ = "hiding_tag"

    key: Mapped[str] = mapped_column(primary_key=True, comment="Key, verbatim.")
    value: Mapped[str] = mapped_column(primary_key=True, comment="Value, verbatim.")
    unless_key: Mapped[str | None] = mapped_column(
        comment="A feature with this key is what hides, and seen; NULL: none is."
    )
    reason: Mapped[str] = mapped_column(comment="Why, in a few words.")

    __table_args__ = (
        {"comment": "Tags that hide a whole feature from above, such as tunnel=yes."},
    )


class TagEmbedding(Base):
    """The vector of a tag."""

    __tablename__ = "tag_embedding"

    id: Mapped[int] = identity()
    model_id: Mapped[int] = mapped_column(
        SmallInteger,
        ForeignKey("skyscript.embedding_model.id", ondelete="CASCADE"),
        comment="The encoder that made it.",
    )
    key: Mapped[str] = mapped_column(comment="Key, verbatim.")
    value: Mapped[str] = mapped_column(comment="Value, verbatim.")
    embedding: Mapped[Any] = mapped_column(
        HALFVEC,
        nullable=False,
        comment="Unit vector: those of the encoder's inputs, joined.",
    )

    __table_args__ = (
        Index(
            "uq_tag_embedding_model_id_key_value",
            "model_id",
            text("md5(key)"),
            text("md5(value)"),
            unique=True,
        ),
        {
            "comment": "Vectors of tags by text encoders: of those that classifiers "
            "judge or learn from."
        },
    )


class TagClassifier(Base):
    """Stage I of a classifier: a logistic regression on the vector of a tag."""

    __tablename__ = "tag_classifier"

    id: Mapped[str] = mapped_column(
        primary_key=True,
        comment="Hash of what it was trained on: encoder, inputs and labels.",
    )
    model_id: Mapped[int] = mapped_column(
        SmallInteger,
        ForeignKey("skyscript.embedding_model.id"),
        comment="The encoder of its vectors.",
    )
    encoder: Mapped[str] = mapped_column(comment="By what name to load the encoder.")
    inputs: Mapped[str] = mapped_column(comment="How the encoder is told a tag.")
    coefficients: Mapped[Any] = _coefficients()
    intercept: Mapped[float] = mapped_column(comment="Its intercept.")
    threshold: Mapped[float] = mapped_column(
        comment="Least probability at which a tag is taken as groundable; yours to "
        "change."
    )
    label_sha256: Mapped[str] = mapped_column(
        comment="Hash of the labels that it learned from, in hex."
    )
    n_labels: Mapped[int] = mapped_column(comment="How many they were.")
    metrics: Mapped[dict[str, Any]] = mapped_column(
        comment="How good it was on labels held out of its training."
    )
    is_default: Mapped[bool] = mapped_column(
        comment="Whether its verdicts count; true for one classifier."
    )
    trained_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="When it was trained."
    )

    __table_args__ = (
        CheckConstraint("threshold BETWEEN 0 AND 1", name="threshold"),
        Index(
            "uq_tag_classifier_is_default",
            "is_default",
            unique=True,
            postgresql_where=text("is_default"),
        ),
        {
            "comment": "Classifiers of groundability: stage I, whether a tag can be "
            "seen at all."
        },
    )


class TagClassifierGsd(Base):
    """One of the ordered questions of stage II: is it seen at this GSD?"""

    __tablename__ = "tag_classifier_gsd"

    classifier_id: Mapped[str] = mapped_column(
        ForeignKey("skyscript.tag_classifier.id", ondelete="CASCADE"),
        primary_key=True,
        comment="The classifier.",
    )
    max_gsd_m: Mapped[float] = mapped_column(
        primary_key=True, autoincrement=False, comment="The class, in metres."
    )
    finer_gsd_m: Mapped[float] = mapped_column(
        comment="The next finer class, in metres, which holds where this one does not."
    )
    coefficients: Mapped[Any] = _coefficients()
    intercept: Mapped[float] = mapped_column(comment="Its intercept.")
    threshold: Mapped[float] = mapped_column(
        comment="Least probability at which a tag is taken as seen; yours to change."
    )

    __table_args__ = (
        CheckConstraint(
            "finer_gsd_m > 0 AND finer_gsd_m < max_gsd_m", name="finer_gsd_m"
        ),
        CheckConstraint("threshold BETWEEN 0 AND 1", name="threshold"),
        {
            "comment": "Stage II of a classifier: for each class of GSD but the "
            "finest, whether a groundable tag is seen at it."
        },
    )
