"""Folders of GeoTIFF files as a catalogue of assets.

A folder is a folder or, if it holds GeoTIFF files, an image collection; its asset id is
its path below the root. A file ``NAME.tif`` is the image ``COLLECTION/NAME``. Bands of
another resolution lie beside it in ``NAME.SOMETHING.tif``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from rasterio.enums import ColorInterp
from rasterio.warp import transform

from loaders.earth_engine.emulator import sidecars
from loaders.earth_engine.emulator.answers import ApiError
from loaders.earth_engine.emulator.folders import ImageFiles, Look, Memory
from loaders.earth_engine.emulator.grids import PixelGrid
from loaders.earth_engine.emulator.sidecars import About
from skyscript_db import rasters
from skyscript_db.errors import LoaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

ABOUT_ALL = "collection.toml"
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
    """An image: its key below the root, bands, and what is said of it.

    ``footprint`` is its outline in longitude and latitude, as GeoJSON.
    """

    key: str
    bands: tuple[FileBand, ...]
    about: About
    footprint: Mapping[str, Any]
    updated_s: float
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of a collection are, and what is said of all of them."""

    folder: Path
    files: str = "*.tif"
    about: About = field(default_factory=About)

    def all_about(self) -> About:
        """Return what is said of the collection, here and beside the files."""
        return sidecars.read(self.folder / ABOUT_ALL).over(self.about)


@dataclass(frozen=True, slots=True)
class Library:
    """A root folder, and collections that lie elsewhere."""

    root: Path
    elsewhere: Mapping[str, Place] = field(default_factory=dict)
    _images: Memory[ImageAsset] = field(default_factory=Memory, compare=False)
    _abouts: Memory[About] = field(default_factory=Memory, compare=False)

    def has_collection(self, key: str) -> bool:
        """Return whether there is a collection of this name."""
        place = self._place(key)
        return bool(Look(place.folder).images(place.files))

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
        place = self._place(key)
        look = Look(place.folder)
        names = look.images(place.files)
        self._images.forget_others(key, names)
        if not names:
            raise missing(PUBLIC + key)
        found = (self._image(key, name, place, look) for name in names)
        return [image for image in found if image]

    def image(self, key: str) -> ImageAsset:
        """Return one image.

        Raises:
            ApiError: There is no such image.
        """
        collection, _, name = key.rpartition("/")
        place = self._place(collection)
        look = Look(place.folder)
        is_here = look.has_image(name, place.files)
        image = self._image(collection, name, place, look) if is_here else None
        if image is None:
            raise missing(PUBLIC + key)
        return image

    def _image(
        self, collection: str, name: str, place: Place, look: Look
    ) -> ImageAsset | None:
        """Return an image; None if it was removed since the look."""
        files, of_all = look.files(name), look.stamps([ABOUT_ALL])
        if not files.pixels or files.pixels[0].name != f"{name}.tif":
            return None

        def read() -> ImageAsset:
            about = self._abouts.recall(collection, "", of_all, place.all_about)
            return _image(_joined(collection, name), place.folder, files, about)

        return self._images.recall(collection, name, files.all + of_all, read)

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


def _image(key: str, folder: Path, files: ImageFiles, collection: About) -> ImageAsset:
    main, *parts = (folder / stamp.name for stamp in files.pixels)
    about = _about(main).over(collection)
    try:
        bands = tuple(chain(_main_bands(main, about.bands), *map(_part_bands, parts)))
    except LoaderError as error:
        raise ApiError(500, f"{main}: {error}") from error
    return ImageAsset(
        key,
        bands,
        about,
        about.geometry or _outline(bands[0].grid),
        updated_s=max(stamp.mtime_ns for stamp in files.all) / 1e9,
        n_bytes=sum(stamp.n_bytes for stamp in files.pixels),
    )


def _about(main: Path) -> About:
    toml, other = (main.with_suffix(suffix) for suffix in (".toml", ".json"))
    return sidecars.read(toml).over(sidecars.read(other))


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
