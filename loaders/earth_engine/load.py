"""Enter what Earth Engine has of a collection as scenes.

In: an entry of the catalogue, and what is wanted of it. Out: its row in
``skyscript.collection`` and a row in ``skyscript.scene`` for each image; pixels stay
where they are. The listing comes in pages, each entered in a transaction of its own: a
load that was stopped goes on when it is run again, over scenes that are unchanged.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ee

from loaders import collections, ground, regions
from loaders.earth_engine.scene import acquired_at, describe, name_of
from loaders.earth_engine.session import Session
from loaders.pages import entering
from loaders.scenes import SceneLoad
from skyscript_db import catalogue
from skyscript_db.errors import LoaderError, RequestFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import psycopg

    from loaders.earth_engine.options import ServiceOptions
    from loaders.earth_engine.scene import Image
    from loaders.pages import Page
    from loaders.regions import Region
    from loaders.scenes import SceneRow
    from skyscript_db.catalogue import CatalogueEntry
    from skyscript_db.config import Settings
    from skyscript_db.progress import Progress

logger = logging.getLogger(__name__)

PAGE_SIZE = 500


def load(
    conn: psycopg.Connection[Any],
    settings: Settings,
    conninfo: str,
    options: ServiceOptions,
    progress: Progress,
) -> SceneLoad:
    """Load the wanted scenes of a collection, a transaction a page.

    Raises:
        UsageError: The options match nothing, or a setting is missing.
        LoaderError: There is no such asset.
        CredentialsExpired: Earth Engine does not accept the login or the project.
        RequestFailed: It refused, or failed too often; what was loaded stays.
        JobBusy: A scene has changed, and a job is at work on its chips.
    """
    options.check()
    entry = catalogue.find(settings, options.collection)
    _check_entry(entry, options)
    wanted = _regions(conn, settings, entry, options)
    result = SceneLoad(entry.name, n_regions=len(wanted))
    if not wanted:
        return result
    with Session(settings, conninfo) as session:
        asset = _asset(session, entry)
        collection_id = (
            collections.find(conn, entry.name)
            if options.is_dry_run
            else collections.enter(conn, entry)
        )
        work = _Work(conn, settings, session, entry, options, result, collection_id)
        progress.start(len(wanted), "regions")
        for region in wanted:
            work.take(asset, region)
            progress.advance(1)
            if work.is_done:
                break
        work.finish()
    return result


def _check_entry(entry: CatalogueEntry, options: ServiceOptions) -> None:
    if entry.provider != "earth-engine":
        raise UsageError(
            f"{entry.name} is not at Earth Engine: load it with `skyscript load stac "
            f"{entry.name}`"
        )
    begins_at, ends_at = entry.begins_at, entry.ends_at
    is_before = begins_at and options.end and options.end <= begins_at
    is_after = ends_at and options.start and options.start >= ends_at
    if is_before or is_after:
        until = f"until {entry.end}" if entry.end else "on"
        raise UsageError(
            f"{entry.name} has scenes from {entry.start} {until}: choose other dates"
        )
    if not options.area and not options.for_features and entry.is_global:
        raise UsageError(
            f"{entry.name} covers the Earth: say where with --area, or load what "
            "features lack with --for-features"
        )
    if options.max_cloud is not None and entry.cloud_property is None:
        raise UsageError(
            f"{entry.name} does not tell how cloudy its scenes are: leave --max-cloud "
            "out"
        )


def _regions(
    conn: psycopg.Connection[Any],
    settings: Settings,
    entry: CatalogueEntry,
    options: ServiceOptions,
) -> list[Region]:
    area = regions.of_area(conn, entry, options.area)
    if options.for_features:
        return regions.of_features(conn, settings, entry, options.area)
    return [area]


def _asset(session: Session, entry: CatalogueEntry) -> dict[str, Any]:
    asset_id = str(entry.asset)
    try:
        asset: dict[str, Any] = session.call(lambda: ee.data.getAsset(asset_id))
    except RequestFailed as error:
        if error.status not in {400, 403, 404}:
            raise
        raise LoaderError(
            f"Earth Engine has no asset {asset_id}, or does not show it to project "
            f"{session.project} ({error}): correct its id in the catalogue, or ask its "
            "owner to share it"
        ) from error
    if asset.get("type") not in {"IMAGE", "IMAGE_COLLECTION"}:
        raise LoaderError(
            f"{asset_id} is a {asset.get('type')}, not an image collection or an image"
            ": correct its id in the catalogue"
        )
    return asset


@dataclass(slots=True)
class _Work:
    """One load under way."""

    conn: psycopg.Connection[Any]
    settings: Settings
    session: Session
    entry: CatalogueEntry
    options: ServiceOptions
    result: SceneLoad
    collection_id: int | None
    seen: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)

    @property
    def is_done(self) -> bool:
        limit = self.options.limit
        return limit is not None and self.result.n_taken >= limit

    def take(self, asset: dict[str, Any], region: Region) -> None:
        """Enter what there is in a region."""
        for page in self._pages(asset, region):
            self._enter(page, region)
            if self.is_done:
                return

    def finish(self) -> None:
        """Count what was listed and lies in no region."""
        n_outside = len(self.outside - self.seen)
        if n_outside:
            self.result.left_out["outside the area"] += n_outside

    def _pages(self, asset: dict[str, Any], region: Region) -> Iterator[list[Image]]:
        if asset["type"] == "IMAGE":
            yield [asset]
            return
        params = list_params(self.entry, self.options, region)
        while True:
            # The client changes what it is given.
            answer = self.session.call(lambda: ee.data.listImages(dict(params)))
            self.result.n_requests += 1
            found = answer.get("images") or []
            yield [image for image in found if image.get("type") == "IMAGE"]
            if not answer.get("nextPageToken"):
                return
            params["pageToken"] = answer["nextPageToken"]

    def _enter(self, listed: list[Image], region: Region) -> None:
        with entering(self.conn, self.settings, self.result) as page:
            for image in listed:
                if self._is_enough(page.counts):
                    break
                self._take_image(image, region, page)

    def _is_enough(self, counts: SceneLoad) -> bool:
        limit = self.options.limit
        return limit is not None and self.result.n_taken + counts.n_taken >= limit

    def _take_image(self, image: Image, region: Region, page: Page) -> None:
        name = name_of(image)
        if name in self.seen:
            return
        reason = unwanted(self.options, image)
        if reason:
            self.seen.add(name)
            page.counts.left_out[reason] += 1
            return
        try:
            with ground.explained(), self.conn.transaction():
                self._register(image, region, page)
        except LoaderError as error:
            self.seen.add(name)
            page.counts.rejected[name] = str(error)
            logger.info("%s: rejected: %s", name, error)

    def _register(self, image: Image, region: Region, page: Page) -> None:
        row = describe(self.conn, self.entry, image)
        if not self._is_in(row, region):
            self.outside.add(row.name)  # another region may hold it
            return
        self.seen.add(row.name)
        if self.options.is_dry_run or self.collection_id is None:
            page.counts.matching += 1
        else:
            page.register(self.collection_id, row)

    def _is_in(self, row: SceneRow, region: Region) -> bool:
        return region.area is None or ground.do_intersect(
            self.conn, row.footprint, region.area
        )


def list_params(
    entry: CatalogueEntry, options: ServiceOptions, region: Region
) -> dict[str, Any]:
    """Return what the server is asked to list: no more than it can tell apart.

    It compares the *end* of an image's time with ours, which would lose those that
    begin in time and end later; so it is asked for some that begin too late.
    """
    params: dict[str, Any] = {"parent": entry.asset, "pageSize": PAGE_SIZE}
    if options.start:
        params["startTime"] = _zulu(options.start)
    if options.end:
        late = options.end + timedelta(days=entry.longest_days + 1)
        params["endTime"] = _zulu(late)
    if region.geometry:
        params["region"] = region.geometry
    max_cloud = entry.max_cloud if options.max_cloud is None else options.max_cloud
    if max_cloud is not None and max_cloud < 100:
        params["filter"] = f"properties.{entry.cloud_property} <= {max_cloud:g}"
    return params


def unwanted(options: ServiceOptions, image: Image) -> str | None:
    """Return why an image is not wanted, None where it is."""
    taken_at = acquired_at(image)
    if taken_at is None:
        is_dated = options.start or options.end
        return "without a date" if is_dated else None
    if options.start and taken_at < options.start:
        return "taken before the start"
    if options.end and taken_at >= options.end:
        return "taken after the end"
    return None


def _zulu(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
