"""What a program can ask of the connector, one method per question."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, Unpack
from urllib.parse import quote

from connector.client.asking import Preview, moment
from connector.client.discovery import Endpoint
from connector.client.failure import ServiceUnknown, SeveralMessages
from connector.client.inbox import InboxCalls
from connector.client.link import as_object, read_as
from connector.client.models.card import CardStatusModel, CardTestModel
from connector.client.models.check import CheckModel
from connector.client.models.doctor import DoctorModel
from connector.client.models.events import EventModel
from connector.client.models.mailboxes import CodeStateModel, MailboxesModel, MailboxModel, TokenStateModel
from connector.client.models.messages import LotModel, MessageDetailModel, MessageModel, MessagesModel
from connector.client.models.refusals import RefusalModel, RefusalsModel
from connector.client.submission import Said, submission_parts

__all__ = ["Connection", "Preview", "StreamEvent"]


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of the stream."""

    name: str  # message, inbox, connector; hello, state, reset
    number: int | None  # where to go on; None: it changes nothing about that
    event: EventModel | None = None  # of message, inbox, connector


class Connection(InboxCalls):
    """Asks the connector that a discovery file describes, with the person's own token. Not thread-safe.

    An application has a token of its own: see :meth:`for_application`.
    """

    @classmethod
    def for_application(cls, token: str, *, host: str = "127.0.0.1", port: int = 8723, language: str = "fr") -> Self:
        """With the token of an application, which cannot tell whether the other side is the connector.

        Args:
            token: from ``mss-connector client add``, or from pairing.
            host: as in the settings.
            port: likewise.
            language: for the ``title`` of problems.
        """
        return cls(Endpoint(host=host, port=port, token=token), language=language, proves=False)

    # --- how it is ---

    def health(self) -> dict[str, Any]:
        """The health tree: ``status``, ``version``, ``components`` below."""
        tree = as_object(self.ask("GET", "/api/v1/health"))
        if "status" not in tree:
            raise ServiceUnknown("the answer is not a health tree; another version?")
        return tree

    def card(self) -> CardStatusModel:
        """Readers and cards as they are now."""
        return self._get("/api/v1/card", CardStatusModel)

    def unlock_card(self, pin: str | None, *, serial: str = "", accept_last_try: bool = False) -> CardStatusModel:
        """Give one PIN to one card, once; ``None`` lets the person type it at the reader.

        Raises:
            ServiceError: as :meth:`connector.identities.card.status.CardPort.unlock`.
        """
        body = {"pin": pin, "serial": serial, "accept_last_try": accept_last_try}
        return self._send("POST", "/api/v1/card/unlock", CardStatusModel, body)

    def lock_card(self) -> CardStatusModel:
        """Forget that the PIN was typed."""
        return self._send("POST", "/api/v1/card/lock", CardStatusModel)

    def test_card(self, *, serial: str = "") -> CardTestModel:
        """Sign something meaningless and verify it."""
        return self._send("POST", "/api/v1/card/test", CardTestModel, {"serial": serial})

    def mailboxes(self) -> list[MailboxModel]:
        """The mailboxes, and what each waits for."""
        return self._get("/api/v1/mailboxes", MailboxesModel).items

    def put_token(self, box: str, token: str, *, expires_in: int | None = None) -> TokenStateModel:
        """Hand over a Pro Santé Connect access token; it is kept in memory only.

        Args:
            box: folder name or address of the mailbox.
            token: without ``Bearer``.
            expires_in: seconds, as the token came with.
        """
        body = {"access_token": token, "expires_in": expires_in}
        return self._send("PUT", f"{_mailbox(box)}/token", TokenStateModel, body)

    def forget_token(self, box: str) -> None:
        """Drop the token of a mailbox and end the sessions that it opened."""
        self.ask("DELETE", f"{_mailbox(box)}/token")

    def code_state(self, box: str) -> CodeStateModel:
        """Where the session of a mailbox stands that opens with a one-time code."""
        return self._get(f"{_mailbox(box)}/code", CodeStateModel)

    def start_code(self, box: str) -> CodeStateModel:
        """Have the operator send a code to the person."""
        return self._send("POST", f"{_mailbox(box)}/code/start", CodeStateModel)

    def give_code(self, box: str, code: str) -> CodeStateModel:
        """Give the code that the person received, once."""
        return self._send("POST", f"{_mailbox(box)}/code", CodeStateModel, {"code": code})

    def unlock_code(self, box: str) -> CodeStateModel:
        """A person has checked login and password: a code may be asked for again."""
        return self._send("POST", f"{_mailbox(box)}/code/unlock", CodeStateModel)

    # --- what is sent ---

    def submit(
        self, mailbox: str, documents: Mapping[str, bytes], *, key: str | None = None, **said: Unpack[Said]
    ) -> MessageModel:
        """Give documents to be sent; when this returns, they are kept.

        Args:
            mailbox: sender: folder name or address.
            documents: file name to content.
            key: tells a repeated request from a new one; give the same again after a break. Default: a new one.
            said: what else there is to say; see :class:`connector.client.submission.Said`.

        Raises:
            ServiceError: it cannot be sent as it is.
            SeveralMessages: it became several messages, and they are kept; see :meth:`submit_all`.
        """
        found = self.submit_all(mailbox, documents, key=key, **said)
        if len(found) > 1:
            raise SeveralMessages([each.id for each in found])
        return found[0]

    def submit_all(
        self, mailbox: str, documents: Mapping[str, bytes], *, key: str | None = None, **said: Unpack[Said]
    ) -> list[MessageModel]:
        """The same for documents of several patients, or files of several messages or records: one message for each.

        Raises:
            ServiceError: one of them cannot be sent as it is, and nothing was kept.
        """
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        answer = self.ask(
            "POST", "/api/v1/messages", files=submission_parts(mailbox, documents, said), headers=headers
        )
        if "items" in as_object(answer):
            return read_as(answer, LotModel).items
        return [read_as(answer, MessageModel)]

    def check(self, mailbox: str, documents: Mapping[str, bytes], **said: Unpack[Said]) -> CheckModel:
        """Everything that is wrong with documents, and what would become of them. Nothing is stored, nothing leaves.

        Args:
            mailbox: as for :meth:`submit`.
            documents: as for :meth:`submit`.
            said: as for :meth:`submit`.

        Raises:
            ServiceError: the request itself cannot be understood.
        """
        return read_as(
            self.ask("POST", "/api/v1/check", files=submission_parts(mailbox, documents, said)), CheckModel
        )

    def messages(
        self, *, mailbox: str | None = None, states: Sequence[str] = (), text: str = "", reference: str | None = None,
        since: datetime | None = None, until: datetime | None = None, cursor: str | None = None, limit: int = 50,
    ) -> MessagesModel:  # fmt: skip
        """A page of messages, newest first; ``next_cursor`` leads to the next.

        Args:
            mailbox: folder name or address.
            states: only those with an e-mail in one of these.
            text: words that must all occur.
            reference: exactly the one that was given.
            since: only what came to the connector then or later; aware.
            until: only what came to it before; aware.
            cursor: of the page before.
            limit: at most that many.
        """
        wanted = {
            "mailbox": mailbox, "state": list(states), "q": text, "reference": reference, "since": moment(since),
            "until": moment(until), "cursor": cursor, "limit": limit,
        }  # fmt: skip
        return self._get("/api/v1/messages", MessagesModel, wanted)

    def message(self, message_id: str) -> MessageDetailModel:
        """One message with its story."""
        return self._get(_message(message_id), MessageDetailModel)

    def original(self, message_id: str, number: int) -> bytes:
        """The bytes of one of the files that were given, while they are kept."""
        return self.ask("GET", f"{_message(message_id)}/documents/{number}").content

    def original_preview(self, message_id: str, number: int, *, page: int | None = None) -> Preview:
        """One of them to look at; see :meth:`inbox_preview`."""
        return self._preview(f"{_message(message_id)}/documents/{number}", page)

    def retry(self, message_id: str) -> MessageModel:
        """Try again now, to those who did not get it."""
        return self._decide(message_id, "retry")

    def cancel(self, message_id: str) -> MessageModel:
        """Give up what has not left."""
        return self._decide(message_id, "cancel")

    def release(self, message_id: str) -> MessageModel:
        """Let a duplicate leave, or a message whose outcome is unknown leave again."""
        return self._decide(message_id, "release")

    def replace(
        self, message_id: str, recipients: Sequence[str], *, copies: Sequence[str] = (), key: str | None = None
    ) -> MessageModel:
        """Send the documents of a message anew, to corrected recipients; gives the new message.

        Args:
            message_id: the earlier one, which stays as it is.
            recipients: addresses; only of people who did not get it and will not.
            copies: likewise.
            key: as for :meth:`submit`.

        Raises:
            ServiceError: ``TRANSITION``: somebody named has it, or still may get it.
        """
        named = {"recipients": recipients, "copies": copies}
        body = {name: [{"address": each} for each in some] for name, some in named.items()}
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return read_as(self.ask("POST", f"{_message(message_id)}/replace", body, headers=headers), MessageModel)

    # --- what was refused before it became a message ---

    def refusals(
        self, *, mailbox: str | None = None, unseen: bool = False, cursor: str | None = None, limit: int = 50
    ) -> RefusalsModel:  # fmt: skip
        """A page of refused drops, newest first; ``next_cursor`` leads to the next."""
        wanted = {"mailbox": mailbox, "unseen": unseen, "cursor": cursor, "limit": limit}
        return self._get("/api/v1/refusals", RefusalsModel, wanted)

    def refusal(self, refusal_id: str) -> RefusalModel:
        """One refused drop."""
        return self._get(_refusal(refusal_id), RefusalModel)

    def see_refusal(self, refusal_id: str) -> RefusalModel:
        """Say that it was seen: it asks for nobody any more."""
        return self._send("POST", f"{_refusal(refusal_id)}/seen", RefusalModel)

    # --- what is wrong ---

    def start_doctor(self) -> DoctorModel:
        """Let the doctor look at everything, in the background; a run that is going on goes on."""
        return self._send("POST", "/api/v1/doctor", DoctorModel)

    def doctor(self) -> DoctorModel:
        """How far the doctor is, and what it has found."""
        return self._get("/api/v1/doctor", DoctorModel)

    def support_bundle(self) -> bytes:
        """What a vendor needs to see, as a zip archive; takes seconds."""
        return self.ask("POST", "/api/v1/support-bundle").content

    # --- what happens ---

    def events(self, after: int | None = None) -> Iterator[StreamEvent]:
        """Follow what happens, until the connector stops; then ask again with the last number.

        Args:
            after: number of the last event that is known; ``None`` = from now on.

        Raises:
            ServiceUnreachable: ``SERVICE_ARRETE``: the connection broke.
        """
        headers = {"Last-Event-ID": str(after)} if after is not None else {}
        with self.stream("/api/v1/events", headers=headers) as lines:
            yield from _events(lines)

    def _decide(self, message_id: str, decision: str) -> MessageModel:
        return self._send("POST", f"{_message(message_id)}/{decision}", MessageModel)


def _mailbox(box: str) -> str:
    """The address of a mailbox; whatever its name holds stays one step of the path."""
    return f"/api/v1/mailboxes/{quote(box, safe='@')}"


def _message(message_id: str) -> str:
    return f"/api/v1/messages/{quote(message_id, safe='')}"


def _refusal(refusal_id: str) -> str:
    return f"/api/v1/refusals/{quote(refusal_id, safe='')}"


def _events(lines: Iterator[str]) -> Iterator[StreamEvent]:
    """Lines of server-sent events (HTML, section 9.2) as events; comments and hints are left out."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif not line:
            if "event" in fields:
                yield _event(fields)
            fields = {}


def _event(fields: Mapping[str, str]) -> StreamEvent:
    name, number = fields["event"], fields.get("id")
    known = name in ("message", "inbox", "connector")
    event = EventModel.model_validate_json(fields.get("data", "")) if known else None
    return StreamEvent(name, int(number) if number is not None else None, event)
