"""The OSM file to load: what it is, whether it is whole, and what it is called."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

# Bytes that the same data take as PBF, as a share of the file: osm2pgsql's need of
# memory is known for PBF. Rough, and on the safe side.
PBF_SHARES = {
    ".osm.pbf": 1.0,
    ".pbf": 1.0,
    ".osm.gz": 0.4,
    ".osm.bz2": 0.5,
    ".osm": 0.06,
    ".opl": 0.1,
}

# The format's own limits.
_MAX_HEADER_BYTES = 64 * 1024
_MAX_BLOB_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """A file that looks fit to load.

    Attributes:
        path: Absolute, since a name such as ``http:`` means more to osm2pgsql.
        stem: Its name without the suffix.
        n_bytes: Its size.
        pbf_bytes: The size that it would have as PBF, roughly.
        sha256: Hash of its bytes, in hex.
    """

    path: Path
    stem: str
    n_bytes: int
    pbf_bytes: int
    sha256: str


def inspect(path: Path) -> Source:
    """Check a file from outside, and read it through once for its hash.

    Raises:
        UsageError: It is missing, empty, cut short, or not of a known format.
    """
    suffix = _suffix(path)
    try:
        with path.open("rb") as file:
            n_bytes = _size(path, file)
            if suffix.endswith(".pbf"):
                _check_blobs(path, file, n_bytes)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise UsageError(f"no file {path}: check its name and folder") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    return Source(
        path=path.resolve(),
        stem=path.name.removesuffix(suffix),
        n_bytes=n_bytes,
        pbf_bytes=int(n_bytes * PBF_SHARES[suffix]),
        sha256=sha256,
    )


def _suffix(path: Path) -> str:
    for suffix in PBF_SHARES:
        if path.name.endswith(suffix) and path.name != suffix:
            return suffix
    raise UsageError(
        f"{path.name} is not a kind of OSM file that can be loaded: its name must end "
        f"in one of {' '.join(PBF_SHARES)}"
    )


def _size(path: Path, file: BinaryIO) -> int:
    n_bytes = file.seek(0, 2)
    if n_bytes == 0:
        raise UsageError(f"{path} is empty: download it again")
    file.seek(0)
    return n_bytes


def _check_blobs(path: Path, file: BinaryIO, n_bytes: int) -> None:
    """Step from blob to blob, reading their headers alone.

    osm2pgsql does not notice that up to three bytes are left of a blob, and finds any
    other damage only after it has read all that comes before.
    """
    at = 0
    while at < n_bytes:
        end = at + _blob_bytes(path, file, at)
        if end > n_bytes:
            raise UsageError(
                f"{path} is cut short: it ends at byte {n_bytes}, and the blob that "
                f"begins at byte {at} ends at byte {end}. Download it again"
            )
        at = file.seek(end)


def _blob_bytes(path: Path, file: BinaryIO, at: int) -> int:
    prefix = file.read(4)
    header_bytes = int.from_bytes(prefix, "big")
    if header_bytes > _MAX_HEADER_BYTES:
        raise _not_pbf(path, at)
    header = file.read(header_bytes)
    if len(prefix) < 4 or len(header) < header_bytes:
        # How long the blob would be is lost with its header.
        return 4 + header_bytes + 1
    try:
        kind, blob_bytes = _parse_header(header)
    except IndexError:
        raise _not_pbf(path, at) from None
    if kind != (b"OSMHeader" if at == 0 else b"OSMData"):
        raise _not_pbf(path, at)
    if blob_bytes > _MAX_BLOB_BYTES:
        raise _not_pbf(path, at)
    return 4 + header_bytes + blob_bytes


def _not_pbf(path: Path, at: int) -> UsageError:
    if at == 0:
        return UsageError(
            f"{path} is not a PBF file: rename it to what it is, or download it again"
        )
    return UsageError(
        f"{path} is damaged at byte {at}, where no blob begins: download it again"
    )


def _parse_header(header: bytes) -> tuple[bytes, int]:
    """Return the type and the data size from a BlobHeader, a Protocol Buffers message.

    Raises:
        IndexError: It is not one.
    """
    kind, blob_bytes, at = b"", -1, 0
    while at < len(header):
        key, at = _varint(header, at)
        value, at = _varint(header, at)
        if key & 7 == 2:
            at += value
            if key >> 3 == 1:
                kind = header[at - value : at]
        elif key >> 3 == 3:
            blob_bytes = value
    if at > len(header) or blob_bytes < 0:
        raise IndexError
    return kind, blob_bytes


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] >= 0x80:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1
