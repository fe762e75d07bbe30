"""What collections and scenes of services need: where they are, and in which state."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE skyscript.collection
    ADD COLUMN source jsonb,
    ADD COLUMN max_cloud_fraction double precision,
    ADD CONSTRAINT ck_collection_max_cloud_fraction CHECK (max_cloud_fraction BETWEEN 0 AND 1);
COMMENT ON COLUMN skyscript.collection.source IS
    'Where a service has it: the asset of Earth Engine, or the catalogue and collection of STAC.';
COMMENT ON COLUMN skyscript.collection.max_cloud_fraction IS
    'Cloudiest scenes that are loaded unless told otherwise.';

ALTER TABLE skyscript.scene
    ADD COLUMN version text;
COMMENT ON COLUMN skyscript.scene.version IS
    'What its provider calls this state of its pixels, such as when it was updated.';
"""  # noqa: E501 - comments of columns stay on one line

DOWNGRADE = """
ALTER TABLE skyscript.scene
    DROP COLUMN version;
ALTER TABLE skyscript.collection
    DROP COLUMN max_cloud_fraction,
    DROP COLUMN source;
"""


def upgrade() -> None:
    """Add the columns."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop them again."""
    run_script(op.get_bind(), DOWNGRADE)
