"""What the tests of the Earth Engine loader share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from psycopg.rows import dict_row

from loaders.earth_engine.load import load
from loaders.earth_engine.options import ServiceOptions
from loaders.scenes import SceneLoad
from skyscript_db.config import Settings
from skyscript_db.progress import LoggedProgress
from tests.fix_database import Database
from tests.fix_earth_engine import EarthEngine
from tests.fix_rasters import noise

# Around the rasters of fix_rasters, near Vaduz.
VADUZ_AREA = "9.48,47.12,9.50,47.14"

# What a sidecar says of an image.
JULY = "start = 2018-07-01\nupdated = 2019-01-01"
CLOUDY = "start = 2021-06-{day}\nproperties = {{CLOUDY_PIXEL_PERCENTAGE = {percent}}}"

CATALOGUE = """
[[collection]]
name = "orthos"
provider = "earth-engine"
asset = "Test/orthos"
alias = "TO"
rgb = ["R", "G", "B"]
stretch = { method = "none" }
coverage = [[9, 47, 10, 48]]
finest_gsd_m = 0.5
start = 2010-01-01
longest_days = 2
licence = "CC0-1.0"
attribution = "Nobody"

[[collection]]
name = "cloudy"
provider = "earth-engine"
asset = "Test/cloudy"
alias = "TC"
gsd_m = 10
rgb = ["B4", "B3", "B2"]
stretch = { method = "linear", min = 0, max = 3000 }
cloud_property = "CLOUDY_PIXEL_PERCENTAGE"
max_cloud = 20
cloud = { key = "SCL", values = [3, 8, 9, 10] }
coverage = "global"
"""


def settings_for(
    settings: Settings, earth_engine: EarthEngine, **changes: Any
) -> Settings:
    """Return settings that lead to the emulator, with a catalogue for it."""
    settings.home.mkdir(parents=True, exist_ok=True)
    own = settings.home / "collections.toml"
    if not own.exists():
        own.write_text(CATALOGUE)
    return settings.model_copy(
        update={
            "earth_engine_url": earth_engine.url,
            "earth_engine_project": earth_engine.project,
            **changes,
        }
    )


def add_ortho(earth_engine: EarthEngine, name: str, about: str = "", **options: Any):
    """Write an image of 64 x 64 pixels of a metre near Vaduz."""
    options = {"names": ["R", "G", "B"], **options}
    return earth_engine.add("Test/orthos", name, noise(3), about, **options)


def add_cloudy(earth_engine, name: str, percent: float, day: str = "01", **options):
    pixels = noise(4, dtype="uint16") * 20
    about = CLOUDY.format(day=day, percent=percent)
    names = ["B4", "B3", "B2", "SCL"]
    return earth_engine.add("Test/cloudy", name, pixels, about, names=names, **options)


def run_load(
    database: Database, settings: Settings, collection: str = "orthos", **options: Any
) -> SceneLoad:
    return load(
        database.conn,
        settings,
        database.info,
        ServiceOptions(collection, **options),
        LoggedProgress(),
    )


def scenes(database: Database) -> dict[str, dict[str, Any]]:
    cursor = database.conn.cursor(row_factory=dict_row)
    rows = cursor.execute(
        "SELECT s.*, c.name AS collection, ST_Area(footprint::geography) AS area_m2"
        " FROM skyscript.scene AS s JOIN skyscript.collection AS c"
        " ON c.id = s.collection_id ORDER BY s.name"
    ).fetchall()
    return {row["name"]: row for row in rows}


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
