"""The votes behind the labels."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE skyscript.tag_vote (
    key text NOT NULL,
    value text NOT NULL,
    rater text NOT NULL,
    max_gsd_m double precision,
    reason text NOT NULL,
    CONSTRAINT pk_tag_vote PRIMARY KEY (key, value, rater),
    CONSTRAINT ck_tag_vote_max_gsd_m CHECK (max_gsd_m > 0),
    CONSTRAINT ck_tag_vote_rater CHECK (rater IN ('a', 'b', 'c'))
);
COMMENT ON TABLE skyscript.tag_vote IS
    'The readings behind tag_label: two of each tag, and a third where they differ.';
COMMENT ON COLUMN skyscript.tag_vote.key IS
    'Key.';
COMMENT ON COLUMN skyscript.tag_vote.value IS
    'Value.';
COMMENT ON COLUMN skyscript.tag_vote.rater IS
    'a and b judged without each other; c settled what they differ in.';
COMMENT ON COLUMN skyscript.tag_vote.max_gsd_m IS
    'Largest GSD, in metres, at which it can be seen; NULL: at none.';
COMMENT ON COLUMN skyscript.tag_vote.reason IS
    'Why, in a few words.';
"""

DOWNGRADE = """
DROP TABLE skyscript.tag_vote;
"""


def upgrade() -> None:
    """Make the table."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop it."""
    run_script(op.get_bind(), DOWNGRADE)
