"""Files whose objects are out of order, which osm2pgsql refuses, put into order."""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from skyscript_db.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)


def can_sort() -> bool:
    """Return whether osmium-tool is installed."""
    return shutil.which("osmium") is not None


@contextmanager
def sorted_copy(path: Path) -> Iterator[Path]:
    """Give a copy of an OSM file, sorted by type and id, for as long as it is needed.

    Raises:
        StorageError: There is no room for it where temporary files go.
    """
    logger.warning("%s is not in order: sorting a copy of it first", path.name)
    with tempfile.TemporaryDirectory(prefix="skyscript-sort-") as folder:
        copy = Path(folder) / f"{path.name.partition('.')[0]}.osm.pbf"
        result = subprocess.run(
            ["osmium", "sort", "--strategy=multipass", "-o", copy, path],  # noqa: S607 - found on PATH by can_sort
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise StorageError(
                f"{path.name} is not in order, and a sorted copy of it cannot be "
                f"written to {folder}: {result.stderr.strip()}. Make room there, or "
                "set TMPDIR to a folder that has room."
            )
        yield copy
