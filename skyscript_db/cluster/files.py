"""Writes the cluster's files: the data folder, the settings, who may connect."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from skyscript_db.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skyscript_db.cluster.installation import Installation
    from skyscript_db.cluster.owner import Account

# The one role that there is.
ROLE = "skyscript"

_HEADER = "# Written anew by each start of the server. Use ALTER SYSTEM instead.\n"
_INCLUDE = (
    "\n# The settings of SkyScript DB.\ninclude_if_exists = '../skyscript.conf'\n"
)
_ACCESS = _HEADER + "local all all peer map=skyscript\n"


def write_configuration(
    folder: Path, settings: Mapping[str, str], *, users: Iterable[str]
) -> None:
    """Write the settings and who may connect.

    Args:
        folder: The cluster's folder.
        settings: The values by their names.
        users: The users of this machine who may connect.
    """
    lines = [f"{name} = {_quoted(value)}\n" for name, value in settings.items()]
    who = [f'skyscript "{user}" {ROLE}\n' for user in dict.fromkeys(users)]
    _replace(folder / "skyscript.conf", _HEADER + "".join(lines))
    _replace(folder / "hba.conf", _ACCESS)
    _replace(folder / "ident.conf", _HEADER + "".join(who))


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _replace(path: Path, text: str) -> None:
    """Put a whole new file in place of the old one, or leave the old one."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            # The server's user has to read it; there is no secret in it.
            os.fchmod(handle, 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def initialise(
    postgres: Installation,
    account: Account,
    data: Path,
    *,
    durable: bool,
    lock: int,
) -> None:
    """Make the data folder, under another name until it is complete.

    Args:
        postgres: The programs.
        account: The user that the server runs as.
        data: The folder to make.
        durable: Whether the files are on disk before this returns.
        lock: The descriptor of the lock on the cluster. ``initdb`` inherits it, so
            that nobody begins anew while one outlives the command that started it.

    Raises:
        ServerError: ``initdb`` failed; quotes what it said.
    """
    unfinished = data.with_name("data.new")
    account.make(unfinished)
    done = account.run(
        postgres.folder / "initdb",
        f"--pgdata={unfinished}",
        f"--username={ROLE}",
        "--auth-local=peer",
        "--auth-host=reject",
        "--data-checksums",
        "--encoding=UTF8",
        *_locale(),
        *([] if durable else ["--no-sync"]),
        keep=[lock],
    )
    if done.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise ServerError(f"The cluster could not be made:\n{done.stdout.strip()}")
    with (unfinished / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(_INCLUDE)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(data)
    _sync_folder(data.parent)


def _locale() -> list[str]:
    """Order text by code point, the same on every machine, and know all letters."""
    if sys.platform == "darwin":
        return ["--locale=C", "--lc-ctype=UTF-8"]
    return ["--locale=C.UTF-8", "--lc-messages=C"]


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
