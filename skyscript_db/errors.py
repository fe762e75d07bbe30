"""The errors that SkyScript DB raises on purpose.

Each message says what is wrong and what to do about it. The command line prints the
message alone and exits with the class's ``exit_code``; anything else that escapes is
a fault of ours and keeps its traceback.
"""

from __future__ import annotations


class SkyscriptError(Exception):
    """Base of all errors that the user can do something about."""

    exit_code = 1


class UsageError(SkyscriptError):
    """The input is not what the command takes: a file, an area, a tag, an option."""

    exit_code = 2


class ServerError(SkyscriptError):
    """The PostgreSQL server is missing, too old, or cannot be started."""


class SchemaOutOfDate(ServerError):
    """The database's tables are older or newer than this code."""


class LoaderError(SkyscriptError):
    """Outside data could not be loaded; what was loaded before is untouched."""


class ModelUnavailable(SkyscriptError):
    """The weights of a model are not on this machine and could not be fetched."""


class ModelMismatch(SkyscriptError):
    """A vector does not fit the model that it is stored under or searched with."""


class StorageError(SkyscriptError):
    """A file could not be written: the disk is full, or the folder is not ours."""


class JobBusy(SkyscriptError):
    """The same job is running in another process."""


class RequestFailed(SkyscriptError):
    """A service's answer was no use, for the cause told; the next may be.

    ``status`` is the HTTP status, None where no answer came. ``is_transient`` says
    that the same request may succeed later, ``retry_after_s`` when the service would
    have it again, ``is_quota`` that all requests fail until a quota is renewed, and
    ``is_unreachable`` that no connection to it came about.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        is_transient: bool = False,
        retry_after_s: float | None = None,
        is_quota: bool = False,
        is_unreachable: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.is_transient = is_transient
        self.retry_after_s = retry_after_s
        self.is_quota = is_quota
        self.is_unreachable = is_unreachable


class ServiceUnreachable(RequestFailed):
    """A service could not be reached, in all tries of a request, by anybody here."""


class CredentialsExpired(SkyscriptError):
    """A service does not accept our credentials (any more)."""
