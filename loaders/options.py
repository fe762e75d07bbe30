"""Which scenes of a service a load is to enter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneOptions:
    """What all services are asked by.

    Attributes:
        area: What ``skyscript_db.area`` understands; scenes that meet it are taken.
        start: Taken at this moment or later.
        end: Taken before this moment.
        max_cloud: Cloudiest of them, in percent; by default the collection's limit.
        limit: Most scenes to take.
        is_dry_run: List and count, and enter nothing.
    """

    area: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    max_cloud: float | None = None
    limit: int | None = None
    is_dry_run: bool = False

    def check(self) -> None:
        """Refuse what can match nothing.

        Raises:
            UsageError: The end is not after the start, or a number is out of range.
        """
        if self.start and self.end and self.end <= self.start:
            raise UsageError(
                f"--end {self.end:%Y-%m-%d} is not after --start "
                f"{self.start:%Y-%m-%d}: swap them, or give the day after the last"
            )
        if self.max_cloud is not None and not 0 <= self.max_cloud <= 100:
            raise UsageError(
                f"--max-cloud {self.max_cloud:g} is no share in percent: give 0 to 100"
            )
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit {self.limit} leaves nothing: give 1 or more")
