"""${message}.

Safe to run beside readers? Say which locks it takes and for how long.
"""

from alembic import op

from skyscript_db.schema import run_script

revision = ${repr(up_revision).replace("'", '"')}
down_revision = ${repr(down_revision).replace("'", '"')}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

UPGRADE = """
"""

DOWNGRADE = """
"""


def upgrade() -> None:
    """Apply the revision."""
    run_script(op.get_bind(), UPGRADE)


def downgrade() -> None:
    """Undo it."""
    run_script(op.get_bind(), DOWNGRADE)
