"""Folders of GeoTIFF files as a catalogue of assets.

A folder is a folder or, if it holds GeoTIFF files, an image collection; its asset id is
its path below the root. A file ``NAME.tif`` is the image ``COLLECTION/NAME``. Bands of
another resolution lie beside it in ``NAME.SOMETHING.tif``.
"""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from rasterio.enums import ColorInterp
from rasterio.warp import transform

from loaders.earth_engine.emulator import sidecars
from loaders.earth_engine.emulator.answers import ApiError
from loaders.earth_engine.emulator.grids import PixelGrid
from loaders.earth_engine.emulator.sidecars import About
from skyscript_db import rasters
from skyscript_db.errors import LoaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PUBLIC = "projects/earthengine-public/assets/"
_PROJECT_ASSETS = re.compile(r"projects/[^/]+/assets/?")


@dataclass(frozen=True, slots=True)
class FileBand:
    """A band of an image: where its values are, and on which grid."""

    name: str
    dtype: str
    path: Path
    number: int
    grid: PixelGrid
    is_alpha: bool = False


@dataclass(frozen=True, slots=True)
class ImageAsset:
    """An image: its key below the root, bands, and what is said of it."""

    key: str
    bands: tuple[FileBand, ...]
    about: About
    updated_s: float
    n_bytes: int

    @property
    def footprint(self) -> Mapping[str, Any]:
        """Its outline in longitude and latitude, as GeoJSON."""
        return self.about.geometry or _outline(self.bands[0].grid)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of a collection are, and what is said of all of them."""

    folder: Path
    files: str = "*.tif"
    about: About = field(default_factory=About)

    def images(self) -> Iterator[Path]:
        """Yield the main file of each image, by name."""
        if self.folder.is_dir():
            found = sorted(self.folder.glob(self.files))
            yield from (path for path in found if not _is_part(path))

    def image(self, name: str) -> Path | None:
        """Return the main file of one image, if there is one."""
        path = self.folder / f"{name}.tif"
        is_here = path.is_file() and fnmatch(path.name, self.files)
        return path if is_here and not _is_part(path) else None

    def all_about(self) -> About:
        """Return what is said of the collection, here and beside the files."""
        return sidecars.read(self.folder / "collection.toml").over(self.about)


@dataclass(frozen=True, slots=True)
class Library:
    """A root folder, and collections that lie elsewhere."""

    root: Path
    elsewhere: Mapping[str, Place] = field(default_factory=dict)

    def has_collection(self, key: str) -> bool:
        """Return whether there is a collection of this name."""
        return any(self._place(key).images())

    def has_folder(self, key: str) -> bool:
        """Return whether there is a folder of this name that holds no images."""
        if not key or any(name.startswith(f"{key}/") for name in self.elsewhere):
            return True
        return self._place(key).folder.is_dir() and not self.has_collection(key)

    def folders(self, key: str) -> list[str]:
        """Return the names of what lies in a folder, below it by one step."""
        start = f"{key}/" if key else ""
        below = [name for name in self.elsewhere if name.startswith(start)]
        folder = self._place(key).folder
        if folder.is_dir():
            below += [_joined(key, p.name) for p in folder.iterdir() if p.is_dir()]
        n_steps = len(key.split("/")) + 1 if key else 1
        return sorted({"/".join(name.split("/")[:n_steps]) for name in below})

    def collections(self, key: str = "") -> Iterator[str]:
        """Yield the names of all collections in a folder and below it."""
        for below in self.folders(key):
            if self.has_collection(below):
                yield below
            yield from self.collections(below)

    def images(self, key: str) -> list[ImageAsset]:
        """Return the images of a collection, by name.

        Raises:
            ApiError: There is no such collection.
        """
        if not self.has_collection(key):
            raise missing(PUBLIC + key)
        place = self._place(key)
        about = place.all_about()
        return [_image(_joined(key, p.stem), p, about) for p in place.images()]

    def image(self, key: str) -> ImageAsset:
        """Return one image.

        Raises:
            ApiError: There is no such image.
        """
        collection, _, name = key.rpartition("/")
        place = self._place(collection)
        path = place.image(name)
        if path is None:
            raise missing(PUBLIC + key)
        return _image(key, path, place.all_about())

    def _place(self, key: str) -> Place:
        if key and any(part in {"", ".", ".."} for part in key.split("/")):
            raise missing(PUBLIC + key)
        return self.elsewhere.get(key, Place(self.root / key))


def key_of(name: str) -> str:
    """Return the key of an asset, however its id is spelled: public or a project's."""
    return _PROJECT_ASSETS.sub("", name, count=1).strip("/")


def missing(name: str) -> ApiError:
    """Return the error for an asset that is not there."""
    return ApiError(
        404, f"Asset '{name}' does not exist or doesn't allow this operation."
    )


def _joined(key: str, name: str) -> str:
    return f"{key}/{name}" if key else name


def _is_part(path: Path) -> bool:
    main, dot, _ = path.stem.rpartition(".")
    return bool(dot) and path.with_name(f"{main}.tif").is_file()


def _image(key: str, path: Path, collection: About) -> ImageAsset:
    beside = [path.with_suffix(suffix) for suffix in (".toml", ".json")]
    about = sidecars.read(beside[0]).over(sidecars.read(beside[1])).over(collection)
    parts = sorted(path.parent.glob(f"{glob.escape(path.stem)}.*.tif"))
    try:
        bands = tuple(chain(_main_bands(path, about.bands), *map(_part_bands, parts)))
    except LoaderError as error:
        raise ApiError(500, f"{path}: {error}") from error
    files = [file.stat() for file in (path, *parts)]
    notes = [file.stat() for file in beside if file.is_file()]
    changed_s = max(status.st_mtime for status in files + notes)
    return ImageAsset(key, bands, about, changed_s, sum(s.st_size for s in files))


def _main_bands(path: Path, names: Sequence[str]) -> Iterator[FileBand]:
    bands = _described(path)
    if not names:
        # A band of opacity is the others' mask, unless it has been given a name.
        return (band for band in bands if not band.is_alpha)
    if len(names) > len(bands):
        raise UsageError(
            f"{path} has {len(bands)} bands: give it no {len(names)} names"
        )
    named = zip(bands, names, strict=False)
    return (replace(band, name=name) for band, name in named)


def _part_bands(path: Path) -> Iterator[FileBand]:
    bands = _described(path)
    suffix = path.stem.rpartition(".")[2]
    for band in bands:
        is_alone = len(bands) == 1
        yield replace(band, name=suffix if is_alone else f"{suffix}_{band.number}")


def _described(path: Path) -> list[FileBand]:
    status = path.stat()
    return _described_as_of(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=65536)
def _described_as_of(path: Path, mtime_ns: int, size: int) -> list[FileBand]:
    del mtime_ns, size  # a file that is written to is read again
    with rasters.opened(path) as dataset:
        if dataset.crs is None:
            raise LoaderError("it has no reference system: give it one")
        affine = tuple(dataset.transform[:6])
        grid = PixelGrid(dataset.crs, affine, dataset.width, dataset.height)
        return [
            FileBand(
                name=dataset.descriptions[number - 1] or f"B{number}",
                dtype=dataset.dtypes[number - 1],
                path=path,
                number=number,
                grid=grid,
                is_alpha=dataset.colorinterp[number - 1] is ColorInterp.alpha,
            )
            for number in dataset.indexes
        ]


def _outline(grid: PixelGrid) -> Mapping[str, Any]:
    a, b, c, d, e, f = grid.transform
    corners = [(0, 0), (0, grid.height), (grid.width, grid.height), (grid.width, 0)]
    xs = [a * x + b * y + c for x, y in corners]
    ys = [d * x + e * y + f for x, y in corners]
    lon, lat = transform(grid.crs, "EPSG:4326", xs, ys)
    ring = [[x, y] for x, y in zip(lon, lat, strict=True)]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
