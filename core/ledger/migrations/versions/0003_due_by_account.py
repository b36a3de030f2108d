"""What is due of one account, for the order of its steps and commands (Rules 1.6, 1.7)."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "subscriptions_account_due",
        "subscriptions",
        ["account", "next_due"],
        unique=False,
        postgresql_where=sa.text("next_due IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("subscriptions_account_due", table_name="subscriptions")
