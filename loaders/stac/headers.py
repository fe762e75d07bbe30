"""What the headers of files tell where items are silent, of their bands and values.

A header on the network costs a request. So what was read for an item that was found fit
stands for the same asset of those that follow; whenever a chip is cut, the values that
its file really has are checked again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from loaders.rasters.bands import told_rgb
from loaders.stac import addresses
from skyscript_db.errors import LoaderError, RequestFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loaders.stac.files import By, Files

logger = logging.getLogger(__name__)


class Header(NamedTuple):
    """Of each band its type, and which are told to be red, green and blue, from 1."""

    types: tuple[str, ...]
    rgb: tuple[int, int, int] | None


# Of an asset, by its key; None where it cannot be had.
HeaderOf = Callable[[str], Header | None]


class Headers:
    """The headers that a load has read."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self._known: dict[str, Header] = {}
        self._read: dict[str, Header] = {}

    @contextmanager
    def of_an_item(self) -> Iterator[None]:
        """Let what is read within stand for later items, unless an error ends it."""
        self._read.clear()
        yield
        self._known |= self._read

    def of(self, key: str, href: str, by: By) -> Header | None:
        """Return the header of an asset's file; None where it cannot be had.

        Raises:
            RequestFailed: Its host does not answer, nor would it for other files.
        """
        if key in self._known and addresses.is_url(href):
            return self._known[key]
        if key not in self._read:
            try:
                self._read[key] = self._of_file(href, by)
            except LoaderError as error:
                logger.debug("no header of %s: %s", href, error)
            except RequestFailed as error:
                if error.is_transient:
                    raise
                logger.debug("no header of %s: %s", href, error)
        return self._read.get(key)

    def _of_file(self, href: str, by: By) -> Header:
        with self.files.opened(href, by) as opened:
            dataset = opened.dataset
            return Header(tuple(dataset.dtypes), told_rgb(dataset))
