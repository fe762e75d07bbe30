"""Collections and scenes."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE skyscript.collection (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    alias text NOT NULL,
    provider text NOT NULL,
    gsd_m double precision,
    bands jsonb,
    stretch jsonb,
    cloud_property text,
    licence text,
    attribution text,
    CONSTRAINT pk_collection PRIMARY KEY (id),
    CONSTRAINT ck_collection_gsd_m CHECK (gsd_m > 0),
    CONSTRAINT ck_collection_provider CHECK (provider IN ('raster', 'earth-engine', 'stac')),
    CONSTRAINT uq_collection_name UNIQUE (name)
);
COMMENT ON TABLE skyscript.collection IS
    'Image collections.';
COMMENT ON COLUMN skyscript.collection.id IS
    'Surrogate key.';
COMMENT ON COLUMN skyscript.collection.name IS
    'Name that users say.';
COMMENT ON COLUMN skyscript.collection.alias IS
    'Short name in exported file names, such as CH or US.';
COMMENT ON COLUMN skyscript.collection.provider IS
    'raster, earth-engine or stac.';
COMMENT ON COLUMN skyscript.collection.gsd_m IS
    'Ground sample distance in metres, where one holds for all scenes.';
COMMENT ON COLUMN skyscript.collection.bands IS
    'Bands that make red, green and blue.';
COMMENT ON COLUMN skyscript.collection.stretch IS
    'How values become 8 bits: the method and its constants.';
COMMENT ON COLUMN skyscript.collection.cloud_property IS
    'Scene property that holds the cloud cover.';
COMMENT ON COLUMN skyscript.collection.licence IS
    'SPDX identifier or terms.';
COMMENT ON COLUMN skyscript.collection.attribution IS
    'Credit to be printed.';

CREATE TABLE skyscript.scene (
    id bigint GENERATED ALWAYS AS IDENTITY,
    collection_id bigint NOT NULL,
    name text NOT NULL,
    uri text NOT NULL,
    footprint geometry(MultiPolygon,4326) NOT NULL,
    acquired_at timestamptz,
    gsd_m double precision NOT NULL,
    cloud_fraction double precision,
    crs text NOT NULL,
    srid integer NOT NULL,
    transform double precision[] NOT NULL,
    width_px integer NOT NULL,
    height_px integer NOT NULL,
    bands jsonb NOT NULL,
    stretch jsonb NOT NULL,
    is_synthetic boolean DEFAULT false NOT NULL,
    licence text,
    attribution text,
    file_sha256 text,
    file_bytes bigint,
    properties jsonb DEFAULT '{}' NOT NULL,
    loaded_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_scene PRIMARY KEY (id),
    CONSTRAINT ck_scene_gsd_m CHECK (gsd_m > 0),
    CONSTRAINT ck_scene_cloud_fraction CHECK (cloud_fraction BETWEEN 0 AND 1),
    CONSTRAINT ck_scene_size CHECK (width_px > 0 AND height_px > 0),
    CONSTRAINT ck_scene_transform CHECK (cardinality(transform) = 6),
    CONSTRAINT fk_scene_collection FOREIGN KEY(collection_id) REFERENCES skyscript.collection (id) ON DELETE CASCADE
);
CREATE INDEX ix_scene_footprint ON skyscript.scene USING gist (footprint);
CREATE UNIQUE INDEX uq_scene_collection_id_name
    ON skyscript.scene (collection_id, name);
COMMENT ON TABLE skyscript.scene IS
    'Acquisitions and their footprints.';
COMMENT ON COLUMN skyscript.scene.id IS
    'Surrogate key.';
COMMENT ON COLUMN skyscript.scene.collection_id IS
    'Its collection.';
COMMENT ON COLUMN skyscript.scene.name IS
    'Name within the collection: file stem, asset id or item id.';
COMMENT ON COLUMN skyscript.scene.uri IS
    'Where the pixels are.';
COMMENT ON COLUMN skyscript.scene.footprint IS
    'Ground that its valid pixels cover.';
COMMENT ON COLUMN skyscript.scene.acquired_at IS
    'When it was taken.';
COMMENT ON COLUMN skyscript.scene.gsd_m IS
    'Ground sample distance in metres.';
COMMENT ON COLUMN skyscript.scene.cloud_fraction IS
    'Share under cloud.';
COMMENT ON COLUMN skyscript.scene.crs IS
    'Reference system, EPSG code or WKT.';
COMMENT ON COLUMN skyscript.scene.srid IS
    'The same, as spatial_ref_sys has it.';
COMMENT ON COLUMN skyscript.scene.transform IS
    'Affine (a, b, c, d, e, f): x = a*col + b*row + c, y = d*col + e*row + f, col and row counted from the upper left corner.';
COMMENT ON COLUMN skyscript.scene.width_px IS
    'Columns.';
COMMENT ON COLUMN skyscript.scene.height_px IS
    'Rows.';
COMMENT ON COLUMN skyscript.scene.bands IS
    'Numbers of the bands that make red, green and blue, and their names.';
COMMENT ON COLUMN skyscript.scene.stretch IS
    'How values become 8 bits: the method and its constants.';
COMMENT ON COLUMN skyscript.scene.is_synthetic IS
    'Drawn, not photographed.';
COMMENT ON COLUMN skyscript.scene.licence IS
    'Licence of this scene, where it differs from the collection''s.';
COMMENT ON COLUMN skyscript.scene.attribution IS
    'Credit for this scene, where it differs from the collection''s.';
COMMENT ON COLUMN skyscript.scene.file_sha256 IS
    'Hash of a local file.';
COMMENT ON COLUMN skyscript.scene.file_bytes IS
    'Size of a local file.';
COMMENT ON COLUMN skyscript.scene.properties IS
    'The provider''s own properties.';
COMMENT ON COLUMN skyscript.scene.loaded_at IS
    'When it was registered.';
"""  # noqa: E501 - comments of columns stay on one line

DOWNGRADE = """
DROP TABLE skyscript.scene;
DROP TABLE skyscript.collection;
"""


def upgrade() -> None:
    """Create the tables."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop the tables."""
    run_script(op.get_bind(), DOWNGRADE)
