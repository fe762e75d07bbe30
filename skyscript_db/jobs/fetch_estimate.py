"""What a run of fetch_chips would cost, before a byte is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from loaders.stac.addresses import is_url
from skyscript_db import queries
from skyscript_db.fetching import pack
from skyscript_db.fetching.packs import BYTES_PER_PX
from skyscript_db.jobs import fetch_chips
from skyscript_db.jobs.planned import Scene, planned_chips
from skyscript_db.jobs.runner import list_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyscript_db.config import Settings
    from skyscript_db.fetching import Chip
    from skyscript_db.jobs.runner import Work

SQL = queries.beside(__file__)

# Of a file, where no chip of the collection is there yet.
BYTES_A_PX = {"jpg": 0.35, "png": 2.0}


@dataclass(slots=True)
class Estimate:
    """What the pending chips of a collection cost.

    Attributes:
        n_requests: To the provider's service; 0 for local files. For STAC, one read of
            each band a chip, which is the least that it can be.
        transfer_mb: Pixels of these, uncompressed.
        hours: The requests at the configured rate: the least, where no answer takes
            longer to be computed or to come.
        disk_mb: Image files, by those of the collection that are there.
    """

    provider: str
    collection: str
    n_chips: int = 0
    n_requests: int = 0
    transfer_mb: float = 0.0
    hours: float = 0.0
    disk_mb: float = 0.0


def estimate(work: Work) -> list[Estimate]:
    """Return what a run would cost, by provider and collection."""
    values = fetch_chips.parameters(work.settings)
    list_ids(work, fetch_chips.SQL.list_pending, values, unit=fetch_chips.UNIT)
    sizes: dict[str, float] = dict(work.conn.execute(SQL.select_sizes).fetchall())
    found: dict[str, Estimate] = {}
    providers = work.conn.execute(fetch_chips.SQL.list_providers).fetchall()
    for (provider,) in providers:
        chips = planned_chips(work.conn, work.settings, provider)
        for scene, of_scene in groupby(chips, key=_scene):
            name = scene.collection
            one = found.setdefault(name, Estimate(provider, name))
            _add(one, list(of_scene), work, sizes.get(name))
    for one in found.values():
        one.hours = one.n_requests / work.settings.requests_per_second / 3600
    return sorted(found.values(), key=lambda one: (one.provider, one.collection))


def _scene(chip: Chip) -> Scene:
    assert isinstance(chip.version, Scene)  # noqa: S101 - planned_chips saw to it
    return chip.version


def _add(
    one: Estimate, chips: list[Chip], work: Work, bytes_a_px: float | None
) -> None:
    a_px = bytes_a_px or BYTES_A_PX[work.settings.image_format]
    one.n_chips += len(chips)
    one.disk_mb += sum(chip.n_px for chip in chips) * a_px / 1e6
    for n_requests, n_px in _requests(one.provider, chips, work.settings):
        one.n_requests += n_requests
        one.transfer_mb += n_px * BYTES_PER_PX / 1e6


def _requests(
    provider: str, chips: list[Chip], settings: Settings
) -> Iterator[tuple[int, int]]:
    """Yield the requests for each pack or chip, and their pixels."""
    if provider == "earth-engine":
        max_bytes = _max_request_bytes(settings)
        yield from ((1, packed.n_px) for packed in pack(chips, max_bytes))
    elif provider == "stac":
        for chip in chips:
            n_files = _n_remote_files(chip.grid.bands)
            yield n_files, chip.n_px if n_files else 0


def _max_request_bytes(settings: Settings) -> int:
    from loaders.earth_engine import pixels  # noqa: PLC0415 - imports its client

    max_bytes = settings.max_request_mib * 2**20
    return int(max_bytes * pixels.PACKED_BYTES / pixels.COUNTED_BYTES)


def _n_remote_files(bands: Any) -> int:
    cloud = [bands["cloud"]] if bands.get("cloud") else []
    hrefs = {str(band.get("href")) for band in [*bands["rgb"], *cloud]}
    return sum(map(is_url, hrefs))
