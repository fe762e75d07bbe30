"""What goes into a load of rasters, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loaders.scenes import Outcome
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RasterOptions:
    """What the user says of the files, where they do not say it themselves.

    Attributes:
        collection: The name to load them under; made on first use.
        alias: Letters and digits for exported file names; by default those of the
            name, in capitals.
        gsd_m: Ground sample distance in metres; by default measured.
        acquired_at: When they were taken; by default from their tags.
        licence: SPDX identifier or terms.
        attribution: Credit to be printed; by default their copyright tag.
        bands: Red, green and blue, by number or name, such as ``B04,B03,B02``.
        stretch: ``none``, ``percentile`` or ``MIN,MAX``; by default none for 8 bits,
            the percentiles 2 and 98 of each band of each scene for others.
        is_synthetic: They were drawn, not photographed.
        chips: The folder of chip files, from which those of replaced scenes go.
    """

    collection: str
    alias: str | None = None
    gsd_m: float | None = None
    acquired_at: datetime | None = None
    licence: str | None = None
    attribution: str | None = None
    bands: str | None = None
    stretch: str | None = None
    is_synthetic: bool = False
    chips: Path | None = None


@dataclass(slots=True)
class RasterLoad:
    """What became of the files: in = new + unchanged + replaced + rejected."""

    outcomes: dict[Path, Outcome] = field(default_factory=dict)
    rejected: dict[Path, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    n_chips_dropped: int = 0

    @property
    def n_in(self) -> int:
        """All files."""
        return len(self.outcomes) + len(self.rejected)

    @property
    def n_new(self) -> int:
        """Files that became scenes."""
        return self._count(Outcome.NEW)

    @property
    def n_unchanged(self) -> int:
        """Files whose scenes are what they were."""
        return self._count(Outcome.UNCHANGED)

    @property
    def n_replaced(self) -> int:
        """Files whose scenes were something else before."""
        return self._count(Outcome.REPLACED)

    def _count(self, outcome: Outcome) -> int:
        return sum(found == outcome for found in self.outcomes.values())

    def check(self) -> None:
        """Raise what was rejected, once the others are in.

        Raises:
            LoaderError: Some file was rejected, for the reasons told.
        """
        if self.rejected:
            reasons = [f"  {path}: {reason}" for path, reason in self.rejected.items()]
            raise LoaderError(
                f"{len(self.rejected)} of {self.n_in} rasters were rejected:\n"
                + "\n".join(reasons)
            )
