"""Cut the planned chips out of their scenes and store them as image files.

In: ``chip`` rows that are planned, or failed and may be tried again. Out: a file under
the folder of chips, and the row in state ``ok`` with its path, hash and size;
``rejected`` with the cause where there is nothing to see; ``failed`` with cause and
remedy where the scene could not be read.
"""

from __future__ import annotations

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.windows import Window

from skyscript_db import images, queries, rasters
from skyscript_db.errors import LoaderError
from skyscript_db.images import ImageFolder, StoredImage
from skyscript_db.jobs.runner import batches
from skyscript_db.rasters import Cut, Grid, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from datetime import datetime

    from skyscript_db.config import Settings
    from skyscript_db.jobs.runner import Parameters, Work

UNIT = "chips"
SQL = queries.beside(__file__)

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
# More nodata than this, and there is less picture than hole.
MAX_NODATA_FRACTION = 0.5
# In 8-bit steps from a band's darkest pixel to its brightest: no more is the noise of
# JPEG in an even area.
MAX_CONSTANT_SPREAD = 2
# Neighbours in one scene, cut by one thread from one open file.
CHIPS_TOGETHER = 32

# How to cut the scenes of a provider: for each window its pixels or a refusal.
CUTTERS: Mapping[str, Callable[[Grid, Sequence[Window]], Generator[Cut | Refusal]]] = {
    "raster": rasters.cut,
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A chip to cut; ``loaded_at`` tells whether its scene is still the one read."""

    id: int
    provider: str
    loaded_at: datetime
    grid: Grid
    window: Window


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a chip: a stored image, or why there is none."""

    chip: Chip
    found: StoredImage | Refusal
    nodata_fraction: float | None = None

    @property
    def state(self) -> str:
        """The chip's state from now on."""
        if isinstance(self.found, Refusal):
            return "rejected" if self.found.is_final else "failed"
        return "ok"


def parameters(settings: Settings) -> Parameters:
    """Return how files are encoded, and how often a chip is tried."""
    return {
        "image_format": settings.image_format,
        "jpeg_quality": settings.jpeg_quality,
        "max_nodata_fraction": MAX_NODATA_FRACTION,
        "max_attempts": MAX_ATTEMPTS,
        "providers": sorted(CUTTERS),
    }


def run(work: Work) -> None:
    """Cut and store all pending chips, a transaction a batch.

    Raises:
        StorageError: A file cannot be written; the batch's chips stay pending.
        JobBusy: Another process writes to the same folder.
    """
    folder = ImageFolder(work.settings.chips)
    values = parameters(work.settings)
    size = CHIPS_TOGETHER * max(8, work.settings.workers)
    with folder.writing(), ThreadPoolExecutor(work.settings.workers) as pool:
        for bounds in batches(work, SQL.list_pending, values, size=size, unit=UNIT):
            results = _fetch(work, pool, folder, bounds)
            folder.sync(
                result.found.path
                for result in results
                if isinstance(result.found, StoredImage)
            )
            _record(work, results)


def _fetch(
    work: Work, pool: ThreadPoolExecutor, folder: ImageFolder, bounds: Parameters
) -> list[Result]:
    rows = work.conn.execute(SQL.select_batch, bounds)
    chips = [_chip(*row) for row in rows]

    def fetch(group: Sequence[Chip]) -> list[Result]:
        return _fetch_group(group, folder, work.settings)

    return list(chain.from_iterable(pool.map(fetch, _groups(chips))))


def _chip(  # noqa: PLR0917 - the columns of select_batch
    chip_id: int,
    provider: str,
    loaded_at: datetime,
    uri: str,
    file_sha256: str,
    rgb: list[int],
    stretch: dict[str, Any],
    *window: int,
) -> Chip:
    red, green, blue = rgb
    grid = Grid(uri, file_sha256, (red, green, blue), stretch)
    return Chip(chip_id, provider, loaded_at, grid, Window(*window))


def _groups(chips: Sequence[Chip]) -> Iterator[Sequence[Chip]]:
    for _, neighbours in groupby(chips, key=lambda chip: chip.grid):
        group = list(neighbours)
        for first in range(0, len(group), CHIPS_TOGETHER):
            yield group[first : first + CHIPS_TOGETHER]


def _fetch_group(
    group: Sequence[Chip], folder: ImageFolder, settings: Settings
) -> list[Result]:
    results: list[Result] = []
    cutter = CUTTERS[group[0].provider]
    # Closed here and now, in the thread that opened the file.
    with closing(cutter(group[0].grid, [chip.window for chip in group])) as cuts:
        try:
            for chip, cut in zip(group, cuts, strict=True):
                results.append(_store(chip, cut, folder, settings))
        except LoaderError as error:
            refusal = Refusal(str(error), is_final=False)
            results += [Result(missed, refusal) for missed in group[len(results) :]]
    return results


def _store(
    chip: Chip, cut: Cut | Refusal, folder: ImageFolder, settings: Settings
) -> Result:
    if isinstance(cut, Refusal):
        return Result(chip, cut)
    nodata_fraction = 1 - float(cut.valid.mean())
    cause = _nothing_to_see(cut, nodata_fraction)
    if cause is not None:
        return Result(chip, Refusal(cause, is_final=True), nodata_fraction)
    data = images.encode(cut.pixels, settings.image_format, settings.jpeg_quality)
    size_px = (chip.window.width, chip.window.height)
    if not images.is_image(data, settings.image_format, size_px):
        refusal = Refusal("its image was not encoded whole", is_final=False)
        return Result(chip, refusal, nodata_fraction)
    path = images.path_of(chip.id, settings.image_format)
    return Result(chip, folder.write(path, data), nodata_fraction)


def _nothing_to_see(cut: Cut, nodata_fraction: float) -> str | None:
    seen = cut.pixels[cut.valid]
    if seen.size == 0:
        return "all nodata"
    if nodata_fraction > MAX_NODATA_FRACTION:
        return "mostly nodata"
    if np.ptp(seen, axis=0).max() <= MAX_CONSTANT_SPREAD:
        return "constant image"
    return None


def _record(work: Work, results: Sequence[Result]) -> None:
    with work.conn.transaction(), work.conn.cursor() as cursor:
        cursor.execute(SQL.create_fetched)
        with cursor.copy(SQL.copy_fetched) as copy:
            for result in results:
                copy.write_row(_row(result))
        cursor.execute(SQL.update_chips)
    failures = Counter(
        result.found.cause
        for result in results
        if isinstance(result.found, Refusal) and not result.found.is_final
    )
    for cause, n in failures.items():
        logger.warning("%d chips failed: %s", n, cause)


def _row(result: Result) -> tuple[Any, ...]:
    start = (result.chip.id, result.chip.loaded_at, result.state)
    match result.found:
        case StoredImage(path, sha256, n_bytes):
            return (*start, None, path, sha256, n_bytes, result.nodata_fraction)
        case Refusal(cause):
            return (*start, cause, None, None, None, result.nodata_fraction)
