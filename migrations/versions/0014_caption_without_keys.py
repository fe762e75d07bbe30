"""Captions without foreign keys, as other bulk tables (decision 6)."""

from alembic import op

from skyscript_db.schema import run_script

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE skyscript.caption
    DROP CONSTRAINT fk_caption_chip,
    DROP CONSTRAINT fk_caption_caption_recipe,
    DROP CONSTRAINT fk_caption_caption_text;
"""

DOWNGRADE = """
DELETE FROM skyscript.caption AS c
WHERE NOT EXISTS (SELECT FROM skyscript.chip WHERE chip.id = c.chip_id)
    OR NOT EXISTS (SELECT FROM skyscript.caption_recipe AS r WHERE r.name = c.recipe)
    OR NOT EXISTS (SELECT FROM skyscript.caption_text AS t WHERE t.id = c.text_id);
ALTER TABLE skyscript.caption
    ADD CONSTRAINT fk_caption_chip FOREIGN KEY (chip_id) REFERENCES skyscript.chip (id) ON DELETE CASCADE,
    ADD CONSTRAINT fk_caption_caption_recipe FOREIGN KEY (recipe) REFERENCES skyscript.caption_recipe (name),
    ADD CONSTRAINT fk_caption_caption_text FOREIGN KEY (text_id) REFERENCES skyscript.caption_text (id);
"""  # noqa: E501 - a constraint stays on one line


def upgrade() -> None:
    """Drop the keys."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Drop captions of what is no more, and make the keys again."""
    run_script(op.get_bind(), DOWNGRADE)
