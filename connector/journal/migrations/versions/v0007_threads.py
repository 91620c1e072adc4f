"""What answers what, and what the opening of a received message found.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "revision", "upgrade"]

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Two tables of their own; of what was opened or answered before, they know nothing."""
    op.create_table(
        "received_facts",
        sa.Column("incoming_id", sa.String(26), primary_key=True),
        sa.Column("alerts", sa.String(20), nullable=False),
        sa.Column("warnings", sa.String(500), nullable=False),
        sa.Column("identity", sa.String(12), nullable=False),
    )
    op.create_table(
        "replies",
        sa.Column("reply_id", sa.String(26), primary_key=True),
        sa.Column("to_id", sa.String(26), nullable=False),
    )
    op.create_index("ix_replies_to", "replies", ["to_id"])
