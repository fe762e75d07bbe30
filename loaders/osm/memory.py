"""Sizes osm2pgsql to a file and to the memory that is free."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skyscript_db.cluster import sizing
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Iterator

_GB = 1024**3
_MB = 1024**2
# From this size on, node locations in a file of their own (about 100 GB, whatever is
# loaded) beat those in a table.
_FLAT_NODES_FROM_BYTES = 8 * _GB
_FLAT_NODES_BYTES = 120 * _GB


@dataclass(frozen=True, slots=True)
class Sizing:
    """How osm2pgsql is to use memory and disk.

    Attributes:
        needed_bytes: Memory that it needs to keep all in memory, roughly.
        is_slim: It keeps nodes and ways in the database, for want of memory.
        has_flat_nodes: It keeps node locations in a file.
        cache_mb: Memory for node locations, where they are in the database.
    """

    needed_bytes: int
    is_slim: bool = False
    has_flat_nodes: bool = False
    cache_mb: int = 0


def free_memory() -> int:
    """Return the bytes of memory that a child may use, container limits included."""
    limit = sizing.measure().memory_bytes
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return limit
    match = re.search(r"MemAvailable: +(\d+) kB", text)
    return min(limit, int(match[1]) * 1024) if match else limit


def size_for(pbf_bytes: int, memory_bytes: int) -> Sizing:
    """Choose between memory, tables and a file for what osm2pgsql keeps of a file.

    Args:
        pbf_bytes: Size of the file, as PBF.
        memory_bytes: Memory that may be used.
    """
    needed = _GB + pbf_bytes * 5 // 2
    # A small file needs far less than the first gigabyte, which is for the large ones.
    if needed <= memory_bytes or pbf_bytes * 20 <= memory_bytes:
        return Sizing(needed)
    if pbf_bytes >= _FLAT_NODES_FROM_BYTES:
        return Sizing(needed, is_slim=True, has_flat_nodes=True)
    cache_mb = min(pbf_bytes * 5 // 2, memory_bytes // 2) // _MB
    return Sizing(needed, is_slim=True, cache_mb=cache_mb)


@contextmanager
def flat_nodes_file(name: str) -> Iterator[Path]:
    """Give the path of a file for node locations, and delete it in the end.

    Args:
        name: Its folder is called so: the next run finds by it what a killed one left.

    Raises:
        LoaderError: There is no room for it.
    """
    folder = Path(tempfile.gettempdir(), f"skyscript-{name}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        check_room(folder)
        yield folder / "nodes"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_room(folder: Path) -> None:
    """Check that a folder has room for the file of node locations.

    Raises:
        LoaderError: It has not.
    """
    free = shutil.disk_usage(folder).free
    if free < _FLAT_NODES_BYTES:
        raise LoaderError(
            f"{folder} has {free // _GB} GB free, and the node locations of so large a "
            f"file take {_FLAT_NODES_BYTES // _GB} GB: set TMPDIR to a folder that has "
            "them, or load on a machine with more memory"
        )
