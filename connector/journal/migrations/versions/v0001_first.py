"""The first schema: submissions, messages, incoming, payloads, trace; and the triggers that keep them honest.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "revision", "upgrade"]

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_ID, _HASH, _ADDRESS = sa.String(26), sa.String(64), sa.String(320)


def upgrade() -> None:
    """Make everything; there is no way back, a backup is the way back."""
    _payloads()
    _submissions()
    _messages()
    _details()
    _incoming()
    _trace()
    _guards()


def _payloads() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "payloads",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("owner_id", _ID, nullable=False),
        sa.Column("sha256", _HASH, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_payloads_owner", "payloads", ["owner_id"])


def _submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("mailbox", _ADDRESS, nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
        sa.Column("fingerprint", _HASH, nullable=False),
        sa.Column("duplicate_of", _ID),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("reported_revision", sa.Integer, nullable=False),
        sa.Column("unreported", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_submissions_fingerprint", "submissions", ["fingerprint", "taken_at"])
    op.create_index("ix_submissions_unreported", "submissions", ["mailbox", "unreported", "id"])
    op.create_index("ix_submissions_mailbox", "submissions", ["mailbox", "id"])
    op.create_table(
        "submission_files",
        sa.Column("submission_id", _ID, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("sha256", _HASH, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("payload_id", _ID, nullable=False),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("submission_id", _ID, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("mailbox", _ADDRESS, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger),
        sa.Column("deadline_at", sa.BigInteger),
        sa.Column("lifetime_us", sa.BigInteger, nullable=False),
        sa.Column("waiting_for", sa.String(20)),
        sa.Column("data_begun", sa.Boolean, nullable=False),
        sa.Column("settled_by", sa.String(20)),
        sa.Column("header_message_id", sa.String(998)),
        sa.Column("payload_id", _ID),
        sa.Column("size_bytes", sa.Integer),
        sa.Column("document_codes", sa.Text, nullable=False),
        sa.Column("code", sa.String(40)),
        sa.Column("detail", sa.String(500)),
        sa.Column("answer", sa.String(500)),
        sa.Column("claim_owner", sa.String(80)),
        sa.Column("claim_until", sa.BigInteger),
        sa.UniqueConstraint("submission_id", "position", name="uq_messages_position"),
    )
    op.create_index("ix_messages_due", "messages", ["mailbox", "state", "next_attempt_at", "id"])
    op.create_index("ix_messages_state", "messages", ["state", "next_attempt_at", "id"])
    op.create_index("ix_messages_header", "messages", ["header_message_id"], unique=True)


def _details() -> None:
    op.create_table(
        "message_recipients",
        sa.Column("message_id", _ID, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("address", _ADDRESS, nullable=False),
        sa.Column("kind", sa.String(4), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("code", sa.Integer, nullable=False),
        sa.Column("text", sa.String(500), nullable=False),
    )
    op.create_table(
        "message_documents",
        sa.Column("message_id", _ID, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("document_id", sa.String(255), nullable=False),
    )
    op.create_index("ix_message_documents_document", "message_documents", ["document_id"])


def _incoming() -> None:
    op.create_table(
        "incoming",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("mailbox", _ADDRESS, nullable=False),
        sa.Column("folder", sa.String(255), nullable=False),
        sa.Column("uid_validity", sa.BigInteger, nullable=False),
        sa.Column("uid", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger),
        sa.Column("header_message_id", sa.String(998), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("payload_id", _ID),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger),
        sa.Column("code", sa.String(40)),
        sa.Column("detail", sa.String(500)),
        sa.Column("duplicate_of", _ID),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("claim_owner", sa.String(80)),
        sa.Column("claim_until", sa.BigInteger),
        sa.UniqueConstraint("mailbox", "folder", "uid_validity", "uid", name="uq_incoming_place"),
    )
    op.create_index("ix_incoming_due", "incoming", ["mailbox", "state", "next_attempt_at", "id"])
    op.create_index("ix_incoming_same", "incoming", ["mailbox", "sha256"])


def _trace() -> None:
    op.create_table(
        "trace",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("mailbox", _ADDRESS, nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("server", sa.String(255), nullable=False),
        sa.Column("answer", sa.String(300), nullable=False),
        sa.Column("outcome", sa.String(80), nullable=False),
        sa.Column("previous_hash", _HASH, nullable=False),
        sa.Column("hash", _HASH, nullable=False),
    )
    op.create_index("ix_trace_subject", "trace", ["subject_id", "seq"])
    op.create_table(
        "trace_checkpoints",
        sa.Column("through_seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("hash", _HASH, nullable=False),
    )


_UNCHECKED = "OLD.seq > (SELECT COALESCE(MAX(through_seq), 0) FROM trace_checkpoints)"
_GUARDS = (
    ("payloads", "UPDATE", ""),
    ("trace", "UPDATE", ""),
    ("trace", "DELETE", _UNCHECKED),
    ("trace_checkpoints", "UPDATE", ""),
    ("trace_checkpoints", "DELETE", ""),
)
"""Table, what is forbidden, and when (always if empty). Trace rows may go once a checkpoint has taken their place."""


def _guards() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, verb, condition in _GUARDS:
            when = f" WHEN {condition}" if condition else ""
            op.execute(
                f"CREATE TRIGGER guard_{table}_{verb.lower()} BEFORE {verb} ON {table}{when} "
                f"BEGIN SELECT RAISE(ABORT, '{verb} is forbidden on {table}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION journal_forbidden() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is forbidden on %', TG_OP, TG_TABLE_NAME; END $$"
    )
    op.execute(
        "CREATE FUNCTION journal_trace_kept() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {_UNCHECKED} THEN RAISE EXCEPTION 'DELETE is forbidden on trace'; END IF; RETURN OLD; END $$"
    )
    for table, verb, condition in _GUARDS:
        function = "journal_trace_kept" if condition else "journal_forbidden"
        op.execute(
            f"CREATE TRIGGER guard_{table}_{verb.lower()} BEFORE {verb} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
