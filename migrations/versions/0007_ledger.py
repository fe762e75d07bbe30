"""The ledgers of jobs and of exports."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE skyscript.dataset (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    version integer NOT NULL,
    format text NOT NULL,
    sql text NOT NULL,
    parameters jsonb NOT NULL,
    n_chips bigint NOT NULL,
    n_pairs bigint NOT NULL,
    content_sha256 text NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_dataset PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_dataset_name_version ON skyscript.dataset (name, version);
COMMENT ON TABLE skyscript.dataset IS
    'Saved queries with counts and content hashes.';
COMMENT ON COLUMN skyscript.dataset.id IS
    'Surrogate key.';
COMMENT ON COLUMN skyscript.dataset.name IS
    'Name of the dataset.';
COMMENT ON COLUMN skyscript.dataset.version IS
    'Counts up when its content changes.';
COMMENT ON COLUMN skyscript.dataset.format IS
    'Format that was written.';
COMMENT ON COLUMN skyscript.dataset.sql IS
    'The query that selected its pairs.';
COMMENT ON COLUMN skyscript.dataset.parameters IS
    'Its parameters.';
COMMENT ON COLUMN skyscript.dataset.n_chips IS
    'Chips in it.';
COMMENT ON COLUMN skyscript.dataset.n_pairs IS
    'Pairs in it.';
COMMENT ON COLUMN skyscript.dataset.content_sha256 IS
    'Hash over its chips and captions in order, in hex.';
COMMENT ON COLUMN skyscript.dataset.created_at IS
    'When it was first written.';

CREATE TABLE skyscript.job_run (
    id bigint GENERATED ALWAYS AS IDENTITY,
    job text NOT NULL,
    parameters jsonb NOT NULL,
    code_version text NOT NULL,
    status text DEFAULT 'running' NOT NULL,
    error text,
    started_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamptz,
    n_in bigint,
    n_ok bigint,
    n_rejected bigint,
    n_pending bigint,
    rejected jsonb,
    CONSTRAINT pk_job_run PRIMARY KEY (id),
    CONSTRAINT ck_job_run_status CHECK (status IN ('running', 'finished', 'failed', 'interrupted')),
    CONSTRAINT ck_job_run_reconciles CHECK (n_in = n_ok + n_rejected + n_pending)
);
CREATE INDEX ix_job_run_job_started_at ON skyscript.job_run (job, started_at);
COMMENT ON TABLE skyscript.job_run IS
    'The ledger of jobs: in = ok + rejected + pending.';
COMMENT ON COLUMN skyscript.job_run.id IS
    'Surrogate key.';
COMMENT ON COLUMN skyscript.job_run.job IS
    'Name of the job.';
COMMENT ON COLUMN skyscript.job_run.parameters IS
    'Settings it ran with.';
COMMENT ON COLUMN skyscript.job_run.code_version IS
    'Version of this project.';
COMMENT ON COLUMN skyscript.job_run.status IS
    'running, finished, failed or interrupted.';
COMMENT ON COLUMN skyscript.job_run.error IS
    'Why it failed.';
COMMENT ON COLUMN skyscript.job_run.started_at IS
    'When it began.';
COMMENT ON COLUMN skyscript.job_run.finished_at IS
    'When it ended.';
COMMENT ON COLUMN skyscript.job_run.n_in IS
    'Units it looked at.';
COMMENT ON COLUMN skyscript.job_run.n_ok IS
    'With a result.';
COMMENT ON COLUMN skyscript.job_run.n_rejected IS
    'Refused, for the reasons counted in rejected.';
COMMENT ON COLUMN skyscript.job_run.n_pending IS
    'Still without a result.';
COMMENT ON COLUMN skyscript.job_run.rejected IS
    'Refused units, counted by reason.';
"""  # noqa: E501 - comments of columns stay on one line

DOWNGRADE = """
DROP TABLE skyscript.job_run;
DROP TABLE skyscript.dataset;
"""


def upgrade() -> None:
    """Create the tables."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop the tables."""
    run_script(op.get_bind(), DOWNGRADE)
