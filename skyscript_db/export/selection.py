"""What an export holds: a query over ``skyscript.pair``, read one chip at a time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from skyscript_db import queries
from skyscript_db.database import explained
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator

    import psycopg

    from skyscript_db.progress import Progress

SQL = queries.beside(__file__)
SPLITS = ("train", "val", "test", "unsplit")

# Chips that are read in one statement.
BATCH = 500

CaptionKind = Literal["focus", "multi_feature"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which chips, and the captions they are told by.

    Attributes:
        recipe: The recipe whose captions are taken.
        caption_kind: The kind that is trained on and that ``min_similarity`` judges;
            a chip without it is told by its other caption.
        split: train, val, test, or unsplit for chips that are in none.
        area: Hexadecimal EWKB; chips whose footprint meets it.
        tags: All of these must be on the focus feature.
        min_similarity: By the default scorer; chips without a score do not pass.
        top: Exactly this share of all pairs of the recipe and kind, the best by
            ``scorer``; see ``skyscript.top_pairs``.
        scorer: The model of ``top``, by name or name/weights; else the default one.
        max_per_caption: Most chips that pass with one text.
        max_per_tag: Most chips that pass and count for one tag; see
            ``skyscript.chip_tag``.
        limit: The first so many chips by id, which is as good as drawing them.
    """

    recipe: str
    caption_kind: CaptionKind = "focus"
    split: str | None = None
    area: str | None = None
    collections: list[str] | None = None
    tags: dict[str, str] | None = None
    min_similarity: float | None = None
    top: float | None = None
    scorer: str | None = None
    max_per_caption: int | None = None
    max_per_tag: int | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.caption_kind not in {"focus", "multi_feature"}:
            raise UsageError(
                f"no caption kind {self.caption_kind!r}: give focus or multi_feature"
            )
        if self.split is not None and self.split not in SPLITS:
            raise UsageError(
                f"no split {self.split!r}: give one of {', '.join(SPLITS)}"
            )
        for name in ("limit", "max_per_caption", "max_per_tag"):
            most = getattr(self, name)
            if most is not None and most < 1:
                raise UsageError(f"{name} is {most}: give 1 or more")
        if self.top is not None and not 0 < self.top <= 1:
            raise UsageError(f"the top {self.top} is no share: give 0 to 1, as 0.3")

    def parameters(self) -> dict[str, Any]:
        """Return the values that the statement takes, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sample:
    """A chip with its captions.

    Attributes:
        stem: SkyScript's file name without its ending, unique in the selection.
        image_path: The image file, relative to the folder of chips.
        sha256: Of the image file, in hex.
        opening: The words in front of both captions.
        focus: Caption of the focus feature, or the other where there is none.
        multi_feature: Caption with the surroundings, or the other likewise.
        focus_similarity: Cosine similarity by the default scorer.
        multi_feature_similarity: Likewise.
        n_captions: Captions that it has, one or two.
        record: All that is known of it, as the text of a JSON object.
    """

    chip_id: int
    split: str
    stem: str
    image_path: str
    sha256: str
    opening: str
    focus: str
    multi_feature: str
    focus_similarity: float | None
    multi_feature_similarity: float | None
    n_captions: int
    licence: str | None
    attribution: str
    is_synthetic: bool
    record: str

    @property
    def key(self) -> str:
        """16 hexadecimal digits, the chip's id."""
        return f"{self.chip_id:016x}"

    def described(self, **fields: str) -> bytes:
        """Return the record as a line of JSON with fields in front of its own."""
        # Spliced: to parse and write it anew would cost as much as all the rest.
        front = json.dumps(fields, ensure_ascii=False)
        return f"{front[:-1]}, {self.record[1:]}\n".encode()

    @property
    def suffix(self) -> str:
        """The ending of its image file, ``.jpg`` or ``.png``."""
        return ".png" if self.image_path.endswith(".png") else ".jpg"

    def caption(self, kind: CaptionKind) -> str:
        """Return the caption of a kind, with its opening."""
        return self.opening + (self.focus if kind == "focus" else self.multi_feature)

    def similarity(self, kind: CaptionKind) -> float | None:
        """Return the similarity of the caption of a kind."""
        return (
            self.focus_similarity if kind == "focus" else self.multi_feature_similarity
        )


def read(
    conn: psycopg.Connection[Any],
    selection: Selection,
    progress: Progress,
    *,
    prefix: str = "",
    has_surrounding: bool = True,
) -> Generator[Sample]:
    """Yield the selected chips by id, all as of one moment, few in memory at a time.

    ``prefix`` opens their captions, ``{view}`` in it by the GSD. ``has_surrounding``
    says whether their records have what lies around the focus.

    Holds a transaction open, which must be the connection's outermost. ``progress`` is
    told how many there are.
    """
    values = {
        **selection.parameters(),
        "prefix": prefix,
        "has_surrounding": has_surrounding,
    }
    if selection.tags is not None:
        values["tags"] = Jsonb(selection.tags)
    with conn.transaction(), ThreadPoolExecutor(1) as ahead:
        total = _choose(conn, values)
        progress.start(total, "chips")
        # The server works on the next batch while this one is written.
        coming = ahead.submit(_batch, conn, values, 1)
        for first in range(1, total + 1, BATCH):
            batch = coming.result()
            coming = ahead.submit(_batch, conn, values, first + BATCH)
            yield from batch


def check_scorer(conn: psycopg.Connection[Any], selection: Selection) -> None:
    """Check that there is a model to take the best share by.

    Raises:
        UsageError: Nothing is scored, or the scorer is none that scored.
    """
    if selection.top is None:
        return
    with explained():
        conn.execute(SQL.find_scorer, {"scorer": selection.scorer})


def _choose(conn: psycopg.Connection[Any], values: dict[str, Any]) -> int:
    conn.execute(SQL.begin)
    conn.execute(SQL.use_utc)
    conn.execute(SQL.choose_chips, values)
    conn.execute(SQL.index_chosen)
    conn.execute(SQL.analyze_chosen)
    row = conn.execute(SQL.count_chosen).fetchone()
    return int(row[0]) if row else 0


def _batch(
    conn: psycopg.Connection[Any], values: dict[str, Any], first: int
) -> list[Sample]:
    bounds = {"first": first, "last": first + BATCH - 1}
    with conn.cursor(row_factory=class_row(Sample)) as cursor:
        # Once prepared, it would get a generic plan, which finds the surroundings of
        # every chip even where no record has them.
        return cursor.execute(
            SQL.select_batch, {**values, **bounds}, prepare=False
        ).fetchall()
