"""What a request that got no answer says of its cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urllib3.exceptions import NewConnectionError

if TYPE_CHECKING:
    import requests


def is_unanswered(error: requests.RequestException) -> bool:
    """Return whether no connection came about at all."""
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)
