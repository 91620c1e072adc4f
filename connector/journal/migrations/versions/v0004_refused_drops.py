"""Drops that were refused before they became a submission, and who has seen them.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "revision", "upgrade"]

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """One table of its own; nothing that was there is touched. Earlier refusals stay in the trace only."""
    op.create_table(
        "refused_drops",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("mailbox", sa.String(320), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("seen_at", sa.BigInteger),
        sa.Column("seen_by", sa.String(80)),
    )
    op.create_index("ix_refused_drops_at", "refused_drops", ["at"])
    op.create_index("ix_refused_drops_mailbox", "refused_drops", ["mailbox", "id"])
    op.create_index("ix_refused_drops_seen", "refused_drops", ["seen_at", "id"])
