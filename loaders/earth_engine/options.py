"""What goes into a load from Earth Engine."""

from __future__ import annotations

from dataclasses import dataclass

from loaders.options import SceneOptions


@dataclass(frozen=True, slots=True)
class ServiceOptions(SceneOptions):
    """Which scenes of a collection are wanted.

    Attributes:
        collection: Its name, asset or alias in the catalogue.
        for_features: Take those alone that show features without imagery.
    """

    collection: str
    for_features: bool = False
