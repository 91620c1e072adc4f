"""Freezing: the bytes that will leave are made once and kept, before the first attempt."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from connector.domain.address import MailboxAddress
from connector.domain.errors import IllegalTransition
from connector.domain.ports import reach
from connector.domain.states import OutgoingEvent, OutgoingState, RecipientState, next_outgoing
from connector.domain.submission import RecipientKind
from connector.journal import statements as sql
from connector.journal.outgoing import message_row
from connector.journal.payloads import payload_row
from connector.journal.records import FrozenMessage
from connector.journal.rows import known
from connector.journal.store import JournalPart, Writing

__all__ = ["Freezing"]


class Freezing(JournalPart):
    """From a submission to the messages that will leave."""

    def freeze(self, message_id: str, frozen: Sequence[FrozenMessage], *, replaces: str | None = None) -> list[str]:
        """Keep the bytes that will leave; a submission may become several messages here.

        The first one takes over this row, the others become rows of the same submission.

        Args:
            message_id: of a received message.
            frozen: together for exactly the recipients of that message.
            replaces: submission whose document this one replaces or withdraws.

        Returns:
            The row ids, in the order of ``frozen``.

        Raises:
            IllegalTransition: ``TRANSITION``: wrong state, none, or a recipient too few or too many.
            UnknownRow: ``INTROUVABLE``.
        """
        ids = [message_id, *(self._store.ids.ulid() for _ in frozen[1:])]
        payloads = [payload_row(self._store, row_id, f.content) for row_id, f in zip(ids, frozen, strict=False)]
        with self._store.write() as writing:
            row = message_row(writing, message_id)
            state = next_outgoing(known(OutgoingState, row.state), OutgoingEvent.FREEZE)
            before = writing.run(sql.RECIPIENTS, {"messages": [message_id]}).all()
            recipients = self._recipient_rows(ids, frozen, _kinds(before, frozen))
            writing.run(sql.ADD_PAYLOAD, payloads)
            _write_messages(writing, row, state, list(zip(ids, frozen, payloads, strict=True)))
            same = [each.address for each in before] == [row["address"] for row in recipients] and len(ids) == 1
            if not same or any(row["order_key"] for row in recipients):
                writing.run(sql.DROP_RECIPIENTS, {"message": message_id})
                writing.run(sql.ADD_RECIPIENT, recipients)
            if documents := _document_rows(ids, frozen):
                writing.run(sql.ADD_DOCUMENT, documents)
            if replaces is not None:
                writing.run(sql.SET_REPLACES, {"submission": row.submission_id, "earlier": replaces})
                writing.run(sql.BUMP_FIRST_MESSAGE, {"submission": replaces})
                writing.run(sql.BUMP_SUBMISSION, {"submission": replaces, "by": 1})  # its status file tells it
            writing.run(sql.BUMP_SUBMISSION, {"submission": row.submission_id, "by": len(frozen)})
            for row_id in ids:
                writing.note("freeze", mailbox=row.mailbox, subject_id=row_id, outcome=state)
        reach("journal.frozen")
        return ids

    def _recipient_rows(
        self, ids: list[str], frozen: Sequence[FrozenMessage], kinds: dict[MailboxAddress, RecipientKind]
    ) -> list[dict[str, Any]]:
        mark = self._store.vault.mark
        return [
            {
                "message_id": row_id, "position": position, "address": address, "kind": kinds[address],
                "state": RecipientState.PENDING, "code": 0, "text": "",
                "order_key": mark(f"{each.patient}\n{address}") if each.patient else None,
            }
            for row_id, each in zip(ids, frozen, strict=True)
            for position, address in enumerate(dict.fromkeys(each.recipients))
        ]  # fmt: skip


def _kinds(before: Sequence[Row[Any]], frozen: Sequence[FrozenMessage]) -> dict[MailboxAddress, RecipientKind]:
    """The recipients of a message, after having made sure that ``frozen`` serves exactly them."""
    kinds = {each.address: known(RecipientKind, each.kind) for each in before}
    served = {address for each in frozen for address in each.recipients}
    if not frozen or not all(each.recipients for each in frozen) or served != set(kinds):
        raise IllegalTransition("TRANSITION", "the frozen messages do not serve exactly the recipients")
    return kinds


def _write_messages(
    writing: Writing, row: Row[Any], state: OutgoingState, parts: list[tuple[str, FrozenMessage, dict[str, Any]]]
) -> None:
    """The first part changes the row, the others copy what they share with it."""
    common = {
        "state": state, "state_since": writing.now, "next_attempt_at": writing.now, "waiting_for": None, "code": None,
        "detail": None, "claim_owner": None, "claim_until": None,
    }  # fmt: skip
    copied = {name: getattr(row, name) for name in ("submission_id", "mailbox", "deadline_at", "lifetime_us")}
    for position, (row_id, frozen, payload) in enumerate(parts):
        content = {
            "header_message_id": frozen.header_message_id, "payload_id": payload["id"],
            "size_bytes": payload["size_bytes"], "document_codes": json.dumps(frozen.document_codes),
            "awaits_receipt": frozen.awaits_receipt,
        }  # fmt: skip
        if position == 0:
            writing.run(sql.CHANGE_MESSAGE, {**common, **content, "row": row_id, "revision": row.revision + 1})
        else:
            fresh = {"id": row_id, "position": position, "revision": 1, "attempts": 0, "data_begun": False}
            writing.run(sql.ADD_MESSAGE, {**common, **copied, **content, **fresh})


def _document_rows(ids: list[str], frozen: Sequence[FrozenMessage]) -> list[dict[str, Any]]:
    return [
        {"message_id": row_id, "position": position, "document_id": document}
        for row_id, each in zip(ids, frozen, strict=True)
        for position, document in enumerate(each.document_ids)
    ]
