"""The tables. Portable to PostgreSQL; what SQLite needs besides is in :mod:`connector.journal.store`.

Rules of the layout:

- *Big bytes and changing words never share a row*: payloads are written once, in a table of their own.
- Times are microseconds since 1970 in UTC (``BigInteger``): they sort, and mean the same in every database.
- What may name a patient (file names, subject, body) is in ``sealed`` columns, encrypted like a payload.
- Each question asked while working walks one index, so that its cost does not grow with the history.

A change here needs a migration; a test compares both.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

from connector.domain.address import MailboxAddress

__all__ = [
    "REVISION", "api_clients", "deliveries", "hl7_answers", "inbox_taken", "incoming", "mailbox_folders",
    "message_documents", "message_recipients", "messages", "meta", "metadata", "notices", "payloads",
    "receipts", "received_documents", "received_facts", "refused_drops", "replies", "request_keys",
    "submission_files", "submissions", "trace", "trace_checkpoints", "webhook_marks",
]  # fmt: skip

REVISION = "0008"
"""The newest migration; a journal with any other revision is migrated, or refused when we do not know it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware datetime as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """To the database; a naive datetime raises ``TypeError``."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        """From the database."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Address(TypeDecorator[MailboxAddress]):
    """A mailbox address as text; checked when it came in, so not parsed again."""

    impl = String(320)
    cache_ok = True

    def process_bind_param(self, value: MailboxAddress | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - as above
        """To the database."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> MailboxAddress | None:  # noqa: ARG002 - as above
        """From the database."""
        if value is None:
            return None
        local, _, domain = value.rpartition("@")
        return MailboxAddress(local, domain)


metadata = MetaData()

_ID = String(26)  # ULID
_HASH = String(64)  # lower-case hex SHA-256


meta = Table(
    "meta", metadata, Column("name", String(40), primary_key=True), Column("value", LargeBinary, nullable=False)
)
"""``key_check``: a known text under the journal's key, so that a wrong key is told at once."""

payloads = Table(
    "payloads",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("owner_id", _ID, nullable=False),  # submission, message or incoming row
    Column("sha256", _HASH, nullable=False),  # of the plain bytes
    Column("size_bytes", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),  # nonce and ciphertext; last, so that the rest is read without it
    Index("ix_payloads_owner", "owner_id"),
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("mailbox", Address, nullable=False),
    Column("source", String(10), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("fingerprint", _HASH, nullable=False),
    Column("duplicate_of", _ID),
    Column("lot_id", _ID),  # claim from which several submissions were made
    Column("reference_key", _HASH),  # keyed hash of the reference that the LPS gave
    Column("replaces_id", _ID),  # submission whose document this one replaces or withdraws
    Column("revision", Integer, nullable=False),  # sum over its messages
    Column("reported_revision", Integer, nullable=False),
    Column("unreported", Boolean, nullable=False),  # source is a folder and revision > reported_revision
    Column("answers_news", Boolean),  # empty: nobody waits for a ZAM; true: changed since it was looked at
    Column("sealed", LargeBinary, nullable=False),  # name, reference, subject, body, options, warnings, file names
    Index("ix_submissions_fingerprint", "fingerprint", "taken_at"),
    Index("ix_submissions_unreported", "mailbox", "unreported", "id"),
    Index("ix_submissions_mailbox", "mailbox", "id"),
    Index("ix_submissions_lot", "lot_id"),
    Index("ix_submissions_reference", "reference_key", "id"),
    Index("ix_submissions_replaces", "replaces_id"),
    Index("ix_submissions_answers", "mailbox", "answers_news", "id"),
)

submission_files = Table(
    "submission_files",
    metadata,
    Column("submission_id", _ID, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("role", String(12), nullable=False),
    Column("sha256", _HASH, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("payload_id", _ID, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("submission_id", _ID, nullable=False),
    Column("position", Integer, nullable=False),  # within its submission
    Column("mailbox", Address, nullable=False),
    Column("state", String(20), nullable=False),
    Column("state_since", Moment, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Moment),
    Column("deadline_at", Moment),
    Column("lifetime_us", BigInteger, nullable=False),  # deadline counted from the taking; a person's retry renews it
    Column("waiting_for", String(20)),
    Column("data_begun", Boolean, nullable=False),
    Column("settled_by", String(20)),  # the event by which it became sent
    Column("header_message_id", String(998)),
    Column("payload_id", _ID),
    Column("size_bytes", Integer),
    Column("document_codes", Text, nullable=False),  # JSON list
    Column("code", String(40)),
    Column("detail", String(500)),
    Column("answer", String(500)),
    Column("claim_owner", String(80)),
    Column("claim_until", Moment),
    Column("awaits_receipt", Boolean),  # one was asked for; empty in rows older than 0005
    UniqueConstraint("submission_id", "position", name="uq_messages_position"),
    Index("ix_messages_due", "mailbox", "state", "next_attempt_at", "id"),
    Index("ix_messages_state", "state", "next_attempt_at", "id"),
    Index("ix_messages_header", "header_message_id", unique=True),
)

message_recipients = Table(
    "message_recipients",
    metadata,
    Column("message_id", _ID, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("address", Address, nullable=False),
    Column("kind", String(4), nullable=False),
    Column("state", String(12), nullable=False),
    Column("code", Integer, nullable=False),
    Column("text", String(500), nullable=False),
    Column("order_key", String(64)),  # keyed hash of patient and address: what is sent in order
    Column("waits_since", Moment),  # accepted, and a receipt is to come: since then
    Index("ix_message_recipients_order", "order_key"),
    Index("ix_message_recipients_waits", "waits_since"),
)

message_documents = Table(
    "message_documents",
    metadata,
    Column("message_id", _ID, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("document_id", String(255), nullable=False),
    Index("ix_message_documents_document", "document_id"),
)

incoming = Table(
    "incoming",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("mailbox", Address, nullable=False),
    Column("folder", String(255), nullable=False),
    Column("uid_validity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("state_since", Moment, nullable=False),
    Column("received_at", Moment),
    Column("header_message_id", String(998), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("payload_id", _ID),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Moment),
    Column("code", String(40)),
    Column("detail", String(500)),
    Column("duplicate_of", _ID),
    Column("sealed", LargeBinary),  # prefix and files delivered
    Column("claim_owner", String(80)),
    Column("claim_until", Moment),
    UniqueConstraint("mailbox", "folder", "uid_validity", "uid", name="uq_incoming_place"),
    Index("ix_incoming_due", "mailbox", "state", "next_attempt_at", "id"),
    Index("ix_incoming_same", "mailbox", "sha256"),
    Index("ix_incoming_header", "header_message_id"),
)

mailbox_folders = Table(
    "mailbox_folders",
    metadata,
    Column("mailbox", Address, primary_key=True),
    Column("folder", String(255), primary_key=True),  # as the settings name it
    Column("uid_validity", BigInteger, nullable=False),
    Column("listed_uid", BigInteger, nullable=False),  # of what arrives, known up to here
    Column("history_uid", BigInteger, nullable=False),  # of what was there before, looked at up to here
    Column("history_end", BigInteger, nullable=False),  # the last of what was there before
    Column("since", Moment),  # what was there before counts from here on; empty = all of it
    Column("total", Integer, nullable=False),  # messages that were there before
    Column("looked", Integer, nullable=False),  # of them, so many were looked at
)
"""How far each folder of a mailbox is known; what ``first_connection`` decided is in it, for good."""

receipts = Table(
    "receipts",
    metadata,
    Column("message_id", _ID, primary_key=True),
    Column("incoming_id", _ID, primary_key=True),  # the message that brought it; "" when it came another way
    Column("position", Integer, primary_key=True),  # within it
    Column("at", Moment, nullable=False),
    Column("named", String(320), nullable=False),  # the address as the receipt has it
    Column("recipient", Address),  # whom of the message it is about; empty when that cannot be told
    Column("kind", String(20), nullable=False),
    Column("form", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("smtp_code", Integer, nullable=False),
    Column("integration_code", String(10), nullable=False),
    Column("text", String(500), nullable=False),
)
"""What was heard about single recipients, as it came; never changed."""

notices = Table(
    "notices",
    metadata,
    Column("incoming_id", _ID, primary_key=True),
    Column("slot", String(10), primary_key=True),  # each is used once for a message, whatever happens
    Column("kind", String(20), nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("codes", String(500), nullable=False),  # JSON list, of an integration failure
    Column("reason", String(40), nullable=False),  # why nothing was sent; "" when something was
    Column("message_id", _ID),  # that carries it
    Index("ix_notices_message", "message_id"),
)
"""Our answers to received messages: read receipts and notices of a failed integration."""

hl7_answers = Table(
    "hl7_answers",
    metadata,
    Column("message_id", _ID, primary_key=True),
    Column("address", Address, primary_key=True),
    Column("kind", String(3), primary_key=True),  # Z02 or Z03
    Column("answer", String(1), primary_key=True),  # Y or N
    Column("submission_id", _ID, nullable=False),
    Column("mailbox", Address, nullable=False),
    Column("number", Integer, nullable=False),  # within its submission, from 1
    Column("code", String(10), nullable=False),  # of a negative one: SMTP code, or 900 to 906
    Column("label", String(200), nullable=False),
    Column("at", Moment, nullable=False),  # when it was found to be due
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Moment),  # empty: nothing is left to do
    Column("outcome", String(10), nullable=False),  # "" until it is settled
    Column("detail", String(200), nullable=False),
    Index("ix_hl7_answers_due", "mailbox", "next_attempt_at"),
    Index("ix_hl7_answers_submission", "submission_id", "number"),
)
"""Business acknowledgements (ZAM) for the sender of an HL7 v2 order: each is decided once."""

trace = Table(
    "trace",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("action", String(40), nullable=False),
    Column("mailbox", String(320), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("server", String(255), nullable=False),
    Column("answer", String(300), nullable=False),
    Column("outcome", String(80), nullable=False),
    Column("previous_hash", _HASH, nullable=False),
    Column("hash", _HASH, nullable=False),
    Index("ix_trace_subject", "subject_id", "seq"),
)

trace_checkpoints = Table(
    "trace_checkpoints",
    metadata,
    Column("through_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("hash", _HASH, nullable=False),  # of the last entry that was dropped
)

api_clients = Table(
    "api_clients",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String(80), nullable=False),  # given by the person
    Column("token_hash", _HASH, nullable=False),  # of the whole token, which is kept nowhere
    Column("scopes", String(400), nullable=False),  # words, separated by blanks
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("last_used_at", Moment),  # to the hour
    Column("revoked_at", Moment),
)

request_keys = Table(
    "request_keys",
    metadata,
    Column("client_id", _ID, primary_key=True),
    Column("key_hash", _HASH, primary_key=True),  # of the Idempotency-Key: clients may write anything into it
    Column("request_hash", _HASH, nullable=False),
    Column("submission_id", _ID, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_request_keys_at", "at"),
)

inbox_taken = Table(
    "inbox_taken",
    metadata,
    Column("incoming_id", _ID, primary_key=True),
    Column("taken_at", Moment, nullable=False),
    Column("taken_by", String(80), nullable=False),  # name of the client
)

webhook_marks = Table(
    "webhook_marks",
    metadata,
    Column("name", String(40), primary_key=True),  # in the settings
    Column("number", BigInteger, nullable=False),  # of the last entry of the trace that was accepted
    Column("at", Moment, nullable=False),
)

refused_drops = Table(
    "refused_drops",
    metadata,
    Column("id", _ID, primary_key=True),  # of the claim
    Column("mailbox", Address, nullable=False),
    Column("at", Moment, nullable=False),
    Column("code", String(40), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # names of the files and of the note, the French sentence
    Column("seen_at", Moment),
    Column("seen_by", String(80)),  # the person, or the name of a client
    Index("ix_refused_drops_at", "at"),
    Index("ix_refused_drops_mailbox", "mailbox", "id"),
    Index("ix_refused_drops_seen", "seen_at", "id"),
)

received_documents = Table(
    "received_documents",
    metadata,
    Column("incoming_id", _ID, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("mailbox", Address, nullable=False),
    Column("document_id", String(255), nullable=False),  # "" for a message that only has an alert
    Column("set_id", String(255), nullable=False),
    Column("version", Integer),
    Column("sha256", String(64), nullable=False),
    Column("relation", String(20)),  # to a document received before, as it was when this one came
    Column("related_id", _ID),
    Index("ix_received_documents_id", "mailbox", "document_id", "incoming_id"),
    Index("ix_received_documents_set", "mailbox", "set_id", "version", "incoming_id"),
    Index("ix_received_documents_related", "related_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("incoming_id", _ID, primary_key=True),
    Column("mailbox", Address, nullable=False),
    Column("prefix", String(255), nullable=False),  # of the names in the LPS's folder
    Column("since", Moment, nullable=False),
    Column("stands", Boolean, nullable=False),  # the LPS has not taken it
    Column("overdue_at", Moment),  # when that was told, while it still stands
    Index("ix_deliveries_stands", "mailbox", "stands", "incoming_id"),
    Index("ix_deliveries_prefix", "mailbox", "prefix"),
    Index("ix_deliveries_overdue", "overdue_at"),
)

received_facts = Table(
    "received_facts",
    metadata,
    Column("incoming_id", _ID, primary_key=True),
    Column("alerts", String(20), nullable=False),  # of AA, HH, LL, separated by blanks, the worst first
    Column("warnings", String(500), nullable=False),  # codes of the catalogue, separated by blanks
    Column("identity", String(12), nullable=False),  # how sure it is whom the message is about
)
"""What the opening of a received message found, for lists; nothing that names a patient."""

replies = Table(
    "replies",
    metadata,
    Column("reply_id", _ID, primary_key=True),  # a submission or a received message
    Column("to_id", _ID, nullable=False),  # what it answers: a received message or a submission
    Index("ix_replies_to", "to_id"),
)
"""Answers in both directions."""
