"""The rows of an exported manifest, as chips to fetch.

A manifest may be anybody's: paths in it are checked, and local files are looked for by
name, in the folder that the user names, alone.
"""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from rasterio.windows import Window

from skyscript_db.errors import UsageError
from skyscript_db.fetching import Chip
from skyscript_db.imagery import Grid
from skyscript_db.images import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyscript_db.config import Settings

MANIFEST, ROWS = "manifest.json", "metadata.jsonl"
# Rows that are put in the order of their scenes, so that neighbours share requests.
SORTED_TOGETHER = 20_000

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The hash that a file had, and what wrote it, where that is told."""

    sha256: str
    label: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """A manifest that was looked through: its files of rows, and what they need."""

    folder: Path
    files: tuple[Path, ...]
    limit: int | None
    n_rows: int
    providers: tuple[str, ...]


def survey(manifest: Path, limit: int | None) -> Source:
    """Look through a manifest before anything is fetched.

    Raises:
        UsageError: It is no manifest, or its rows do not tell enough.
    """
    files = _files(manifest)
    n_rows, providers = 0, Counter[str]()
    seen: set[str] = set()
    for row in islice(_rows(files), limit):
        _check(row)
        _check_new(str(PurePosixPath(row["filepath"])), seen)
        n_rows += 1
        providers[row["provider"]] += 1
    if not n_rows:
        raise UsageError(f"{manifest} names no image: export some pairs first")
    return Source(files[0].parent, files, limit, n_rows, tuple(sorted(providers)))


def read(
    source: Source, provider: str, rasters: Path | None, settings: Settings
) -> Iterator[Chip]:
    """Yield the chips of a provider, block by block of their scenes."""
    rows = (
        (n, row)
        for n, row in enumerate(islice(_rows(source.files), source.limit))
        if row["provider"] == provider
    )
    while some := list(islice(rows, SORTED_TOGETHER)):
        chips = [_chip(n, row, rasters, settings) for n, row in some]
        yield from sorted(chips, key=lambda chip: (*chip.block, chip.id))


# --- files --------------------------------------------------------------------------


def _files(manifest: Path) -> tuple[Path, ...]:
    if manifest.suffix in {".jsonl", ".tar"} and manifest.is_file():
        return (manifest,)
    folder = manifest if manifest.is_dir() else manifest.parent
    path = folder / MANIFEST
    if not path.is_file() or (not manifest.is_dir() and manifest.name != MANIFEST):
        raise UsageError(
            f"{manifest} is no manifest: name {MANIFEST} or {ROWS} of an export by "
            "`skyscript export`, or its folder"
        )
    if (folder / ROWS).is_file():
        return (folder / ROWS,)
    shards = tuple(sorted(folder.glob("*-??????.tar")))
    if not shards:
        raise UsageError(f"no {ROWS} and no shards beside {path}: get them too")
    return shards


def _rows(files: tuple[Path, ...]) -> Iterator[Row]:
    for path in files:
        texts = _shard(path) if path.suffix == ".tar" else _lines(path)
        for text in texts:
            try:
                row = json.loads(text)
            except ValueError as error:
                raise UsageError(
                    f"{path} is damaged ({error}): get it again, or export again"
                ) from error
            yield row if isinstance(row, dict) else {}


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _shard(path: Path) -> Iterator[bytes]:
    try:
        with tarfile.open(path) as shard:
            suffixes: dict[str, str] = {}
            for member in shard:
                stem, _, suffix = member.name.partition(".")
                suffixes[stem] = suffix if suffix in {"jpg", "png"} else suffixes[stem]
                file = shard.extractfile(member) if suffix == "json" else None
                if file is not None:
                    row = json.loads(file.read())
                    row["filepath"] = f"{stem}.{suffixes.pop(stem)}"
                    yield json.dumps(row).encode()
    except (tarfile.TarError, KeyError, TypeError, OSError) as error:
        raise UsageError(f"{path} is no shard of ours: {error}; get it again") from (
            error
        )


# --- rows ---------------------------------------------------------------------------

_NEEDED = (
    *("filepath", "sha256", "provider", "crs", "scene_transform", "scene_width_px"),
    *("scene_height_px", "bands", "stretch", "col_off_px", "row_off_px", "width_px"),
    *("height_px",),
)


# What of a row may be used as it is; the rest its provider checks when it opens files.
_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("filepath", "sha256", "provider", "crs"), str),
    **dict.fromkeys(("scene_file", "scene_uri", "scene_sha256", "encoding"), str),
    **dict.fromkeys(("scene_width_px", "scene_height_px"), int),
    **dict.fromkeys(("col_off_px", "row_off_px", "width_px", "height_px"), int),
    **dict.fromkeys(("bands", "stretch"), dict),
    "scene_transform": list,
}


def _check(row: Row) -> None:
    lacking = [name for name in _NEEDED if row.get(name) is None]
    where = "scene_file" if row.get("provider") == "raster" else "scene_uri"
    if not row.get(where):
        lacking.append(where)
    if lacking:
        raise UsageError(
            f"a row lacks {', '.join(lacking)}: it was exported by an older "
            "skyscript-db, or by something else; export again"
        )
    _check_types(row)
    if row["provider"] == "stac":
        _check_addresses(row)
    path = PurePosixPath(row["filepath"])
    if path.is_absolute() or ".." in path.parts or path.suffix not in {".jpg", ".png"}:
        raise UsageError(
            f"a row names the file {row['filepath']!r}, which is no image within the "
            "folder: this manifest is not to be trusted"
        )


def _check_types(row: Row) -> None:
    wrong = [
        name
        for name, wanted in _TYPES.items()
        if row.get(name) is not None and not _is_of(row[name], wanted)
    ]
    if "scene_transform" not in wrong and not _is_transform(row["scene_transform"]):
        wrong.append("scene_transform")
    if wrong:
        told = ", ".join(f"{name} = {row[name]!r:.40}" for name in wrong)
        raise UsageError(
            f"a row has values of the wrong type: {told}; it was written by something "
            "else, so export again"
        )


def _is_of(value: Any, wanted: type | tuple[type, ...]) -> bool:
    return isinstance(value, wanted) and not isinstance(value, bool)


def _is_transform(values: list[Any]) -> bool:
    return len(values) == 6 and all(_is_of(value, (int, float)) for value in values)


def _check_addresses(row: Row) -> None:
    """Let items and their files be on the network only, never be files from here."""
    from loaders.stac.addresses import is_url  # noqa: PLC0415 - it brings all of STAC

    bands = row["bands"]
    rgb, cloud = bands.get("rgb"), bands.get("cloud")
    sources = [*(rgb if isinstance(rgb, list) else [None]), *([cloud] if cloud else [])]
    hrefs = [s.get("href") if isinstance(s, dict) else None for s in sources]
    token_url = bands.get("token_url")
    for href in (row["scene_uri"], *hrefs, *([] if token_url is None else [token_url])):
        if not isinstance(href, str) or not is_url(href):
            raise UsageError(
                f"a row names {href!r:.200} for a scene from STAC, which is no http(s) "
                "address: this manifest is not to be trusted; what was loaded from "
                "local files can be fetched again by `skyscript run fetch_chips` alone"
            )


def _check_new(path: str, seen: set[str]) -> None:
    if path in seen:
        raise UsageError(
            f"two rows name the file {path!r}: one would replace the other; get "
            "the manifest again, or export again"
        )
    seen.add(path)


def _chip(n: int, row: Row, rasters: Path | None, settings: Settings) -> Chip:
    if row["provider"] == "raster":
        uri = str((rasters or Path()) / PurePosixPath(row["scene_file"]).name)
    else:
        uri = str(row["scene_uri"])
    grid = Grid(
        provider=row["provider"],
        uri=uri,
        crs=row["crs"],
        transform=tuple(row["scene_transform"]),
        width_px=row["scene_width_px"],
        height_px=row["scene_height_px"],
        bands=row["bands"],
        stretch=row["stretch"],
        file_sha256=row.get("scene_sha256"),
    )
    sides = (row[f"{side}_px"] for side in ("col_off", "row_off", "width", "height"))
    label = row.get("encoding")
    return Chip(
        id=n,
        # Two collections may have made different pictures of one scene.
        scene=f"{uri} {json.dumps([grid.bands, grid.stretch], sort_keys=True)}",
        grid=grid,
        window=Window(*sides),
        path=row["filepath"],
        encoding=_encoding(label, row["filepath"], settings),
        version=Wanted(row["sha256"], label),
    )


def _encoding(label: str | None, path: str, settings: Settings) -> Encoding:
    told = Encoding.of(label) if label else None
    if told is not None:
        return told
    return Encoding("png" if path.endswith(".png") else "jpg", settings.jpeg_quality)
