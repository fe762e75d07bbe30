"""The embedded server: a private PostgreSQL cluster in the user's data folder.

It listens on a Unix socket that only its own user and root can reach, and on no port.
What its folder, ``cluster`` in the home, holds::

    data/            PostgreSQL's own; complete as soon as it has this name
    data.lock        locked as long as the server lives
    socket/          unless that path is too long, then in /tmp
    log/
    skyscript.conf   our settings, written anew by each start; those of
                     ALTER SYSTEM win over them
    hba.conf  ident.conf
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

from skyscript_db.cluster import installation, owner, postmaster, sizing
from skyscript_db.cluster.files import ROLE, initialise, write_configuration
from skyscript_db.cluster.versions import check_extensions, warnings_for
from skyscript_db.errors import ServerError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Cluster", "Status", "check_extensions", "warnings_for"]

DATABASE = "skyscript"

# Unix allows 103 to 107 bytes for the path of a socket.
_SOCKET_PATH_BYTES = 100
_LEFTOVERS = ("data.new", "data.old")
_OURS = ("data.lock", "socket", "log", "skyscript.conf", "hba.conf", "ident.conf")


@dataclass(frozen=True, slots=True)
class Status:
    """How a cluster is.

    Attributes:
        running: Whether the server runs.
        pid: Its main process, if it runs.
        version: The major version that made the data; None before the first start.
        data: The data folder.
        socket: The folder of the socket.
    """

    running: bool
    pid: int | None
    version: int | None
    data: Path
    socket: Path


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster of a home, which need not exist yet.

    Every method may be called at any time and by several processes at once.
    """

    home: Path

    @property
    def folder(self) -> Path:
        """The folder that holds all of the cluster's files."""
        return (self.home / "cluster").resolve()

    @property
    def is_there(self) -> bool:
        """Whether there is such a folder, be the cluster in it whole or not."""
        return os.path.lexists(self.home / "cluster")

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        """The folder of the socket, in the cluster's own unless that cannot serve."""
        inside = self.folder / "socket"
        name = inside / ".s.PGSQL.5432"
        # libpq and the server split lists of folders at commas.
        plain = re.fullmatch(r"[\w /.+~@=-]+", str(inside), re.ASCII)
        if plain and len(os.fsencode(name)) <= _SOCKET_PATH_BYTES:
            return inside
        # Not $TMPDIR, which may differ from one command to the next.
        label = postmaster.label_of(self.data)
        return Path("/tmp") / label  # noqa: S108 - checked to be ours

    def url(self, database: str = DATABASE) -> str:
        """Return the address of the server for psql, psycopg and the like."""
        host = quote(str(self.socket), safe="")
        return f"postgresql://{ROLE}@/{quote(database)}?host={host}&port=5432"

    def status(self) -> Status:
        """Return how the cluster is.

        Raises:
            ServerError: It belongs to another user.
        """
        pid = postmaster.pid_of(self.data) if self._is_made() else None
        return Status(
            running=pid is not None,
            pid=pid,
            version=self._major(),
            data=self.data,
            socket=self.socket,
        )

    def start(self, *, durable: bool = True) -> Status:
        """Start the server, making the cluster if there is none; harmless if it runs.

        The server has the role ``skyscript``, its superuser, and an empty database of
        that name.

        Args:
            durable: False makes a small, fast server for throw-away data.

        Raises:
            ServerError: PostgreSQL or an extension is missing, or it does not start.
            StorageError: The home cannot be written.
        """
        with self._locked() as lock:
            try:
                self._serve(lock, durable=durable)
            except psycopg.OperationalError:
                # It had not yet noticed that one of its processes was killed, and has
                # now gone to recover from that.
                self._serve_surely(lock, durable=durable)
        return self.status()

    def stop(self) -> bool:
        """Stop the server; return whether there was one to stop.

        Raises:
            ServerError: It belongs to another user, or does not stop.
        """
        if not self._is_made():
            return False
        with self._locked():
            return postmaster.stop(self.data)

    def reset(self) -> None:
        """Stop the server and remove the cluster with all its data.

        Raises:
            ServerError: It belongs to another user, or does not stop.
        """
        if not self.is_there:
            return
        link = self.home / "cluster"
        with self._locked():
            folder, socket = self.folder, self.socket
            if self._is_made():
                postmaster.stop(self.data)
                # Gone at once, so that a kill from here on leaves no half a cluster.
                self._sweep()
                self.data.rename(folder / "data.old")
            self._sweep()
            _remove([*(folder / name for name in _OURS), socket])
            _remove_folder(link, folder)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Keep other processes from starting, stopping or removing the cluster."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with postmaster.locked(self.home / "cluster.lock") as lock:
                yield lock
        except OSError as error:
            raise StorageError(
                f"The cluster in {self.home} cannot be written: {error}. Free the disk "
                "or its permissions, or set SKYSCRIPT_HOME to another folder."
            ) from error

    def _serve(self, lock: int, *, durable: bool) -> None:
        if not (self._is_made() and self._answers()):
            self._start(lock, durable=durable)
        self._ensure_database()

    def _serve_surely(self, lock: int, *, durable: bool) -> None:
        try:
            self._serve(lock, durable=durable)
        except psycopg.OperationalError as error:
            raise ServerError(
                f"The server runs but cannot be used: {error}. See its log in "
                f"{self.folder / 'log'}, or try `skyscript db stop` and start again."
            ) from error

    def _start(self, lock: int, *, durable: bool) -> None:
        postgres = installation.find(major=self._major())
        account = owner.server_account(self.data)
        folder = owner.make_folder(self.home, account)
        for private in (self.socket, folder / "log"):
            account.make(private)
        settings = sizing.settings_for(sizing.measure(), durable=durable) | {
            "cluster_name": postmaster.label_of(self.data),
            "unix_socket_directories": str(self.socket),
            "log_directory": str(folder / "log"),
            "hba_file": str(folder / "hba.conf"),
            "ident_file": str(folder / "ident.conf"),
        }
        write_configuration(folder, settings, users=[account.name, "root"])
        if not self._is_made():
            self._sweep()
            initialise(postgres, account, self.data, durable=durable, lock=lock)
        postmaster.start(
            postgres, account, self.data, socket=self.socket, answers=self._answers
        )

    def _is_made(self) -> bool:
        """Whether there is a cluster, which then must be ours to use."""
        try:
            is_made = self.data.exists()
        except PermissionError as error:
            raise ServerError(
                f"{self.home} is closed to you ({error}). Run as its owner, or set "
                "SKYSCRIPT_HOME to a folder of your own."
            ) from error
        if is_made:
            owner.server_account(self.data)
        return is_made

    def _major(self) -> int | None:
        if not self._is_made():
            return None
        return int((self.data / "PG_VERSION").read_text("utf-8"))

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=10)

    def _answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _ensure_database(self) -> None:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        with self._connect("postgres") as conn:
            if conn.execute(query, [DATABASE]).fetchone() is None:
                conn.execute("CREATE DATABASE skyscript")

    def _sweep(self) -> None:
        """Remove what a killed start or reset left half made or half removed."""
        _remove(self.folder / name for name in _LEFTOVERS)


def _remove(paths: Iterator[Path] | list[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _remove_folder(link: Path, folder: Path) -> None:
    """Remove the cluster's folder, unless somebody keeps files of their own in it."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    if link.is_symlink():
        link.unlink()
