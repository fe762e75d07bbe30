"""Collections whose files lie elsewhere than in the served folder.

A TOML file names them; to each belongs all that a ``collection.toml`` may say::

    ["USDA/NAIP/DOQQ"]
    folder = "../imagery"     # beside the TOML file
    files = "naip_*.tif"      # all GeoTIFF files, if left out
    bands = ["R", "G", "B", "N"]
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from loaders.earth_engine.emulator import sidecars
from loaders.earth_engine.emulator.assets import Place
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> dict[str, Place]:
    """Read where collections are.

    Raises:
        UsageError: The file is no such TOML, or names a folder that is not there.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        return {key: _place(path.parent, dict(entry)) for key, entry in said.items()}
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"{path}: {error}; see docs/earth-engine-emulator.md"
        ) from error


def _place(beside: Path, entry: dict[str, Any]) -> Place:
    if "folder" not in entry:
        raise ValueError("a collection has no folder")
    folder = beside / entry.pop("folder")
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}")
    files = entry.pop("files", "*.tif")
    if "/" in files:
        raise ValueError(f"files {files!r} holds a folder: name it in 'folder'")
    return Place(folder, files, sidecars.of_mapping(entry))
