"""How a collection is read: by its entry in the catalogue, or by its own words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from loaders.stac import addresses, assets
from loaders.stac.scene import Reading
from skyscript_db import catalogue
from skyscript_db.catalogue import Band, CatalogueEntry, Stretch
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from loaders.stac.options import StacOptions
    from loaders.stac.scene import Described
    from skyscript_db.config import Settings

PLANETARY_COMPUTER = "planetary-computer"
TOKENS = "https://planetarycomputer.microsoft.com/api/sas/v1/token/{collection}"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which catalogue is read, and how its items are.

    Attributes:
        address: Of the catalogue.
        collection: Its id there, where it is told.
        entry: That of the catalogue of collections, where it has one.
        reading: How items are read.
        facts: What the catalogue itself says of the collection.
    """

    address: str
    collection: str | None
    entry: CatalogueEntry | None
    reading: Reading
    facts: dict[str, Any]

    @classmethod
    def of(cls, settings: Settings, told: str, options: StacOptions) -> Choice:
        """Return the choice for a name or an address that the user told.

        Raises:
            UsageError: The name is no entry's, or an option is not right.
        """
        is_address = addresses.is_url(told) or told.lower().endswith(".json")
        if not is_address:
            entry = catalogue.find(settings, told)
            if entry.provider != "stac":
                raise UsageError(
                    f"{entry.name} is served by {entry.provider}: load it with "
                    f"`skyscript load {entry.provider} {entry.name}`"
                )
            reading = _reading(entry, options)
            own = options.collection or entry.collection
            return cls(str(entry.catalogue), own, entry, reading, {})
        reading = _reading(None, options)
        return cls(told, options.collection, None, reading, {})

    @property
    def name(self) -> str:
        """What its scenes are entered under."""
        return self.entry.name if self.entry else str(self.collection)

    def of_collection(
        self, settings: Settings, collection: str, facts: dict[str, Any]
    ) -> Choice:
        """Return the choice, now that the catalogue was opened.

        An address that the catalogue of collections has an entry for is read by it.
        """
        entry = self.entry or _entry_for(settings, self.address, collection)
        if entry is not None and entry is not self.entry:
            known = _reading(entry, None)
            told = self.reading
            reading = replace(
                known,
                rgb=told.rgb or known.rgb,
                stretch=told.stretch or (None if told.rgb else known.stretch),
            )
            return replace(self, collection=collection, entry=entry, reading=reading)
        return replace(self, collection=collection, facts=facts)

    def entry_like(self, first: Described) -> CatalogueEntry:
        """Return the entry, or one that is made of the catalogue's own words."""
        if self.entry is not None:
            return self.entry
        keys = {asset.href: key for key, asset in first.item.assets.items()}
        red, green, blue = (
            Band(key=keys[band["href"]], band=band["band"])
            for band in first.bands["rgb"]
        )
        name = self.name
        return CatalogueEntry(
            name=name,
            title=str(self.facts.get("title") or ""),
            provider="stac",
            catalogue=self.address,
            collection=self.collection,
            alias="".join(c for c in name.upper() if c.isascii() and c.isalnum()),
            rgb=(red, green, blue),
            stretch=Stretch.model_validate(first.stretch),
            cloud_property=self.reading.cloud_property,
            licence=self.facts.get("license"),
            attribution=_attribution(self.facts),
        )


def _reading(entry: CatalogueEntry | None, options: StacOptions | None) -> Reading:
    rgb = assets.parse(options.assets) if options and options.assets else None
    stretch = _stretch(options.stretch) if options and options.stretch else None
    if entry is None:
        return Reading(rgb=rgb, stretch=stretch)
    # Other assets than the entry's hold other values.
    own = None if rgb and rgb != entry.rgb else entry.stretch
    return Reading(
        rgb=rgb or entry.rgb,
        stretch=stretch or own,
        is_scaled=entry.is_scaled,
        cloud=entry.cloud,
        cloud_property=entry.cloud_property,
        gsd_m=entry.gsd_m,
        gsd_property=entry.gsd_property,
        sign=entry.sign,
        token_url=_token_url(entry),
    )


def _token_url(entry: CatalogueEntry) -> str | None:
    if entry.sign is None:
        return None
    return (entry.token_url or TOKENS).replace("{collection}", str(entry.collection))


def _stretch(told: str) -> Stretch:
    if told == "none":
        return Stretch(method="none")
    try:
        low, high = (float(part) for part in told.split(","))
        return Stretch.model_validate({"method": "linear", "min": low, "max": high})
    except ValueError as error:
        raise UsageError(
            f"--stretch {told} is none of: none, or MIN,MAX, such as 0,3000"
        ) from error


def _entry_for(
    settings: Settings, address: str, collection: str
) -> CatalogueEntry | None:
    for entry in catalogue.all(settings):
        if entry.provider == "stac" and entry.collection == collection:
            own, told = (urlsplit(str(x)) for x in (entry.catalogue, address))
            if own.netloc == told.netloc and told.path.startswith(own.path.rstrip("/")):
                return entry
    return None


def _attribution(facts: dict[str, Any]) -> str | None:
    names = [
        str(provider["name"])
        for provider in facts.get("providers") or []
        if {"producer", "licensor"} & set(provider.get("roles") or [])
        and provider.get("name")
    ]
    return ", ".join(dict.fromkeys(names)) or None
