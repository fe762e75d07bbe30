"""Chips, their features and their splits."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE skyscript.chip_feature (
    chip_id bigint NOT NULL,
    osm_type char(1) NOT NULL,
    osm_id bigint NOT NULL,
    kind char(1) NOT NULL,
    role text NOT NULL,
    tags jsonb NOT NULL,
    version integer,
    changed_at timestamptz,
    visible_fraction real NOT NULL,
    width_px real NOT NULL,
    height_px real NOT NULL,
    touches_edge boolean NOT NULL,
    CONSTRAINT pk_chip_feature PRIMARY KEY (chip_id, osm_type, osm_id),
    CONSTRAINT ck_chip_feature_role CHECK (role IN ('focus', 'surrounding')),
    CONSTRAINT ck_chip_feature_visible_fraction CHECK (visible_fraction BETWEEN 0 AND 1)
);
CREATE INDEX ix_chip_feature_focus_tags
    ON skyscript.chip_feature USING gin (tags) WHERE role = 'focus';
CREATE INDEX ix_chip_feature_osm_id ON skyscript.chip_feature (osm_id);
CREATE UNIQUE INDEX uq_chip_feature_focus
    ON skyscript.chip_feature (chip_id) WHERE role = 'focus';
COMMENT ON TABLE skyscript.chip_feature IS
    'OSM features in chips.';
COMMENT ON COLUMN skyscript.chip_feature.chip_id IS
    'The chip.';
COMMENT ON COLUMN skyscript.chip_feature.osm_type IS
    'OSM''s N, W or R.';
COMMENT ON COLUMN skyscript.chip_feature.osm_id IS
    'OSM''s number of the object, unique within its osm_type.';
COMMENT ON COLUMN skyscript.chip_feature.kind IS
    'Shape: n a point, w a line, a an area.';
COMMENT ON COLUMN skyscript.chip_feature.role IS
    'focus: the chip was cut around it; surrounding: the others.';
COMMENT ON COLUMN skyscript.chip_feature.tags IS
    'All tags as seen then.';
COMMENT ON COLUMN skyscript.chip_feature.version IS
    'Version as seen then.';
COMMENT ON COLUMN skyscript.chip_feature.changed_at IS
    'When that version was made.';
COMMENT ON COLUMN skyscript.chip_feature.visible_fraction IS
    'Share of its area or length that lies in the chip.';
COMMENT ON COLUMN skyscript.chip_feature.width_px IS
    'Width of the visible part in pixels.';
COMMENT ON COLUMN skyscript.chip_feature.height_px IS
    'Height of the visible part in pixels.';
COMMENT ON COLUMN skyscript.chip_feature.touches_edge IS
    'Whether the chip''s edge cuts or touches it.';

CREATE TABLE skyscript.chip (
    id bigint NOT NULL,
    scene_id bigint NOT NULL,
    osm_type char(1) NOT NULL,
    osm_id bigint NOT NULL,
    kind char(1) NOT NULL,
    plan text NOT NULL,
    footprint geometry(Polygon,4326) NOT NULL,
    lon double precision NOT NULL,
    lat double precision NOT NULL,
    cell integer GENERATED ALWAYS AS (floor((lat + 90) * 100)::integer * 36000 + floor((lon + 180) * 100)::integer) STORED NOT NULL,
    gsd_m double precision NOT NULL,
    col_off_px integer NOT NULL,
    row_off_px integer NOT NULL,
    width_px integer NOT NULL,
    height_px integer NOT NULL,
    state text DEFAULT 'planned' NOT NULL,
    n_attempts integer DEFAULT 0 NOT NULL,
    cause text,
    http_status integer,
    image_path text,
    sha256 text,
    file_bytes integer,
    nodata_fraction real,
    planned_at timestamptz DEFAULT now() NOT NULL,
    fetched_at timestamptz,
    CONSTRAINT pk_chip PRIMARY KEY (id),
    CONSTRAINT ck_chip_state CHECK (state IN ('planned', 'ok', 'rejected', 'failed')),
    CONSTRAINT ck_chip_ok_has_file CHECK ((state = 'ok') = (sha256 IS NOT NULL) AND (state = 'ok') = (image_path IS NOT NULL)),
    CONSTRAINT ck_chip_cause CHECK ((state IN ('rejected', 'failed')) = (cause IS NOT NULL)),
    CONSTRAINT ck_chip_size CHECK (width_px > 0 AND height_px > 0),
    CONSTRAINT fk_chip_scene FOREIGN KEY(scene_id) REFERENCES skyscript.scene (id) ON DELETE CASCADE
);
CREATE INDEX ix_chip_cell ON skyscript.chip (cell);
CREATE INDEX ix_chip_footprint ON skyscript.chip USING gist (footprint);
CREATE INDEX ix_chip_osm_id ON skyscript.chip (osm_id);
CREATE INDEX ix_chip_pending ON skyscript.chip (id) WHERE state <> 'ok';
CREATE INDEX ix_chip_scene_id ON skyscript.chip (scene_id);
CREATE UNIQUE INDEX uq_chip_image_path ON skyscript.chip (image_path);
COMMENT ON TABLE skyscript.chip IS
    'Images to cut and cut, one a focus feature and scene.';
COMMENT ON COLUMN skyscript.chip.id IS
    'Hash of scene, focus feature and plan: equal on every machine.';
COMMENT ON COLUMN skyscript.chip.scene_id IS
    'Cut from this.';
COMMENT ON COLUMN skyscript.chip.osm_type IS
    'OSM''s N, W or R.';
COMMENT ON COLUMN skyscript.chip.osm_id IS
    'OSM''s number of the object, unique within its osm_type.';
COMMENT ON COLUMN skyscript.chip.kind IS
    'Shape: n a point, w a line, a an area.';
COMMENT ON COLUMN skyscript.chip.plan IS
    'Parameters of plan_chips that placed the window.';
COMMENT ON COLUMN skyscript.chip.footprint IS
    'Ground that the window covers.';
COMMENT ON COLUMN skyscript.chip.lon IS
    'Longitude of its centre, degrees.';
COMMENT ON COLUMN skyscript.chip.lat IS
    'Latitude of its centre, degrees.';
COMMENT ON COLUMN skyscript.chip.cell IS
    'Grid cell of 0.01 x 0.01 degrees that holds the centre.';
COMMENT ON COLUMN skyscript.chip.gsd_m IS
    'Ground sample distance in metres.';
COMMENT ON COLUMN skyscript.chip.col_off_px IS
    'First column in the scene.';
COMMENT ON COLUMN skyscript.chip.row_off_px IS
    'First row in the scene.';
COMMENT ON COLUMN skyscript.chip.width_px IS
    'Columns.';
COMMENT ON COLUMN skyscript.chip.height_px IS
    'Rows.';
COMMENT ON COLUMN skyscript.chip.state IS
    'planned; ok: on disk; rejected: no use, for its cause; failed: may be tried again.';
COMMENT ON COLUMN skyscript.chip.n_attempts IS
    'Times that a fetch was tried.';
COMMENT ON COLUMN skyscript.chip.cause IS
    'Why it was rejected or failed.';
COMMENT ON COLUMN skyscript.chip.http_status IS
    'Of the last reply.';
COMMENT ON COLUMN skyscript.chip.image_path IS
    'Image file, relative to the folder of chips.';
COMMENT ON COLUMN skyscript.chip.sha256 IS
    'Hash of the image file.';
COMMENT ON COLUMN skyscript.chip.file_bytes IS
    'Size of the image file.';
COMMENT ON COLUMN skyscript.chip.nodata_fraction IS
    'Share of its pixels that hold no data.';
COMMENT ON COLUMN skyscript.chip.planned_at IS
    'When it was planned.';
COMMENT ON COLUMN skyscript.chip.fetched_at IS
    'When it was cut.';

CREATE TABLE skyscript.chip_split (
    scheme text NOT NULL,
    chip_id bigint NOT NULL,
    split text NOT NULL,
    cell integer NOT NULL,
    CONSTRAINT pk_chip_split PRIMARY KEY (scheme, chip_id),
    CONSTRAINT ck_chip_split_split CHECK (split IN ('train', 'val', 'test')),
    CONSTRAINT fk_chip_split_chip FOREIGN KEY(chip_id) REFERENCES skyscript.chip (id) ON DELETE CASCADE
);
CREATE INDEX ix_chip_split_chip_id ON skyscript.chip_split (chip_id);
COMMENT ON TABLE skyscript.chip_split IS
    'Train, validation and test, drawn by place.';
COMMENT ON COLUMN skyscript.chip_split.scheme IS
    'How splits were drawn: the rule and its numbers.';
COMMENT ON COLUMN skyscript.chip_split.chip_id IS
    'The chip.';
COMMENT ON COLUMN skyscript.chip_split.split IS
    'train, val or test.';
COMMENT ON COLUMN skyscript.chip_split.cell IS
    'Grid cell that decided.';
"""  # noqa: E501 - comments of columns stay on one line

DOWNGRADE = """
DROP TABLE skyscript.chip_split;
DROP TABLE skyscript.chip;
DROP TABLE skyscript.chip_feature;
"""


def upgrade() -> None:
    """Create the tables."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop the tables."""
    run_script(op.get_bind(), DOWNGRADE)
