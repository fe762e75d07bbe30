"""Which assets of an item make red, green and blue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyscript_db.catalogue import Band
from skyscript_db.errors import LoaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pystac

Rgb = tuple[Band, Band, Band]

COLOURS = ("red", "green", "blue")
# Keys that need no list of bands beside them to be understood.
_KNOWN_KEYS = (COLOURS, ("B04", "B03", "B02"))
_KNOWN_KEY = ("visual", "image")
_NOT_DATA = frozenset({"thumbnail", "overview", "metadata"})


@dataclass(frozen=True, slots=True)
class Values:
    """What an item says of the values of a band; None where it does not."""

    data_type: str | None
    scale: float | None
    offset: float | None


def parse(told: str) -> Rgb:
    """Return the bands that ``--assets`` names.

    Raises:
        UsageError: They are not one asset or three.
    """
    parts = [part.strip() for part in told.split(",")]
    if len(parts) == 1 and parts[0] and ":" not in parts[0]:
        parts = [f"{parts[0]}:{number}" for number in (1, 2, 3)]
    if len(parts) != 3 or not all(parts):
        raise UsageError(
            f"--assets {told} names {len(parts)} assets: name three, red, green, blue, "
            "such as red,green,blue or image:1,image:2,image:3"
        )
    red, green, blue = (_band(part) for part in parts)
    return red, green, blue


def _band(part: str) -> Band:
    key, _, number = part.rpartition(":")
    if key and number.isdecimal() and int(number) > 0:
        return Band(key=key, band=int(number))
    return Band(key=part)


def find_rgb(item: pystac.Item) -> Rgb:
    """Return the bands that an item's own words tell to be red, green and blue.

    Raises:
        LoaderError: It does not tell.
    """
    found: dict[str, Band] = {}
    for colour, band in _coloured(item):
        found.setdefault(colour, band)
    if found.keys() == set(COLOURS):
        return found["red"], found["green"], found["blue"]
    for keys in _KNOWN_KEYS:
        if all(key in item.assets for key in keys):
            red, green, blue = (Band(key=key) for key in keys)
            return red, green, blue
    for key in _KNOWN_KEY:
        if key in item.assets:
            return Band(key=key, band=1), Band(key=key, band=2), Band(key=key, band=3)
    raise LoaderError(
        f"none of its assets ({', '.join(item.assets) or 'none'}) is told to be red, "
        "green and blue: name them with --assets"
    )


def _coloured(item: pystac.Item) -> Iterator[tuple[str, Band]]:
    """Yield the colours that bands are said to have, the best band of each first.

    An asset of one colour goes before a picture of all, which was made for the eye.
    """
    data = [
        (key, _bands(asset))
        for key, asset in item.assets.items()
        if not _NOT_DATA & set(asset.roles or [])
    ]
    for key, bands in sorted(data, key=lambda entry: len(entry[1])):
        for number, band in enumerate(bands, start=1):
            if _name(band) in COLOURS:
                yield _name(band), Band(key=key, band=number)


def _bands(asset: pystac.Asset) -> Sequence[dict[str, Any]]:
    told = asset.extra_fields.get("eo:bands") or asset.extra_fields.get("bands")
    return [band for band in told or [] if isinstance(band, dict)]


def _name(band: dict[str, Any]) -> str:
    told = band.get("common_name") or band.get("eo:common_name") or band.get("name")
    return str(told or "").lower()


def asset_of(item: pystac.Item, key: str) -> pystac.Asset:
    """Return an asset that can be read by ranges.

    Raises:
        LoaderError: It is not there, or of a kind that cannot.
    """
    if key not in item.assets:
        told = ", ".join(item.assets) or "none"
        raise LoaderError(
            f"it has no asset {key!r}: name those of red, green and blue with "
            f"--assets; it has {told}"
        )
    asset = item.assets[key]
    kind = (asset.media_type or "").lower()
    end = asset.href.split("?")[0].lower()
    if "jp2" in kind or end.endswith((".jp2", ".j2k")):
        raise LoaderError(
            f"its asset {key!r} is JPEG 2000, which is not read over a network: use a "
            "catalogue that has COGs, such as earth-search-sentinel-2-l2a"
        )
    if end.startswith(("s3://", "gs://")):
        raise LoaderError(
            f"its asset {key!r} is at {asset.href[:60]}, which wants an account with "
            "that cloud: use a catalogue that serves it by https, such as the "
            "Planetary Computer's (`skyscript collections`)"
        )
    return asset


def values_of(asset: pystac.Asset, band: int) -> Values:
    """Return what an item says of a band's values, in any version of its words."""
    told: dict[str, Any] = dict(asset.extra_fields)
    for name in ("raster:bands", "bands"):
        bands = asset.extra_fields.get(name) or []
        if len(bands) >= band and isinstance(bands[band - 1], dict):
            told |= bands[band - 1]
    data_type = told.get("data_type")
    return Values(
        None if data_type is None else str(data_type),
        _number(told, "scale"),
        _number(told, "offset"),
    )


def _number(told: dict[str, Any], name: str) -> float | None:
    value = told.get(f"raster:{name}", told.get(name))
    return float(value) if isinstance(value, (int, float)) else None
