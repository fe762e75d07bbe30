"""Captions and their texts."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE skyscript.caption_recipe (
    name text NOT NULL,
    prefix text NOT NULL,
    max_tokens integer NOT NULL,
    min_size_px double precision NOT NULL,
    description text NOT NULL,
    CONSTRAINT pk_caption_recipe PRIMARY KEY (name),
    CONSTRAINT ck_caption_recipe_max_tokens CHECK (max_tokens BETWEEN 8 AND 77)
);
COMMENT ON TABLE skyscript.caption_recipe IS
    'Versions of the caption grammar.';
COMMENT ON COLUMN skyscript.caption_recipe.name IS
    'Name and version.';
COMMENT ON COLUMN skyscript.caption_recipe.prefix IS
    'Put in front of every caption.';
COMMENT ON COLUMN skyscript.caption_recipe.max_tokens IS
    'Longest caption in CLIP''s tokens, its two marks included.';
COMMENT ON COLUMN skyscript.caption_recipe.min_size_px IS
    'Smallest visible side of a surrounding line or area that is told.';
COMMENT ON COLUMN skyscript.caption_recipe.description IS
    'What sets it apart.';

CREATE TABLE skyscript.caption_text (
    id bigint GENERATED ALWAYS AS IDENTITY,
    text text NOT NULL,
    n_tokens integer NOT NULL,
    CONSTRAINT pk_caption_text PRIMARY KEY (id),
    CONSTRAINT uq_caption_text_text UNIQUE (text)
);
COMMENT ON TABLE skyscript.caption_text IS
    'Distinct caption texts.';
COMMENT ON COLUMN skyscript.caption_text.id IS
    'Surrogate key.';
COMMENT ON COLUMN skyscript.caption_text.text IS
    'The text.';
COMMENT ON COLUMN skyscript.caption_text.n_tokens IS
    'Upper bound of its length in CLIP''s tokens, without its two marks.';

CREATE TABLE skyscript.caption (
    chip_id bigint NOT NULL,
    recipe text NOT NULL,
    kind text NOT NULL,
    text_id bigint NOT NULL,
    CONSTRAINT pk_caption PRIMARY KEY (chip_id, recipe, kind),
    CONSTRAINT ck_caption_kind CHECK (kind IN ('focus', 'multi_feature')),
    CONSTRAINT fk_caption_chip FOREIGN KEY(chip_id) REFERENCES skyscript.chip (id) ON DELETE CASCADE,
    CONSTRAINT fk_caption_caption_recipe FOREIGN KEY(recipe) REFERENCES skyscript.caption_recipe (name),
    CONSTRAINT fk_caption_caption_text FOREIGN KEY(text_id) REFERENCES skyscript.caption_text (id)
);
CREATE INDEX ix_caption_text_id ON skyscript.caption (text_id);
COMMENT ON TABLE skyscript.caption IS
    'Captions of chips.';
COMMENT ON COLUMN skyscript.caption.chip_id IS
    'The chip.';
COMMENT ON COLUMN skyscript.caption.recipe IS
    'The recipe that wrote it.';
COMMENT ON COLUMN skyscript.caption.kind IS
    'focus: the focus feature alone; multi_feature: with its surroundings.';
COMMENT ON COLUMN skyscript.caption.text_id IS
    'What it says.';
"""  # noqa: E501 - comments of columns stay on one line

DOWNGRADE = """
DROP TABLE skyscript.caption;
DROP TABLE skyscript.caption_text;
DROP TABLE skyscript.caption_recipe;
"""


def upgrade() -> None:
    """Create the tables."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop the tables."""
    run_script(op.get_bind(), DOWNGRADE)
