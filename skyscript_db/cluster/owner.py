"""Who the server runs as, and where that user can reach the cluster's files."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skyscript_db.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

# For homes inside a folder that is closed to the server's user, such as /root.
STORE = Path("/var/lib/skyscript")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    @classmethod
    def of(cls, uid: int) -> Account:
        """Return the account with this number.

        Raises:
            ServerError: The number has no name, with which PostgreSQL cannot work.
        """
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            raise ServerError(
                f"User {uid} has no name on this machine, and PostgreSQL needs one. "
                f"Add a line for it to /etc/passwd, or run as another user."
            ) from None
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @property
    def is_me(self) -> bool:
        """Whether this process runs as this user."""
        return self.uid == os.geteuid()

    def run(
        self, *command: str | Path, keep: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this user, in a session of its own.

        A Ctrl-C at the terminal thus reaches this process alone.

        Args:
            command: The program and its arguments.
            keep: File descriptors that the program inherits.

        Raises:
            ServerError: This process may not become that user.
        """
        drop = not self.is_me
        try:
            return subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                check=False,
                cwd="/",
                env=_environment(),
                umask=0o077,
                start_new_session=True,
                pass_fds=keep,
                user=self.uid if drop else None,
                group=self.gid if drop else None,
                extra_groups=[] if drop else None,
            )
        except PermissionError as error:
            raise ServerError(
                f"{command[0]} cannot be run as the user {self.name} ({error}). "
                "Run skyscript as an ordinary user."
            ) from error

    def can_enter(self, folder: Path) -> bool:
        """Whether this user reaches what is in a folder."""
        return self.run("test", "-x", folder).returncode == 0

    def make(self, folder: Path) -> None:
        """Make a folder for this user alone, or take it over if it is theirs.

        Raises:
            ServerError: Somebody else has put something of that name there.
        """
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            found = folder.lstat()
            if folder.is_symlink() or found.st_uid != self.uid:
                raise ServerError(
                    f"{folder} is not a folder of the user {self.name}. "
                    "Remove it and try again."
                ) from None
            folder.chmod(0o700)
        else:
            os.chown(folder, self.uid, self.gid)


def _environment() -> dict[str, str]:
    """Drop what would change how the server runs or in which language it speaks."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C"}


def server_account(data: Path) -> Account:
    """Return the user that the server runs as.

    That is the owner of the data folder; before there is one, the caller, or where
    that is root, ``postgres`` or else ``nobody``.

    Raises:
        ServerError: The data are another user's, or there is no such user.
    """
    if data.exists():
        return _owner(data)
    if os.geteuid() != 0:
        return Account.of(os.geteuid())
    users = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in users:
            return Account.of(users[name])
    raise ServerError(
        "PostgreSQL refuses to run as root, and this machine has no user postgres. "
        "Add one (useradd --system postgres), or run as an ordinary user."
    )


def _owner(data: Path) -> Account:
    owner = Account.of(data.stat().st_uid)
    if not owner.is_me and os.geteuid() != 0:
        raise ServerError(
            f"The cluster in {data} belongs to the user {owner.name}. Run as that "
            "user, or set SKYSCRIPT_HOME to a folder of your own."
        )
    return owner


def make_folder(home: Path, account: Account) -> Path:
    """Return the folder of the cluster, which the server's user can enter.

    Where the home is in a folder closed to that user, the cluster is put into
    ``STORE`` and a link to it into the home.

    Raises:
        ServerError: The folder was moved, removed or closed since it was made.
    """
    home = home.resolve()
    link = home / "cluster"
    if not os.path.lexists(link):
        if _open(home, account):
            link.mkdir()
        else:
            link.symlink_to(_make_stored())
    folder = link.resolve()
    if not folder.is_dir():
        raise ServerError(
            f"{link} leads to {folder}, which is gone, and the data with it. Bring "
            "it back, or begin anew by `skyscript db reset`."
        )
    if folder.stat().st_uid == os.geteuid():
        # Whatever the umask was when it was made.
        folder.chmod(0o711)
    if not account.can_enter(folder):
        raise ServerError(
            f"The server's user {account.name} cannot enter {folder}. Open the "
            "folders above it (chmod o+x), or set SKYSCRIPT_HOME to another place."
        )
    return folder


def _open(home: Path, account: Account) -> bool:
    """Let the server's user pass through the home, if nothing else is in it yet."""
    if account.can_enter(home):
        return True
    if any(entry.name != "cluster.lock" for entry in home.iterdir()):
        return False
    mode = home.stat().st_mode
    home.chmod(mode | 0o001)
    if account.can_enter(home):
        return True
    home.chmod(mode)
    return False


def _make_stored() -> Path:
    STORE.mkdir(exist_ok=True)
    STORE.chmod(0o711)
    return Path(tempfile.mkdtemp(prefix="cluster-", dir=STORE))
