"""Fetch the images of an exported manifest again, and verify that they are the same.

In: the manifest of an export, or the file of its rows. Out: image files under their
original names. The rows tell all that is needed: the windows are fetched as
fetch_chips does, with no table but the shared limits of services.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loaders.providers import open_provider
from skyscript_db.fetching import Lane, stored, stream
from skyscript_db.imagery import Refusal
from skyscript_db.images import ImageFolder
from skyscript_db.progress import LoggedProgress, Progress
from skyscript_db.rehydrate.rows import Wanted, read, survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from skyscript_db.config import Settings
    from skyscript_db.fetching import Chip, Result
    from skyscript_db.imagery import Provider

__all__ = ["Rehydration", "rehydrate"]


@dataclass(slots=True)
class Rehydration:
    """What became of the images: in = matched + differing + failed.

    Attributes:
        n_matched: Files that are what they were, those that were there already too.
        n_kept: Of these, files that were there already.
        differs: Files whose hash is another, by cause; they are written all the same.
        failed: Images that could not be had, by cause.
    """

    n_matched: int = 0
    n_kept: int = 0
    differs: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def keep(self) -> None:
        """Count a file that is there and what it was."""
        self.n_matched += 1
        self.n_kept += 1

    def add(self, results: Iterable[Result]) -> None:
        """Judge images that were fetched, or not."""
        for one in results:
            if isinstance(one.found, Refusal):
                self.failed[_why_failed(one.chip, one.found.cause)] += 1
            elif one.found.sha256 == _wanted(one.chip).sha256:
                self.n_matched += 1
            else:
                self.differs[_why_different(one.chip)] += 1

    @property
    def n_in(self) -> int:
        """All images looked at."""
        return self.n_matched + self.differs.total() + self.failed.total()

    @property
    def is_whole(self) -> bool:
        """Whether all images are what they were."""
        return self.n_in == self.n_matched


def rehydrate(
    settings: Settings,
    manifest: Path,
    conninfo: Callable[[], str],
    *,
    output: Path | None = None,
    rasters: Path | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Rehydration:
    """Fetch what a manifest names into a folder; files that match are kept.

    Args:
        settings: Limits and credentials of services, and JPEG quality where the
            manifest does not tell it.
        manifest: ``manifest.json`` of an export, its folder, or ``metadata.jsonl``.
        conninfo: Gives the database that limits are shared in, if a service is asked.
        output: By default the folder of the manifest.
        rasters: The folder that holds the files of local scenes.
        limit: At most so many images, the first ones.
        progress: Told of each image.

    Raises:
        UsageError: It is no manifest, or one whose rows do not tell enough.
        StorageError: A file cannot be written.
        CredentialsExpired: A service does not know us; what was fetched is kept.
    """
    source = survey(manifest, limit)
    progress = progress or LoggedProgress()
    progress.start(source.n_rows, "images")
    result = Rehydration()
    folder = ImageFolder(output or source.folder)
    with folder.writing():
        wanted = {n: read(source, n, rasters, settings) for n in source.providers}
        lanes = [
            Lane(
                _open(n, settings, conninfo), _missing(chips, folder, result, progress)
            )
            for n, chips in wanted.items()
        ]
        with closing(stream(lanes, folder)) as found:
            for results in found:
                folder.sync(stored(results))
                result.add(results)
                progress.advance(len(results))
        folder.tidy()
    return result


def _open(
    name: str, settings: Settings, conninfo: Callable[[], str]
) -> AbstractContextManager[Provider]:
    return open_provider(name, settings, "" if name == "raster" else conninfo())


def _missing(
    chips: Iterable[Chip], folder: ImageFolder, result: Rehydration, progress: Progress
) -> Iterator[Chip]:
    """Yield the chips that are to be fetched; the others are done."""
    for chip in chips:
        if _is_there(folder, chip):
            result.keep()
            progress.advance(1)
        else:
            yield chip


def _is_there(folder: ImageFolder, chip: Chip) -> bool:
    try:
        data = folder.file(chip.path).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(data).hexdigest() == _wanted(chip).sha256


def _wanted(chip: Chip) -> Wanted:
    assert isinstance(chip.version, Wanted)  # noqa: S101 - read() saw to it
    return chip.version


def _why_failed(chip: Chip, cause: str) -> str:
    fault, colon, _ = cause.rpartition(": ")
    if chip.grid.provider == "raster" and colon and cause.startswith(chip.grid.uri):
        # What helps whoever loaded the file does not help here.
        return f"{fault}: name the folder that holds it as it was with --rasters DIR"
    return cause


def _why_different(chip: Chip) -> str:
    then, now = _wanted(chip).label, chip.encoding.label
    if then is None:
        return "its manifest does not tell the encoder: quality or version may differ"
    if then != now:
        return f"written by another encoder: {then}; here: {now}"
    return "the provider has other pixels than it had"
