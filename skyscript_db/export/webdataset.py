"""Shards for the webdataset library and open_clip.

A chip is three members of a tar file that lie side by side: ``key.jpg`` (or ``.png``),
``key.txt`` with the caption to train on, and ``key.json`` with both captions as flat
fields and all that is known of it.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyscript_db.export.folder import Folder, PartFile
    from skyscript_db.export.images import Image
    from skyscript_db.export.selection import CaptionKind

SHARD_CHIPS = 10_000
SHARD_BYTES = 1_000_000_000

SIZES = "sizes.json"
_BLOCK = tarfile.BLOCKSIZE
# Without time and owner, so that equal chips make equal files.
_BLANK = tarfile.TarInfo().tobuf(tarfile.USTAR_FORMAT)
_END = bytes(tarfile.RECORDSIZE)


@dataclass(slots=True)
class _Shards:
    """The shards of one split: how many chips each has, and the one being written."""

    counts: list[int] = field(default_factory=list)
    file: PartFile | None = None


class ShardWriter:
    """Writes an export as shards, those of each split on their own."""

    def __init__(
        self,
        folder: Folder,
        *,
        caption_kind: CaptionKind,
        shard_chips: int = SHARD_CHIPS,
    ) -> None:
        self._folder, self._kind = folder, caption_kind
        self._shard_chips = shard_chips
        self._splits: dict[str, _Shards] = {}

    def add(self, image: Image) -> None:
        """Append a chip to the shard of its split, or to a new one if that is full."""
        pieces = self._members(image)
        shards = self._splits.setdefault(image.sample.split, _Shards())
        if shards.file is not None and self._is_full(shards, sum(map(len, pieces))):
            self._close(shards)
        if shards.file is None:
            name = f"{image.sample.split}-{len(shards.counts):06}.tar"
            shards.file = self._folder.create(name)
            shards.counts.append(0)
        for piece in pieces:
            shards.file.write(piece)
        shards.counts[-1] += 1

    def close(self) -> None:
        """Complete the shards and tell their sizes."""
        for shards in self._splits.values():
            self._close(shards)
        sizes = {
            f"{split}-{n:06}.tar": count
            for split, shards in sorted(self._splits.items())
            for n, count in enumerate(shards.counts)
        }
        self._folder.write(SIZES, json.dumps(sizes, indent=2) + "\n")

    def command(self) -> str | None:
        """Return the command by which open_clip trains on it; None without train.

        It is to be run in the folder.
        """
        if "train" not in self._splits:
            return None
        counts = self._splits["train"].counts
        words = [
            *("python -m open_clip_train.main --dataset-type webdataset --train-data",),
            quote(self._shards("train")),
            f"--train-num-samples {sum(counts)}",
        ]
        if "val" in self._splits:
            n_val = sum(self._splits["val"].counts)
            words += [
                f"--val-data {quote(self._shards('val'))} --val-num-samples {n_val}"
            ]
        # open_clip refuses to start with fewer shards than workers.
        return " ".join([*words, f"--workers {min(4, len(counts))}"])

    def _shards(self, split: str) -> str:
        last = len(self._splits[split].counts) - 1
        numbers = "000000" if last == 0 else f"{{000000..{last:06}}}"
        return f"{split}-{numbers}.tar"

    def _is_full(self, shards: _Shards, n_more: int) -> bool:
        assert shards.file is not None  # noqa: S101 - the caller saw to it
        return (
            shards.counts[-1] >= self._shard_chips
            or shards.file.n_bytes + n_more + len(_END) > SHARD_BYTES
        )

    def _close(self, shards: _Shards) -> None:
        if shards.file is not None:
            shards.file.write(_END)
            self._folder.add(shards.file)
            shards.file = None

    def _members(self, image: Image) -> list[bytes]:
        sample = image.sample
        record = sample.described(
            id=sample.key,
            caption_single=sample.caption("focus"),
            caption_multi=sample.caption("multi_feature"),
        )
        caption = sample.caption(self._kind)
        return [
            *_member(sample.key + sample.suffix, image.data),
            *_member(f"{sample.key}.txt", caption.encode()),
            *_member(f"{sample.key}.json", record),
        ]


def _member(name: str, data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the header of a tar member, its data, and zeros up to a whole block."""
    return _header(name.encode(), len(data)), data, bytes(-len(data) % _BLOCK)


def _header(name: bytes, n_bytes: int) -> bytes:
    # tarfile takes ten times as long, which is most of what a small chip costs.
    header = bytearray(_BLANK)
    header[: len(name)] = name
    header[124:136] = b"%011o\0" % n_bytes
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)
