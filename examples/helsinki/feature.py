"""An OSM object as the painters see it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from examples.helsinki import palette

if TYPE_CHECKING:
    from collections.abc import Mapping

Style = TypeVar("Style", palette.Area, palette.Line)


@dataclass(frozen=True, eq=False)
class Feature:
    """A part of an OSM object; ``rings`` are arrays (n, 2) of metres on the map."""

    osm_type: str
    osm_id: int
    kind: str
    tags: dict[str, str]
    rings: list[np.ndarray]

    @property
    def line(self) -> np.ndarray:
        """The only line, or the outer ring, or the point."""
        return self.rings[0]

    @property
    def is_bridge(self) -> bool:
        """Whether it crosses above the rest."""
        return self.tags.get("bridge", "no") != "no"

    def random(self, salt: int) -> np.random.Generator:
        """Return random numbers that are this object's own."""
        return np.random.default_rng((abs(self.osm_id), ord(self.osm_type), salt))

    def number(self, key: str) -> float | None:
        """Return the number that a tag starts with."""
        found = re.match(r"\d+(\.\d+)?", self.tags.get(key, ""))
        return float(found[0]) if found else None

    def style(self, table: Mapping[str, Style]) -> Style | None:
        """Return what the table says of these tags: of several, the highest rank."""
        found = [table.get(f"{key}={value}") for key, value in self.tags.items()]
        return max(filter(None, found), key=lambda style: style.rank, default=None)

    def ground(self, material: str) -> str:
        """Return the material, or the one that is laid on it."""
        if self.tags.get("leisure") == "pitch":
            material = palette.PITCHES.get(self.tags.get("sport", ""), material)
        if palette.SURFACED_KEYS.isdisjoint(self.tags):
            return material
        return palette.SURFACES.get(self.tags.get("surface", ""), material)

    def width_m(self, style: palette.Line) -> float:
        """Return the width that the tags say, or that the lanes need."""
        lanes = self.number("lanes") if style.lanes else None
        needed_m = lanes * palette.LANE_WIDTH_M + 1 if lanes else style.width_m
        return min(self.number("width") or needed_m, 60)
