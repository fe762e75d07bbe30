"""Tags, what is known of their groundability, and how captions tell them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from skyscript_db.models.base import Base, identity

MAX_GSD_COMMENT = "Largest GSD, in metres, at which it can be seen; NULL: at none."


class Tag(Base):
    """A distinct key=value of the features that are loaded, or ever were."""

    __tablename__ = "tag"

    id: Mapped[int] = identity()
    key: Mapped[str] = mapped_column(comment="Key, verbatim.")
    value: Mapped[str] = mapped_column(comment="Value, verbatim.")
    text: Mapped[str] = mapped_column(comment="The tag as CLIP reads it.")
    n_features: Mapped[int] = mapped_column(
        BigInteger, comment="Features in osm.feature that carry it, when last counted."
    )

    __table_args__ = (
        # Values can be longer than a B-tree entry may be.
        Index("uq_tag_key_value", sql("md5(key)"), sql("md5(value)"), unique=True),
        {"comment": "Distinct tags."},
    )


class TagLabel(Base):
    """A label made by hand; the project ships these, re-applied at each upgrade."""

    __tablename__ = "tag_label"

    key: Mapped[str] = mapped_column(primary_key=True, comment="Key.")
    value: Mapped[str] = mapped_column(
        primary_key=True, comment="Value; * for any other value of the key."
    )
    max_gsd_m: Mapped[float | None] = mapped_column(comment=MAX_GSD_COMMENT)
    is_groundable: Mapped[bool] = mapped_column(
        Computed("max_gsd_m IS NOT NULL", persisted=True),
        comment="Whether it can be seen from above at all.",
    )
    reason: Mapped[str] = mapped_column(comment="Why, in a few words.")

    __table_args__ = (
        CheckConstraint("max_gsd_m > 0", name="max_gsd_m"),
        {"comment": "Hand-made labels of groundability."},
    )


class TagVote(Base):
    """A reading of a tag by one rater, from which its label follows."""

    __tablename__ = "tag_vote"

    key: Mapped[str] = mapped_column(primary_key=True, comment="Key.")
    value: Mapped[str] = mapped_column(primary_key=True, comment="Value.")
    rater: Mapped[str] = mapped_column(
        primary_key=True,
        comment="a and b judged without each other; c settled what they differ in.",
    )
    max_gsd_m: Mapped[float | None] = mapped_column(comment=MAX_GSD_COMMENT)
    reason: Mapped[str] = mapped_column(comment="Why, in a few words.")

    __table_args__ = (
        CheckConstraint("max_gsd_m > 0", name="max_gsd_m"),
        CheckConstraint("rater IN ('a', 'b', 'c')", name="rater"),
        {
            "comment": "The readings behind tag_label: two of each tag, and a third "
            "where they differ."
        },
    )


class TagGroundability(Base):
    """A verdict on a tag by one source."""

    __tablename__ = "tag_groundability"

    tag_id: Mapped[int] = mapped_column(
        ForeignKey("skyscript.tag.id", ondelete="CASCADE"),
        primary_key=True,
        comment="The tag.",
    )
    source: Mapped[str] = mapped_column(
        primary_key=True,
        comment="Who says so: override, label, rule, wildcard (the label of a whole "
        "key), or classifier:ID; the first of these that a tag has counts.",
    )
    probability: Mapped[float | None] = mapped_column(
        comment="That the tag is groundable at all; NULL where a person decided."
    )
    max_gsd_m: Mapped[float | None] = mapped_column(comment=MAX_GSD_COMMENT)
    verdict: Mapped[str] = mapped_column(
        Computed(
            "CASE WHEN max_gsd_m IS NULL THEN 'not groundable' ELSE 'groundable' END",
            persisted=True,
        ),
        comment="The verdict as a word.",
    )
    precedence: Mapped[int] = mapped_column(
        Computed(
            "CASE WHEN is_superseded THEN 6 WHEN source = 'override' THEN 1 "
            "WHEN source = 'label' THEN 2 WHEN source = 'rule' THEN 3 "
            "WHEN source = 'wildcard' THEN 4 ELSE 5 END",
            persisted=True,
        ),
        comment="Of several verdicts on a tag, the smallest counts.",
    )
    is_superseded: Mapped[bool] = mapped_column(
        server_default=sql("false"),
        comment="Whether its classifier is not the default one.",
    )
    reason: Mapped[str] = mapped_column(comment="Why, in a few words.")
    decided_at: Mapped[datetime] = mapped_column(
        server_default=sql("now()"), comment="When this source decided so."
    )

    __table_args__ = (
        CheckConstraint("max_gsd_m > 0", name="max_gsd_m"),
        CheckConstraint("probability BETWEEN 0 AND 1", name="probability"),
        CheckConstraint(
            "source IN ('override', 'label', 'rule', 'wildcard') "
            "OR starts_with(source, 'classifier:')",
            name="source",
        ),
        {"comment": "Verdicts on tags, one a source."},
    )


class CaptionRule(Base):
    """How captions tell the tags of a key."""

    __tablename__ = "caption_rule"

    key: Mapped[str] = mapped_column(primary_key=True, comment="Key.")
    role: Mapped[str] = mapped_column(
        comment="primary: says what the object is; attribute: how it is."
    )
    rank: Mapped[int] = mapped_column(
        comment="Order in which the tags of one object are told."
    )
    word: Mapped[str] = mapped_column(comment="How the key reads.")
    form: Mapped[str] = mapped_column(comment="'key of value' or 'key value'.")
    plural: Mapped[str | None] = mapped_column(
        comment="Plural of the word; NULL where the value takes it: natural trees."
    )
    counted: Mapped[str] = mapped_column(
        comment="Kinds of feature whose equal neighbours are counted, of n, w and a; "
        "the others are merged.",
    )
    is_generic: Mapped[bool] = mapped_column(
        comment="Whether a value that cannot be seen is told by the word alone, as "
        "building=office is by building."
    )

    __table_args__ = (
        CheckConstraint("role IN ('primary', 'attribute')", name="role"),
        CheckConstraint("form IN ('key of value', 'key value')", name="form"),
        Index("uq_caption_rule_rank", "rank", unique=True),
        {"comment": "The vocabulary of the caption grammar."},
    )


class CaptionWord(Base):
    """How plain captions call what a tag says."""

    __tablename__ = "caption_word"

    key: Mapped[str] = mapped_column(primary_key=True, comment="Key.")
    value: Mapped[str] = mapped_column(
        primary_key=True,
        comment="Value; * for any other value of the key, which {} stands for.",
    )
    host: Mapped[str] = mapped_column(
        primary_key=True,
        comment="Of an attribute: the primary tag or key that it says this of; * for "
        "any.",
    )
    place: Mapped[str] = mapped_column(
        comment="noun: what the feature is called; before: an adjective; roof: an "
        "adjective of its roof; after: behind the noun."
    )
    one: Mapped[str] = mapped_column(comment="The word or words, of one.")
    many: Mapped[str | None] = mapped_column(
        comment="The same of many, where it is a noun that is counted."
    )
    form: Mapped[str | None] = mapped_column(
        comment="count: a noun with a plural; mass: one without, as grass; plural: "
        "one without a singular."
    )
    preposition: Mapped[str | None] = mapped_column(
        comment="How something lies within it: in a park, on a golf course."
    )
    rarity: Mapped[int | None] = mapped_column(
        comment="From 1, as common as buildings, to 5; rare neighbours are told "
        "before common ones."
    )

    __table_args__ = (
        CheckConstraint("place IN ('noun', 'before', 'roof', 'after')", name="place"),
        CheckConstraint("form IN ('count', 'mass', 'plural')", name="form"),
        CheckConstraint(
            "(place = 'noun') = (form IS NOT NULL AND preposition IS NOT NULL"
            " AND rarity IS NOT NULL)",
            name="noun",
        ),
        {"comment": "The vocabulary of plain captions."},
    )


class WordTokens(Base):
    """How many tokens CLIP's byte-pair encoding makes of a word; shipped."""

    __tablename__ = "word_tokens"

    word: Mapped[str] = mapped_column(primary_key=True, comment="Lower-case word.")
    n_tokens: Mapped[int] = mapped_column(comment="Its length in CLIP's tokens.")

    __table_args__ = (
        {"comment": "Token counts of words, so that SQL can keep captions short."},
    )
