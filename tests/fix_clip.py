"""A CLIP for tests: of the real architecture, tiny, with random weights."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from skyscript_db.clip.weights import write_stand_in
from tests.fix_rows import add_scene

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import psycopg

    from skyscript_db.config import Settings


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a stand-in of 64 dimensions."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    write_stand_in(folder)
    return folder


@pytest.fixture
def clip_settings(settings: Settings, tiny_clip: Path) -> Settings:
    """Return settings that mean the stand-in, in batches of four."""
    changes = {"clip_model": str(tiny_clip), "device": "cpu", "batch_size": 4}
    return settings.model_copy(update=changes)


def write_image(path: Path, seed: int) -> str:
    """Write a small image of random blocks and return the hash of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((96, 80)).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def add_chips(conn: psycopg.Connection[Any], folder: Path, ids: Iterable[int]) -> None:
    """Insert chips that are on disk, with their images."""
    scene_id = add_scene(conn)
    for i in ids:
        sha256 = write_image(folder / f"{i}.png", i)
        conn.execute(
            "INSERT INTO skyscript.chip (id, scene_id, osm_type, osm_id, kind, plan,"
            " footprint, lon, lat, gsd_m, col_off_px, row_off_px, width_px, height_px,"
            " state, image_path, sha256)"
            " VALUES (%(id)s, %(scene_id)s, 'N', %(id)s, 'n', 'test',"
            " ST_MakeEnvelope(10, -0.001, 10.001, 0, 4326), 10, 0, 0.5, 0, 0,"
            " 96, 80, 'ok', %(id)s || '.png', %(sha256)s)",
            {"id": i, "scene_id": scene_id, "sha256": sha256},
        )


def add_captions(
    conn: psycopg.Connection[Any], texts: Iterable[tuple[int, str, str]]
) -> None:
    """Insert captions (chip, kind, text) and their distinct texts."""
    for chip_id, kind, text in texts:
        conn.execute(
            "INSERT INTO skyscript.caption_text (text, n_tokens) VALUES (%s, 5)"
            " ON CONFLICT DO NOTHING",
            (text,),
        )
        conn.execute(
            "INSERT INTO skyscript.caption (chip_id, recipe, kind, text_id)"
            " SELECT %s, 'skyscript-1', %s, id FROM skyscript.caption_text"
            " WHERE text = %s",
            (chip_id, kind, text),
        )
