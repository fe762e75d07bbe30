"""A contact sheet: chips with their captions on one picture, to look at a dataset.

In: ``skyscript.pair`` and the chips' image files. Out: a PNG file.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont, ImageOps
from psycopg.rows import class_row

from skyscript_db import queries, recipes
from skyscript_db.clip.images import ImageError, read_image
from skyscript_db.errors import StorageError, UsageError
from skyscript_db.export.selection import Selection
from skyscript_db.images import open_store
from skyscript_db.lettering import font, wrap

if TYPE_CHECKING:
    import psycopg

    from skyscript_db.config import Settings
    from skyscript_db.export.selection import CaptionKind
    from skyscript_db.images import ImageStore

logger = logging.getLogger(__name__)
SQL = queries.beside(__file__)

MAX_CHIPS = 400
SIDE_PX = 224
GAP_PX = 20
LINE_PX = 20
MARGIN_PX = 32
CAPTION_PX = 15
# As many as a caption of CLIP's 77 tokens takes, but for one of very long words.
CAPTION_LINES = 14
# Drawn beyond what is asked for, in case that files are missing.
SPARE = 2

PAPER, INK, GREY, WARNING, MAT = "#ffffff", "#1c1c1c", "#767676", "#b00020", "#eeeeee"


@dataclass(frozen=True, slots=True)
class Chip:
    """A chip that was drawn for the sheet."""

    caption: str
    collection: str
    gsd_m: float
    image_path: str
    sha256: str
    is_synthetic: bool
    licence: str
    attribution: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A chip, its picture, and its caption in lines."""

    chip: Chip
    image: Image.Image
    lines: list[str]

    @property
    def height(self) -> int:
        """Pixels that it takes, with the note below the caption."""
        return SIDE_PX + 8 + LINE_PX * len(self.lines) + 18


def draw(
    conn: psycopg.Connection[Any],
    settings: Settings,
    path: Path | str,
    *,
    n: int = 24,
    columns: int = 6,
    area: str | None = None,
    collections: list[str] | None = None,
    seed: int = 0,
    recipe: str | None = None,
    caption_kind: CaptionKind = "multi_feature",
) -> int:
    """Draw a contact sheet into a PNG file; return the number of chips on it.

    Chips are drawn by a hash of their id and ``seed``, spread over collections and
    focus captions. ``area`` is hexadecimal EWKB, ``recipe`` that of the settings if
    None.

    Raises:
        UsageError: No pair passes, there is no such recipe or kind of caption, or a
            number or the file's name is no good.
        StorageError: No image is as the database has it, or the file cannot be written.
    """
    target = _checked(Path(path), n, columns)
    chosen = Selection(
        recipe=recipe or settings.shown_recipe,
        caption_kind=caption_kind,
        area=area,
        collections=collections,
    )
    recipes.find(conn, chosen.recipe)
    values = chosen.parameters() | {"seed": seed, "limit": n * SPARE}
    with conn.cursor(row_factory=class_row(Chip)) as cursor:
        chips = cursor.execute(SQL.draw_chips, values).fetchall()
    if not chips:
        raise UsageError(
            "no pair to draw: `skyscript status` shows how many each stage let "
            "through; loosen the filters, or run the stage that is behind"
        )
    cells = _open(chips, open_store(settings), n)
    totals = conn.execute(SQL.count_chips, values).fetchone() or (0, 0, 0)
    sheet = _compose(cells, min(columns, len(cells)), _title(len(cells), *totals))
    _save(sheet, target)
    return len(cells)


def _checked(path: Path, n: int, columns: int) -> Path:
    if path.suffix.lower() != ".png":
        raise UsageError(f"a sheet is a PNG file: name it {path.with_suffix('.png')}")
    if not 1 <= n <= MAX_CHIPS:
        raise UsageError(f"a sheet has 1 to {MAX_CHIPS} chips, not {n}")
    if not 1 <= columns <= 20:
        raise UsageError(f"a sheet has 1 to 20 columns, not {columns}")
    return path


def _open(chips: list[Chip], store: ImageStore, n: int) -> list[Cell]:
    cells: list[Cell] = []
    refused: Counter[str] = Counter()
    text_font = font(CAPTION_PX)
    for chip in chips:
        if len(cells) == n:
            break
        try:
            image = read_image(store.file(chip.image_path), chip.sha256)
        except ImageError as error:
            refused[str(error)] += 1
            continue
        fitted = ImageOps.contain(image, (SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        lines = wrap(chip.caption, text_font, SIDE_PX, CAPTION_LINES)
        cells.append(Cell(chip, fitted, lines))
    reasons = ", ".join(f"{reason}: {count}" for reason, count in refused.items())
    if not cells:
        raise StorageError(
            f"none of {len(chips)} images is in {store} as the database has it "
            f"({reasons}): set SKYSCRIPT_HOME or SKYSCRIPT_CHIPS_URL to where they "
            "were fetched to, or run fetch_chips again"
        )
    if refused:
        logger.warning("left out of the sheet: %s", reasons)
    return cells


def _title(n_shown: int, n_chips: int, n_captions: int, n_collections: int) -> str:
    return (
        f"{_many(n_shown, 'chip')} of {n_chips:,} · "
        f"{_many(n_captions, 'distinct caption')} · "
        f"{_many(n_collections, 'collection')}"
    )


def _many(n: int, word: str) -> str:
    return f"{n:,} {word}" + ("" if n == 1 else "s")


def _compose(cells: list[Cell], columns: int, title: str) -> Image.Image:
    rows = [cells[n : n + columns] for n in range(0, len(cells), columns)]
    page = _Page(rows, columns)
    page.head(title, sum(cell.chip.is_synthetic for cell in cells))
    for row in rows:
        page.row(row)
    page.foot()
    return page.cut()


class _Page:
    """A sheet that grows downwards."""

    def __init__(self, rows: list[list[Cell]], columns: int) -> None:
        self.width = max(
            2 * MARGIN_PX + columns * (SIDE_PX + GAP_PX) - GAP_PX, 2 * SIDE_PX
        )
        self.big, self.text, self.small = font(22), font(CAPTION_PX), font(12)
        self.terms = Counter(
            (cell.chip.attribution, cell.chip.licence) for row in rows for cell in row
        )
        room = sum(max(cell.height for cell in row) + GAP_PX for row in rows)
        height = 300 + room + 4 * 20 * len(self.terms)
        self.image = Image.new("RGB", (self.width, height), PAPER)
        self.pen = ImageDraw.Draw(self.image)
        self.y = MARGIN_PX

    def write(
        self, text: str, face: ImageFont.FreeTypeFont, ink: str, n_lines: int
    ) -> None:
        """Write across the page."""
        for line in wrap(text, face, self.width - 2 * MARGIN_PX, n_lines):
            self.pen.text((MARGIN_PX, self.y), line, ink, face)
            self.y += int(face.size * 1.4)

    def head(self, title: str, n_synthetic: int) -> None:
        """Write the counts, and whether images are synthetic."""
        self.write(title, self.big, INK, 2)
        if n_synthetic:
            what = (
                f"SYNTHETIC: drawn by a program, not photographed: {n_synthetic} here"
            )
            self.write(what, self.text, WARNING, 2)
        self.y += GAP_PX // 2

    def row(self, cells: list[Cell]) -> None:
        """Add a row of chips, as high as its longest caption needs."""
        for i, cell in enumerate(cells):
            self._cell(cell, MARGIN_PX + i * (SIDE_PX + GAP_PX))
        self.y += max(cell.height for cell in cells) + GAP_PX

    def foot(self) -> None:
        """Write whose images and data these are."""
        self.pen.line(
            (MARGIN_PX, self.y, self.width - MARGIN_PX, self.y), fill="#d0d0d0"
        )
        self.y += 10
        for attribution, licence in sorted(self.terms, key=self._by_count):
            self.write(f"{attribution} · {licence}", self.small, GREY, 4)
        self.y += MARGIN_PX // 2

    def cut(self) -> Image.Image:
        """Return the page without the room that was not needed."""
        return self.image.crop((0, 0, self.width, self.y))

    def _by_count(self, terms: tuple[str, str]) -> tuple[int, tuple[str, str]]:
        return -self.terms[terms], terms

    def _cell(self, cell: Cell, x: int) -> None:
        box = (x, self.y, x + SIDE_PX - 1, self.y + SIDE_PX - 1)
        self.pen.rectangle(box, MAT)
        image = cell.image
        left = x + (SIDE_PX - image.width) // 2
        top = self.y + (SIDE_PX - image.height) // 2
        self.image.paste(image, (left, top))
        y = self.y + SIDE_PX + 8
        for line in cell.lines:
            self.pen.text((x, y), line, INK, self.text)
            y += LINE_PX
        note = f"{cell.chip.gsd_m:.3g} m · {cell.chip.collection}"
        if cell.chip.is_synthetic:
            note += " · synthetic"
        (note,) = wrap(note, self.small, SIDE_PX, 1)
        self.pen.text((x, y + 2), note, GREY, self.small)


def _save(sheet: Image.Image, path: Path) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(part, "PNG", optimize=True)
        part.replace(path)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}. Name another file, or "
            "free space"
        ) from error
