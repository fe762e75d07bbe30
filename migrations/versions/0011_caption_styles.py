"""Caption styles, where features lie, what told a caption, and what an LLM rewrote."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE skyscript.caption_recipe
    ADD COLUMN style text DEFAULT 'paper' NOT NULL,
    ADD COLUMN settings jsonb DEFAULT '{}' NOT NULL,
    ADD CONSTRAINT ck_caption_recipe_style CHECK (style IN ('paper', 'plain', 'llm')),
    ADD CONSTRAINT ck_caption_recipe_settings CHECK (jsonb_typeof(settings) = 'object');
COMMENT ON COLUMN skyscript.caption_recipe.prefix IS
    'Put in front of every caption; {view} in it reads an aerial or a satellite, by the GSD.';
COMMENT ON COLUMN skyscript.caption_recipe.style IS
    'paper: as SkyScript released them; plain: English sentences by rule; llm: plain sentences that a language model rewrote.';
COMMENT ON COLUMN skyscript.caption_recipe.settings IS
    'What else sets it apart; docs/captions.md lists the names.';

ALTER TABLE skyscript.chip_feature
    ADD COLUMN relation text,
    ADD COLUMN direction text,
    ADD COLUMN distance_px real,
    ADD CONSTRAINT ck_chip_feature_relation CHECK (relation IN ('around', 'inside', 'across', 'along', 'meeting', 'beside', 'near')),
    ADD CONSTRAINT ck_chip_feature_direction CHECK (direction IN ('north', 'north-east', 'east', 'south-east', 'south', 'south-west', 'west', 'north-west')),
    ADD CONSTRAINT ck_chip_feature_distance_px CHECK (distance_px >= 0);
COMMENT ON COLUMN skyscript.chip_feature.relation IS
    'How it lies to the focus feature; NULL: is the focus, or was linked before this was known.';
COMMENT ON COLUMN skyscript.chip_feature.direction IS
    'Where it lies from the focus feature, north being up in OSM; NULL: on no single side.';
COMMENT ON COLUMN skyscript.chip_feature.distance_px IS
    'Least distance to the focus feature in pixels, within the chip.';

CREATE TABLE skyscript.caption_word (
    key text NOT NULL,
    value text NOT NULL,
    host text NOT NULL,
    place text NOT NULL,
    one text NOT NULL,
    many text,
    form text,
    preposition text,
    rarity integer,
    CONSTRAINT pk_caption_word PRIMARY KEY (key, value, host),
    CONSTRAINT ck_caption_word_place CHECK (place IN ('noun', 'before', 'roof', 'after')),
    CONSTRAINT ck_caption_word_form CHECK (form IN ('count', 'mass', 'plural')),
    CONSTRAINT ck_caption_word_noun CHECK ((place = 'noun') = (form IS NOT NULL AND preposition IS NOT NULL AND rarity IS NOT NULL))
);
COMMENT ON TABLE skyscript.caption_word IS
    'The vocabulary of plain captions.';
COMMENT ON COLUMN skyscript.caption_word.key IS
    'Key.';
COMMENT ON COLUMN skyscript.caption_word.value IS
    'Value; * for any other value of the key, which {} stands for.';
COMMENT ON COLUMN skyscript.caption_word.host IS
    'Of an attribute: the primary tag or key that it says this of; * for any.';
COMMENT ON COLUMN skyscript.caption_word.place IS
    'noun: what the feature is called; before: an adjective; roof: an adjective of its roof; after: behind the noun.';
COMMENT ON COLUMN skyscript.caption_word.one IS
    'The word or words, of one.';
COMMENT ON COLUMN skyscript.caption_word.many IS
    'The same of many, where it is a noun that is counted.';
COMMENT ON COLUMN skyscript.caption_word.form IS
    'count: a noun with a plural; mass: one without, as grass; plural: one without a singular.';
COMMENT ON COLUMN skyscript.caption_word.preposition IS
    'How something lies within it: in a park, on a golf course.';
COMMENT ON COLUMN skyscript.caption_word.rarity IS
    'From 1, as common as buildings, to 5; rare neighbours are told before common ones.';

CREATE TABLE skyscript.caption_basis (
    recipe text NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    digest text NOT NULL
);
CREATE UNIQUE INDEX uq_caption_basis_recipe_key_value ON skyscript.caption_basis (recipe, md5(key), md5(value));
ALTER TABLE skyscript.caption_basis
    ADD CONSTRAINT fk_caption_basis_caption_recipe FOREIGN KEY(recipe) REFERENCES skyscript.caption_recipe (name) ON DELETE CASCADE;
COMMENT ON TABLE skyscript.caption_basis IS
    'Verdicts, rules and words as they were when a recipe''s captions were last told.';
COMMENT ON COLUMN skyscript.caption_basis.recipe IS
    'The recipe.';
COMMENT ON COLUMN skyscript.caption_basis.key IS
    'Key of the tag or rule; empty for the grammar as a whole.';
COMMENT ON COLUMN skyscript.caption_basis.value IS
    'Value of the tag; * for what holds for all values of the key.';
COMMENT ON COLUMN skyscript.caption_basis.digest IS
    'What was known of it.';

CREATE TABLE skyscript.caption_retelling (
    recipe text NOT NULL,
    chip_id bigint NOT NULL,
    CONSTRAINT pk_caption_retelling PRIMARY KEY (recipe, chip_id),
    CONSTRAINT fk_caption_retelling_caption_recipe FOREIGN KEY(recipe) REFERENCES skyscript.caption_recipe (name) ON DELETE CASCADE
);
COMMENT ON TABLE skyscript.caption_retelling IS
    'Chips to be told anew, since what tells them has changed.';
COMMENT ON COLUMN skyscript.caption_retelling.recipe IS
    'The recipe.';
COMMENT ON COLUMN skyscript.caption_retelling.chip_id IS
    'The chip.';

CREATE TABLE skyscript.caption_rewrite (
    recipe text NOT NULL,
    model text NOT NULL,
    prompt_sha256 text NOT NULL,
    source_id bigint NOT NULL,
    text_id bigint NOT NULL,
    fallback_reason text,
    reply text,
    n_attempts integer NOT NULL,
    rewritten_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_caption_rewrite PRIMARY KEY (recipe, model, prompt_sha256, source_id),
    CONSTRAINT ck_caption_rewrite_fallback_reason CHECK ((fallback_reason IS NOT NULL) = (text_id = source_id)),
    CONSTRAINT fk_caption_rewrite_caption_recipe FOREIGN KEY(recipe) REFERENCES skyscript.caption_recipe (name)
);
CREATE INDEX ix_caption_rewrite_text_id ON skyscript.caption_rewrite (text_id);
CREATE INDEX ix_caption_rewrite_source_id ON skyscript.caption_rewrite (source_id);
COMMENT ON TABLE skyscript.caption_rewrite IS
    'What a language model made of each text told by rule, or why that text was kept.';
COMMENT ON COLUMN skyscript.caption_rewrite.recipe IS
    'The recipe, of style llm.';
COMMENT ON COLUMN skyscript.caption_rewrite.model IS
    'The model asked, by the name that its endpoint takes.';
COMMENT ON COLUMN skyscript.caption_rewrite.prompt_sha256 IS
    'Hash of the instructions it was given, in hex; they are in the recipe''s settings.';
COMMENT ON COLUMN skyscript.caption_rewrite.source_id IS
    'The text told by rule.';
COMMENT ON COLUMN skyscript.caption_rewrite.text_id IS
    'What is told instead; the same where the model''s reply was refused.';
COMMENT ON COLUMN skyscript.caption_rewrite.fallback_reason IS
    'Why the rule''s text was kept; NULL where it was rewritten.';
COMMENT ON COLUMN skyscript.caption_rewrite.reply IS
    'What the model replied, if its words were refused.';
COMMENT ON COLUMN skyscript.caption_rewrite.n_attempts IS
    'Times that it was asked.';
COMMENT ON COLUMN skyscript.caption_rewrite.rewritten_at IS
    'When it replied.';
"""  # noqa: E501 - comments of columns stay on one line

DOWNGRADE = """
DROP TABLE skyscript.caption_rewrite;
DROP TABLE skyscript.caption_retelling;
DROP TABLE skyscript.caption_basis;
DROP TABLE skyscript.caption_word;
ALTER TABLE skyscript.chip_feature
    DROP COLUMN relation, DROP COLUMN direction, DROP COLUMN distance_px;
DELETE FROM skyscript.caption AS c
USING skyscript.caption_recipe AS r
WHERE r.name = c.recipe AND (r.style <> 'paper' OR r.settings <> '{}');
DELETE FROM skyscript.caption_recipe WHERE style <> 'paper' OR settings <> '{}';
ALTER TABLE skyscript.caption_recipe DROP COLUMN style, DROP COLUMN settings;
COMMENT ON COLUMN skyscript.caption_recipe.prefix IS
    'Put in front of every caption.';
"""


def upgrade() -> None:
    """Add columns and tables."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop them, and the captions of the styles that came with them."""
    run_script(op.get_bind(), DOWNGRADE)
