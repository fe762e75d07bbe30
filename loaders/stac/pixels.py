"""The pixels of STAC items: windows of COGs, read by ranges of bytes."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError
from rasterio.transform import Affine
from rasterio.windows import Window

from loaders.stac.files import By, Files, Opened
from loaders.stac.web import Web
from skyscript_db import rasters
from skyscript_db.errors import LoaderError
from skyscript_db.imagery import Cut, Grid, Refusal, Valid, refusal

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from typing import Self

    from skyscript_db.config import Settings

# Of a pixel: how far the grid that an item tells may lie off that of its files.
MAX_SHIFT_PX = 0.01


class Source(NamedTuple):
    """A band of an open file, and how its values become those that are stretched."""

    opened: Opened
    band: int
    scale: float
    offset: float


class CloudMask(NamedTuple):
    """A band of an open file that tells cloud: by its values, or by any of its bits."""

    opened: Opened
    band: int
    values: Sequence[int]
    bits: Sequence[int]

    def tell(self, numbers: rasters.Values) -> Valid:
        """Return which numbers mean cloud."""
        if self.values:
            return np.isin(numbers, list(self.values))
        wanted = sum(1 << bit for bit in self.bits)
        return np.asarray((numbers.astype(np.int64) & wanted) != 0)


class StacProvider:
    """Cuts windows out of the files that items name."""

    max_request_bytes = None

    def __init__(self, web: Web, concurrency: int) -> None:
        self._web = web
        self._files = Files(web)
        self.concurrency = concurrency

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the connections to hosts and to their limits."""
        self._web.close()

    def cut(
        self, grid: Grid, windows: Sequence[Window]
    ) -> Generator[Cut | Refusal, None, None]:
        """Yield for each window of an item its pixels or why there are none.

        Raises:
            LoaderError: Its files are not what was loaded, or cannot be read.
            RequestFailed: A host did not answer, after all tries.
            CredentialsExpired: Signatures are not given to us any more.
        """
        with ExitStack() as stack:
            by = By(grid.uri, grid.bands.get("token_url"))
            hrefs = {band["href"] for band in grid.bands["rgb"]}
            opened = {
                href: stack.enter_context(self._files.opened(href, by))
                for href in sorted(hrefs)
            }
            sources = [_source(band, opened) for band in grid.bands["rgb"]]
            for source in sources:
                _check_grid(source, grid)
                _check_values(source, grid)
            cloud = self._cloud(grid, by, stack)
            for window in windows:
                yield _cut(sources, cloud, grid, window)

    def _cloud(self, grid: Grid, by: By, stack: ExitStack) -> CloudMask | None:
        told = grid.bands.get("cloud")
        if told is None:
            return None
        opened = stack.enter_context(self._files.opened(told["href"], by))
        if not _is_same_crs(opened.dataset.crs, grid.crs):
            raise LoaderError(f"{opened.name} is in another reference system")
        return CloudMask(
            opened,
            int(told.get("band", 1)),
            told.get("values", ()),
            told.get("bits", ()),
        )


def provider(settings: Settings, limits_conninfo: str) -> StacProvider:
    """Return the provider of STAC items; it shares its limits in that database."""
    web = Web(settings, limits_conninfo)
    return StacProvider(web, settings.request_concurrency)


def _source(band: Mapping[str, Any], opened: Mapping[str, Opened]) -> Source:
    return Source(
        opened[band["href"]],
        int(band["band"]),
        float(band.get("scale", 1.0)),
        float(band.get("offset", 0.0)),
    )


def _check_grid(source: Source, grid: Grid) -> None:
    name, dataset = source.opened.name, source.opened.dataset
    if not 1 <= source.band <= dataset.count:
        raise LoaderError(f"{name} has {dataset.count} bands, and none {source.band}")
    if dataset.shape != (grid.height_px, grid.width_px):
        raise LoaderError(
            f"{name} has {dataset.width} x {dataset.height} pixels, and its item said "
            f"{grid.width_px} x {grid.height_px}: load the collection again"
        )
    corners = [(0, 0), (grid.width_px, grid.height_px)]
    to_pixels = ~dataset.transform * Affine(*grid.transform)
    shifts = [
        abs(moved - told)
        for corner in corners
        for moved, told in zip(to_pixels * corner, corner, strict=True)
    ]
    if max(shifts) > MAX_SHIFT_PX or not _is_same_crs(dataset.crs, grid.crs):
        raise LoaderError(
            f"{name} lies elsewhere than its item said: load the collection again"
        )


def _check_values(source: Source, grid: Grid) -> None:
    if grid.stretch["method"] != "none":
        return
    try:
        rasters.check_8_bits([source.opened.dataset.dtypes[source.band - 1]])
    except LoaderError as error:
        raise LoaderError(f"{source.opened.name}: {error}") from error


def _is_same_crs(found: Any, told: str) -> bool:
    try:
        wanted = CRS.from_user_input(told)
    except CRSError:
        return False
    return bool(found == wanted) or found.to_authority() == wanted.to_authority()


def _cut(
    sources: Sequence[Source], cloud: CloudMask | None, grid: Grid, window: Window
) -> Cut | Refusal:
    refused = refusal(window, grid.width_px, grid.height_px)
    if refused is not None:
        return refused
    try:
        values, valid = _read(sources, window)
        cloudy = None if cloud is None else _cloudy(cloud, grid, window)
    except (RasterioError, OSError) as error:
        cause = f"a file of {grid.uri} is damaged here ({error})"
        return Refusal(cause, is_final=False)
    return Cut(rasters.to_8_bits(values, valid, grid.stretch), valid, cloudy)


def _read(sources: Sequence[Source], window: Window) -> tuple[rasters.Values, Valid]:
    """Read (3, height, width), and where any of the three holds data."""
    parts, valids = [], []
    for _, neighbours in groupby(sources, key=lambda source: source.opened.name):
        group = list(neighbours)
        bands = [source.band for source in group]
        values, valid = _checked(group[0].opened, bands, window)
        parts.append(_scaled(values, group))
        valids.append(valid)
    return np.concatenate(parts), np.logical_or.reduce(valids)


def _checked(
    opened: Opened, bands: Sequence[int], window: Window
) -> tuple[rasters.Values, Valid]:
    try:
        return rasters.read(opened.dataset, bands, window)
    finally:
        opened.check()


def _scaled(values: rasters.Values, sources: Sequence[Source]) -> rasters.Values:
    if all((source.scale, source.offset) == (1, 0) for source in sources):
        return values
    scale, offset = (
        np.array(numbers, dtype=np.float64)[:, None, None]
        for numbers in zip(*((s.scale, s.offset) for s in sources), strict=True)
    )
    scaled: rasters.Values = values.astype(np.float64) * scale + offset
    return scaled


def _cloudy(cloud: CloudMask, grid: Grid, window: Window) -> Valid:
    """Return which pixels are cloud, by the nearest ones of the cloud band."""
    dataset = cloud.opened.dataset
    to_mask = ~dataset.transform * Affine(*grid.transform)
    cols = window.col_off + np.arange(window.width)[None, :] + 0.5
    rows = window.row_off + np.arange(window.height)[:, None] + 0.5
    mask_cols = np.floor(to_mask.a * cols + to_mask.b * rows + to_mask.c)
    mask_rows = np.floor(to_mask.d * cols + to_mask.e * rows + to_mask.f)
    mask_cols = mask_cols.clip(0, dataset.width - 1).astype(int)
    mask_rows = mask_rows.clip(0, dataset.height - 1).astype(int)
    col, row = int(mask_cols.min()), int(mask_rows.min())
    part = Window(col, row, mask_cols.max() - col + 1, mask_rows.max() - row + 1)
    values, _ = _checked(cloud.opened, [cloud.band], part)
    cloudy: Valid = cloud.tell(values[0])[mask_rows - row, mask_cols - col]
    return cloudy
