"""What is known of a collection that a service offers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

WORLD = ((-180.0, -90.0, 180.0, 90.0),)

Box = tuple[float, float, float, float]


def _named(value: Any) -> Any:
    return {"key": value} if isinstance(value, str) else value


def _boxes(value: Any) -> Any:
    return WORLD if value == "global" else value


def _thrice(value: Any) -> Any:
    return (value, value, value) if isinstance(value, (int, float)) else value


Three = Annotated[tuple[float, float, float], BeforeValidator(_thrice)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Band(_Part):
    """Where a colour is: a band of Earth Engine, or an asset of STAC and its band."""

    key: str = Field(min_length=1)
    band: int = Field(1, ge=1)


Colour = Annotated[Band, BeforeValidator(_named)]


class Stretch(_Part):
    """How values become 8 bits; one number for all colours, or one for each."""

    method: Literal["none", "linear"]
    min: Three = (0.0, 0.0, 0.0)
    max: Three = (255.0, 255.0, 255.0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(low >= high for low, high in zip(self.min, self.max, strict=True)):
            raise ValueError("max must be larger than min")
        return self

    def as_json(self) -> dict[str, Any]:
        """Return it as a scene's row holds it."""
        if self.method == "none":
            return {"method": "none"}
        return {"method": "linear", "min": list(self.min), "max": list(self.max)}


class Cloud(_Part):
    """A band that tells cloud pixel by pixel: by its values, or by any of its bits."""

    key: str = Field(min_length=1)
    band: int = Field(1, ge=1)
    values: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.values) == bool(self.bits):
            raise ValueError("give either values or bits")
        return self

    @property
    def tells(self) -> dict[str, list[int]]:
        """What a scene's row holds of it, beside where it is."""
        return (
            {"values": list(self.values)} if self.values else {"bits": list(self.bits)}
        )


class CatalogueEntry(_Part):
    """A collection that a service offers.

    Attributes:
        name: What users say, unique.
        title: What it is, in a line.
        provider: Who serves it.
        asset: Its id at Earth Engine.
        catalogue: Address of a STAC API or a static catalogue.
        collection: Its id there; a static catalogue may hold one alone.
        alias: Letters and digits for exported file names.
        gsd_m: Ground sample distance in metres, where one holds for all scenes.
        gsd_property: Scene property that holds it; without both it is measured.
        finest_gsd_m: The finest of its scenes, where they differ.
        rgb: Red, green and blue.
        stretch: How values become 8 bits.
        is_scaled: Whether the assets' own scale and offset come before the stretch.
        cloud_property: Scene property that holds the cloud cover in percent.
        max_cloud: Cloudiest scenes to load unless told otherwise, in percent.
        cloud: The band that tells cloud pixel by pixel.
        coverage: Boxes (W, S, E, N) that hold all of it, or ``global``.
        start: First day of its scenes.
        end: The day after the last; None where it still grows.
        longest_days: How long the time of one scene may last, from start to end.
        is_synthetic: Its images were drawn, not photographed.
        licence: SPDX identifier or terms.
        attribution: Credit to be printed.
        sign: How addresses are signed, where they have to be.
        token_url: Where signatures come from, with ``{collection}`` for its id.
        note: Where all this comes from, and what of it is uncertain.
    """

    name: str = Field(min_length=1)
    title: str = ""
    provider: Literal["earth-engine", "stac"]
    asset: str | None = None
    catalogue: str | None = None
    collection: str | None = None
    alias: str = Field(pattern=r"^[A-Za-z0-9]+$")
    gsd_m: float | None = Field(None, gt=0)
    gsd_property: str | None = None
    finest_gsd_m: float | None = Field(None, gt=0)
    rgb: tuple[Colour, Colour, Colour]
    stretch: Stretch
    is_scaled: bool = False
    cloud_property: str | None = None
    max_cloud: float | None = Field(None, ge=0, le=100)
    cloud: Cloud | None = None
    coverage: Annotated[tuple[Box, ...], BeforeValidator(_boxes)] = WORLD
    start: date | None = None
    end: date | None = None
    longest_days: int = Field(400, ge=0)
    is_synthetic: bool = False
    licence: str | None = None
    attribution: str | None = None
    sign: Literal["planetary-computer"] | None = None
    token_url: str | None = None
    note: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.provider == "earth-engine" and not self.asset:
            raise ValueError("asset: the id at Earth Engine is missing")
        if self.provider == "stac" and not self.catalogue:
            raise ValueError("catalogue: the address of the catalogue is missing")
        if self.max_cloud is not None and not self.cloud_property:
            raise ValueError("max_cloud: needs a cloud_property")
        return self

    @property
    def known_gsd_m(self) -> float | None:
        """The finest GSD that its scenes are known to have, in metres."""
        return self.gsd_m or self.finest_gsd_m

    @property
    def begins_at(self) -> datetime | None:
        """The moment before which it has nothing."""
        return _midnight(self.start)

    @property
    def ends_at(self) -> datetime | None:
        """The moment from which on it has nothing."""
        return _midnight(self.end)

    @property
    def is_global(self) -> bool:
        """Whether it may have scenes anywhere."""
        return self.coverage == WORLD


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)
