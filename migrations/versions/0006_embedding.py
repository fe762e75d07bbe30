"""CLIP models, embeddings and similarities."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE skyscript.chip_embedding (
    model_id smallint NOT NULL,
    chip_id bigint NOT NULL,
    embedding halfvec NOT NULL,
    CONSTRAINT pk_chip_embedding PRIMARY KEY (model_id, chip_id)
)
PARTITION BY LIST (model_id);
COMMENT ON TABLE skyscript.chip_embedding IS
    'Embeddings of chips, one partition a model.';
COMMENT ON COLUMN skyscript.chip_embedding.model_id IS
    'The model that made it.';
COMMENT ON COLUMN skyscript.chip_embedding.chip_id IS
    'The chip.';
COMMENT ON COLUMN skyscript.chip_embedding.embedding IS
    'Unit vector in the model''s space.';

CREATE TABLE skyscript.embedding_model (
    id smallint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    weights text NOT NULL,
    weights_sha256 text NOT NULL,
    dimension integer NOT NULL,
    is_default boolean NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_embedding_model PRIMARY KEY (id),
    CONSTRAINT ck_embedding_model_dimension CHECK (dimension BETWEEN 1 AND 4000),
    CONSTRAINT uq_embedding_model_weights_sha256 UNIQUE (weights_sha256)
);
CREATE UNIQUE INDEX uq_embedding_model_is_default
    ON skyscript.embedding_model (is_default) WHERE is_default;
COMMENT ON TABLE skyscript.embedding_model IS
    'CLIP models that embedded chips and captions.';
COMMENT ON COLUMN skyscript.embedding_model.id IS
    'Surrogate key.';
COMMENT ON COLUMN skyscript.embedding_model.name IS
    'open_clip''s name, or the folder''s.';
COMMENT ON COLUMN skyscript.embedding_model.weights IS
    'Name of the weights.';
COMMENT ON COLUMN skyscript.embedding_model.weights_sha256 IS
    'Hash of the weights as loaded, in hex.';
COMMENT ON COLUMN skyscript.embedding_model.dimension IS
    'Length of its vectors.';
COMMENT ON COLUMN skyscript.embedding_model.is_default IS
    'Whether skyscript.pair shows its scores; true for one model.';
COMMENT ON COLUMN skyscript.embedding_model.created_at IS
    'When it was first used here.';

CREATE TABLE skyscript.text_embedding (
    model_id smallint NOT NULL,
    text_id bigint NOT NULL,
    embedding halfvec NOT NULL,
    CONSTRAINT pk_text_embedding PRIMARY KEY (model_id, text_id)
)
PARTITION BY LIST (model_id);
COMMENT ON TABLE skyscript.text_embedding IS
    'Embeddings of caption texts, one partition a model.';
COMMENT ON COLUMN skyscript.text_embedding.model_id IS
    'The model that made it.';
COMMENT ON COLUMN skyscript.text_embedding.text_id IS
    'The caption text.';
COMMENT ON COLUMN skyscript.text_embedding.embedding IS
    'Unit vector in the model''s space.';

CREATE TABLE skyscript.embedding_rejection (
    id bigint GENERATED ALWAYS AS IDENTITY,
    model_id smallint NOT NULL,
    chip_id bigint,
    text_id bigint,
    reason text NOT NULL,
    CONSTRAINT pk_embedding_rejection PRIMARY KEY (id),
    CONSTRAINT ck_embedding_rejection_subject CHECK (num_nonnulls(chip_id, text_id) = 1),
    CONSTRAINT fk_embedding_rejection_embedding_model FOREIGN KEY(model_id) REFERENCES skyscript.embedding_model (id) ON DELETE CASCADE,
    CONSTRAINT fk_embedding_rejection_chip FOREIGN KEY(chip_id) REFERENCES skyscript.chip (id) ON DELETE CASCADE,
    CONSTRAINT fk_embedding_rejection_caption_text FOREIGN KEY(text_id) REFERENCES skyscript.caption_text (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_embedding_rejection_chip_id
    ON skyscript.embedding_rejection (chip_id, model_id);
CREATE UNIQUE INDEX uq_embedding_rejection_text_id
    ON skyscript.embedding_rejection (text_id, model_id);
COMMENT ON TABLE skyscript.embedding_rejection IS
    'Chips and texts that a model cannot embed, and why.';
COMMENT ON COLUMN skyscript.embedding_rejection.id IS
    'Surrogate key.';
COMMENT ON COLUMN skyscript.embedding_rejection.model_id IS
    'The model that could not.';
COMMENT ON COLUMN skyscript.embedding_rejection.chip_id IS
    'The chip, if it is one.';
COMMENT ON COLUMN skyscript.embedding_rejection.text_id IS
    'The caption text, if it is one.';
COMMENT ON COLUMN skyscript.embedding_rejection.reason IS
    'Why not.';

CREATE TABLE skyscript.pair_similarity (
    model_id smallint NOT NULL,
    chip_id bigint NOT NULL,
    text_id bigint NOT NULL,
    similarity real NOT NULL,
    CONSTRAINT pk_pair_similarity PRIMARY KEY (model_id, chip_id, text_id),
    CONSTRAINT ck_pair_similarity_similarity CHECK (similarity BETWEEN -1.01 AND 1.01),
    CONSTRAINT fk_pair_similarity_embedding_model FOREIGN KEY(model_id) REFERENCES skyscript.embedding_model (id),
    CONSTRAINT fk_pair_similarity_chip FOREIGN KEY(chip_id) REFERENCES skyscript.chip (id) ON DELETE CASCADE,
    CONSTRAINT fk_pair_similarity_caption_text FOREIGN KEY(text_id) REFERENCES skyscript.caption_text (id) ON DELETE CASCADE
);
CREATE INDEX ix_pair_similarity_chip_id ON skyscript.pair_similarity (chip_id);
COMMENT ON TABLE skyscript.pair_similarity IS
    'Scores of pairs, kept for every scoring model.';
COMMENT ON COLUMN skyscript.pair_similarity.model_id IS
    'The model that scored it.';
COMMENT ON COLUMN skyscript.pair_similarity.chip_id IS
    'The chip.';
COMMENT ON COLUMN skyscript.pair_similarity.text_id IS
    'The text: chips told by one text in two ways are scored once.';
COMMENT ON COLUMN skyscript.pair_similarity.similarity IS
    'Cosine similarity of the two embeddings.';
"""  # noqa: E501 - comments of columns stay on one line

DOWNGRADE = """
DROP TABLE skyscript.pair_similarity;
DROP TABLE skyscript.embedding_rejection;
DROP TABLE skyscript.text_embedding;
DROP TABLE skyscript.embedding_model;
DROP TABLE skyscript.chip_embedding;
"""


def upgrade() -> None:
    """Create the tables."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop the tables."""
    run_script(op.get_bind(), DOWNGRADE)
