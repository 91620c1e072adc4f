"""Deliveries to the LPS's folder, and whether the LPS has taken them.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "revision", "upgrade"]

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """One table of its own. What was delivered before is not watched: whether it was taken long ago is not known."""
    op.create_table(
        "deliveries",
        sa.Column("incoming_id", sa.String(26), primary_key=True),
        sa.Column("mailbox", sa.String(320), nullable=False),
        sa.Column("prefix", sa.String(255), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("stands", sa.Boolean, nullable=False),
        sa.Column("overdue_at", sa.BigInteger),
    )
    op.create_index("ix_deliveries_stands", "deliveries", ["mailbox", "stands", "incoming_id"])
    op.create_index("ix_deliveries_prefix", "deliveries", ["mailbox", "prefix"])
    op.create_index("ix_deliveries_overdue", "deliveries", ["overdue_at"])
