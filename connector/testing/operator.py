"""An operator in memory: doubles of :mod:`connector.operators.base`, as strict as the real ones.

What a :class:`FakeSender` accepts lands in the mailboxes of the :class:`FakeOperator` with exactly its bytes, and can
be read by a :class:`FakeReceiver`. The moods are those of :mod:`connector.sandbox.moods`. One contract suite
(``tests/operators/test_contract.py``) runs against these and against the real thing.
"""

import asyncio
import itertools
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from connector.domain.address import MailboxAddress
from connector.domain.ports import Clock, reach
from connector.identities.base import Identity
from connector.operators.base import (
    Acceptance,
    FetchedMessage,
    Lookup,
    OutgoingEnvelope,
    Receiver,
    RecipientAnswer,
    Sender,
    ServerMessage,
    SubmissionLimits,
)
from connector.operators.errors import (
    AuthenticationRefused,
    ConnectionFailed,
    OutcomeUnknown,
    PermanentRefusal,
    TemporaryRefusal,
)
from connector.sandbox.moods import Mood, MoodKind, Moods
from connector.sandbox.receipts import DeliveryStatus, delivery_report
from connector.testing.clock import FakeClock
from connector.testing.session import FakeSession

__all__ = ["DONE_FLAGS", "FakeOperator", "FakeReceiver", "FakeSender", "StoredMessage"]

DONE_FLAGS = frozenset({"\\Seen", "$MSSConnectorDone"})
ASK_STOP_SECONDS = 0.05
_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)
_RECIPIENT_MOODS = {
    MoodKind.REFUSE_RECIPIENT: (550, "5.1.1 Recipient address rejected: mailbox unknown"),
    MoodKind.DEFER_RECIPIENT: (451, "4.7.1 Try again later"),
    MoodKind.MAILBOX_FULL: (452, "4.2.2 Mailbox full"),
}


@dataclass(slots=True)
class StoredMessage:
    """One message in a folder."""

    uid: int
    content: bytes = field(repr=False)
    received_at: datetime
    flags: set[str] = field(default_factory=set)

    @property
    def message_id(self) -> str:
        """As in the header, with angle brackets; empty when there is none."""
        match = _MESSAGE_ID.search(self.content.partition(b"\r\n\r\n")[0] + b"\r\n")
        return match[1].decode("ascii", "replace") if match else ""


@dataclass(slots=True)
class _Folder:
    uid_validity: int
    messages: list[StoredMessage] = field(default_factory=list)
    next_uid: int = 1


class FakeOperator:
    """Mailboxes in memory; every method may be called from any thread.

    Args:
        mailboxes: addresses; no other recipient exists.
        clock: dates of arrival.
        max_bytes: announced as SIZE; ``None`` = not announced.
        offers_dsn: announce DSN and send the receipts that are asked for.
        files_sent: whether a Sent folder exists in which every sent message is filed.
    """

    def __init__(
        self,
        mailboxes: Iterable[MailboxAddress | str],
        *,
        clock: Clock | None = None,
        max_bytes: int | None = 26_214_400,
        offers_dsn: bool = True,
        files_sent: bool = True,
    ) -> None:
        self.moods = Moods()
        self.clock: Clock = clock or FakeClock()
        self.max_bytes = max_bytes
        self.offers_dsn = offers_dsn
        self.files_sent = files_sent
        self.online = True
        self.accepted: list[OutgoingEnvelope] = []
        self.refused_secrets: set[str] = set()  # tokens and passwords; nobody logs in with them
        self.shown_secrets: list[str] = []  # in the order in which they came, refused ones too
        self._news = threading.Condition()
        self._numbers = itertools.count(1)
        names = ("INBOX", "Sent") if files_sent else ("INBOX",)
        self._folders = {
            (str(address).lower(), name): _Folder(next(self._numbers)) for address in mailboxes for name in names
        }

    def sender(self, address: MailboxAddress | str, identity: Identity | None = None) -> "FakeSender":
        """A double of :class:`connector.operators.base.Sender` for one mailbox, of whoever holds it."""
        return FakeSender(self, str(address), identity=identity)

    def receiver(self, address: MailboxAddress | str, identity: Identity | None = None) -> "FakeReceiver":
        """A double of :class:`connector.operators.base.Receiver` for one mailbox, of whoever holds it."""
        return FakeReceiver(self, str(address), identity)

    def session(self, address: str, identity: Identity | None) -> FakeSession:
        """A login that has not been made yet, for the doubles of this module."""
        return FakeSession(identity, partial(self.check_reachable, address), self._refuses)

    def _refuses(self, secret: str) -> bool:
        self.shown_secrets.append(secret)
        return secret in self.refused_secrets

    def knows(self, address: MailboxAddress | str) -> bool:
        """True for a mailbox of this operator."""
        return (str(address).lower(), "INBOX") in self._folders

    def mood(
        self, kind: MoodKind | str, *, address: str = "", times: int | None = None, seconds: float = 0.0
    ) -> None:
        """Switch a bad mood on; see :class:`connector.sandbox.moods.Mood`."""
        self.moods.put_on(Mood(kind=MoodKind(kind), address=address, times=times, seconds=seconds))

    def calm(self) -> None:
        """Switch all moods off."""
        self.moods.calm()

    def messages(self, address: MailboxAddress | str, folder: str = "INBOX") -> list[bytes]:
        """The exact bytes of every message of a folder, oldest first.

        Raises:
            KeyError: no such mailbox or folder.
        """
        with self._news:
            return [message.content for message in self.folder(address, folder).messages]

    def deliver(self, address: MailboxAddress | str, content: bytes, folder: str = "INBOX") -> int:
        """Put a message into a folder; gives back its UID and wakes who waits."""
        with self._news:
            box = self.folder(address, folder)
            message = StoredMessage(box.next_uid, content, self.clock.now())
            box.next_uid += 1
            box.messages.append(message)
            self._news.notify_all()
            return message.uid

    def expunge(self, address: MailboxAddress | str, uid: int, folder: str = "INBOX") -> None:
        """Take a message away, as somebody else with the same mailbox would."""
        with self._news:
            box = self.folder(address, folder)
            box.messages = [message for message in box.messages if message.uid != uid]

    def renumber(self, address: MailboxAddress | str, folder: str = "INBOX") -> None:
        """Give a folder a new UIDVALIDITY and its messages new UIDs."""
        with self._news:
            box = self.folder(address, folder)
            box.uid_validity += 1000
            for uid, message in enumerate(box.messages, start=1):
                message.uid = uid
            box.next_uid = len(box.messages) + 1

    def folder(self, address: MailboxAddress | str, folder: str) -> _Folder:
        """The folder itself, for the doubles of this module.

        Raises:
            KeyError: no such mailbox or folder.
        """
        return self._folders[str(address).lower(), folder]

    def check_reachable(self, address: str) -> None:
        """What every connection begins with.

        Raises:
            ConnectionFailed: :attr:`online` is false.
            AuthenticationRefused: unknown mailbox, or the mood.
        """
        if not self.online:
            raise ConnectionFailed("OPERATEUR_INJOIGNABLE", "the fake operator is offline")
        if not self.knows(address) or self.moods.take(MoodKind.REFUSE_IDENTITY, address):
            raise AuthenticationRefused(
                "AUTHENTIFICATION", "the server refused the credentials", answer="535 5.7.8 invalid"
            )

    def wait_for_news(self, seconds: float, changed: Callable[[], bool], stop: Callable[[], bool]) -> bool:
        """Block until ``changed()``, ``stop()`` or so many real seconds; true when it changed."""
        until = time.monotonic() + seconds
        with self._news:
            while not (changed() or stop()) and self.online and (left := until - time.monotonic()) > 0:
                self._news.wait(min(left, ASK_STOP_SECONDS))
            return changed()

    def take(self, envelope: OutgoingEnvelope, answers: Sequence[RecipientAnswer]) -> str:
        """Deliver an accepted message and its receipts; gives back the queue id. For :class:`FakeSender`."""
        self.accepted.append(envelope)
        accepted = [str(answer.address) for answer in answers if answer.accepted]
        failing = {address for address in accepted if self.moods.take(MoodKind.BOUNCE_LATER, address)}
        for address in accepted:
            if address not in failing:
                self.deliver(address, envelope.content)
        if self.files_sent and not self.moods.take(MoodKind.NOT_FILED, str(envelope.sender)):
            self.deliver(envelope.sender, envelope.content, "Sent")
        for address in accepted:
            self._report(envelope, address, failed=address in failing)
        return f"Q{next(self._numbers):06d}"

    def _report(self, envelope: OutgoingEnvelope, recipient: str, *, failed: bool) -> None:
        asked = envelope.delivery_receipt and self.offers_dsn
        if not (failed or asked) or self.moods.take(MoodKind.NO_RECEIPT, recipient):
            return
        outcome = DeliveryStatus(
            recipient=recipient,
            action="failed" if failed else "delivered",
            status="5.2.1" if failed else "2.0.0",
            diagnostic="550 5.2.1 Mailbox disabled" if failed else "",
        )
        report = delivery_report(
            to=str(envelope.sender),
            reporting_host="localhost",
            original=envelope.content,
            envelope_id=envelope.envelope_id if asked else "",
            outcome=outcome,
            message_id=f"<dsn-{next(self._numbers)}@localhost>",
            now=self.clock.now(),
        )
        self.deliver(envelope.sender, report)


class FakeSender(Sender):
    """Gives messages to a :class:`FakeOperator`, with the steps and errors of the SMTP one.

    Args:
        operator: who takes them.
        address: the mailbox that sends.
        identity: who logs in; ``None`` = somebody whom the operator always knows.
        sleep: how a slow answer waits; tests pass their own to need no time.
    """

    def __init__(
        self,
        operator: FakeOperator,
        address: str,
        *,
        identity: Identity | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._operator = operator
        self._address = address
        self._sleep = sleep
        self._session = operator.session(address, identity)
        self.closed = False

    async def limits(self) -> SubmissionLimits:
        """What the operator announces; see :class:`connector.operators.base.Sender`."""
        self._session.open()
        return SubmissionLimits(max_bytes=self._operator.max_bytes, offers_dsn=self._operator.offers_dsn)

    async def submit(self, envelope: OutgoingEnvelope, *, on_data: Callable[[], None]) -> Acceptance:
        """Give one message; see :class:`connector.operators.base.Sender`."""
        operator = self._operator
        self._session.open()
        reach("send.connected")
        self._check(envelope)
        answers = tuple(self._recipient(address) for address in envelope.recipients)
        if not any(answer.accepted for answer in answers):
            raise _nobody_accepted(answers)
        reach("send.recipients_accepted")
        on_data()
        reach("send.data_begun")
        if operator.moods.take(MoodKind.CUT_IN_DATA):
            raise OutcomeUnknown("ISSUE_INCONNUE", "lost after DATA began (mood)", recipients=answers)
        reach("send.content_given")
        self._refuse_content()
        queue_id = operator.take(envelope, answers)
        if operator.moods.take(MoodKind.CUT_AFTER_DATA):
            raise OutcomeUnknown("ISSUE_INCONNUE", "lost after DATA began (mood)", recipients=answers)
        if slow := operator.moods.take(MoodKind.SLOW_ANSWER):
            await self._sleep(slow.seconds)
        reach("send.accepted")
        return Acceptance(250, f"2.0.0 Ok: queued as {queue_id}", answers, "TLSv1.2 FAKE")

    async def drop_stale(self) -> int:
        """One session at most; see :class:`connector.operators.base.Sender`."""
        self._session.drop_stale()
        return int(self._session.is_open)

    async def close(self) -> None:
        """End the session; see :class:`connector.operators.base.Sender`."""
        self._session.close()
        self.closed = True

    def _check(self, envelope: OutgoingEnvelope) -> None:
        size, largest = len(envelope.content), self._operator.max_bytes
        if largest is not None and size > largest:
            raise PermanentRefusal("TROP_GROS", f"{size} bytes; the server takes {largest}")
        line_ends = {envelope.content.count(end) for end in (b"\r\n", b"\n", b"\r")}
        if len(line_ends) != 1 or not envelope.content.endswith(b"\r\n") or b"\0" in envelope.content:
            raise PermanentRefusal("MESSAGE_MALFORME", "the message is not CRLF text")
        if str(envelope.sender).lower() != self._address.lower():
            raise PermanentRefusal(
                "OPERATEUR_REFUS", "the server refused the sender", answer="553 5.7.1 Sender address rejected"
            )

    def _recipient(self, address: MailboxAddress) -> RecipientAnswer:
        if not self._operator.knows(address):
            return RecipientAnswer(address, *_RECIPIENT_MOODS[MoodKind.REFUSE_RECIPIENT])
        for kind, answer in _RECIPIENT_MOODS.items():
            if self._operator.moods.take(kind, str(address)):
                return RecipientAnswer(address, *answer)
        return RecipientAnswer(address, 250, "2.1.5 Ok")

    def _refuse_content(self) -> None:
        moods = self._operator.moods
        if moods.take(MoodKind.REFUSE_CONTENT):
            text = "the server refused the content"
            raise PermanentRefusal("OPERATEUR_REFUS", text, answer="554 5.6.0 Message content rejected")
        if moods.take(MoodKind.DEFER_CONTENT):
            text = "the server does not take the content now"
            raise TemporaryRefusal("OPERATEUR_DIFFERE", text, answer="451 4.3.0 Temporary failure")


class FakeReceiver(Receiver):
    """Reads one mailbox of a :class:`FakeOperator`.

    Args:
        operator: where the mail is.
        address: the mailbox.
        identity: who logs in; ``None`` = somebody whom the operator always knows.
    """

    def __init__(self, operator: FakeOperator, address: str, identity: Identity | None = None) -> None:
        self._operator = operator
        self._address = address
        self._session = operator.session(address, identity)
        self._highest_listed: dict[str, tuple[int, int]] = {}
        self.closed = False

    def list_new(self, folder: str, *, known_after: tuple[int, int] | None) -> Sequence[ServerMessage]:
        """What is not marked as done; see :class:`connector.operators.base.Receiver`."""
        box = self._open(folder)
        same = known_after is not None and known_after[0] == box.uid_validity
        after = known_after[1] if known_after and same else 0
        self._highest_listed[folder] = (box.uid_validity, box.next_uid)
        return [
            ServerMessage(folder, box.uid_validity, m.uid, len(m.content), m.message_id)
            for m in list(box.messages)
            if m.uid > after and not m.flags >= DONE_FLAGS
        ]

    def fetch(self, places: Sequence[ServerMessage]) -> Iterator[FetchedMessage]:
        """Raw bytes in the order of the UIDs; see :class:`connector.operators.base.Receiver`."""
        for place in sorted(places):
            message = self._find(place)
            if message is not None:
                yield FetchedMessage(place, message.received_at, message.content)

    def mark_done(self, places: Iterable[ServerMessage]) -> None:
        """Flag them; those that vanished are left out. See :class:`connector.operators.base.Receiver`."""
        for place in places:
            message = self._find(place)
            if message is not None:
                message.flags |= DONE_FLAGS

    def find_sent(self, message_id: str) -> Lookup:
        """Look into the Sent folder; see :class:`connector.operators.base.Receiver`."""
        self._session.open()
        if not self._operator.files_sent:
            return Lookup.CANNOT_TELL
        sent = self._operator.folder(self._address, "Sent").messages
        return Lookup.FOUND if any(m.message_id == message_id for m in sent) else Lookup.MISSING

    def wait(self, folder: str, *, seconds: float, stop: Callable[[], bool]) -> bool:
        """Wait for what was not there at the last listing; see :class:`connector.operators.base.Receiver`."""
        box = self._open(folder)
        seen = self._highest_listed.get(folder, (box.uid_validity, box.next_uid))

        def told() -> bool:
            self._session.drop_stale()
            return stop() or not self._session.is_open

        changed = self._operator.wait_for_news(seconds, lambda: (box.uid_validity, box.next_uid) != seen, told)
        self._operator.check_reachable(self._address)
        return changed

    def drop_stale(self) -> bool:
        """See :class:`connector.operators.base.Receiver`."""
        self._session.drop_stale()
        return self._session.is_open

    def close(self) -> None:
        """Never raises; see :class:`connector.operators.base.Receiver`."""
        self._session.close()
        self.closed = True

    def _open(self, folder: str) -> _Folder:
        self._session.open()
        try:
            return self._operator.folder(self._address, folder)
        except KeyError:
            raise PermanentRefusal("OPERATEUR_REFUS", "no such folder", answer="NO [NONEXISTENT]") from None

    def _find(self, place: ServerMessage) -> StoredMessage | None:
        box = self._open(place.folder)
        if box.uid_validity != place.uid_validity:
            return None
        return next((message for message in list(box.messages) if message.uid == place.uid), None)


def _nobody_accepted(answers: Sequence[RecipientAnswer]) -> TemporaryRefusal | PermanentRefusal:
    """One recipient that may be accepted later keeps the message alive."""
    later = next((answer for answer in answers if answer.temporary), None)
    told = later or answers[0]
    answer = f"{told.code} {told.text}"
    if later:
        return TemporaryRefusal("OPERATEUR_DIFFERE", "no recipient is accepted now", answer=answer)
    return PermanentRefusal("OPERATEUR_REFUS", "every recipient was refused", answer=answer)
