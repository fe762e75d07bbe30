"""Hundreds of chips from STAC catalogues that fail, through a kill -9.

All are accounted for. The services are a STAC API and a static catalogue, over rasters
that are made here or, where they are present, real ones. The client, jobs and the
database are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loaders.stac import StacOptions
from skyscript_db import api
from skyscript_db.config import Settings
from skyscript_db.jobs import fetch_chips, runner
from tests import acceptance
from tests.acceptance import Source, landscape, linear
from tests.fix_database import Database
from tests.fix_rasters import VADUZ, write_raster
from tests.fix_stac import StacService, make_item, place_on
from tests.jobs.service_helpers import hurry

SIDE_PX = 64
N_ON_A_SCENE = 60

# Red, green and blue of each scene, as assets and as what --assets says; its stretch.
Made = dict[str, tuple[dict[str, Path], str | None, Source]]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def stac_settings(settings: Settings) -> Settings:
    told = {
        "image_format": "png",
        "request_concurrency": 4,
        "requests_per_second": 50,
    }
    return settings.model_copy(update=told)


def make_scenes(folder: Path) -> Made:
    """Write an orthophoto in one file, and a scene of 16 bits in three."""
    layout = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "lzw"}
    eight = landscape(3, 768, "uint8", 220)
    eight[:, :200, :200] = 0
    visual = write_raster(folder / "visual.tif", eight, nodata=0, **layout)
    ten = VADUZ * VADUZ.scale(10)
    values = landscape(3, 768, "uint16", 3600)
    files = {
        key: write_raster(
            folder / f"{key}.tif", values[n : n + 1], transform=ten, **layout
        )
        for n, key in enumerate(("red", "green", "blue"))
    }
    none = {"method": "none"}
    return {
        "ortho": (
            {"visual": visual},
            None,
            Source(tuple((visual, band) for band in (1, 2, 3)), none),
        ),
        "sentinel": (
            files,
            None,
            Source(tuple((path, 1) for path in files.values()), linear(0, 3000)),
        ),
    }


def real_scenes(folder: Path, imagery: Path) -> Made:
    """Take real images by links: files of other layouts than ours, and no COGs."""
    wanted = {
        "naip": ("naip_virginia_staunton_4band_1m.tif", (1, 2, 3)),
        "landsat": ("landsat7_olinda_recife_28m5.tif", (3, 2, 1)),
        "sentinel": ("sentinel2_accomack_va_10m_B02B03B04B08.tif", (3, 2, 1)),
    }
    made: Made = {}
    for name, (file, bands) in wanted.items():
        link = folder / f"{name}.tif"
        link.symlink_to(imagery / file)
        stretch = linear(0, 3000) if name == "sentinel" else {"method": "none"}
        assets = ",".join(f"image:{band}" for band in bands)
        source = Source(tuple((link, band) for band in bands), stretch)
        made[name] = ({"image": link}, assets, source)
    return made


def serve_api(stac: StacService, made: Made) -> str:
    """Serve scenes by an API, each a collection of its own name."""
    for name, (files, _, _) in made.items():
        stac.add(name, name, files)
    return stac.url


def serve_static(stac: StacService, made: Made) -> str:
    """Serve scenes by documents that are linked with each other."""
    stac.documents["/static/catalog.json"] = document(
        "Catalog", "root", [("child", f"{name}/collection.json") for name in made]
    )
    for name, (files, _, _) in made.items():
        item = make_item(name, {key: stac.href(path) for key, path in files.items()})
        place_on(item, next(iter(files.values())))
        folder = f"/static/{name}"
        stac.documents[f"{folder}/item.json"] = item.to_dict(include_self_link=False)
        stac.documents[f"{folder}/collection.json"] = document(
            "Collection", name, [("item", "item.json")]
        )
    return f"{stac.url}/static/catalog.json"


def document(kind: str, name: str, links: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "type": kind,
        "id": name,
        "stac_version": "1.0.0",
        "description": "Some files.",
        "license": "CC0-1.0",
        "links": [{"rel": rel, "href": f"./{href}"} for rel, href in links],
    }


SERVERS = pytest.mark.parametrize("serve", [serve_api, serve_static])


@SERVERS
@pytest.mark.slow
def test_chips_of_a_catalogue(
    database: Database,
    stac: StacService,
    stac_settings: Settings,
    serve: Callable[[StacService, Made], str],
):
    made = make_scenes(stac.folder)
    assert_catalogue_is_fetched(database, stac, stac_settings, serve(stac, made), made)


@SERVERS
@pytest.mark.real_data
@pytest.mark.slow
def test_chips_of_a_catalogue_of_real_images(
    database: Database,
    stac: StacService,
    stac_settings: Settings,
    real_data: Path,
    serve: Callable[[StacService, Made], str],
):
    made = real_scenes(stac.folder, real_data / "imagery")
    assert_catalogue_is_fetched(database, stac, stac_settings, serve(stac, made), made)


def assert_catalogue_is_fetched(
    database: Database, stac: StacService, settings: Settings, address: str, made: Made
) -> None:
    for name, (_, assets, source) in made.items():
        is_linear = source.stretch["method"] == "linear"
        options = StacOptions(
            name, assets=assets, stretch="0,3000" if is_linear else "none"
        )
        listed = api.load_stac(database.conn, settings, address, options)
        assert (listed.new, listed.rejected) == (1, {})
        acceptance.plan(database, name, N_ON_A_SCENE, SIDE_PX)
    last = list(made)[-1]
    stac.fail("404", f"/files/{made[last][2].bands[0][0].name}", times=1)
    for kind in ("429", "500", "truncate", "html") * 3:
        stac.fail(kind, "/files/", times=1, Retry_After="0.1")
    del stac.times_s[:]

    n_killed = acceptance.fetch_and_kill(database, settings, after=20)
    kept = acceptance.files_of(database, settings)
    for kind in ("429", "500", "truncate", "html") * 3:
        stac.fail(kind, "/files/", times=1, Retry_After="0.1")
    counts = runner.run(fetch_chips, runner.Work(database.conn, settings))
    n_chips = N_ON_A_SCENE * len(made)
    assert len(kept) == n_killed < n_chips
    assert counts.n_in == n_chips
    found = acceptance.states(database)
    assert (found["planned"], found.total()) == (0, n_chips)
    assert found["ok"] > 0

    # What failed did so for a fault that passes: when all is calm, nothing is missing.
    assert stac.faults == []
    runner.run(fetch_chips, runner.Work(database.conn, settings))
    assert acceptance.states(database)["failed"] == 0
    acceptance.assert_chips_are_right(
        database, settings, {name: source for name, (_, _, source) in made.items()}
    )
    assert kept.items() <= acceptance.files_of(database, settings).items()
    assert acceptance.busiest(stac.times_s) <= 50
    assert stac.max_concurrent <= 4
