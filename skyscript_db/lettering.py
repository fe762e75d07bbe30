"""Texts on pictures: a font, and lines of a width."""

from __future__ import annotations

from PIL import ImageFont

from skyscript_db.errors import UsageError

# Three dots alone are lost behind a word of this size.
CUT = " […]"


def font(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font in a size in pixels.

    Raises:
        UsageError: This Pillow has none.
    """
    face = ImageFont.load_default(size)
    if not isinstance(face, ImageFont.FreeTypeFont):
        raise UsageError(
            "this Pillow has no FreeType to write captions with: install the `pillow` "
            "package of the index, which has"
        )
    return face


def wrap(
    text: str, face: ImageFont.FreeTypeFont, width_px: int, n_lines: int
) -> list[str]:
    """Break a text into at most so many lines of a width; what is cut ends in CUT."""
    lines = [""]
    for word in text.split():
        for piece in _pieces(word, face, width_px):
            longer = f"{lines[-1]} {piece}".strip()
            if face.getlength(longer) <= width_px:
                lines[-1] = longer
            else:
                lines.append(piece)
    if len(lines) <= n_lines:
        return lines
    last = lines[n_lines - 1]
    while last and face.getlength(f"{last}{CUT}") > width_px:
        last = last[:-1]
    return [*lines[: n_lines - 1], f"{last.rstrip(' ,;')}{CUT}"]


def _pieces(word: str, face: ImageFont.FreeTypeFont, width_px: int) -> list[str]:
    """Break a word that is wider than a line."""
    pieces = [""]
    for letter in word:
        if face.getlength(pieces[-1] + letter) > width_px:
            pieces.append("")
        pieces[-1] += letter
    return pieces
