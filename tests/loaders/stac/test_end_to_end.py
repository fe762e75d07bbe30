"""Chips of STAC scenes, by the jobs and the command line that users run."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from pydantic import SecretStr
from rasterio.windows import Window

from loaders.stac import StacOptions
from skyscript_db import api, cli, rasters
from skyscript_db.config import Settings
from skyscript_db.jobs import runner
from tests.fix_database import Database
from tests.fix_project import environment
from tests.fix_rasters import VADUZ, noise, write_raster
from tests.fix_stac import StacService

N_CHIPS = 60
SIDE_PX = 32


@pytest.fixture
def chosen(settings: Settings, database: Database) -> Settings:
    changes = {"image_format": "png", "database_url": SecretStr(database.info)}
    return settings.model_copy(update=changes)


def load(database: Database, chosen: Settings, stac: StacService) -> Path:
    """Load a collection of one scene in three files, and plan chips on it."""
    values = noise(3, 512, "uint16") * 14
    layout = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "lzw"}
    files = {
        key: write_raster(
            stac.folder / f"{key}.tif",
            values[n : n + 1],
            transform=VADUZ * VADUZ.scale(10),
            **layout,
        )
        for n, key in enumerate(("red", "green", "blue"))
    }
    stac.add("s2", "scene", files)
    result = api.load_stac(
        database.conn, chosen, stac.url, StacOptions(stretch="0,3000", limit=5)
    )
    assert (result.new, result.rejected) == (1, {})
    database.conn.execute(
        "INSERT INTO skyscript.chip (id, scene_id, osm_type, osm_id, kind, plan,"
        " footprint, lon, lat, gsd_m, col_off_px, row_off_px, width_px, height_px)"
        " SELECT n, s.id, 'N', n, 'n', 'test', ST_GeometryN(s.footprint, 1), 9.5,"
        " 47.1, s.gsd_m, n * 37 %% 480, n * 53 %% 480, %(side)s, %(side)s"
        " FROM skyscript.scene AS s, generate_series(1, %(n)s) AS n",
        {"side": SIDE_PX, "n": N_CHIPS},
    )
    return stac.folder


def assert_chips_are_right(database: Database, chosen: Settings, folder: Path) -> None:
    stretch = {"method": "linear", "min": [0, 0, 0], "max": [3000, 3000, 3000]}
    rows = database.conn.execute(
        "SELECT col_off_px, row_off_px, image_path, sha256 FROM skyscript.chip"
        " WHERE state = 'ok' ORDER BY id"
    ).fetchall()
    assert len(rows) == N_CHIPS
    for col, row, image_path, sha256 in rows:
        path = chosen.home / "chips" / image_path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        window = Window(col, row, SIDE_PX, SIDE_PX)
        bands = []
        for key in ("red", "green", "blue"):
            with rasterio.open(folder / f"{key}.tif") as dataset:
                bands.append(dataset.read(1, window=window))
        valid = np.ones((SIDE_PX, SIDE_PX), dtype=bool)
        wanted = rasters.to_8_bits(np.stack(bands), valid, stretch)
        with rasterio.open(path) as image:
            np.testing.assert_array_equal(image.read().transpose(1, 2, 0), wanted)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_chips_arrive_whole_whatever_happens(
    database: Database, chosen: Settings, stac: StacService
):
    folder = load(database, chosen, stac)
    for kind in ("429", "500", "truncate", "html"):
        stac.fail(kind, "/files/", times=2, Retry_After="0")
    job = api.job_named("fetch_chips")
    counts = runner.run(job, runner.Work(database.conn, chosen))
    assert (counts.n_ok, counts.n_pending) == (N_CHIPS, 0)
    assert_chips_are_right(database, chosen, folder)
    n_asked = len(stac.asked)
    runner.run(job, runner.Work(database.conn, chosen))
    assert len(stac.asked) == n_asked  # nothing is fetched twice


def test_a_file_that_is_gone_fails_its_chips_alone(
    database: Database, chosen: Settings, stac: StacService
):
    folder = load(database, chosen, stac)
    (folder / "red.tif").rename(folder / "away.tif")
    stac.fail("404", "red.tif", times=1000)
    job = api.job_named("fetch_chips")
    counts = runner.run(job, runner.Work(database.conn, chosen))
    assert counts.n_ok == 0
    causes = database.conn.execute(
        "SELECT DISTINCT state, cause ~ '404', http_status FROM skyscript.chip"
    ).fetchall()
    assert causes == [("failed", True, 404)]


@pytest.fixture
def command(
    database: Database,
    chosen: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[int, str, str]]:
    def run(*words: str) -> tuple[int, str, str]:
        for name, value in environment(chosen).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["skyscript", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def test_the_command(command: Callable[..., Any], stac: StacService):
    path = write_raster(stac.folder / "a.tif", noise(3))
    stac.add("orthos", "a", {"visual": path})
    words = ("load", "stac", stac.url, "--area", "9.4,47,9.6,47.2")
    status, out, _ = command(*words, "--dry-run")
    assert (status, out) == (0, "orthos: 1 listed = 1 matching\n")
    status, out, _ = command(*words, "--start", "2021-06-01", "--end", "2021-06-02")
    assert (status, out) == (0, "orthos: 1 listed = 1 new\n")
    status, out, _ = command(*words, "--json")
    facts = json.loads(out)
    assert (status, facts["unchanged"], facts["collection"]) == (0, 1, "orthos")
    status, _, err = command(*words, "--collection", "nope")
    assert status == 2
    assert "no collection 'nope': choose one of orthos" in err
    stac.items["orthos"][0]["assets"] = {"nir": {"href": "a.tif"}}
    stac.items["orthos"][0]["properties"]["updated"] = "2022-01-01T00:00:00Z"
    status, out, err = command(*words)
    assert (status, out) == (1, "orthos: 1 listed = 1 rejected\n")
    assert "name them with --assets" in err
