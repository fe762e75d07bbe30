"""Finds the newest PostgreSQL on this machine that has PostGIS and pgvector."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skyscript_db.cluster import versions
from skyscript_db.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Debian and Ubuntu, the PostgreSQL project's RPMs, Homebrew, Postgres.app.
_USUAL_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True)
class Installation:
    """One PostgreSQL and the versions of what it comes with.

    Attributes:
        folder: Holds ``postgres``, ``initdb``, ``pg_ctl`` and ``psql``.
        version: Major and minor.
        extensions: The version of each extension that we need and it has.
    """

    folder: Path
    version: versions.Version
    extensions: dict[str, versions.Version]

    @property
    def faults(self) -> list[str]:
        """What keeps this installation from serving; empty if it does."""
        if self.version[0] < versions.MINIMUM_POSTGRESQL:
            return [f"it is older than {versions.MINIMUM_POSTGRESQL}"]
        found = self.extensions
        faults = [versions.extension_fault(x, found.get(x)) for x in versions.PRODUCTS]
        return [fault for fault in faults if fault]


def find(
    *, major: int | None = None, folders: Iterable[Path] | None = None
) -> Installation:
    """Return the newest installation that serves.

    Args:
        major: Take this major alone: that of the data folder.
        folders: Where to look; by default the usual places and the PATH.

    Raises:
        ServerError: There is none; says what is missing and how to get it.
    """
    looked_in = bin_folders() if folders is None else folders
    installed = list(filter(None, map(inspect, looked_in)))
    wanted = [x for x in installed if major in (None, x.version[0])]
    if serving := [x for x in wanted if not x.faults]:
        return max(serving, key=lambda x: x.version)
    raise ServerError(_explain(wanted, major))


def _explain(installed: list[Installation], major: int | None) -> str:
    if installed:
        newest = max(installed, key=lambda x: x.version)
        return (
            f"PostgreSQL {versions.show(newest.version)} in {newest.folder} cannot "
            f"serve: {', '.join(newest.faults)}. {versions.remedy()}"
        )
    if major is None:
        return f"No PostgreSQL server is installed. {versions.remedy()}"
    return (
        f"The cluster was made by PostgreSQL {major}, which is no longer installed. "
        f"Install PostgreSQL {major} with PostGIS and pgvector again, or give the data "
        "up by `skyscript db reset`."
    )


def bin_folders() -> Iterator[Path]:
    """Yield the folders that may hold a server's programs, the usual ones first."""
    for pattern in _USUAL_FOLDERS:
        yield from Path("/").glob(pattern)
    if pg_config := shutil.which("pg_config"):
        yield Path(_output(pg_config, "--bindir") or "/nonexistent")
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent


def inspect(folder: Path) -> Installation | None:
    """Return the installation in this folder; None if no server is in it."""
    programs = ("postgres", "initdb", "pg_ctl")
    if not all((folder / program).is_file() for program in programs):
        return None
    match = re.search(r"(\d+)(?:\.(\d+))?", _output(folder / "postgres", "--version"))
    if match is None:
        return None
    version = (int(match[1]), int(match[2] or 0))
    return Installation(folder, version, _extensions(folder, version[0]))


def _extensions(folder: Path, major: int) -> dict[str, versions.Version]:
    found = {}
    for share in _share_folders(folder, major):
        for name in versions.PRODUCTS:
            control = share / "extension" / f"{name}.control"
            if name not in found and (version := _default_version(control)):
                found[name] = version
    return found


def _share_folders(folder: Path, major: int) -> Iterator[Path]:
    if (folder / "pg_config").is_file():
        yield Path(_output(folder / "pg_config", "--sharedir") or "/nonexistent")
        return
    # Some distributions put pg_config into the package for developers.
    yield folder.parent / "share" / "postgresql"
    yield folder.parent / "share"
    # Debian's, of which no other installation beside it has anything.
    if folder.parts[-4:] == ("lib", "postgresql", str(major), "bin"):
        yield folder.parents[3] / "share" / "postgresql" / str(major)


def _default_version(control: Path) -> versions.Version | None:
    if not control.is_file():
        return None
    text = control.read_text(encoding="utf-8", errors="replace")
    match = re.search(r"^\s*default_version\s*=\s*'([^']*)'", text, re.MULTILINE)
    return versions.parse(match[1]) if match else None


def _output(program: str | Path, option: str) -> str:
    """Run a program that tells about itself; the empty string if it cannot run."""
    try:
        done = subprocess.run(
            [program, option], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
