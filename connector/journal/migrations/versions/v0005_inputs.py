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
    _submissions()
    _received_documents()
    _receipts()
    _notices()
    _hl7_answers()


def _submissions() -> None:
    """Of which lot, under which reference, in place of what; and what goes in order."""
    op.add_column("submissions", sa.Column("lot_id", sa.String(26)))
    op.add_column("submissions", sa.Column("reference_key", sa.String(64)))
    op.add_column("submissions", sa.Column("replaces_id", sa.String(26)))
    op.create_index("ix_submissions_reference", "submissions", ["reference_key", "id"])
    op.add_column("message_recipients", sa.Column("order_key", sa.String(64)))
    op.create_index("ix_message_recipients_order", "message_recipients", ["order_key"])
    op.create_index("ix_submissions_lot", "submissions", ["lot_id"])
    op.create_index("ix_submissions_replaces", "submissions", ["replaces_id"])


def _received_documents() -> None:
    """What a received document is to those before it."""
    op.create_table(
        "received_documents",
        sa.Column("incoming_id", sa.String(26), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("mailbox", sa.String(320), nullable=False),
        sa.Column("document_id", sa.String(255), nullable=False),
        sa.Column("set_id", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("relation", sa.String(20)),
        sa.Column("related_id", sa.String(26)),
    )
    op.create_index("ix_received_documents_id", "received_documents", ["mailbox", "document_id", "incoming_id"])
    op.create_index(
        "ix_received_documents_set", "received_documents", ["mailbox", "set_id", "version", "incoming_id"]
    )
    op.create_index("ix_received_documents_related", "received_documents", ["related_id"])


def _receipts() -> None:
    """What came back about a message, and since when it is waited for."""
    op.add_column("messages", sa.Column("awaits_receipt", sa.Boolean))
    op.add_column("message_recipients", sa.Column("waits_since", sa.BigInteger))
    op.create_index("ix_message_recipients_waits", "message_recipients", ["waits_since"])
    op.create_table(
        "receipts",
        sa.Column("message_id", sa.String(26), primary_key=True),
        sa.Column("incoming_id", sa.String(26), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("named", sa.String(320), nullable=False),
        sa.Column("recipient", sa.String(320)),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("form", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("smtp_code", sa.Integer, nullable=False),
        sa.Column("integration_code", sa.String(10), nullable=False),
        sa.Column("text", sa.String(500), nullable=False),
    )


def _notices() -> None:
    """What the sender of a received message heard from us."""
    op.create_table(
        "notices",
        sa.Column("incoming_id", sa.String(26), primary_key=True),
        sa.Column("slot", sa.String(10), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("codes", sa.String(500), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("message_id", sa.String(26)),
    )
    op.create_index("ix_notices_message", "notices", ["message_id"])


def _hl7_answers() -> None:
    """What the software that sent an order is told."""
    op.add_column("submissions", sa.Column("answers_news", sa.Boolean))
    op.create_index("ix_submissions_answers", "submissions", ["mailbox", "answers_news", "id"])
    op.create_table(
        "hl7_answers",
        sa.Column("message_id", sa.String(26), primary_key=True),
        sa.Column("address", sa.String(320), primary_key=True),
        sa.Column("kind", sa.String(3), primary_key=True),
        sa.Column("answer", sa.String(1), primary_key=True),
        sa.Column("submission_id", sa.String(26), nullable=False),
        sa.Column("mailbox", sa.String(320), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("code", sa.String(10), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("detail", sa.String(200), nullable=False),
    )
    op.create_index("ix_hl7_answers_due", "hl7_answers", ["mailbox", "next_attempt_at"])
    op.create_index("ix_hl7_answers_submission", "hl7_answers", ["submission_id", "number"])
