"""Which scenes of a collection a load is to enter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """Which scenes of a collection are wanted.

    Attributes:
        collection: Its name, asset or alias in the catalogue.
        area: What ``skyscript_db.area`` understands; scenes that meet it are taken.
        start: Taken at this moment or later.
        end: Taken before this moment.
        max_cloud: Cloudiest of them, in percent; by default the catalogue's limit.
        limit: Most scenes to take.
        for_features: Take those alone that show features without imagery.
        is_dry_run: Count, and enter nothing.
    """

    collection: str
    area: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    max_cloud: float | None = None
    limit: int | None = None
    for_features: bool = False
    is_dry_run: bool = False

    def check(self) -> None:
        """Refuse what can match nothing.

        Raises:
            UsageError: The end is not after the start, or a number is out of range.
        """
        if self.start and self.end and self.end <= self.start:
            raise UsageError(
                f"--end {self.end:%Y-%m-%d} is not after --start "
                f"{self.start:%Y-%m-%d}: it is the day after the last that is wanted"
            )
        if self.max_cloud is not None and not 0 <= self.max_cloud <= 100:
            raise UsageError(
                f"--max-cloud is in percent, from 0 to 100, not {self.max_cloud:g}"
            )
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit is a number of scenes, not {self.limit}")
