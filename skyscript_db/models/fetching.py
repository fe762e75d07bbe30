"""What the workers that fetch from a service share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from skyscript_db.models.base import Base


class FailureRemedy(Base):
    """What to do about failures of one kind."""

    __tablename__ = "failure_remedy"

    rank: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="The first that fits is told."
    )
    http_status: Mapped[int | None] = mapped_column(
        comment="Fits failures with this status; NULL: any."
    )
    pattern: Mapped[str | None] = mapped_column(
        comment="Fits causes that match this regular expression, whatever their case; "
        "NULL: any."
    )
    remedy: Mapped[str] = mapped_column(comment="What to do.")

    __table_args__ = (
        {"comment": "What to do about chips that failed or were rejected."},
    )


class RequestLimit(Base):
    """When a service may be asked next."""

    __tablename__ = "request_limit"

    service: Mapped[str] = mapped_column(
        primary_key=True,
        comment="The service, with the project or host that it counts requests by.",
    )
    next_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"),
        comment="When the next request may leave.",
    )
    paused_until: Mapped[datetime | None] = mapped_column(
        comment="No request leaves before this; set it to NULL, and the cause, to go "
        "on at once."
    )
    pause_cause: Mapped[str | None] = mapped_column(
        comment="What the service said when it asked for a pause."
    )

    __table_args__ = (
        CheckConstraint("(paused_until IS NULL) = (pause_cause IS NULL)", name="pause"),
        {
            "comment": "When each service may be asked next, for all workers on this "
            "database."
        },
    )
