"""Small OSM files, in OPL: one object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CORNERS = (
    "n1 v1 x9.0 y47.0",
    "n2 v1 x9.1 y47.0",
    "n3 v1 x9.1 y47.1",
    "n4 v1 x9.0 y47.1",
)


def opl(*lines: str) -> bytes:
    """Return the content of a file with these objects."""
    return "".join(f"{line}\n" for line in lines).encode()


def write(path: Path, *lines: str) -> Path:
    """Write a file with these objects."""
    path.write_bytes(opl(*lines))
    return path


def escape(text: str) -> str:
    """Return a key or a value as OPL writes it: odd characters by their number."""
    return "".join(x if x.isascii() and x.isalnum() else f"%{ord(x):x}%" for x in text)
