"""Every kind of input: submissions made from one lot, and what replaces what.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "revision", "upgrade"]

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Columns that may be empty, and tables of their own; nothing that was there changes."""
    op.add_column("submissions", sa.Column("lot_id", sa.String(26)))
    op.add_column("submissions", sa.Column("reference_key", sa.String(64)))
    op.add_column("submissions", sa.Column("replaces_id", sa.String(26)))
    op.create_index("ix_submissions_reference", "submissions", ["reference_key", "id"])
    op.add_column("message_recipients", sa.Column("order_key", sa.String(64)))
    op.create_index("ix_message_recipients_order", "message_recipients", ["order_key"])
    op.create_index("ix_submissions_lot", "submissions", ["lot_id"])
    op.create_index("ix_submissions_replaces", "submissions", ["replaces_id"])
