"""How often the gateway may have been called for a charge: from the second time on it is asked what became of the first."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "card_charges", sa.Column("calls", sa.Integer(), server_default="0", nullable=False)
    )
    # what is pending may have been sent
    op.execute("UPDATE card_charges SET calls = 1 WHERE outcome = 'pending'")


def downgrade() -> None:
    op.drop_column("card_charges", "calls")
