"""Where the project's own non-Python files are, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_BUNDLED = _PACKAGE / "_resources"
_ROOT = _BUNDLED if _BUNDLED.is_dir() else _PACKAGE.parent

DB = _ROOT / "db"
MIGRATIONS = _ROOT / "migrations"
