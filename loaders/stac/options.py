"""What goes into a load from a catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from loaders.options import SceneOptions


@dataclass(frozen=True, slots=True)
class StacOptions(SceneOptions):
    """Which items to load, and what the user says of them.

    Attributes:
        collection: Id of the collection; not needed where the catalogue of
            collections tells it, or where there is one alone.
        assets: Red, green and blue: ``red,green,blue``, ``image:1,image:2,image:3``,
            or one asset, whose first three bands they are.
        stretch: ``none`` or ``MIN,MAX``; by default that of the catalogue of
            collections, or none for 8 bits.
    """

    collection: str | None = None
    assets: str | None = None
    stretch: str | None = None
