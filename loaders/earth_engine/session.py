"""The real client, logged in, and called within the limits of the project.

The client is one for the whole process: a session for another project, login or
address takes it over.
"""

from __future__ import annotations

import ipaddress
import os
import threading
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import ee
import google.auth
from google.auth.credentials import AnonymousCredentials
from google.auth.environment_vars import CREDENTIALS
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.oauth2 import service_account

from loaders.earth_engine.failures import LOG_IN, translated
from loaders.earth_engine.transport import Transport
from skyscript_db.errors import CredentialsExpired, UsageError
from skyscript_db.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from skyscript_db.config import Settings

T = TypeVar("T")

TRUSTED = ".googleapis.com"
AND_PROJECT = (
    "; and set SKYSCRIPT_EARTH_ENGINE_PROJECT to the id of a Google Cloud project that "
    "is registered for it"
)
HOW = "docs/earth-engine.md tells how to get access"

_taking_over = threading.Lock()
_transport: Transport | None = None


class Session:
    """Earth Engine for one project; a context manager. For many threads."""

    def __init__(self, settings: Settings, conninfo: str) -> None:
        """Log in, and share the project's limits in the database of ``conninfo``.

        Raises:
            UsageError: A setting is missing or wrong; the message says how to get it.
            CredentialsExpired: Earth Engine does not accept the login or the project.
            RequestFailed: It does not answer.
        """
        url = _checked_url(settings.earth_engine_url)
        is_local = url is not None and is_loopback(url)
        credentials = _nobody() if is_local else _credentials(settings)
        self.project = _project(settings, credentials)
        service = f"earth-engine:{self.project}"
        self._remote = Remote.of(settings, conninfo, service)
        try:
            self.call(
                lambda: _initialize(
                    credentials,
                    url=url,
                    project=self.project,
                    transport=Transport(
                        settings.request_concurrency, is_direct=is_local
                    ),
                )
            )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def call(self, request: Callable[[], T]) -> T:
        """Return what a request by the client returns, made as often as need be.

        Raises:
            RequestFailed: It was refused, or failed too often.
            CredentialsExpired: The login is not accepted; nothing else will be either.
        """

        def once() -> T:
            with translated():
                return request()

        return self._remote.call(once)

    def close(self) -> None:
        """Let go of the limits; the client stays as it is."""
        self._remote.close()


def _initialize(
    credentials: Any, *, url: str | None, project: str, transport: Transport
) -> None:
    global _transport  # noqa: PLW0603 - there is one client in a process
    with _taking_over, warnings.catch_warnings():
        # Its look for deprecated assets may fail; that is told as a warning.
        warnings.simplefilter("ignore")
        ee.Reset()
        ee.data.setMaxRetries(0)  # Remote makes requests again, within the limits
        ee.Initialize(credentials, url=url, project=project, http_transport=transport)
        if _transport is not None:
            _transport.close()
        _transport = transport


def _checked_url(url: str | None) -> str | None:
    """Return the server's address, unless it would get a login that is not for it."""
    if url is None:
        return None
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and is_loopback(url):
            return url.rstrip("/")
        if parts.scheme == "https" and (parts.hostname or "").endswith(TRUSTED):
            return url.rstrip("/")
    raise UsageError(
        f"SKYSCRIPT_EARTH_ENGINE_URL is {url!r}: it may name a server on this machine "
        "(such as the emulator, which prints its address), or https://...googleapis"
        ".com; no other gets your login"
    )


def is_loopback(url: str) -> bool:
    """Return whether an address is of this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _project(settings: Settings, credentials: Any) -> str:
    project = (
        settings.earth_engine_project
        or getattr(credentials, "project_id", None)
        or getattr(credentials, "quota_project_id", None)
    )
    if not project:
        raise UsageError(
            "Earth Engine needs a Google Cloud project that is registered for it: set "
            f"SKYSCRIPT_EARTH_ENGINE_PROJECT to its id; {HOW}"
        )
    return str(project)


# --- logins ---------------------------------------------------------------------------


def _nobody() -> Any:
    return AnonymousCredentials()  # type: ignore[no-untyped-call]


def _credentials(settings: Settings) -> Any:
    """Return the login: a service account's, the application default, or the user's."""
    if settings.earth_engine_credentials is not None:
        return _service_account(settings.earth_engine_credentials)
    try:
        return _application_default() or ee.data.get_persistent_credentials()
    except ee.EEException as error:
        has_project = settings.earth_engine_project is not None
        raise UsageError(
            f"no login {'' if has_project else 'and no project '}for Earth Engine: run "
            "`earthengine authenticate`, or set SKYSCRIPT_EARTH_ENGINE_CREDENTIALS to "
            f"the key file of a service account{'' if has_project else AND_PROJECT}; "
            f"{HOW}; the emulator needs none (set SKYSCRIPT_EARTH_ENGINE_URL)"
        ) from error
    except (GoogleAuthError, OSError, ValueError) as error:
        raise CredentialsExpired(
            f"the login cannot be renewed: {error}; {LOG_IN}"
        ) from (error)


def _service_account(path: os.PathLike[str]) -> Any:
    try:
        return service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
            path, scopes=ee.oauth.SCOPES
        )
    except OSError as error:
        raise UsageError(
            f"cannot read SKYSCRIPT_EARTH_ENGINE_CREDENTIALS, {path}: {error.strerror}"
            "; name the JSON key file of a service account"
        ) from error
    except (GoogleAuthError, ValueError, KeyError) as error:
        raise UsageError(
            f"SKYSCRIPT_EARTH_ENGINE_CREDENTIALS, {path}, is no key file of a service "
            f"account: create a key of type JSON in the Cloud console; {HOW}"
        ) from error


def _application_default() -> Any | None:
    """Return the login that GOOGLE_APPLICATION_CREDENTIALS names, if it is set.

    The client would ask for it too, but not for the scopes that a service account
    needs.
    """
    if not os.environ.get(CREDENTIALS):
        return None
    try:
        credentials, _ = google.auth.default(scopes=ee.oauth.SCOPES)
    except DefaultCredentialsError as error:
        raise UsageError(
            f"{CREDENTIALS} is set to {os.environ[CREDENTIALS]!r}, which is no login: "
            f"{error}; correct it, or unset it"
        ) from error
    return credentials
