"""Which assets of an item make red, green and blue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loaders.rasters.bands import by_name
from skyscript_db.catalogue import Band
from skyscript_db.errors import LoaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pystac

    from loaders.stac.headers import HeaderOf

Rgb = tuple[Band, Band, Band]

# Where an asset lists its bands, in any version of STAC.
_LISTS = ("eo:bands", "bands", "raster:bands")
COLOURS = ("red", "green", "blue")
# Keys that need no list of bands beside them to be understood.
_KNOWN_KEYS = (COLOURS, ("B04", "B03", "B02"))
_KNOWN_KEY = ("visual", "image")
# Of a fourth band, which leaves the first three to be the colours.
_BESIDE_COLOURS = frozenset({"nir", "nir08", "near infrared", "alpha", "mask"})
_NOT_DATA = frozenset({"thumbnail", "overview", "metadata"})


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


def find_rgb(item: pystac.Item, header_of: HeaderOf) -> Rgb:
    """Return the bands that an item's own words tell to be red, green and blue.

    The file of a picture whose bands it does not list is asked.

    Raises:
        LoaderError: It does not tell.
        RequestFailed: The file's host does not answer.
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
            return _of_picture(asset_of(item, key), key, header_of)
    raise LoaderError(
        f"none of its assets ({', '.join(item.assets) or 'none'}) is told to be red, "
        "green and blue: name them with --assets"
    )


def _of_picture(asset: pystac.Asset, key: str, header_of: HeaderOf) -> Rgb:
    """Return which bands of one file are the colours: told, or the first of three."""
    names = [_name(band) for band in _bands(asset)]
    found = by_name(names)
    if not any(names):
        header = header_of(key)
        if header is not None:
            names, found = [""] * len(header.types), header.rgb
    if found is None and not _are_first_three(names):
        told = ", ".join(filter(None, names))
        raise LoaderError(
            f"which of the {len(names)} bands of its asset {key!r}"
            f"{f' ({told})' if told else ''} are red, green and blue is not told: name "
            f"them with --assets, such as {key}:3,{key}:2,{key}:1, or as rgb of the "
            "collection's entry in collections.toml"
        )
    red, green, blue = (Band(key=key, band=number) for number in found or (1, 2, 3))
    return red, green, blue


def _are_first_three(names: Sequence[str]) -> bool:
    """Return whether nothing speaks against the first three being the colours."""
    if {*COLOURS, *_BESIDE_COLOURS} & set(names[:3]):
        return False  # they are told to be others, or in another order
    return len(names) <= 3 or (len(names) == 4 and names[3] in _BESIDE_COLOURS)


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
    for name in _LISTS:
        told = asset.extra_fields.get(name)
        if told:
            return [band for band in told if isinstance(band, dict)]
    return []


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
