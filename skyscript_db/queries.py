"""Named SQL statements, kept in ``.sql`` files beside the modules that run them.

A file is a list of blocks, each headed by ``-- name: some_name``. Parameters are
written ``%(name)s``; every statement is executed with a mapping, so a literal per
cent sign is written ``%%``.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import LiteralString

_HEADER = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    """Split the text of a file into its statements by name.

    Raises:
        ValueError: Two statements share a name.
    """
    _, *parts = _HEADER.split(text)
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"a statement is named twice among {sorted(names)}")
    return {
        name: body.strip().removesuffix(";")
        for name, body in zip(names, bodies, strict=True)
    }


class Queries(SimpleNamespace):
    """The statements of one file, as attributes."""

    def __getattr__(self, name: str) -> LiteralString:
        """Say which statement is missing; those present never get here."""
        raise AttributeError(f"no statement named {name!r}")


def beside(module_file: str) -> Queries:
    """Load the ``.sql`` file that has the stem of the module, from its folder."""
    path = Path(module_file).with_suffix(".sql")
    statements = parse(path.read_text(encoding="utf-8"))
    return Queries(**statements)
