from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httplib2
import pytest
from google.auth.exceptions import RefreshError, TransportError
from googleapiclient.errors import HttpError

from loaders.earth_engine.failures import translated
from skyscript_db.errors import CredentialsExpired, RequestFailed
from skyscript_db.remote import retry_after_s


def answer(status: int, message: str, **headers: str) -> HttpError:
    body = json.dumps({"error": {"code": status, "message": message}}).encode()
    return HttpError(httplib2.Response({**headers, "status": str(status)}), body)


def failed(error: Exception) -> RequestFailed:
    with pytest.raises(RequestFailed) as found, translated():
        raise error
    return found.value


@pytest.mark.parametrize(
    ("status", "message", "is_transient", "is_quota"),
    [
        (429, "Quota exceeded for quota metric 'Requests per minute'", True, False),
        (429, "Too many concurrent aggregations.", True, False),
        (429, "Quota exceeded ... limit 'EECU-seconds per month'", True, True),
        (429, "Quota exceeded ... limit 'Requests per day'", True, True),
        (500, "An internal error has occurred", True, False),
        (503, "The service is currently unavailable.", True, False),
        (400, "Computation timed out.", False, False),
        (400, "The request timed out; try again.", True, False),
        (400, "Image.select: No band named 'B99'.", False, False),
        (400, "User memory limit exceeded.", False, False),
        (403, "Permission 'earthengine.assets.get' denied on resource", False, False),
        (404, "Image asset 'x' not found.", False, False),
        (501, "not implemented", False, False),
    ],
)
def test_what_may_succeed_later_is_told_apart(status, message, is_transient, is_quota):
    error = failed(answer(status, message))
    assert str(error) == f"Earth Engine ({status}): {message}"
    assert (error.status, error.is_transient) == (status, is_transient)
    assert error.is_quota is is_quota


@pytest.mark.parametrize(
    "message",
    [
        "Earth Engine API has not been used in project 7 before or it is disabled.",
        "Caller does not have required permission to use project p.",
        "Not signed up for Earth Engine or project is not registered.",
    ],
)
def test_a_project_that_may_not_stops_all(message):
    with (
        pytest.raises(CredentialsExpired, match="enable the Earth Engine API"),
        translated(),
    ):
        raise answer(403, message)


def test_a_login_that_google_refuses_stops_all():
    with (
        pytest.raises(CredentialsExpired, match="earthengine authenticate"),
        translated(),
    ):
        raise RefreshError("invalid_grant: Token has been expired or revoked.")


def test_google_out_of_reach_is_no_refusal():
    assert failed(TransportError("no route to host")).is_transient


def test_retry_after_is_seconds_or_a_date():
    assert retry_after_s(None) is None
    assert retry_after_s("2.5") == 2.5
    assert retry_after_s("-3") == 0
    assert retry_after_s("soon") is None
    assert retry_after_s("nan") is None
    late = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < (retry_after_s(late) or 0) <= 90


def test_retry_after_comes_with_the_error():
    assert failed(answer(429, "slow down", **{"retry-after": "4"})).retry_after_s == 4
