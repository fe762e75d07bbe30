"""Tags that hide a whole feature from above."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE skyscript.hiding_tag (
    key text NOT NULL,
    value text NOT NULL,
    unless_key text,
    reason text NOT NULL,
    CONSTRAINT pk_hiding_tag PRIMARY KEY (key, value)
);
COMMENT ON TABLE skyscript.hiding_tag IS
    'Tags that hide a whole feature from above, such as tunnel=yes.';
COMMENT ON COLUMN skyscript.hiding_tag.key IS
    'Key, verbatim.';
COMMENT ON COLUMN skyscript.hiding_tag.value IS
    'Value, verbatim.';
COMMENT ON COLUMN skyscript.hiding_tag.unless_key IS
    'A feature with this key is what hides, and seen; NULL: none is.';
COMMENT ON COLUMN skyscript.hiding_tag.reason IS
    'Why, in a few words.';
"""

DOWNGRADE = """
DROP TABLE skyscript.hiding_tag;
"""


def upgrade() -> None:
    """Create the table."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop the table."""
    run_script(op.get_bind(), DOWNGRADE)
