"""The folder of an export: whose it is, what may be replaced, files written whole.

``INCOMPLETE`` is written first and ``manifest.json`` last, so that an export that was
killed shows as such and is done again. Only files that bear our names are removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from skyscript_db.export.selection import Sample

MANIFEST = "manifest.json"
MARKER = "INCOMPLETE"
MARKER_TEXT = "An export by skyscript-db that has not ended: run it again.\n"
SUMS = "SHA256SUMS"
IMAGES = "images"
# What is hashed and written in one go.
BUFFER_BYTES = 1 << 20
CREATOR = "skyscript-db"

_OURS = re.compile(
    r"((train|val|test|unsplit)(\.csv|\.tsv|-\d{6}\.tar)|metadata\.jsonl|sizes\.json"
    r"|SHA256SUMS|ATTRIBUTION\.md|manifest\.json)(\.part)?"
)
_OUR_IMAGE = re.compile(r"[anw]\d+_[A-Za-z0-9]*_(\d\d)?(-\d+)?\.(jpg|png)")


class PartFile:
    """A file that gets its name when it is complete and on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_bytes = 0
        self._part = path.with_name(path.name + ".part")
        self._file = self._part.open("wb", buffering=0)
        self._buffer: list[bytes] = []
        self._n_buffered = 0
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._buffer.append(data)
        self._n_buffered += len(data)
        self.n_bytes += len(data)
        if self._n_buffered >= BUFFER_BYTES:
            self._flush()

    def close(self) -> str:
        """Give the file its name; return its SHA-256 in hex."""
        self._flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self.path)
        return self._hash.hexdigest()

    def abandon(self) -> None:
        """Leave the file without its name; nothing happens to one that has it."""
        self._file.close()

    def _flush(self) -> None:
        data = memoryview(b"".join(self._buffer))
        self._buffer.clear()
        self._n_buffered = 0
        self._hash.update(data)
        while data:
            data = data[self._file.write(data) :]


class Folder:
    """The folder while an export is written into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: dict[str, str] = {}
        self.has_copies = False
        self._begun: list[PartFile] = []
        self._sums: PartFile | None = None

    def check(self, chips: Path | None, *, overwrite: bool, force: bool) -> None:
        """Check that it can take an export, before anything is done.

        Raises:
            UsageError: It holds an export or something else, or is where the chips are.
        """
        path, chips = self.path.resolve(), chips and chips.resolve()
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{self.path} is a file: give a folder")
        if chips in {path, *path.parents}:
            raise UsageError(
                f"{self.path} is where the chips themselves are: give another folder"
            )
        if not self.path.is_dir() or self._is_incomplete():
            return
        if self._is_export():
            if not overwrite:
                raise UsageError(
                    f"{self.path} holds an earlier export: give another folder, or "
                    "--overwrite to replace it"
                )
        elif any(self.path.iterdir()) and not force:
            raise UsageError(
                f"{self.path} is not empty and holds no earlier export: give another "
                "folder, or --force to write among what is there"
            )

    def clear(self) -> None:
        """Mark the folder as incomplete and remove an earlier export from it."""
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / MARKER).write_text(MARKER_TEXT, encoding="utf-8")
        (self.path / MANIFEST).unlink(missing_ok=True)
        _remove(self.path, _OURS)
        images = self.path / IMAGES
        if images.is_dir():
            _remove(images, _OUR_IMAGE)
            if not any(images.iterdir()):
                images.rmdir()
        self._sums = self.create(SUMS)

    def create(self, name: str) -> PartFile:
        """Begin a file; :meth:`add` enters it when it is closed."""
        file = PartFile(self.path / name)
        self._begun.append(file)
        return file

    def add(self, file: PartFile) -> None:
        """Close a file and enter it."""
        self.files[file.path.name] = file.close()

    def write(self, name: str, text: str) -> None:
        """Write a whole file and enter it."""
        file = self.create(name)
        file.write(text.encode())
        self.add(file)

    def close(self) -> None:
        """Close what an error left open."""
        for file in self._begun:
            file.abandon()

    def place_image(self, sample: Sample, data: bytes, source: object) -> str:
        """Give an image its place, as a link where that works; return its name.

        ``source`` is the file that it was read from.
        """
        name = f"{IMAGES}/{sample.stem}{sample.suffix}"
        target = self.path / name
        target.unlink(missing_ok=True)
        if not _is_linked(source, target):
            target.write_bytes(data)
            self.has_copies = True
        self._sum(name, sample.sha256)
        return name

    def finish(self, manifest: dict[str, object]) -> None:
        """Write the checksums, then the manifest, which makes the export complete."""
        for name, sha256 in sorted(self.files.items()):
            self._sum(name, sha256)
        assert self._sums is not None  # noqa: S101 - clear() began it
        self.add(self._sums)
        if self.has_copies:
            os.sync()
        manifest = {**manifest, "files": dict(sorted(self.files.items()))}
        file = self.create(MANIFEST)
        file.write(f"{json.dumps(manifest, indent=2, ensure_ascii=False)}\n".encode())
        file.close()
        (self.path / MARKER).unlink()

    def _sum(self, name: str, sha256: str) -> None:
        assert self._sums is not None  # noqa: S101 - clear() began it
        self._sums.write(f"{sha256}  {name}\n".encode())

    def _is_incomplete(self) -> bool:
        """Return whether it holds an export that did not end."""
        marker = self.path / MARKER
        return marker.is_file() and marker.read_bytes() == MARKER_TEXT.encode()

    def _is_export(self) -> bool:
        try:
            text = (self.path / MANIFEST).read_text(encoding="utf-8")
            return bool(json.loads(text)["created_by"] == CREATOR)
        except (OSError, ValueError, TypeError, LookupError):
            return False


def _is_linked(source: object, target: Path) -> bool:
    """Try to make a link; in vain if the source is in a bucket or on another disk."""
    if not isinstance(source, Path):
        return False
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _remove(folder: Path, names: re.Pattern[str]) -> None:
    for path in folder.iterdir():
        if names.fullmatch(path.name):
            path.unlink()
