"""A small but whole project: two extracts over four images, and how it is built.

The images are small squares at the equator, in different cells of the grid that
splits are drawn by. Each has trees, paths, buildings and a forest beneath it all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import SecretStr
from rasterio.transform import Affine
from rasterio.warp import transform

from loaders import rasters
from skyscript_db import api
from skyscript_db.config import Settings
from skyscript_db.images import open_store
from skyscript_db.jobs.runner import Work
from tests.fix_rasters import write_raster
from tests.loaders.osm_files import escape, write

if TYPE_CHECKING:
    import psycopg

SIDE_PX = 200
DEG_PER_PX = 0.000005  # 0.56 m
SIDE_DEG = SIDE_PX * DEG_PER_PX

# Upper left corners. The second straddles two cells; the first has a blind
# spot, and the fourth is half empty.
SCENES = {
    "one": (10.0020, 0.0080),
    "two": (10.0196, 0.0080),
    "three": (10.0320, 0.0080),
    "four": (10.0420, 0.0080),
}
EXTRACTS = {"west": ("one", "two"), "east": ("three", "four")}


def no_val(n_cells: int) -> str:
    """Return what split_pairs says of ground whose cells leave no validation."""
    return (
        "no chip is in val: whole cells of 0.01 degrees are drawn, and there are "
        f"{n_cells}; have more ground, another seed (SKYSCRIPT_SEED), or larger shares "
        "(SKYSCRIPT_SPLIT_VAL_FRACTION, SKYSCRIPT_SPLIT_TEST_FRACTION)\n"
    )


WEIRD = {
    "name": "O'Brien's \"bar\" \\ 100 % {x} %s $1",
    "note:de": "two\nlines\tand a tab",
    "inscription": "$$; DROP SCHEMA skyscript CASCADE; --",
    "name:ar": "\u0645\u0633\u062c\u062f \u200f\u202e",
    "emoji": "\U0001f3f0" * 200,
    'odd "key" \\': "=",
    "long": "x" * 1000,
    "natural:odd": "tree\U0001f333'; --",
}


@dataclass(frozen=True)
class Project:
    """The files of a project, and the settings that it is built with."""

    folder: Path
    settings: Settings

    def extract(self, name: str) -> Path:
        return self.folder / f"{name}.opl"

    def scene(self, name: str) -> Path:
        return self.folder / f"{name}.tif"

    def on(self, info: str, home: Path) -> Settings:
        """Return the settings that mean this database and this home."""
        return self.settings.model_copy(
            update={"database_url": SecretStr(info), "home": home}
        )


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that make another process have the same settings."""
    told = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in settings
        if value is not None
    }
    return {f"SKYSCRIPT_{name.upper()}": value for name, value in told.items()}


def load(
    conn: psycopg.Connection[Any],
    settings: Settings,
    project: Project,
    *,
    extracts: Sequence[str] = tuple(EXTRACTS),
    scenes: Sequence[str] = tuple(SCENES),
) -> None:
    """Load the files, in the order told."""
    options = rasters.RasterOptions(
        "orthos", licence="CC0-1.0", chips=open_store(settings)
    )
    for name in extracts:
        api.load_osm(conn, settings, project.extract(name))
    rasters.load(conn, [project.scene(name) for name in scenes], options).check()


def build(conn: psycopg.Connection[Any], settings: Settings) -> None:
    """Run all jobs, none of which may fail."""
    for outcome in api.build(Work(conn, settings)):
        assert outcome.error is None, f"{outcome.job}: {outcome.error}"


@pytest.fixture(scope="session")
def project(
    tmp_path_factory: pytest.TempPathFactory, tiny_clip: Path
) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("project")
    for n, name in enumerate(SCENES):
        write_scene(folder, name, seed=n)
    for name in EXTRACTS:
        write_extract(folder / f"{name}.opl", name)
    with pytest.MonkeyPatch.context() as patch:
        for name in [x for x in os.environ if x.startswith("SKYSCRIPT_")]:
            patch.delenv(name)
        settings = Settings(
            home=folder / "home",
            chip_side_px=32,
            chip_min_side_px=16,
            clip_model=str(tiny_clip),
            device="cpu",
            batch_size=8,
            workers=2,
            split_val_fraction=0.3,
            split_test_fraction=0.3,
        )
    return Project(folder, settings)


# --- images -------------------------------------------------------------------------


def write_scene(folder: Path, name: str, *, seed: int) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(1, 255, (3, SIDE_PX, SIDE_PX)).astype("uint8")
    options: dict[str, Any] = {"tags": {"TIFFTAG_DATETIME": "2021:06:01 10:00:00"}}
    west, north = SCENES[name]
    if name == "three":  # in metres
        (x,), (y,) = transform("EPSG:4326", "EPSG:32632", [west], [north])
        metres = DEG_PER_PX * 111_320
        options |= {"transform": Affine(metres, 0, x, 0, -metres, y)}
    else:
        place = Affine(DEG_PER_PX, 0, west, 0, -DEG_PER_PX, north)
        options |= {"crs": "EPSG:4326", "transform": place}
    if name == "one":  # a tree that nobody can see
        pixels[:, 15:100, 0:75] = 100
    if name == "four":
        pixels[:, :, SIDE_PX // 2 :] = 0
        options["nodata"] = 0
    write_raster(folder / f"{name}.tif", pixels, **options)


# --- features -----------------------------------------------------------------------


def write_extract(path: Path, name: str) -> None:
    nodes: list[str] = []
    ways: list[str] = []
    relations: list[str] = []
    # Both extracts hold this tree; the newer version of it counts.
    version = 1 + list(EXTRACTS).index(name)
    nodes.append(_node(1, 10.0025, 0.0075, "natural=tree", version=version))
    for scene in EXTRACTS[name]:
        first = 1000 * (1 + list(SCENES).index(scene))
        _add_objects(first, SCENES[scene], nodes, ways, relations)
    write(path, *nodes, *ways, *relations)


def _node(
    osm_id: int, lon: float, lat: float, tags: str = "", *, version: int = 1
) -> str:
    start = f"n{osm_id} v{version} t2020-01-0{version}T00:00:00Z"
    return f"{start} {f'T{tags} ' if tags else ''}x{lon:.7f} y{lat:.7f}"


def _add_objects(
    first: int,
    corner: tuple[float, float],
    nodes: list[str],
    ways: list[str],
    relations: list[str],
) -> None:
    """Add the objects of one image, with ids from ``first`` on."""

    def node(n: int, right: float, down: float, tags: str = "") -> int:
        """Add a node at fractions of the image's sides."""
        west, north = corner
        lon, lat = west + right * SIDE_DEG, north - down * SIDE_DEG
        nodes.append(_node(first + n, lon, lat, tags))
        return first + n

    def way(n: int, tags: str, *points: tuple[float, float], closed: bool) -> int:
        ids = [node(10 * n + i, *point) for i, point in enumerate(points)]
        told = ",".join(f"n{i}" for i in (ids + ids[:1] if closed else ids))
        words = f"T{tags} " if tags else ""
        ways.append(f"w{first + n} v1 t2020-01-01T00:00:00Z {words}N{told}")
        return first + n

    def box(n: int, tags: str, right: float, down: float, side: float) -> int:
        far, low = right + side, down + side
        points = [(right, down), (far, down), (far, low), (right, low)]
        return way(n, tags, *points, closed=True)

    weird = ",".join(f"{escape(key)}={escape(value)}" for key, value in WEIRD.items())
    kinds = ["natural=tree"] * 4 + [f"natural=tree,{weird}", "amenity=bench", "name=x"]
    for n, tags in enumerate(kinds):
        node(n, 0.2 + 0.1 * n, 0.3 + 0.05 * n, tags)
    for n in range(4):
        house = "building=house" if n % 2 else "building=yes,height=9"
        box(10 + n, house, 0.2 + 0.15 * n, 0.6, 0.1)
    way(20, "highway=residential", (0.1, 0.5), (0.5, 0.52), (0.9, 0.5), closed=False)
    way(21, "highway=footway", (0.3, 0.1), (0.3, 0.9), closed=False)
    box(30, "landuse=forest", -0.5, -0.5, 2)
    box(31, "leisure=pitch,sport=soccer", 0.4, 0.2, 0.15)
    outer, inner = box(32, "", 0.65, 0.2, 0.2), box(33, "", 0.7, 0.25, 0.05)
    relations.append(
        f"r{first} v1 Ttype=multipolygon,natural=water Mw{outer}@outer,w{inner}@inner"
    )
