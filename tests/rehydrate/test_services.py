"""Manifests of scenes that a service has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skyscript_db.config import Settings
from skyscript_db.errors import CredentialsExpired
from skyscript_db.jobs.runner import Counts
from skyscript_db.rehydrate import rehydrate
from tests.fix_database import Database
from tests.fix_earth_engine import EarthEngine
from tests.fix_rasters import noise
from tests.jobs.fetch_helpers import add_chips, fetch
from tests.jobs.service_helpers import asked, at, hurry, serve_scene

# What an export tells of a chip that is needed to fetch it again.
ROWS = """
SELECT json_build_object(
    'filepath', 'images/' || chip.id || '.png', 'sha256', chip.sha256,
    'provider', collection.provider, 'scene_uri', scene.uri, 'crs', scene.crs,
    'scene_transform', scene.transform, 'scene_width_px', scene.width_px,
    'scene_height_px', scene.height_px, 'bands', scene.bands,
    'stretch', scene.stretch, 'encoding', chip.encoding,
    'col_off_px', chip.col_off_px, 'row_off_px', chip.row_off_px,
    'width_px', chip.width_px, 'height_px', chip.height_px
)
FROM skyscript.chip, skyscript.scene, skyscript.collection ORDER BY chip.id
"""


@pytest.fixture
def manifest(
    database: Database, earth_engine: EarthEngine, settings: Settings, tmp_path: Path
) -> Path:
    """Return a manifest of three chips that were fetched from the emulator."""
    serve_scene(database.conn, earth_engine, noise(3, 128))
    add_chips(database.conn, (0, 0, 32, 32), (20, 20, 40, 32), (90, 90, 32, 32))
    assert fetch(database.conn, at(settings, earth_engine)) == Counts(n_ok=3)
    rows = [json.dumps(row) for (row,) in database.conn.execute(ROWS).fetchall()]
    path = tmp_path / "metadata.jsonl"
    path.write_text("\n".join(rows))
    earth_engine.counts.windows.clear()
    return path


def test_chips_of_a_service_are_fetched_again(
    database: Database, earth_engine: EarthEngine, settings: Settings, manifest: Path
):
    told = at(settings, earth_engine)
    result = rehydrate(told, manifest, lambda: database.info)
    assert (result.n_in, result.n_matched, result.n_kept) == (3, 3, 0)
    # One of the three is too far from the others.
    assert len(asked(earth_engine)) == 2
    assert sorted(p.name for p in (manifest.parent / "images").iterdir()) == [
        *("1.png", "2.png", "3.png")
    ]
    assert rehydrate(told, manifest, lambda: database.info).n_kept == 3
    assert len(asked(earth_engine)) == 2


def test_other_pixels_are_noticed(
    database: Database, earth_engine: EarthEngine, settings: Settings, manifest: Path
):
    told = at(settings, earth_engine)
    manifest.write_text(
        manifest.read_text().replace('["R", "G", "B"]', '["B","G","R"]')
    )
    result = rehydrate(told, manifest, lambda: database.info)
    assert dict(result.differs) == {"the provider has other pixels than it had": 3}


def test_expired_credentials_stop_it_and_it_goes_on(
    database: Database,
    earth_engine: EarthEngine,
    settings: Settings,
    manifest: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    hurry(monkeypatch)
    told = at(settings, earth_engine)
    earth_engine.misbehave(401, path="computePixels")
    with pytest.raises(CredentialsExpired):
        rehydrate(told, manifest, lambda: database.info)
    earth_engine.behave()
    assert rehydrate(told, manifest, lambda: database.info).n_matched == 3
