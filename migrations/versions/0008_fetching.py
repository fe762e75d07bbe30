"""What fetching from services needs: shared limits, cloud, and how files were made."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE skyscript.request_limit (
    service text NOT NULL,
    next_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    paused_until timestamptz,
    pause_cause text,
    CONSTRAINT pk_request_limit PRIMARY KEY (service),
    CONSTRAINT ck_request_limit_pause CHECK ((paused_until IS NULL) = (pause_cause IS NULL))
);
COMMENT ON TABLE skyscript.request_limit IS
    'When each service may be asked next, for all workers on this database.';
COMMENT ON COLUMN skyscript.request_limit.service IS
    'The service, with the project or host that it counts requests by.';
COMMENT ON COLUMN skyscript.request_limit.next_at IS
    'When the next request may leave.';
COMMENT ON COLUMN skyscript.request_limit.paused_until IS
    'No request leaves before this; set it to NULL, and the cause, to go on at once.';
COMMENT ON COLUMN skyscript.request_limit.pause_cause IS
    'What the service said when it asked for a pause.';

CREATE TABLE skyscript.failure_remedy (
    rank integer NOT NULL,
    http_status integer,
    pattern text,
    remedy text NOT NULL,
    CONSTRAINT pk_failure_remedy PRIMARY KEY (rank)
);
COMMENT ON TABLE skyscript.failure_remedy IS
    'What to do about chips that failed or were rejected.';
COMMENT ON COLUMN skyscript.failure_remedy.rank IS
    'The first that fits is told.';
COMMENT ON COLUMN skyscript.failure_remedy.http_status IS
    'Fits failures with this status; NULL: any.';
COMMENT ON COLUMN skyscript.failure_remedy.pattern IS
    'Fits causes that match this regular expression, whatever their case; NULL: any.';
COMMENT ON COLUMN skyscript.failure_remedy.remedy IS
    'What to do.';

ALTER TABLE skyscript.chip
    ADD COLUMN cloud_fraction real,
    ADD COLUMN encoding text,
    ADD COLUMN tried_at timestamptz,
    ADD CONSTRAINT ck_chip_cloud_fraction CHECK (cloud_fraction BETWEEN 0 AND 1);
COMMENT ON COLUMN skyscript.chip.cloud_fraction IS
    'Share of its pixels under cloud, where the collection tells.';
COMMENT ON COLUMN skyscript.chip.encoding IS
    'What wrote the file: format, quality, and versions of the encoder.';
COMMENT ON COLUMN skyscript.chip.tried_at IS
    'When a fetch was last tried.';
"""  # noqa: E501 - constraints stay on one line

DOWNGRADE = """
ALTER TABLE skyscript.chip
    DROP COLUMN tried_at,
    DROP COLUMN encoding,
    DROP COLUMN cloud_fraction;
DROP TABLE skyscript.failure_remedy;
DROP TABLE skyscript.request_limit;
"""


def upgrade() -> None:
    """Add the table and the columns."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop them again."""
    run_script(op.get_bind(), DOWNGRADE)
