"""The pixels of local rasters: windows, cut out of their files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasterio.errors import RasterioError

from skyscript_db import rasters
from skyscript_db.errors import LoaderError
from skyscript_db.imagery import Cut, Grid, Refusal, refusal

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import Self

    from rasterio.windows import Window

    from skyscript_db.config import Settings


class RasterProvider:
    """Cuts windows out of files; one thread a processor."""

    max_request_bytes = None

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Do nothing: files are closed by whoever reads them."""

    def cut(self, grid: Grid, windows: Sequence[Window]) -> Generator[Cut | Refusal]:
        """Yield for each window of a scene's file its pixels or why there are none.

        Raises:
            LoaderError: The file is missing, or not what was loaded.
        """
        path = Path(grid.uri)
        if not path.is_file():
            raise LoaderError(
                f"{path} is missing: put it back, or load it from where it is now"
            )
        if rasters.sha256(path) != grid.file_sha256:
            raise LoaderError(f"{path} has changed since it was loaded: load it again")
        with rasters.opened(path) as dataset:
            for window in windows:
                yield _cut(dataset, grid, window)


def provider(settings: Settings) -> RasterProvider:
    """Return the provider of local files."""
    return RasterProvider(settings.workers)


def _cut(dataset: Any, grid: Grid, window: Window) -> Cut | Refusal:
    refused = refusal(window, dataset.width, dataset.height)
    if refused is not None:
        return refused
    try:
        values, valid = rasters.read(dataset, grid.bands["rgb"], window)
    except (RasterioError, OSError):
        cause = f"{grid.uri} is damaged here: get it again and load it"
        return Refusal(cause, is_final=False)
    return Cut(rasters.to_8_bits(values, valid, grid.stretch), valid)
