"""Exports: a selection of pairs, written as files that others can train on.

In: ``skyscript.pair`` and the chips' image files. Out: a folder, and a row of
``skyscript.dataset``. The same pairs make the same files, to the byte.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from skyscript_db import recipes
from skyscript_db.errors import StorageError, UsageError
from skyscript_db.export import images, manifest, selection
from skyscript_db.export.csv_files import PREFIX, CsvWriter
from skyscript_db.export.folder import CREATOR, Folder
from skyscript_db.export.manifest import Tally
from skyscript_db.export.selection import Selection, check_scorer
from skyscript_db.export.webdataset import SHARD_CHIPS, ShardWriter
from skyscript_db.images import open_store
from skyscript_db.images.store import local_folder
from skyscript_db.progress import LoggedProgress, Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    import psycopg

    from skyscript_db.config import Settings
    from skyscript_db.export.selection import Sample
    from skyscript_db.images import ImageStore
    from skyscript_db.recipes import Recipe

__all__ = ["ExportResult", "Format", "export"]

Format = Literal["csv", "webdataset"]


class Writer(Protocol):
    """What a format is to the rest of an export."""

    def add(self, image: images.Image) -> None:
        """Write a chip."""

    def close(self) -> None:
        """Complete the files."""

    def command(self) -> str | None:
        """Return the command by which open_clip trains on it."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written.

    Attributes:
        n_chips: Images written; n_selected = n_chips + the rejected.
        n_pairs: Captions of these.
        splits: Images by split.
        rejected: Images left out, by reason.
        files: Names of the files, the images of the csv format aside.
        content_sha256: Hash over ids, splits, image hashes and captions in order.
        version: Of the dataset of this name; None if this role may only read.
        command: What trains open_clip on it; None without a train split.
    """

    folder: Path
    n_selected: int
    n_chips: int
    n_pairs: int
    n_synthetic: int
    splits: dict[str, int]
    rejected: dict[str, int]
    files: tuple[str, ...]
    content_sha256: str
    version: int | None
    command: str | None


def export(  # noqa: PLR0913 - each is an option of the command
    conn: psycopg.Connection[Any],
    settings: Settings,
    folder: Path | str,
    *,
    format: Format,  # noqa: A002 - the option's name
    name: str = "skyscript",
    recipe: str | None = None,
    prefix: str | None = None,
    has_surrounding: bool = True,
    shard_chips: int = SHARD_CHIPS,
    overwrite: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    **filters: Any,
) -> ExportResult:
    """Write the pairs that pass the filters into a folder.

    Args:
        conn: Not within a transaction: the pairs are read as of one moment.
        settings: Where the image files are, and the default recipe.
        folder: New or empty, or with an export that did not end, which is done again.
        format: ``csv``, SkyScript's own form with image files, or ``webdataset``.
        name: The dataset's, under which its versions are counted.
        recipe: Whose captions; that of the settings if None.
        prefix: In front of each caption, with ``{view}`` for "a satellite" or, as the
            recipe has it for images so fine, "an aerial"; None is SkyScript's own for
            csv, where the recipe is of style paper and has none, else nothing.
        has_surrounding: Whether the metadata has the tags and ids of all that lies
            around the focus, which in a city is most of it; else they are null.
        shard_chips: Most chips of a shard.
        overwrite: Replace an earlier export in the folder.
        force: Write even if the folder holds other things; they stay.
        progress: Told of each chip.
        filters: The other fields of ``Selection``, such as ``split``, ``area`` and
            ``caption_kind``.

    Raises:
        UsageError: No pair passes, the folder holds something else, or a filter is
            not one.
        StorageError: The chips' folder is not there, no file in it is as the database
            has it, or the export cannot be written.
    """
    if format not in get_args(Format):
        raise UsageError(f"no format {format!r}: give csv or webdataset")
    if shard_chips < 1:
        raise UsageError(f"a shard holds at least one chip, not {shard_chips}")
    chosen = Selection(recipe=recipe or settings.shown_recipe, **filters)
    told_by = recipes.find(conn, chosen.recipe)
    check_scorer(conn, chosen)
    target = Folder(Path(folder))
    target.check(local_folder(settings), overwrite=overwrite, force=force)
    return _Export(
        conn,
        settings,
        target,
        chosen,
        store=open_store(settings),
        format=format,
        name=name,
        prefix=_prefix(told_by, format) if prefix is None else prefix,
        has_surrounding=has_surrounding,
        shard_chips=shard_chips,
        origin=manifest.origin(conn),
        progress=progress or LoggedProgress(),
    ).run()


def _prefix(recipe: Recipe, format_: Format) -> str:
    # Such a recipe leaves SkyScript's prefix to whoever writes its CSV files.
    is_bare = recipe.style == "paper" and not recipe.prefix
    return PREFIX if format_ == "csv" and is_bare else ""


@dataclass(slots=True)
class _Export:
    conn: psycopg.Connection[Any]
    settings: Settings
    folder: Folder
    selection: Selection
    store: ImageStore
    format: Format
    name: str
    prefix: str
    has_surrounding: bool
    shard_chips: int
    origin: dict[str, Any]
    progress: Progress
    tally: Tally = field(default_factory=Tally)
    writer: Writer | None = None

    def run(self) -> ExportResult:
        """Write all of it."""
        try:
            with closing(self.folder):
                self.write()
                return self.finish()
        except OSError as error:
            raise StorageError(
                f"cannot write {self.folder.path}: {error.strerror or error}. Mend "
                "that (free space, permissions) and run the export again; what it "
                "left is replaced"
            ) from error

    def write(self) -> None:
        """Write the chips; nothing in the folder changes before there is one."""
        with (
            closing(self._samples()) as samples,
            closing(
                images.read(samples, self.store, workers=self.settings.workers)
            ) as found,
        ):
            for image in found:
                self._add(image)
                self.progress.advance(1)
        if self.writer is None:
            self._refuse_empty()
        else:
            self.writer.close()

    def _samples(self) -> Generator[Sample]:
        return selection.read(
            self.conn,
            self.selection,
            self.progress,
            prefix=self.prefix,
            has_surrounding=self.has_surrounding,
        )

    def finish(self) -> ExportResult:
        """Enter the dataset and complete the folder."""
        assert self.writer is not None  # noqa: S101 - write() saw to it
        tally, command = self.tally, self.writer.command()
        number = self._enter()
        self.folder.write(manifest.ATTRIBUTION, tally.attribution())
        self.folder.finish(
            {
                "created_by": CREATOR,
                "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "dataset": self.name,
                "version": number,
                "content_sha256": tally.content_sha256,
                "counts": tally.counts(),
                "parameters": self._parameters(),
                "seed": self.settings.seed,
                "versions": {CREATOR: version("skyscript-db"), **self.origin},
                "train_with": command,
                "query": selection.SQL.choose_chips,
            }
        )
        return ExportResult(
            folder=self.folder.path,
            n_selected=tally.counts()["selected"],
            n_chips=tally.n_chips,
            n_pairs=tally.n_pairs,
            n_synthetic=tally.n_synthetic,
            splits=dict(sorted(tally.splits.items())),
            rejected=dict(sorted(tally.rejected.items())),
            files=tuple(sorted(self.folder.files)),
            content_sha256=tally.content_sha256,
            version=number,
            command=command and f"cd {quote(str(self.folder.path))} && {command}",
        )

    def _add(self, image: images.Image) -> None:
        if image.reason is not None:
            self.tally.rejected[image.reason] += 1
            return
        if self.writer is None:
            self.folder.clear()
            self.writer = self._new_writer()
        self.writer.add(image)
        self.tally.add(image.sample)

    def _new_writer(self) -> Writer:
        kind = self.selection.caption_kind
        if self.format == "webdataset":
            return ShardWriter(
                self.folder,
                caption_kind=kind,
                shard_chips=self.shard_chips,
            )
        return CsvWriter(
            self.folder,
            self.store,
            caption_kind=kind,
            scorer=(self.origin["scorer"] or {}).get("name"),
        )

    def _refuse_empty(self) -> None:
        n = self.tally.rejected.total()
        if n == 0:
            raise UsageError(
                "no pair passes, so nothing was written: `skyscript status` shows how "
                "many each stage let through; loosen the filters, or run the stage "
                "that is behind, such as write_captions for the recipe "
                f"{self.selection.recipe}"
            )
        reasons = ", ".join(f"{k}: {v}" for k, v in self.tally.rejected.items())
        raise StorageError(
            f"none of the {n} images is in {self.store} as the database has it "
            f"({reasons}), so nothing was written: set SKYSCRIPT_HOME or "
            "SKYSCRIPT_CHIPS_URL to where they were fetched to, or run fetch_chips "
            "again"
        )

    def _enter(self) -> int | None:
        return manifest.enter_dataset(
            self.conn,
            self.tally,
            name=self.name,
            sql=selection.SQL.choose_chips,
            parameters=self._parameters(),
        )

    def _parameters(self) -> dict[str, Any]:
        parameters = self.selection.parameters()
        parameters |= {
            "format": self.format,
            "prefix": self.prefix,
            "has_surrounding": self.has_surrounding,
        }
        if self.format == "webdataset":
            parameters["shard_chips"] = self.shard_chips
        return parameters
