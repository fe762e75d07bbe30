"""Load the items of a STAC collection as scenes, a transaction a page.

In: a catalogue, and which of its items are wanted; what the catalogue can filter by, it
is asked to. Out: a row of ``skyscript.collection`` and a row of ``skyscript.scene`` for
each item, whose pixels stay where they are. Loaded again, what is there is unchanged
unless the catalogue has updated it; a load that was interrupted goes on so.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from loaders import collections, ground, regions
from loaders.pages import entering
from loaders.scenes import SceneLoad
from loaders.stac import scene
from loaders.stac.choice import Choice
from loaders.stac.client import Question, open_catalogue
from loaders.stac.files import Files
from loaders.stac.headers import Headers
from loaders.stac.web import Web
from skyscript_db import area as areas
from skyscript_db import queries
from skyscript_db.errors import LoaderError, RequestFailed, UsageError
from skyscript_db.progress import LoggedProgress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    import psycopg
    import pystac

    from loaders.pages import Page
    from loaders.stac.client import Api, Found, Static
    from loaders.stac.options import StacOptions
    from loaders.stac.scene import Described
    from skyscript_db.catalogue import CatalogueEntry
    from skyscript_db.config import Settings
    from skyscript_db.progress import Progress

logger = logging.getLogger(__name__)
SQL = queries.beside(__file__)


class Catalogue(Protocol):
    """A collection, in an API or a static catalogue."""

    collection_id: str
    collection: dict[str, Any]

    def items(self, question: Question) -> Iterator[list[Found]]:
        """Yield the items that may be wanted."""


def load(
    conn: psycopg.Connection[Any],
    settings: Settings,
    conninfo: str,
    address: str,
    options: StacOptions,
    *,
    progress: Progress | None = None,
) -> SceneLoad:
    """Load items by the name of a catalogue's entry, or the address of a catalogue.

    ``conninfo`` is the database that limits are shared in.

    Raises:
        UsageError: There is no such catalogue or collection, or nothing can match.
        RequestFailed: The catalogue does not answer; what was loaded before stays.
    """
    options.check()
    choice = Choice.of(settings, address, options)
    area = areas.parse(conn, options.area) if options.area else None
    if choice.entry and area:
        regions.check_covered(conn, choice.entry, area)
    with Web(settings, conninfo) as web:
        catalogue = open_catalogue(web, choice.address, choice.collection)
        question = _question(conn, choice, options, area)
        _check_wanted(catalogue, question)
        work = _Load(
            conn,
            settings,
            choice.of_collection(
                settings, catalogue.collection_id, catalogue.collection
            ),
            options,
            Headers(Files(web)),
            area,
            progress or LoggedProgress(),
        )
        return work.run(catalogue.items(question))


def _question(
    conn: psycopg.Connection[Any],
    choice: Choice,
    options: StacOptions,
    area: str | None,
) -> Question:
    boxes = conn.execute(SQL.boxes, {"area": area}).fetchall() if area else []
    return Question(
        [(w, s, e, n) for w, s, e, n in boxes],
        options.start,
        options.end,
        choice.reading.cloud_property,
        _max_cloud(choice, options),
    )


def _max_cloud(choice: Choice, options: StacOptions) -> float | None:
    if options.max_cloud is not None:
        return options.max_cloud
    return choice.entry.max_cloud if choice.entry else None


def _check_wanted(catalogue: Api | Static, question: Question) -> None:
    extent = catalogue.collection.get("extent", {}).get("spatial", {}).get("bbox", [])
    boxes = [tuple(map(float, box)) for box in extent[:1]]
    if boxes and question.boxes and not _do_meet(question.boxes, boxes):
        covered = "; ".join(",".join(f"{x:g}" for x in box) for box in boxes)
        raise UsageError(
            f"the area lies outside of {catalogue.collection_id}, which covers "
            f"{covered} (W,S,E,N): choose another area or collection"
        )


def _do_meet(
    first: Iterable[tuple[float, ...]], second: Iterable[tuple[float, ...]]
) -> bool:
    return any(
        # A box whose west lies east of its east is not worth the care here.
        (w1 < e2 and w2 < e1 and s1 < n2 and s2 < n1) or w2 > e2
        for w1, s1, e1, n1 in map(_flat, first)
        for w2, s2, e2, n2 in map(_flat, second)
    )


def _flat(box: tuple[float, ...]) -> tuple[float, float, float, float]:
    """Return a box without its heights, which STAC allows."""
    half = len(box) // 2
    return box[0], box[1], box[half], box[half + 1]


@dataclass(slots=True)
class _Load:
    """A load at work."""

    conn: psycopg.Connection[Any]
    settings: Settings
    choice: Choice
    options: StacOptions
    headers: Headers
    area: str | None
    progress: Progress
    result: SceneLoad = field(init=False)
    _seen: set[str] = field(default_factory=set)
    _entry: CatalogueEntry | None = None
    # None until an item's word of its grid was held against its files.
    _trusts_grid: bool | None = None

    def __post_init__(self) -> None:
        self.result = SceneLoad(self.choice.name)

    def run(self, pages: Iterator[list[Found]]) -> SceneLoad:
        """Enter all that is wanted; return what became of it."""
        self.progress.start(self.options.limit or 0, "items")
        for page in pages:
            self._page(page)
            self.progress.advance(len(page))
            if self._left() == 0:
                break
        return self.result

    def _left(self) -> int | None:
        limit = self.options.limit
        return None if limit is None else max(0, limit - self.result.n_taken)

    def _page(self, page: Sequence[Found]) -> None:
        wanted: list[Described] = []
        for found in page:
            if len(wanted) == self._left():
                break
            described = self._described(found)
            if described is not None:
                wanted.append(described)
        if self.options.is_dry_run:
            self.result.matching += len(wanted)
        elif wanted:
            self._enter(wanted)

    def _described(self, found: Found) -> Described | None:
        try:
            item = self._wanted(found)
            if item is None:
                return None
            return self._describe(item, found.href)
        except LoaderError as error:
            self._reject(found.href, error)
        except RequestFailed as error:
            # A host that does not answer would not answer for the others either.
            if error.is_transient:
                raise
            self._reject(found.href, error)
        return None

    def _describe(self, item: pystac.Item, href: str) -> Described:
        reading, trusts = self.choice.reading, self._trusts_grid
        with self.headers.of_an_item():
            described = scene.describe(
                item, href, reading, self.headers, is_trusted=trusts is True
            )
        if trusts is None:
            self._trusts_grid = scene.is_grid_right(described)
        return described

    def _reject(self, href: str, error: Exception) -> None:
        self.result.rejected[href] = str(error)
        logger.info("%s: rejected: %s", href, error)

    def _wanted(self, found: Found) -> pystac.Item | None:
        """Return an item that is asked for; count those that are not."""
        item = scene.parse(found)
        if item.id in self._seen:
            return None  # listed twice, for an area of two boxes
        self._seen.add(item.id)
        reason = self._misfit(item)
        if reason is not None:
            self.result.left_out[reason] += 1
            return None
        return item

    def _misfit(self, item: pystac.Item) -> str | None:
        start, end = self.options.start, self.options.end
        if (start or end) and not _is_between(scene.acquired_at(item), start, end):
            return "outside the dates"
        cloud = scene.cloud_percent(item, self.choice.reading.cloud_property)
        most = _max_cloud(self.choice, self.options)
        if cloud is not None and most is not None and cloud > most:
            return f"more than {most:g} % cloud"
        if self.area is not None and not self._is_within_reach(item):
            return "outside the area"
        return None

    def _is_within_reach(self, item: pystac.Item) -> bool:
        if not item.geometry:
            return True  # its footprint, from its pixels, will tell
        values = {"geojson": json.dumps(item.geometry), "area": self.area}
        with ground.explained(), self.conn.transaction():
            row = self.conn.execute(SQL.is_within_reach, values).fetchone()
        return row == (True,)

    def _enter(self, wanted: Sequence[Described]) -> None:
        with entering(self.conn, self.settings, self.result) as page:
            collection_id = self._collection(wanted[0])
            for found in wanted:
                self._enter_one(collection_id, found, page)

    def _collection(self, first: Described) -> int:
        if self._entry is None:
            self._entry = self.choice.entry_like(first)
        return collections.enter(self.conn, self._entry)

    def _enter_one(self, collection_id: int, found: Described, page: Page) -> None:
        try:
            with ground.explained(), self.conn.transaction():
                page.register(collection_id, scene.row(self.conn, found))
        except LoaderError as error:
            page.counts.rejected[found.href] = str(error)
            logger.info("%s: rejected: %s", found.href, error)


def _is_between(
    moment: datetime | None, start: datetime | None, end: datetime | None
) -> bool:
    if moment is None:
        return False
    return (start is None or start <= moment) and (end is None or moment < end)
