"""The values of an item's bands: of what type they are, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyscript_db import rasters
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pystac

    from loaders.stac.assets import Rgb
    from loaders.stac.headers import HeaderOf
    from skyscript_db.catalogue import Band, Stretch

Json = dict[str, Any]

# Reflectance from the numbers of Sentinel-2, and what was added to them since the
# processing baseline 04.00, for catalogues that do not say.
S2_SCALE = 0.0001
S2_OFFSET = -0.1
S2_FIRST_WITH_OFFSET = 4.0


@dataclass(frozen=True, slots=True)
class Values:
    """What an item says of the values of a band; None where it does not."""

    data_type: str | None
    scale: float | None
    offset: float | None


def told_of(asset: pystac.Asset, band: int) -> Values:
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


def stretch(
    item: pystac.Item,
    rgb: Rgb,
    wanted: Stretch | None,
    header_of: HeaderOf,
    *,
    is_trusted: bool,
) -> Json:
    """Return how values become 8 bits: as wanted, else as they are.

    Raises:
        LoaderError: They would be shown as they are, and are not 8 bits.
        RequestFailed: A file's host does not answer.
    """
    if wanted is not None and wanted.method != "none":
        return wanted.as_json()
    for band in rgb:
        types = _types(item.assets[band.key], band, header_of, is_trusted=is_trusted)
        rasters.check_8_bits(types)
    return {"method": "none"}


def _types(
    asset: pystac.Asset, band: Band, header_of: HeaderOf, *, is_trusted: bool
) -> Iterator[str]:
    """Yield what an item says of a band's type, and its file where it is silent."""
    told = told_of(asset, band.band).data_type
    if told is not None:
        yield told
    if told is None or not is_trusted:
        header = header_of(band.key)
        if header is not None and band.band <= len(header.types):
            yield header.types[band.band - 1]


def scaling(item: pystac.Item, asset: pystac.Asset, band: int) -> Json:
    """Return the scale and offset of a band, as told or as Sentinel-2 has them.

    Raises:
        LoaderError: Nothing tells them.
    """
    told = told_of(asset, band)
    if told.scale is not None or told.offset is not None:
        return {"scale": told.scale or 1.0, "offset": told.offset or 0.0}
    baseline = item.properties.get("s2:processing_baseline")
    if baseline is None:
        raise LoaderError(
            "its assets tell no scale and offset, and its collection is to be scaled: "
            "set is_scaled = false in its entry in collections.toml, and the stretch "
            "to what its values are"
        )
    has_offset = _baseline(baseline) >= S2_FIRST_WITH_OFFSET
    return {"scale": S2_SCALE, "offset": S2_OFFSET if has_offset else 0.0}


def _baseline(told: Any) -> float:
    try:
        return float(told)
    except (ValueError, TypeError) as error:
        raise LoaderError(
            f"its s2:processing_baseline is {told!r}, which is no number such as "
            "'05.09': whether its values have an offset is not known; tell its "
            "publisher"
        ) from error
