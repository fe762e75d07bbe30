"""A small dataset made by SQL: collections, scenes, chips, captions, JPEG files."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

RECIPE = "skyscript-1"


def jpeg(seed: int, side_px: int = 32) -> bytes:
    """Return a JPEG file of noise."""
    pixels = np.random.default_rng(seed).integers(0, 255, (side_px, side_px, 3))
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def tree(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder by their paths in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows(path: Path, delimiter: str = ",") -> list[list[str]]:
    """Return all rows of a delimited file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


@dataclass
class Dataset:
    """Inserts rows and writes files; every method has plain defaults."""

    conn: psycopg.Connection[Any]
    chips: Path
    scenes: dict[str, int] = field(default_factory=dict)

    def scene(
        self,
        collection: str = "swissimage",
        *,
        alias: str = "CH",
        acquired_at: str | None = "2019-06-05T10:30:00Z",
        is_synthetic: bool = False,
    ) -> None:
        """Add a collection with one scene of its name, at 0.1 m."""
        row = self.conn.execute(
            """
            WITH c AS (
                INSERT INTO skyscript.collection
                    (name, alias, provider, licence, attribution)
                VALUES (%(name)s, %(alias)s, 'earth-engine', 'CC-BY-4.0', '© swisstopo')
                RETURNING id
            )
            INSERT INTO skyscript.scene (
                collection_id, name, uri, footprint, acquired_at, gsd_m, crs, srid,
                transform, width_px, height_px, bands, stretch, is_synthetic
            )
            SELECT
                c.id, %(name)s || '-1', 'ee://' || %(name)s || '/1?token=secret',
                ST_Multi(ST_MakeEnvelope(9, 47, 10, 48, 4326)), %(acquired_at)s, 0.1,
                'EPSG:2056', 2056, '{0.1,0,0,0,-0.1,0}', 10000, 10000, '{}', '{}',
                %(is_synthetic)s
            FROM c
            RETURNING id
            """,
            {
                "name": collection,
                "alias": alias,
                "acquired_at": acquired_at,
                "is_synthetic": is_synthetic,
            },
        ).fetchone()
        assert row is not None
        self.scenes[collection] = row[0]

    def chip(
        self,
        chip_id: int,
        focus: str = "landuse of quarry",
        multi: str | None = "landuse of quarry, surrounded by road",
        *,
        collection: str = "swissimage",
        osm_id: int | None = None,
        kind: str = "a",
        lon: float = 9.5,
        split: str | None = "train",
        tags: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> Path:
        """Add a chip with its file, focus feature and captions; return the file."""
        if collection not in self.scenes:
            self.scene(collection)
        data = jpeg(chip_id) if data is None else data
        path = self.chips / f"{chip_id:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        values = {
            "id": chip_id,
            "scene": self.scenes[collection],
            "osm_id": osm_id or chip_id * 10,
            "kind": kind,
            "lon": lon,
            "tags": Jsonb(tags or {"landuse": "quarry"}),
            "path": path.name,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        self.conn.execute(
            """
            INSERT INTO skyscript.chip (
                id, scene_id, osm_type, osm_id, kind, plan, footprint, lon, lat, gsd_m,
                col_off_px, row_off_px, width_px, height_px, state, image_path, sha256
            )
            SELECT
                %(id)s, %(scene)s, 'W', %(osm_id)s, %(kind)s, 'test',
                ST_MakeEnvelope(%(lon)s, 47.25, %(lon)s + 0.5, 47.5, 4326),
                %(lon)s + 0.25, 47.375, 0.1, 0, 0, 32, 32, 'ok', %(path)s, %(sha256)s
            """,
            values,
        )
        self.conn.execute(
            """
            INSERT INTO skyscript.chip_feature (
                chip_id, osm_type, osm_id, kind, role, tags, version, changed_at,
                visible_fraction, width_px, height_px, touches_edge
            )
            VALUES
                (
                    %(id)s, 'W', %(osm_id)s, %(kind)s, 'focus', %(tags)s, 3,
                    '2019-06-01T00:00:00Z', 1, 20, 10, false
                ),
                (
                    %(id)s, 'W', 7, 'w', 'surrounding', '{"highway": "track"}', 2, NULL,
                    0.5, 8, 4, true
                )
            """,
            values,
        )
        self._tell(chip_id, "focus", focus)
        if multi is not None:
            self._tell(chip_id, "multi_feature", multi)
        if split is not None:
            self.conn.execute(
                """
                INSERT INTO skyscript.chip_split (scheme, chip_id, split, cell)
                VALUES ('test scheme', %s, %s, 0)
                """,
                (chip_id, split),
            )
        return path

    def splits_are_drawn(self) -> None:
        """Enter the run of split_pairs whose scheme the pairs show."""
        self.conn.execute(
            """
            INSERT INTO skyscript.job_run (job, parameters, code_version, status)
            VALUES ('split_pairs', '{"scheme": "test scheme"}', '0', 'finished')
            """
        )

    def score(self, similarity: dict[int, float], scorer: str = "CLIP_openai") -> None:
        """Score all captions of chips by the default scorer."""
        self.conn.execute(
            """
            INSERT INTO skyscript.embedding_model
                (name, weights, weights_sha256, dimension, is_default)
            VALUES (%s, 'openai', 'ab', 4, true)
            """,
            (scorer,),
        )
        for chip_id, value in similarity.items():
            self.conn.execute(
                """
                INSERT INTO skyscript.pair_similarity
                SELECT DISTINCT m.id, c.chip_id, c.text_id, %s
                FROM skyscript.caption AS c CROSS JOIN skyscript.embedding_model AS m
                WHERE c.chip_id = %s
                """,
                (value, chip_id),
            )

    def remove(self) -> None:
        """Empty the tables again."""
        self.conn.execute(
            """
            TRUNCATE
                skyscript.collection, skyscript.scene, skyscript.chip,
                skyscript.chip_feature, skyscript.chip_split, skyscript.caption,
                skyscript.caption_text, skyscript.embedding_model,
                skyscript.embedding_rejection, skyscript.pair_similarity,
                skyscript.dataset, skyscript.job_run, skyscript.tag_embedding,
                skyscript.tag_classifier, skyscript.tag_classifier_gsd
            """
        )

    def _tell(self, chip_id: int, kind: str, text: str) -> None:
        self.conn.execute(
            """
            INSERT INTO skyscript.caption_text (text, n_tokens) VALUES (%s, 5)
            ON CONFLICT (text) DO NOTHING
            """,
            (text,),
        )
        self.conn.execute(
            """
            INSERT INTO skyscript.caption (chip_id, recipe, kind, text_id)
            SELECT %s, %s, %s, t.id FROM skyscript.caption_text AS t WHERE t.text = %s
            """,
            (chip_id, RECIPE, kind, text),
        )
