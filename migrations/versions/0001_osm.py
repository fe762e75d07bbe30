"""OSM extracts and their loads."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UPGRADE = """
CREATE SCHEMA IF NOT EXISTS osm;

CREATE TABLE osm.extract_feature (
    extract text NOT NULL,
    osm_type char(1) NOT NULL,
    osm_id bigint NOT NULL,
    kind char(1) NOT NULL,
    tags jsonb NOT NULL,
    geom geometry(Geometry,4326) NOT NULL,
    version integer,
    changed_at timestamptz,
    is_current boolean NOT NULL,
    CONSTRAINT pk_extract_feature PRIMARY KEY (osm_id, osm_type, extract),
    CONSTRAINT ck_extract_feature_osm_type CHECK (osm_type IN ('N', 'W', 'R')),
    CONSTRAINT ck_extract_feature_kind CHECK (kind IN ('n', 'w', 'a'))
)
PARTITION BY LIST (extract);
CREATE INDEX ix_extract_feature_geom
    ON osm.extract_feature USING gist (geom) WHERE is_current;
COMMENT ON TABLE osm.extract_feature IS
    'OSM objects with geometry, by extract; query osm.feature.';
COMMENT ON COLUMN osm.extract_feature.extract IS
    'Name of the extract, the partition key.';
COMMENT ON COLUMN osm.extract_feature.osm_type IS
    'OSM''s N, W or R.';
COMMENT ON COLUMN osm.extract_feature.osm_id IS
    'OSM''s number of the object, unique within its osm_type.';
COMMENT ON COLUMN osm.extract_feature.kind IS
    'Shape: n a point, w a line, a an area.';
COMMENT ON COLUMN osm.extract_feature.tags IS
    'All tags, verbatim.';
COMMENT ON COLUMN osm.extract_feature.geom IS
    'Point, line or area, as loaded.';
COMMENT ON COLUMN osm.extract_feature.version IS
    'OSM''s version of the object, where the file has it.';
COMMENT ON COLUMN osm.extract_feature.changed_at IS
    'When that version was made, where the file has it.';
COMMENT ON COLUMN osm.extract_feature.is_current IS
    'False where another extract holds a newer version of the object.';

CREATE TABLE skyscript.osm_import (
    id bigint GENERATED ALWAYS AS IDENTITY,
    extract text NOT NULL,
    file_name text NOT NULL,
    file_sha256 text NOT NULL,
    file_bytes bigint NOT NULL,
    style_sha256 text NOT NULL,
    osm2pgsql_version text NOT NULL,
    status text DEFAULT 'running' NOT NULL,
    error text,
    data_at timestamptz,
    n_nodes bigint,
    n_ways bigint,
    n_relations bigint,
    n_features bigint,
    left_out jsonb,
    started_at timestamptz DEFAULT now() NOT NULL,
    finished_at timestamptz,
    CONSTRAINT pk_osm_import PRIMARY KEY (id),
    CONSTRAINT ck_osm_import_status CHECK (status IN ('running', 'loaded', 'replaced', 'removed', 'failed'))
);
CREATE UNIQUE INDEX uq_osm_import_extract_loaded
    ON skyscript.osm_import (extract) WHERE status = 'loaded';
COMMENT ON TABLE skyscript.osm_import IS
    'Loads of OSM files; at most one per extract is ''loaded''.';
COMMENT ON COLUMN skyscript.osm_import.id IS
    'Surrogate key.';
COMMENT ON COLUMN skyscript.osm_import.extract IS
    'Name that the extract goes by.';
COMMENT ON COLUMN skyscript.osm_import.file_name IS
    'Name of the file, without folder.';
COMMENT ON COLUMN skyscript.osm_import.file_sha256 IS
    'Hash of the file, in hex.';
COMMENT ON COLUMN skyscript.osm_import.file_bytes IS
    'Size of the file.';
COMMENT ON COLUMN skyscript.osm_import.style_sha256 IS
    'Hash of the Lua style that chose the features, in hex.';
COMMENT ON COLUMN skyscript.osm_import.osm2pgsql_version IS
    'The program''s version.';
COMMENT ON COLUMN skyscript.osm_import.status IS
    'running, loaded, replaced, removed, failed.';
COMMENT ON COLUMN skyscript.osm_import.error IS
    'Why it failed.';
COMMENT ON COLUMN skyscript.osm_import.data_at IS
    'Date of the data: the file''s header, else its newest object.';
COMMENT ON COLUMN skyscript.osm_import.n_nodes IS
    'Nodes read.';
COMMENT ON COLUMN skyscript.osm_import.n_ways IS
    'Ways read.';
COMMENT ON COLUMN skyscript.osm_import.n_relations IS
    'Relations read.';
COMMENT ON COLUMN skyscript.osm_import.n_features IS
    'Features stored, of the objects read.';
COMMENT ON COLUMN skyscript.osm_import.left_out IS
    'Objects read and not stored, counted by reason.';
COMMENT ON COLUMN skyscript.osm_import.started_at IS
    'When the load began.';
COMMENT ON COLUMN skyscript.osm_import.finished_at IS
    'When it ended.';
"""  # noqa: E501 - comments of columns stay on one line

DOWNGRADE = """
DROP TABLE skyscript.osm_import;
DROP TABLE osm.extract_feature;
DROP SCHEMA osm CASCADE;
"""


def upgrade() -> None:
    """Create the tables."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop the tables."""
    run_script(op.get_bind(), DOWNGRADE)
