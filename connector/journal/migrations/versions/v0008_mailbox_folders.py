"""How far each folder of a mailbox is known, and a way to find a received message by its Message-ID.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "revision", "upgrade"]

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

_MARKS_OF_WHAT_IS_KNOWN = """
INSERT INTO mailbox_folders
    (mailbox, folder, uid_validity, listed_uid, history_uid, history_end, since, total, looked)
SELECT mailbox, folder, uid_validity, MAX(uid), MAX(uid), MAX(uid), NULL, 0, 0 FROM incoming AS seen
WHERE uid_validity = (
    SELECT MAX(uid_validity) FROM incoming AS newest
    WHERE newest.mailbox = seen.mailbox AND newest.folder = seen.folder
)
GROUP BY mailbox, folder, uid_validity
"""


def upgrade() -> None:
    """A table of its own; a folder that was read before goes on where it was, and decides nothing anew."""
    op.create_table(
        "mailbox_folders",
        sa.Column("mailbox", sa.String(320), primary_key=True),
        sa.Column("folder", sa.String(255), primary_key=True),
        sa.Column("uid_validity", sa.BigInteger, nullable=False),
        sa.Column("listed_uid", sa.BigInteger, nullable=False),
        sa.Column("history_uid", sa.BigInteger, nullable=False),
        sa.Column("history_end", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("looked", sa.Integer, nullable=False),
    )
    op.create_index("ix_incoming_header", "incoming", ["header_message_id"])
    op.execute(_MARKS_OF_WHAT_IS_KNOWN)
