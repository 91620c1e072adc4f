"""Bytes in the journal: encrypted before the transaction that owns them begins, written once, checked when read."""

import hashlib
from typing import Any

from connector.domain.submission import SourceKind
from connector.journal import statements as sql
from connector.journal.failure import PayloadCorrupt, PayloadMissing
from connector.journal.records import Letter
from connector.journal.rows import send_options
from connector.journal.store import JournalPart, Store

__all__ = ["Payloads", "payload_row"]


def payload_row(store: Store, owner_id: str, content: bytes, *, sha256: str | None = None) -> dict[str, Any]:
    """A row for :data:`connector.journal.statements.ADD_PAYLOAD`, with an id of its own.

    Args:
        store: gives the id and the vault.
        owner_id: the submission, message or incoming row to which the bytes belong.
        content: plain bytes.
        sha256: their hash when it is known already.
    """
    payload_id = store.ids.ulid()
    return {
        "id": payload_id, "owner_id": owner_id, "sha256": sha256 or hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content), "data": store.vault.encrypt(payload_id, content),
    }  # fmt: skip


class Payloads(JournalPart):
    """Reading bytes back."""

    def payload(self, payload_id: str) -> bytes:
        """The plain bytes.

        Raises:
            PayloadMissing: ``PAYLOAD_ABSENT``: dropped after the retention time, or never there.
            PayloadCorrupt: ``PAYLOAD_ALTERE``: they are not what was put in. The row is left as it is.
            Unavailable: ``JOURNAL_INDISPONIBLE``.
        """
        with self._store.read() as connection:
            row = connection.execute(sql.PAYLOAD, {"payload": payload_id}).first()
        if row is None:
            raise PayloadMissing(payload_id)
        return self._opened(payload_id, row.data, row.sha256)

    def letter(self, message_id: str) -> Letter:
        """What a frozen message brings to the operator, in one question since every message asks it.

        Raises:
            PayloadMissing: ``PAYLOAD_ABSENT``: dropped after the retention time, or never frozen.
            PayloadCorrupt: ``PAYLOAD_ALTERE``.
            Unavailable: ``JOURNAL_INDISPONIBLE``.
        """
        with self._store.read() as connection:
            row = connection.execute(sql.LETTER, {"message": message_id}).first()
        if row is None:
            raise PayloadMissing(message_id)
        content = self._opened(row.id, row.data, row.sha256)
        options = send_options(self._store.vault, row.submission_id, row.sealed)
        return Letter(content, options, is_notice=row.source == SourceKind.NOTICE)

    def _opened(self, payload_id: str, stored: bytes, sha256: str) -> bytes:
        content = self._store.vault.decrypt(payload_id, stored)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise PayloadCorrupt(payload_id)
        return content
