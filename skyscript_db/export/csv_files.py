"""SkyScript's own form: image files by its names, and CSV files with its columns.

``train.csv`` and its like have SkyScript's columns, where ``title`` is the caption of
the wanted kind; ``train.tsv`` has the two that open_clip reads by default;
``metadata.jsonl`` has all that is known of each chip.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from skyscript_db.export.folder import IMAGES

if TYPE_CHECKING:
    from skyscript_db.export.folder import Folder, PartFile
    from skyscript_db.export.images import Image
    from skyscript_db.export.selection import CaptionKind
    from skyscript_db.images import ImageStore

# The released files call aerial images satellite images too.
PREFIX = "{view} image of "
METADATA = "metadata.jsonl"


class Table:
    """A delimited file, quoted as RFC 4180 has it."""

    def __init__(self, folder: Folder, name: str, delimiter: str) -> None:
        self.file = folder.create(name)
        self._writer = csv.writer(
            _Encoded(self.file), delimiter=delimiter, lineterminator="\n"
        )
        self.add = self._writer.writerow


class _Encoded:
    """What csv.writer takes for a text file."""

    def __init__(self, file: PartFile) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode())


class CsvWriter:
    """Writes an export in SkyScript's own form."""

    def __init__(
        self,
        folder: Folder,
        store: ImageStore,
        *,
        caption_kind: CaptionKind,
        scorer: str | None,
    ) -> None:
        self._folder, self._store = folder, store
        self._kind, self._scorer = caption_kind, scorer
        self._tables: dict[str, tuple[Table, Table]] = {}
        self._metadata = folder.create(METADATA)
        (folder.path / IMAGES).mkdir(exist_ok=True)

    def add(self, image: Image) -> None:
        """Place an image and write its rows."""
        sample = image.sample
        source = self._store.file(sample.image_path)
        name = self._folder.place_image(sample, image.data, source)
        skyscript, open_clip = self._of(sample.split)
        title = sample.caption(self._kind)
        row = [name, title, sample.caption("multi_feature")]
        if self._scorer is not None:
            row += map(
                _number,
                (sample.similarity(self._kind), sample.multi_feature_similarity),
            )
        skyscript.add(row)
        open_clip.add([name, title])
        self._metadata.write(sample.described(filepath=name))

    def close(self) -> None:
        """Complete the files."""
        for skyscript, open_clip in self._tables.values():
            self._folder.add(skyscript.file)
            self._folder.add(open_clip.file)
        self._folder.add(self._metadata)

    def command(self) -> str | None:
        """Return the command by which open_clip trains on it; None without train.

        It is to be run in the folder.
        """
        if "train" not in self._tables:
            return None
        val = " --val-data val.tsv" if "val" in self._tables else ""
        return (
            "python -m open_clip_train.main --dataset-type csv --train-data train.tsv"
            f"{val} --csv-img-key filepath --csv-caption-key title"
        )

    def _of(self, split: str) -> tuple[Table, Table]:
        if split not in self._tables:
            skyscript = Table(self._folder, f"{split}.csv", ",")
            skyscript.add(["filepath", "title", "title_multi_objects", *self._scores()])
            open_clip = Table(self._folder, f"{split}.tsv", "\t")
            open_clip.add(["filepath", "title"])
            self._tables[split] = skyscript, open_clip
        return self._tables[split]

    def _scores(self) -> list[str]:
        if self._scorer is None:
            return []
        return [f"similarity_{self._scorer}", f"similarity_multi_{self._scorer}"]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
