"""What the emulator answers: bytes with a status, or an error in Google's form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


@dataclass(frozen=True, slots=True)
class AskedWindow:
    """Pixels of an image that were asked for, and how they were answered.

    ``status`` is 0 where the connection was cut; ``is_whole`` says that no scripted
    fault shortened the answer.
    """

    asset: str
    col_off: int
    row_off: int
    width: int
    height: int
    status: int = 200
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, and the pixels that it holds."""

    body: bytes
    status: int = 200
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    windows: tuple[AskedWindow, ...] = ()


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.code = code
        self.headers = headers

    def answer(self) -> Answer:
        """Return it as Google's services tell an error."""
        error = {
            "code": self.code,
            "message": str(self),
            "status": STATUS_NAMES[self.code],
        }
        headers = {name.replace("_", "-"): text for name, text in self.headers.items()}
        return Answer(_encode({"error": error}), self.code, headers=headers)


def invalid(message: str) -> ApiError:
    """Return the error for a request that Earth Engine would refuse as well."""
    return ApiError(400, message)


def not_emulated(what: str) -> ApiError:
    """Return the error for what Earth Engine can and the emulator cannot."""
    return ApiError(501, f"{what} is not emulated; see docs/earth-engine-emulator.md")


def of_json(value: Any) -> Answer:
    """Return a value as a JSON answer."""
    return Answer(_encode(value))


def _encode(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode()
