"""The ledger: what ran with what result, and what was exported."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from skyscript_db.models.base import Base, identity


class JobRun(Base):
    """One run of one job."""

    __tablename__ = "job_run"

    id: Mapped[int] = identity()
    job: Mapped[str] = mapped_column(comment="Name of the job.")
    parameters: Mapped[dict[str, Any]] = mapped_column(comment="Settings it ran with.")
    code_version: Mapped[str] = mapped_column(comment="Version of this project.")
    status: Mapped[str] = mapped_column(
        server_default="running", comment="running, finished, failed or interrupted."
    )
    error: Mapped[str | None] = mapped_column(comment="Why it failed.")
    started_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), comment="When it began."
    )
    finished_at: Mapped[datetime | None] = mapped_column(comment="When it ended.")
    n_in: Mapped[int | None] = mapped_column(BigInteger, comment="Units it looked at.")
    n_ok: Mapped[int | None] = mapped_column(BigInteger, comment="With a result.")
    n_rejected: Mapped[int | None] = mapped_column(
        BigInteger, comment="Refused, for the reasons counted in rejected."
    )
    n_pending: Mapped[int | None] = mapped_column(
        BigInteger, comment="Still without a result."
    )
    rejected: Mapped[dict[str, Any] | None] = mapped_column(
        comment="Refused units, counted by reason."
    )

    __table_args__ = (
        CheckConstraint(
            "status IN ('running', 'finished', 'failed', 'interrupted')",
            name="status",
        ),
        CheckConstraint("n_in = n_ok + n_rejected + n_pending", name="reconciles"),
        Index("ix_job_run_job_started_at", "job", "started_at"),
        {"comment": "The ledger of jobs: in = ok + rejected + pending."},
    )


class Dataset(Base):
    """An export: the query, what it gave, and its hash."""

    __tablename__ = "dataset"

    id: Mapped[int] = identity()
    name: Mapped[str] = mapped_column(comment="Name of the dataset.")
    version: Mapped[int] = mapped_column(comment="Counts up when its content changes.")
    format: Mapped[str] = mapped_column(comment="Format that was written.")
    sql: Mapped[str] = mapped_column(comment="The query that selected its pairs.")
    parameters: Mapped[dict[str, Any]] = mapped_column(comment="Its parameters.")
    n_chips: Mapped[int] = mapped_column(BigInteger, comment="Chips in it.")
    n_pairs: Mapped[int] = mapped_column(BigInteger, comment="Pairs in it.")
    content_sha256: Mapped[str] = mapped_column(
        comment="Hash over its chips and captions in order, in hex."
    )
    created_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="When it was first written."
    )

    __table_args__ = (
        Index("uq_dataset_name_version", "name", "version", unique=True),
        {"comment": "Saved queries with counts and content hashes."},
    )
