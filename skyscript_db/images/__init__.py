"""Chip files: how they are encoded and checked, and where they are kept."""

from skyscript_db.images.encoding import Encoding, ImageFormat, encode, is_finished
from skyscript_db.images.folder import PARTIAL, ImageFolder
from skyscript_db.images.store import ImageStore, StoredImage, open_store, path_of

__all__ = [
    "PARTIAL",
    "Encoding",
    "ImageFolder",
    "ImageFormat",
    "ImageStore",
    "StoredImage",
    "encode",
    "is_finished",
    "open_store",
    "path_of",
]
