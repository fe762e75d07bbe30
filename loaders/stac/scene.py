"""A STAC item as a scene: where its pixels are, on what grid, and how they are shown.

What an item does not say of its grid is read from the headers of its files; and so is
what it does say, until an item of its collection was found to say it right: some tell
the centres of pixels for their corners. Whenever a chip is cut it is checked again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pystac
from pystac.errors import STACError
from pystac.utils import make_absolute_href

from loaders import ground
from loaders.ground import PixelGrid
from loaders.reference import find_or_register
from loaders.scenes import SceneRow
from loaders.stac import addresses, grids, values
from loaders.stac.assets import Rgb, asset_of, find_rgb
from loaders.stac.files import By
from skyscript_db.errors import LoaderError

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg

    from loaders.stac.client import Found
    from loaders.stac.grids import FileGrid
    from loaders.stac.headers import Header, Headers
    from skyscript_db.catalogue import Cloud, Stretch

Json = dict[str, Any]

# What is told of the GSD may differ from the grid's by this much, up or down.
MAX_GSD_RATIO = 2.0


@dataclass(frozen=True, slots=True)
class Reading:
    """How items of a collection are read; None where each item's own words tell."""

    rgb: Rgb | None = None
    stretch: Stretch | None = None
    is_scaled: bool = False
    cloud: Cloud | None = None
    cloud_property: str | None = "eo:cloud_cover"
    gsd_m: float | None = None
    gsd_property: str | None = None
    sign: str | None = None
    token_url: str | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """What a scene's row needs of an item, before PostGIS has placed it."""

    item: pystac.Item
    href: str
    grid: FileGrid
    bands: Json
    stretch: Json
    acquired_at: datetime | None
    cloud_percent: float | None
    told_gsd_m: float | None


def parse(found: Found) -> pystac.Item:
    """Return an item, whose files have absolute addresses.

    Raises:
        LoaderError: It is none.
    """
    if found.item is None:
        raise LoaderError(found.reason)
    try:
        item = pystac.Item.from_dict(found.item, migrate=False)
    except (STACError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise LoaderError(
            f"it is no STAC item ({type(error).__name__}: {error}): tell its publisher"
        ) from error
    for asset in item.assets.values():
        asset.href = make_absolute_href(asset.href, found.href, start_is_dir=False)
    return item


def acquired_at(item: pystac.Item) -> datetime | None:
    """Return when it was taken: its time, or the middle of its interval.

    STAC wants all times in UTC; one without an offset is taken for that.
    """
    if item.datetime is not None:
        return _in_utc(item.datetime)
    start = _in_utc(item.common_metadata.start_datetime)
    end = _in_utc(item.common_metadata.end_datetime)
    if start is None or end is None:
        return start or end
    return start + (end - start) / 2


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def cloud_percent(item: pystac.Item, name: str | None) -> float | None:
    """Return its cloud cover, None where it does not tell."""
    value = item.properties.get(name) if name else None
    is_share = isinstance(value, (int, float)) and 0 <= value <= 100
    return float(value) if is_share and value is not None else None


def describe(
    item: pystac.Item,
    href: str,
    reading: Reading,
    headers: Headers,
    *,
    is_trusted: bool,
) -> Described:
    """Return what the row of a scene needs.

    Unless it is trusted, its grid is that of its files, whatever it says, and their
    values are looked at too.

    Raises:
        LoaderError: It cannot be a scene; the message says why and what to do.
        RequestFailed: The header of a file was needed, and cannot be had.
    """
    by = By(href, reading.token_url)

    def header_of(key: str) -> Header | None:
        return headers.of(key, item.assets[key].href, by)

    rgb = reading.rgb or find_rgb(item, header_of)
    assets = [asset_of(item, band.key) for band in rgb]
    for asset in assets:
        if addresses.is_url(href):
            addresses.check(asset.href, href)
    told = grids.told(item, assets) if is_trusted else None
    grid = told or grids.read(assets, by, headers.files)
    grids.check_upright(grid)
    return Described(
        item,
        href,
        grid,
        _bands(item, rgb, assets, reading),
        values.stretch(item, rgb, reading.stretch, header_of, is_trusted=is_trusted),
        acquired_at(item),
        cloud_percent(item, reading.cloud_property),
        _told_gsd_m(item, assets[0], reading),
    )


def is_grid_right(found: Described) -> bool:
    """Return whether an item says the grid that its files have, or nothing of it."""
    told = grids.of_fields(
        {
            **found.item.properties,
            **found.item.assets[_key(found)].extra_fields,
        }
    )
    return told is None or grids.is_same(told, found.grid)


def _key(found: Described) -> str:
    href = found.bands["rgb"][0]["href"]
    return next(k for k, asset in found.item.assets.items() if asset.href == href)


def row(conn: psycopg.Connection[Any], found: Described) -> SceneRow:
    """Return the row of a scene, placed on the ground.

    Raises:
        LoaderError: It has no place on Earth.
    """
    crs, srid = find_or_register(conn, found.grid.authority, found.grid.wkt)
    height_px, width_px = found.grid.shape
    grid = PixelGrid(crs, srid, found.grid.transform, width_px, height_px)
    place = ground.measure(conn, grid)
    cloud = found.cloud_percent
    updated = found.item.properties.get("updated")
    return SceneRow(
        name=found.item.id,
        uri=found.href,
        footprint=ground.clip_footprint(conn, place, found.item.geometry),
        acquired_at=found.acquired_at,
        gsd_m=_gsd_m(found.told_gsd_m, ground.nominal_gsd_m(grid, place)),
        crs=crs,
        srid=srid,
        transform=found.grid.transform,
        width_px=width_px,
        height_px=height_px,
        bands=found.bands,
        stretch=found.stretch,
        cloud_fraction=None if cloud is None else cloud / 100,
        properties=found.item.properties,
        version=None if updated is None else str(updated),
    )


def _gsd_m(told: float | None, measured: float) -> float:
    """Return what is told, unless the grid shows that it is of something else."""
    if told is None or not 1 / MAX_GSD_RATIO < told / measured < MAX_GSD_RATIO:
        return measured
    return told


def _told_gsd_m(
    item: pystac.Item, asset: pystac.Asset, reading: Reading
) -> float | None:
    name = reading.gsd_property or "gsd"
    for value in (
        reading.gsd_m,
        asset.extra_fields.get(name),
        item.properties.get(name),
    ):
        if isinstance(value, (int, float)) and value > 0 and math.isfinite(value):
            return float(value)
    return None


def _bands(
    item: pystac.Item, rgb: Rgb, assets: list[pystac.Asset], reading: Reading
) -> Json:
    """Return where the pixels are, and what is needed to get and to show them."""
    bands: Json = {
        "rgb": [
            {
                "href": asset.href,
                "band": band.band,
                **values.scaling(item, asset, band.band),
            }
            if reading.is_scaled
            else {"href": asset.href, "band": band.band}
            for asset, band in zip(assets, rgb, strict=True)
        ],
        "sign": reading.sign,
    }
    if reading.token_url is not None:
        bands["token_url"] = reading.token_url
    if reading.cloud is not None and reading.cloud.key in item.assets:
        mask = asset_of(item, reading.cloud.key)
        bands["cloud"] = {
            "href": mask.href,
            "band": reading.cloud.band,
            **reading.cloud.tells,
        }
    return bands
