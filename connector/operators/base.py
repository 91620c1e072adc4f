"""The port to a mail operator: submit, look up, receive.

Two implementations are foreseen: SMTP with IMAP (:mod:`connector.operators.smtp_imap`) and the DST Web Services.
Callers know neither protocol. One contract suite (``tests/operators/test_contract*.py``) runs against every
implementation and against the double in :mod:`connector.testing`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from connector.domain.address import MailboxAddress
from connector.settings.reception import AfterDelivery

__all__ = [
    "Acceptance", "FetchedMessage", "FolderSurvey", "Lookup", "OutgoingEnvelope", "Receiver", "RecipientAnswer",
    "Sender", "ServerMessage", "SubmissionLimits",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEnvelope:
    """One message ready to leave: the envelope and the frozen bytes."""

    sender: MailboxAddress
    recipients: tuple[MailboxAddress, ...]
    message_id: str  # with angle brackets
    content: bytes = field(repr=False)  # RFC 5322, CRLF, as it will be sent
    delivery_receipt: bool = True  # ask for DSN when the server offers it
    envelope_id: str = ""  # ENVID of RFC 3461: our message id in the journal
    null_sender: bool = False  # MAIL FROM:<>, so that no bounce comes back


@dataclass(frozen=True, slots=True)
class RecipientAnswer:
    """The server's answer to one RCPT."""

    address: MailboxAddress
    code: int
    text: str

    @property
    def accepted(self) -> bool:
        """True for 2xx."""
        return 200 <= self.code < 300

    @property
    def temporary(self) -> bool:
        """True for 4xx."""
        return 400 <= self.code < 500


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The server took the content (final 2xx) for at least one recipient."""

    code: int
    text: str  # holds the queue id
    recipients: tuple[RecipientAnswer, ...]
    tls: str = ""  # what was negotiated, e.g. "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384"


@dataclass(frozen=True, slots=True)
class SubmissionLimits:
    """What the server announced in EHLO."""

    max_bytes: int | None
    offers_dsn: bool


class Lookup(StrEnum):
    """What the operator's Sent folder says of a Message-ID."""

    FOUND = "found"
    MISSING = "missing"  # looked, the operator files every sent message there, and it is certainly not there
    CANNOT_TELL = "cannot_tell"  # no such folder, or this operator does not file what is sent


class Sender(Protocol):
    """Gives messages to the operator; connections are kept open and reused. One event loop owns it."""

    async def limits(self) -> SubmissionLimits:
        """Connect if needed and say what the server announced.

        Raises:
            OperatorError: as for :meth:`submit`.
        """
        ...

    async def submit(self, envelope: OutgoingEnvelope, *, on_data: Callable[[], None]) -> Acceptance:
        """Give one message to the operator.

        Args:
            envelope: what leaves.
            on_data: called right before the DATA command, once per attempt; what it does is committed before
                the first byte of content leaves. If it raises, nothing is sent and the error goes to the caller.

        Returns:
            The final positive answer with one answer per recipient; refused ones are in there too.

        Raises:
            TemporaryRefusal: every recipient or the content was refused with 4xx.
            PermanentRefusal: every recipient or the content was refused with 5xx, or it is over SIZE.
            ConnectionFailed: before DATA began.
            AuthenticationRefused: our identity is not accepted.
            OutcomeUnknown: after DATA began.
        """
        ...

    async def drop_stale(self) -> int:
        """Close what is open and idle, and was opened with an identity that has changed or gone since.

        What is being submitted meanwhile is not touched: it ends by itself, and its connection is not used again.
        Quick when there is nothing to close; asks no server.

        Returns:
            How many connections stay open for the next messages: so many can leave although the identity is not
            ready for a new one.
        """
        ...

    async def close(self) -> None:
        """Say goodbye to the server and drop the connections."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class ServerMessage:
    """Where a message stands on the server."""

    folder: str
    uid_validity: int
    uid: int
    size_bytes: int = 0
    message_id: str = ""  # as in the header, may be empty
    received_at: datetime | None = field(default=None, compare=False)  # INTERNALDATE, aware; None when not asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSurvey:
    """What a folder holds at one moment."""

    uid_validity: int
    uid_next: int  # what arrives later has this UID or a higher one
    count: int  # messages that are not marked as done, of the wanted age
    newest: datetime | None  # INTERNALDATE of the newest of them; None when there is none


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """A message and its raw bytes."""

    place: ServerMessage
    received_at: datetime  # INTERNALDATE, aware
    content: bytes = field(repr=False)


class Receiver(Protocol):
    """Reads one mailbox. Blocking; one thread owns it."""

    def survey(self, folder: str, *, since: datetime | None = None) -> FolderSurvey:
        """Count what is in a folder, without fetching anything of it.

        Args:
            folder: as a person names it in the settings.
            since: count only what the server received from this day on.

        Raises:
            FolderMissing: there is no such folder, or it is not ours to read.
        """
        ...

    def list_new(
        self, folder: str, *, known_after: tuple[int, int] | None, through: int | None = None,
        since: datetime | None = None, limit: int | None = None,
    ) -> Sequence[ServerMessage]:  # fmt: skip
        """What is in the folder and not marked as done, in the order of the UIDs.

        Args:
            folder: as a person names it in the settings, e.g. ``INBOX``.
            known_after: ``(uid_validity, uid)`` up to which everything is in the journal already; ignored, with
                ``through``, when the server's UIDVALIDITY differs.
            through: last UID that is wanted; ``None`` = up to the newest.
            since: leave out what the server received before.
            limit: most messages that are wanted; fewer come only when there are no more.

        Raises:
            FolderMissing: there is no such folder, or it is not ours to read.
        """
        ...

    def fetch(self, places: Sequence[ServerMessage]) -> Iterator[FetchedMessage]:
        """The raw bytes, in the order of the UIDs, without setting any flag; a vanished message is left out."""
        ...

    def mark_done(
        self, places: Iterable[ServerMessage], *, after: AfterDelivery = AfterDelivery.SEEN, move_to: str = ""
    ) -> None:
        r"""Mark messages, so that nobody takes them for new, then move or delete them if that is wanted.

        Called again with the same places it does what is left to do. What is gone, or whose UIDVALIDITY is, is left
        out; what stands in ``move_to`` already stays there.

        Args:
            places: what the LPS has.
            after: what is to become of them; never ``NOTHING``, as the server is then not asked for anything.
            move_to: target of ``MOVE``; made when it is not there.

        Raises:
            CannotTidy: the server offers no way to do it without touching other messages; they are marked.
        """
        ...

    def find_sent(self, message_id: str) -> Lookup:
        """Look for a Message-ID in the operator's Sent folder."""
        ...

    def wait(self, folder: str, *, seconds: float, stop: Callable[[], bool]) -> bool:
        """Wait for news: IDLE when offered, else sleep.

        Returns early, within about a second, on news, when ``stop()`` turns true, and when the identity has changed.

        Returns:
            True when the server said that something changed.
        """
        ...

    def drop_stale(self) -> bool:
        """Close the connection if it was opened with an identity that has changed or gone since; asks no server.

        Returns:
            True when a connection stays open: it can be used although the identity is not ready for a new one.
        """
        ...

    def close(self) -> None:
        """Log out; never raises."""
        ...
