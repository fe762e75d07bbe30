"""What services say in the headers of their answers."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_s(told: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number, or a date."""
    if told is None:
        return None
    try:
        seconds = float(told)
    except ValueError:
        seconds = _until(told)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(told: str) -> float:
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return math.nan
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()
