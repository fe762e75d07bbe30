"""Thousands of chips from an Earth Engine that fails, through a kill -9.

All are accounted for. The service is the emulator, over rasters that are made here.
The client, jobs and the database are the real ones.
"""

from __future__ import annotations

import pytest

from loaders.earth_engine.options import ServiceOptions
from skyscript_db import api
from skyscript_db.config import Settings
from skyscript_db.jobs import fetch_chips, runner
from tests import acceptance
from tests.acceptance import Source, landscape, linear
from tests.fix_database import Database
from tests.fix_earth_engine import EarthEngine
from tests.fix_rasters import VADUZ
from tests.jobs.service_helpers import hurry

SIDE_PX = 64
CATALOGUE = """
[[collection]]
name = "half-metre"
provider = "earth-engine"
asset = "Test/half"
alias = "TH"
gsd_m = 0.5
rgb = ["R", "G", "B"]
stretch = { method = "none" }
coverage = [[9, 46, 11, 48]]

[[collection]]
name = "one-metre"
provider = "earth-engine"
asset = "Test/one"
alias = "TO"
gsd_m = 1
rgb = ["R", "G", "B"]
stretch = { method = "none" }
coverage = [[9, 46, 11, 48]]

[[collection]]
name = "ten-metre"
provider = "earth-engine"
asset = "Test/ten"
alias = "TT"
gsd_m = 10
rgb = ["B4", "B3", "B2"]
stretch = { method = "linear", min = 0, max = 3000 }
coverage = [[9, 46, 11, 48]]
"""


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def ee_settings(settings: Settings, earth_engine: EarthEngine) -> Settings:
    settings.home.mkdir()
    (settings.home / "collections.toml").write_text(CATALOGUE)
    told = {
        "earth_engine_url": earth_engine.url,
        "earth_engine_project": earth_engine.project,
        "image_format": "png",
        "request_concurrency": 8,
        "requests_per_second": 60,
        # Four chips that touch: so there are hundreds of requests, some of them packed.
        "max_request_mib": 0.16,
    }
    return settings.model_copy(update=told)


def serve_three_gsds(earth_engine: EarthEngine) -> dict[str, Source]:
    """Write scenes of three collections; return where their colours are."""
    eight = landscape(3, 1024, "uint8", 220)
    holes = eight.copy()
    holes[:, :400, :500] = 0  # all nodata, and half of it along its edges
    sixteen = landscape(4, 1024, "uint16", 3600)
    half, one, ten = (VADUZ * VADUZ.scale(metres) for metres in (0.5, 1, 10))
    about = {"names": ["R", "G", "B"]}
    files = {
        "half": earth_engine.add("Test/half", "half", eight, transform=half, **about),
        "one": earth_engine.add("Test/one", "one", holes, nodata=0, **about),
        "ten": earth_engine.add(
            "Test/ten", "ten", sixteen, names=["B2", "B3", "B4", "B8"], transform=ten
        ),
        # An image that the service knows and cannot compute.
        "broken": earth_engine.add("Test/one", "broken", eight, transform=one, **about),
    }
    rgb = {"ten": (3, 2, 1)}
    stretch = {"ten": linear(0, 3000)}
    return {
        name: Source(
            tuple((path, band) for band in rgb.get(name, (1, 2, 3))),
            stretch.get(name, {"method": "none"}),
        )
        for name, path in files.items()
    }


@pytest.mark.slow
def test_two_thousand_chips_of_three_collections(
    database: Database, earth_engine: EarthEngine, ee_settings: Settings
):
    sources = serve_three_gsds(earth_engine)
    for collection in ("half-metre", "one-metre", "ten-metre"):
        chosen = ServiceOptions(collection)
        listed = api.load_earth_engine(database.conn, ee_settings, chosen)
        assert listed.new == (2 if collection == "one-metre" else 1)
    for name, n in (("half", 680), ("one", 640), ("ten", 660), ("broken", 20)):
        acceptance.plan(database, name, n, SIDE_PX)
    misbehave(earth_engine)

    n_killed = acceptance.fetch_and_kill(database, ee_settings, after=400)
    kept = acceptance.files_of(database, ee_settings)
    assert len(kept) == n_killed < 1900
    counts = runner.run(fetch_chips, runner.Work(database.conn, ee_settings))
    assert (counts.n_ok + counts.n_rejected, counts.n_pending) == (1980, 20)

    found = acceptance.states(database)
    assert (found["failed"], found["planned"], found.total()) == (20, 0, 2000)
    causes = database.conn.execute(
        "SELECT DISTINCT s.name, c.http_status, c.cause FROM skyscript.chip AS c"
        " JOIN skyscript.scene AS s ON s.id = c.scene_id WHERE c.state = 'failed'"
    ).fetchall()
    assert causes == [("broken", 400, "Earth Engine (400): No such band.")]
    acceptance.assert_chips_are_right(database, ee_settings, sources)
    # What was recorded before the kill was not written a second time.
    assert kept.items() <= acceptance.files_of(database, ee_settings).items()
    told = earth_engine.counts
    assert {"429", "500", "truncated", "shortened", "html", "reset"} <= set(told.faults)
    assert told.busiest() <= 60
    assert told.max_concurrent <= 8
    assert 200 < told.by_path["computePixels"] < 2000


def misbehave(earth_engine: EarthEngine) -> None:
    """Let an eighth of the requests fail, in all ways; those of one image always."""
    on = {"path": "computePixels"}
    earth_engine.misbehave(400, body="broken", message="No such band.", **on)
    earth_engine.misbehave(429, every=61, retry_after_s=0.3, **on)
    earth_engine.misbehave(500, share=0.03, seed=1, **on)
    for seed, kind in enumerate(("truncated", "shortened", "html", "reset"), start=2):
        earth_engine.misbehave(kind, share=0.02, seed=seed, **on)
