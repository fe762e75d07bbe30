"""What goes into a load from a catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class StacOptions:
    """Which items to load, and what the user says of them.

    Attributes:
        collection: Id of the collection; not needed where the catalogue of
            collections tells it, or where there is one alone.
        area: As ``--area`` takes it; None for all of a static catalogue.
        start: Items from this moment on.
        end: Items before this moment.
        max_cloud: Cloudiest items, in percent; by default the collection's limit.
        limit: Most items.
        assets: Red, green and blue: ``red,green,blue``, ``image:1,image:2,image:3``,
            or one asset, whose first three bands they are.
        stretch: ``none`` or ``MIN,MAX``; by default that of the catalogue of
            collections, or none for 8 bits.
        is_dry_run: List and count, and enter nothing.
    """

    collection: str | None = None
    area: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    max_cloud: float | None = None
    limit: int | None = None
    assets: str | None = None
    stretch: str | None = None
    is_dry_run: bool = False

    def check(self) -> None:
        """Refuse what can match nothing.

        Raises:
            UsageError: It cannot; the message says what.
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
