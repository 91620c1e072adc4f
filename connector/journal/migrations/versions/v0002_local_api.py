"""The local API: its clients, requests that must not be carried out twice, and who took what arrived.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "revision", "upgrade"]

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

_ID, _HASH = sa.String(26), sa.String(64)


def upgrade() -> None:
    """Three tables of their own; nothing that was there is touched."""
    op.create_table(
        "api_clients",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("token_hash", _HASH, nullable=False),
        sa.Column("scopes", sa.String(400), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
    )
    op.create_table(
        "request_keys",
        sa.Column("client_id", _ID, primary_key=True),
        sa.Column("key_hash", _HASH, primary_key=True),
        sa.Column("request_hash", _HASH, nullable=False),
        sa.Column("submission_id", _ID, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_request_keys_at", "request_keys", ["at"])
    op.create_table(
        "inbox_taken",
        sa.Column("incoming_id", _ID, primary_key=True),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
        sa.Column("taken_by", sa.String(80), nullable=False),
    )
