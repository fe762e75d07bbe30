"""What the client raises, as errors that say what to do.

The client throws the status of an answer away and keeps its words; both are still in
the error that it caught.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ee
from google.auth.exceptions import GoogleAuthError, TransportError
from googleapiclient.errors import Error as ClientError
from googleapiclient.errors import HttpError

from skyscript_db.errors import CredentialsExpired, RequestFailed
from skyscript_db.remote import retry_after_s

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG_IN = (
    "log in again with `earthengine authenticate`, or look at the service account "
    "(docs/earth-engine.md)"
)
ENABLE = (
    "enable the Earth Engine API for the project, register it, and give this account "
    "the role Earth Engine Resource Viewer and Service Usage Consumer in it (docs/"
    "earth-engine.md)"
)

# Refusals of all that an account or a project asks for, not of one asset.
_OF_PROJECT = re.compile(
    r"has not been used in project|it is disabled|SERVICE_DISABLED|not registered|"
    r"not signed up|permission to use project|serviceusage|USER_PROJECT_DENIED|"
    r"billing|is not eligible",
    re.IGNORECASE,
)
# Quotas that are renewed after hours; those by the minute are a matter of pace.
_USED_UP = re.compile(
    r"per (day|month)|daily|monthly|EECU|noncommercial|dailyLimitExceeded",
    re.IGNORECASE,
)
_BY_PACE = re.compile(r"per (second|minute)|concurren", re.IGNORECASE)
_MOMENTARY = re.compile(
    r"internal error|try again|timed out|deadline|unavailable", re.IGNORECASE
)
# After minutes, and after as many again however often it is asked for: too much.
_TOO_LONG = re.compile(r"computation timed out", re.IGNORECASE)
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


@contextmanager
def translated() -> Iterator[None]:
    """Raise what the client raises as RequestFailed or CredentialsExpired.

    Raises:
        CredentialsExpired: The account or the project is not accepted.
        RequestFailed: Anything else; it says whether to try again.
    """
    try:
        yield
    except GoogleAuthError as error:
        raise _of_login(error) from error
    except HttpError as error:
        raise _of_answer(error) from error
    except ee.EEException as error:
        answer = error.__context__
        if isinstance(answer, HttpError):
            raise _of_answer(answer) from error
        raise RequestFailed(str(error), is_transient=True) from error
    except (ClientError, OSError, ValueError) as error:
        # A connection that broke, or an answer that is not what it says it is.
        raise RequestFailed(
            f"the answer could not be read: {error}", is_transient=True
        ) from error


def _of_login(error: GoogleAuthError) -> Exception:
    if isinstance(error, TransportError) or getattr(error, "retryable", False):
        return RequestFailed(f"no login: {error}", is_transient=True)
    return CredentialsExpired(f"Google does not accept our login: {error}; {LOG_IN}")


def _of_answer(error: HttpError) -> Exception:
    status, message = int(error.resp.status), _message(error)
    if status == 401:
        return CredentialsExpired(f"Earth Engine (401): {message}; {LOG_IN}")
    if status == 403 and _OF_PROJECT.search(message):
        return CredentialsExpired(f"Earth Engine (403): {message}; {ENABLE}")
    is_used_up = bool(_USED_UP.search(message)) and not _BY_PACE.search(message)
    return RequestFailed(
        f"Earth Engine ({status}): {message}",
        status=status,
        is_transient=status in _TRANSIENT or (status == 400 and _may_pass(message)),
        retry_after_s=retry_after_s(error.resp.get("retry-after")),
        is_quota=status in {403, 429} and is_used_up,
    )


def _may_pass(message: str) -> bool:
    return bool(_MOMENTARY.search(message)) and not _TOO_LONG.search(message)


def _message(error: HttpError) -> str:
    reason: Any = error.reason
    return " ".join(str(reason or "no reason told").split())[:500]
