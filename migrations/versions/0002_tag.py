"""Tags, labels, verdicts and caption rules."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE skyscript.caption_rule (
    key text NOT NULL,
    role text NOT NULL,
    rank integer NOT NULL,
    word text NOT NULL,
    form text NOT NULL,
    plural text,
    counted text NOT NULL,
    is_generic boolean NOT NULL,
    CONSTRAINT pk_caption_rule PRIMARY KEY (key),
    CONSTRAINT ck_caption_rule_role CHECK (role IN ('primary', 'attribute')),
    CONSTRAINT ck_caption_rule_form CHECK (form IN ('key of value', 'key value'))
);
CREATE UNIQUE INDEX uq_caption_rule_rank ON skyscript.caption_rule (rank);
COMMENT ON TABLE skyscript.caption_rule IS
    'The vocabulary of the caption grammar.';
COMMENT ON COLUMN skyscript.caption_rule.key IS
    'Key.';
COMMENT ON COLUMN skyscript.caption_rule.role IS
    'primary: says what the object is; attribute: how it is.';
COMMENT ON COLUMN skyscript.caption_rule.rank IS
    'Order in which the tags of one object are told.';
COMMENT ON COLUMN skyscript.caption_rule.word IS
    'How the key reads.';
COMMENT ON COLUMN skyscript.caption_rule.form IS
    '''key of value'' or ''key value''.';
COMMENT ON COLUMN skyscript.caption_rule.plural IS
    'Plural of the word; NULL where the value takes it: natural trees.';
COMMENT ON COLUMN skyscript.caption_rule.counted IS
    'Kinds of feature whose equal neighbours are counted, of n, w and a; the others are merged.';
COMMENT ON COLUMN skyscript.caption_rule.is_generic IS
    'Whether a value that cannot be seen is told by the word alone, as building=office is by building.';

CREATE TABLE skyscript.tag (
    id bigint GENERATED ALWAYS AS IDENTITY,
    key text NOT NULL,
    value text NOT NULL,
    text text NOT NULL,
    n_features bigint NOT NULL,
    CONSTRAINT pk_tag PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_tag_key_value ON skyscript.tag (md5(key), md5(value));
COMMENT ON TABLE skyscript.tag IS
    'Distinct tags.';
COMMENT ON COLUMN skyscript.tag.id IS
    'Surrogate key.';
COMMENT ON COLUMN skyscript.tag.key IS
    'Key, verbatim.';
COMMENT ON COLUMN skyscript.tag.value IS
    'Value, verbatim.';
COMMENT ON COLUMN skyscript.tag.text IS
    'The tag as CLIP reads it.';
COMMENT ON COLUMN skyscript.tag.n_features IS
    'Features in osm.feature that carry it, when last counted.';

CREATE TABLE skyscript.tag_label (
    key text NOT NULL,
    value text NOT NULL,
    max_gsd_m double precision,
    is_groundable boolean GENERATED ALWAYS AS (max_gsd_m IS NOT NULL) STORED NOT NULL,
    reason text NOT NULL,
    CONSTRAINT pk_tag_label PRIMARY KEY (key, value),
    CONSTRAINT ck_tag_label_max_gsd_m CHECK (max_gsd_m > 0)
);
COMMENT ON TABLE skyscript.tag_label IS
    'Hand-made labels of groundability.';
COMMENT ON COLUMN skyscript.tag_label.key IS
    'Key.';
COMMENT ON COLUMN skyscript.tag_label.value IS
    'Value; * for any other value of the key.';
COMMENT ON COLUMN skyscript.tag_label.max_gsd_m IS
    'Largest GSD, in metres, at which it can be seen; NULL: at none.';
COMMENT ON COLUMN skyscript.tag_label.is_groundable IS
    'Whether it can be seen from above at all.';
COMMENT ON COLUMN skyscript.tag_label.reason IS
    'Why, in a few words.';

CREATE TABLE skyscript.word_tokens (
    word text NOT NULL,
    n_tokens integer NOT NULL,
    CONSTRAINT pk_word_tokens PRIMARY KEY (word)
);
COMMENT ON TABLE skyscript.word_tokens IS
    'Token counts of words, so that SQL can keep captions short.';
COMMENT ON COLUMN skyscript.word_tokens.word IS
    'Lower-case word.';
COMMENT ON COLUMN skyscript.word_tokens.n_tokens IS
    'Its length in CLIP''s tokens.';

CREATE TABLE skyscript.tag_groundability (
    tag_id bigint NOT NULL,
    source text NOT NULL,
    probability double precision,
    max_gsd_m double precision,
    verdict text GENERATED ALWAYS AS (CASE WHEN max_gsd_m IS NULL THEN 'not groundable' ELSE 'groundable' END) STORED NOT NULL,
    precedence integer GENERATED ALWAYS AS (CASE source WHEN 'override' THEN 1 WHEN 'label' THEN 2 ELSE 3 END) STORED NOT NULL,
    reason text NOT NULL,
    decided_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_tag_groundability PRIMARY KEY (tag_id, source),
    CONSTRAINT ck_tag_groundability_max_gsd_m CHECK (max_gsd_m > 0),
    CONSTRAINT ck_tag_groundability_probability CHECK (probability BETWEEN 0 AND 1),
    CONSTRAINT ck_tag_groundability_source CHECK (source IN ('override', 'label') OR starts_with(source, 'classifier:')),
    CONSTRAINT fk_tag_groundability_tag FOREIGN KEY(tag_id) REFERENCES skyscript.tag (id) ON DELETE CASCADE
);
COMMENT ON TABLE skyscript.tag_groundability IS
    'Verdicts on tags, one a source.';
COMMENT ON COLUMN skyscript.tag_groundability.tag_id IS
    'The tag.';
COMMENT ON COLUMN skyscript.tag_groundability.source IS
    'Who says so: override, label, or classifier:ID; the first of these that a tag has counts.';
COMMENT ON COLUMN skyscript.tag_groundability.probability IS
    'That the tag is groundable at all; NULL where a person decided.';
COMMENT ON COLUMN skyscript.tag_groundability.max_gsd_m IS
    'Largest GSD, in metres, at which it can be seen; NULL: at none.';
COMMENT ON COLUMN skyscript.tag_groundability.verdict IS
    'The verdict as a word.';
COMMENT ON COLUMN skyscript.tag_groundability.precedence IS
    'Of several verdicts on a tag, the smallest counts.';
COMMENT ON COLUMN skyscript.tag_groundability.reason IS
    'Why, in a few words.';
COMMENT ON COLUMN skyscript.tag_groundability.decided_at IS
    'When this source decided so.';
"""  # noqa: E501 - comments of columns stay on one line

DOWNGRADE = """
DROP TABLE skyscript.tag_groundability;
DROP TABLE skyscript.word_tokens;
DROP TABLE skyscript.tag_label;
DROP TABLE skyscript.tag;
DROP TABLE skyscript.caption_rule;
"""


def upgrade() -> None:
    """Create the tables."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop the tables."""
    run_script(op.get_bind(), DOWNGRADE)
