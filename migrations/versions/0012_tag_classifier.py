"""Rules of tags, classifiers of groundability, and the vectors that they read."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE skyscript.tag_rule (
    rank integer NOT NULL,
    kind text NOT NULL,
    key_pattern text,
    value_pattern text,
    max_gsd_m double precision,
    reason text NOT NULL,
    CONSTRAINT pk_tag_rule PRIMARY KEY (rank),
    CONSTRAINT ck_tag_rule_pattern CHECK (num_nonnulls(key_pattern, value_pattern) > 0),
    CONSTRAINT ck_tag_rule_max_gsd_m CHECK (max_gsd_m > 0)
);
COMMENT ON TABLE skyscript.tag_rule IS
    'Rules that tell names, numbers and the like apart before a model reads them.';
COMMENT ON COLUMN skyscript.tag_rule.rank IS
    'Of several rules that fit a tag, the smallest counts.';
COMMENT ON COLUMN skyscript.tag_rule.kind IS
    'What it finds: name, number, address, date, ...';
COMMENT ON COLUMN skyscript.tag_rule.key_pattern IS
    'Regular expression that the key matches; NULL: any key.';
COMMENT ON COLUMN skyscript.tag_rule.value_pattern IS
    'Regular expression that the value matches; NULL: any value.';
COMMENT ON COLUMN skyscript.tag_rule.max_gsd_m IS
    'Largest GSD, in metres, at which it can be seen; NULL: at none.';
COMMENT ON COLUMN skyscript.tag_rule.reason IS
    'Why, in a few words.';

CREATE TABLE skyscript.tag_embedding (
    id bigint GENERATED ALWAYS AS IDENTITY,
    model_id smallint NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    embedding halfvec NOT NULL,
    CONSTRAINT pk_tag_embedding PRIMARY KEY (id),
    CONSTRAINT fk_tag_embedding_embedding_model FOREIGN KEY(model_id) REFERENCES skyscript.embedding_model (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_tag_embedding_model_id_key_value
    ON skyscript.tag_embedding (model_id, md5(key), md5(value));
COMMENT ON TABLE skyscript.tag_embedding IS
    'Vectors of tags by text encoders: of those that classifiers judge or learn from.';
COMMENT ON COLUMN skyscript.tag_embedding.id IS
    'Surrogate key.';
COMMENT ON COLUMN skyscript.tag_embedding.model_id IS
    'The encoder that made it.';
COMMENT ON COLUMN skyscript.tag_embedding.key IS
    'Key, verbatim.';
COMMENT ON COLUMN skyscript.tag_embedding.value IS
    'Value, verbatim.';
COMMENT ON COLUMN skyscript.tag_embedding.embedding IS
    'Unit vector: those of the encoder''s inputs, joined.';

CREATE TABLE skyscript.tag_classifier (
    id text NOT NULL,
    model_id smallint NOT NULL,
    encoder text NOT NULL,
    inputs text NOT NULL,
    coefficients vector NOT NULL,
    intercept double precision NOT NULL,
    threshold double precision NOT NULL,
    label_sha256 text NOT NULL,
    n_labels integer NOT NULL,
    metrics jsonb NOT NULL,
    is_default boolean NOT NULL,
    trained_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_tag_classifier PRIMARY KEY (id),
    CONSTRAINT ck_tag_classifier_threshold CHECK (threshold BETWEEN 0 AND 1),
    CONSTRAINT fk_tag_classifier_embedding_model FOREIGN KEY(model_id) REFERENCES skyscript.embedding_model (id)
);
CREATE UNIQUE INDEX uq_tag_classifier_is_default
    ON skyscript.tag_classifier (is_default) WHERE is_default;
COMMENT ON TABLE skyscript.tag_classifier IS
    'Classifiers of groundability: stage I, whether a tag can be seen at all.';
COMMENT ON COLUMN skyscript.tag_classifier.id IS
    'Hash of what it was trained on: encoder, inputs and labels.';
COMMENT ON COLUMN skyscript.tag_classifier.model_id IS
    'The encoder of its vectors.';
COMMENT ON COLUMN skyscript.tag_classifier.encoder IS
    'By what name to load the encoder.';
COMMENT ON COLUMN skyscript.tag_classifier.inputs IS
    'How the encoder is told a tag.';
COMMENT ON COLUMN skyscript.tag_classifier.coefficients IS
    'Coefficients of the logistic regression, one a dimension.';
COMMENT ON COLUMN skyscript.tag_classifier.intercept IS
    'Its intercept.';
COMMENT ON COLUMN skyscript.tag_classifier.threshold IS
    'Least probability at which a tag is taken as groundable; yours to change.';
COMMENT ON COLUMN skyscript.tag_classifier.label_sha256 IS
    'Hash of the labels that it learned from, in hex.';
COMMENT ON COLUMN skyscript.tag_classifier.n_labels IS
    'How many they were.';
COMMENT ON COLUMN skyscript.tag_classifier.metrics IS
    'How good it was on labels held out of its training.';
COMMENT ON COLUMN skyscript.tag_classifier.is_default IS
    'Whether its verdicts count; true for one classifier.';
COMMENT ON COLUMN skyscript.tag_classifier.trained_at IS
    'When it was trained.';

CREATE TABLE skyscript.tag_classifier_gsd (
    classifier_id text NOT NULL,
    max_gsd_m double precision NOT NULL,
    finer_gsd_m double precision NOT NULL,
    coefficients vector NOT NULL,
    intercept double precision NOT NULL,
    threshold double precision NOT NULL,
    CONSTRAINT pk_tag_classifier_gsd PRIMARY KEY (classifier_id, max_gsd_m),
    CONSTRAINT ck_tag_classifier_gsd_finer_gsd_m CHECK (finer_gsd_m > 0 AND finer_gsd_m < max_gsd_m),
    CONSTRAINT ck_tag_classifier_gsd_threshold CHECK (threshold BETWEEN 0 AND 1),
    CONSTRAINT fk_tag_classifier_gsd_tag_classifier FOREIGN KEY(classifier_id) REFERENCES skyscript.tag_classifier (id) ON DELETE CASCADE
);
COMMENT ON TABLE skyscript.tag_classifier_gsd IS
    'Stage II of a classifier: for each class of GSD but the finest, whether a groundable tag is seen at it.';
COMMENT ON COLUMN skyscript.tag_classifier_gsd.classifier_id IS
    'The classifier.';
COMMENT ON COLUMN skyscript.tag_classifier_gsd.max_gsd_m IS
    'The class, in metres.';
COMMENT ON COLUMN skyscript.tag_classifier_gsd.finer_gsd_m IS
    'The next finer class, in metres, which holds where this one does not.';
COMMENT ON COLUMN skyscript.tag_classifier_gsd.coefficients IS
    'Coefficients of the logistic regression, one a dimension.';
COMMENT ON COLUMN skyscript.tag_classifier_gsd.intercept IS
    'Its intercept.';
COMMENT ON COLUMN skyscript.tag_classifier_gsd.threshold IS
    'Least probability at which a tag is taken as seen; yours to change.';

ALTER TABLE skyscript.tag_groundability
    ADD COLUMN is_superseded boolean DEFAULT false NOT NULL,
    DROP COLUMN precedence,
    DROP CONSTRAINT ck_tag_groundability_source,
    ADD CONSTRAINT ck_tag_groundability_source CHECK (source IN ('override', 'label', 'rule', 'wildcard') OR starts_with(source, 'classifier:'));
ALTER TABLE skyscript.tag_groundability
    ADD COLUMN precedence integer GENERATED ALWAYS AS (CASE WHEN is_superseded THEN 6 WHEN source = 'override' THEN 1 WHEN source = 'label' THEN 2 WHEN source = 'rule' THEN 3 WHEN source = 'wildcard' THEN 4 ELSE 5 END) STORED NOT NULL;
COMMENT ON COLUMN skyscript.tag_groundability.source IS
    'Who says so: override, label, rule, wildcard (the label of a whole key), or classifier:ID; the first of these that a tag has counts.';
COMMENT ON COLUMN skyscript.tag_groundability.is_superseded IS
    'Whether its classifier is not the default one.';
COMMENT ON COLUMN skyscript.tag_groundability.precedence IS
    'Of several verdicts on a tag, the smallest counts.';
"""  # noqa: E501 - comments of columns stay on one line

DOWNGRADE = """
DELETE FROM skyscript.tag_groundability WHERE source IN ('rule', 'wildcard');
ALTER TABLE skyscript.tag_groundability
    DROP COLUMN precedence,
    DROP COLUMN is_superseded,
    DROP CONSTRAINT ck_tag_groundability_source,
    ADD CONSTRAINT ck_tag_groundability_source CHECK (source IN ('override', 'label') OR starts_with(source, 'classifier:'));
ALTER TABLE skyscript.tag_groundability
    ADD COLUMN precedence integer GENERATED ALWAYS AS (CASE source WHEN 'override' THEN 1 WHEN 'label' THEN 2 ELSE 3 END) STORED NOT NULL;
COMMENT ON COLUMN skyscript.tag_groundability.source IS
    'Who says so: override, label, or classifier:ID; the first of these that a tag has counts.';
COMMENT ON COLUMN skyscript.tag_groundability.precedence IS
    'Of several verdicts on a tag, the smallest counts.';
DROP TABLE skyscript.tag_classifier_gsd;
DROP TABLE skyscript.tag_classifier;
DELETE FROM skyscript.embedding_model AS m
WHERE m.id IN (SELECT e.model_id FROM skyscript.tag_embedding AS e);
DROP TABLE skyscript.tag_embedding;
DROP TABLE skyscript.tag_rule;
"""  # noqa: E501 - comments of columns stay on one line


def upgrade() -> None:
    """Create the tables, and tell whole keys and rules apart from labels."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop the tables, and the verdicts that the revision before has no word for."""
    run_script(op.get_bind(), DOWNGRADE)
