"""What a program can ask about what arrived, and how it answers."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from connector.client.asking import Asking, Preview, moment
from connector.client.link import read_as
from connector.client.models.answers import AnswerModel, ThreadModel
from connector.client.models.inbox import InboxItemModel, InboxMessageModel, InboxModel
from connector.client.models.messages import MessageModel

__all__ = ["InboxCalls"]


class InboxCalls(Asking):
    """The inbox; part of :class:`connector.client.connection.Connection`."""

    def inbox(
        self, *, mailbox: str | None = None, states: Sequence[str] = (), taken: bool | None = None,
        since: datetime | None = None, until: datetime | None = None, cursor: str | None = None, limit: int = 50,
    ) -> InboxModel:  # fmt: skip
        """A page of received messages, newest first; ``next_cursor`` leads to the next.

        Args:
            mailbox: folder name or address.
            states: only these.
            taken: only those that an application has taken, or that none has.
            since: only what came to the connector then or later; aware.
            until: only what came to it before; aware.
            cursor: of the page before.
            limit: at most that many.
        """
        wanted = {
            "mailbox": mailbox, "state": list(states), "taken": taken, "since": moment(since),
            "until": moment(until), "cursor": cursor, "limit": limit,
        }  # fmt: skip
        return self._get("/api/v1/inbox", InboxModel, wanted)

    def inbox_message(self, inbox_id: str) -> InboxMessageModel:
        """One received message, opened."""
        return self._get(_inbox(inbox_id), InboxMessageModel)

    def inbox_document(self, inbox_id: str, number: int) -> bytes:
        """The bytes of one of its documents."""
        return self.ask("GET", f"{_inbox(inbox_id)}/documents/{number}").content

    def inbox_preview(self, inbox_id: str, number: int, *, page: int | None = None) -> Preview:
        """One of its documents to look at, built anew so that nothing in it runs.

        Args:
            inbox_id: of the message.
            number: of the document.
            page: of a PDF, or of the PDF inside a CDA, from 1; ``None`` = HTML, and of a PDF the first page.

        Raises:
            ServiceError: ``APERCU_IMPOSSIBLE``: it can only be saved.
        """
        return self._preview(f"{_inbox(inbox_id)}/documents/{number}", page)

    def inbox_raw(self, inbox_id: str) -> bytes:
        """The whole message as the operator gave it."""
        return self.ask("GET", f"{_inbox(inbox_id)}/raw").content

    def take(self, inbox_id: str) -> InboxItemModel:
        """Say that you have it."""
        return self._send("POST", f"{_inbox(inbox_id)}/taken", InboxItemModel)

    def send_read_receipt(self, inbox_id: str, *, send: bool = True) -> AnswerModel:
        """Let the sender of a received message know that it was read; or not, and ask nobody any more."""
        return self._send("POST", f"{_inbox(inbox_id)}/read-receipt", AnswerModel, {"send": send})

    def report_integration(self, inbox_id: str, failures: Sequence[Mapping[str, Any]] = ()) -> AnswerModel:
        """Say that a received message is integrated, or why not.

        Args:
            inbox_id: of the message.
            failures: one for each document that failed, see :class:`connector.client.models.answers.FailureModel`;
                none: all is well.
        """
        body = {"result": "failed" if failures else "ok", "failures": [dict(each) for each in failures]}
        return self._send("POST", f"{_inbox(inbox_id)}/integration", AnswerModel, body)

    def send_failure_notice(self, inbox_id: str, *, send: bool = True) -> AnswerModel:
        """Let the notice of a failed integration go that waits for a person; or not."""
        return self._send("POST", f"{_inbox(inbox_id)}/failure-notice", AnswerModel, {"send": send})

    def reply(
        self, inbox_id: str, body: str, documents: Mapping[str, bytes] | None = None, *,
        reference: str | None = None, options: Mapping[str, Any] | None = None,
        patient: Mapping[str, Any] | None = None, files: Sequence[Mapping[str, Any]] = (), key: str | None = None,
    ) -> MessageModel:  # fmt: skip
        """Answer a received message, in its thread, at its Reply-To or sender; when this returns, the answer is kept.

        Args:
            inbox_id: of the message.
            body: plain text.
            documents: file name to content.
            reference: your own number.
            options: as for :meth:`submit`.
            patient: likewise.
            files: likewise.
            key: likewise.
        """
        head = {
            "body": body, "reference": reference, "options": dict(options or {}),
            "patient": dict(patient) if patient else None, "files": [dict(file) for file in files],
        }  # fmt: skip
        parts: list[tuple[str, Any]] = [("message", (None, json.dumps(head, default=str), "application/json"))]
        given = documents or {}
        parts += [("documents", (name, content, "application/octet-stream")) for name, content in given.items()]
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return read_as(self.ask("POST", f"{_inbox(inbox_id)}/reply", files=parts, headers=headers), MessageModel)

    def end_exchange(self, inbox_id: str, *, body: str | None = None, earlier_too: bool = False) -> MessageModel:
        """Say a last word to a citizen who wrote, and who cannot answer it.

        Args:
            inbox_id: of the message.
            body: plain text; a sentence of the connector's when there is none.
            earlier_too: takes the answer to all earlier messages away as well.

        Raises:
            ServiceError: ``FIN_SANS_PATIENT``: it does not come from a citizen.
        """
        asked = {"body": body, "earlier_too": earlier_too}
        return self._send("POST", f"{_inbox(inbox_id)}/end-exchange", MessageModel, asked)

    def requeue(self, inbox_id: str) -> InboxItemModel:
        """Have a received message given to the software once more."""
        return self._send("POST", f"{_inbox(inbox_id)}/requeue", InboxItemModel)

    def thread(self, inbox_id: str) -> ThreadModel:
        """Everything that belongs to a received message, oldest first."""
        return self._get(f"{_inbox(inbox_id)}/thread", ThreadModel)


def _inbox(inbox_id: str) -> str:
    return f"/api/v1/inbox/{quote(inbox_id, safe='')}"
