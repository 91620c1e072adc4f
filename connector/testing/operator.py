"""An operator in memory: doubles of :mod:`connector.operators.base`, as strict as the real ones.

What a :class:`FakeSender` accepts lands in the mailboxes of the :class:`FakeOperator` with exactly its bytes, and can
be read by a :class:`FakeReceiver`. The moods are those of :mod:`connector.sandbox.moods`. One contract suite
(``tests/operators/test_contract*.py``) runs against these and against the real thing.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from connector.domain.address import MailboxAddress
from connector.domain.ports import Clock
from connector.identities.base import Identity
from connector.operators.base import OutgoingEnvelope, RecipientAnswer
from connector.operators.errors import AuthenticationRefused, ConnectionFailed
from connector.sandbox.moods import Mood, MoodKind, Moods
from connector.sandbox.receipts import DeliveryStatus, delivery_report
from connector.testing.clock import FakeClock
from connector.testing.folders import DONE_FLAGS, FakeFolder, StoredMessage
from connector.testing.receiver import FakeReceiver
from connector.testing.sender import FakeSender
from connector.testing.session import FakeSession

__all__ = ["DONE_FLAGS", "FakeOperator", "FakeReceiver", "FakeSender", "StoredMessage"]

ASK_STOP_SECONDS = 0.05


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
            (str(address).lower(), name): FakeFolder(next(self._numbers)) for address in mailboxes for name in names
        }

    def sender(self, address: MailboxAddress | str, identity: Identity | None = None) -> FakeSender:
        """A double of :class:`connector.operators.base.Sender` for one mailbox, of whoever holds it."""
        return FakeSender(self, str(address), identity=identity)

    def receiver(self, address: MailboxAddress | str, identity: Identity | None = None) -> FakeReceiver:
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
            message = box.add(content, self.clock.now())
            self._news.notify_all()
            return message.uid

    def expunge(self, address: MailboxAddress | str, uid: int, folder: str = "INBOX") -> None:
        """Take a message away, as somebody else with the same mailbox would."""
        with self._news:
            self.folder(address, folder).remove(uid)

    def renumber(self, address: MailboxAddress | str, folder: str = "INBOX") -> None:
        """Give a folder a new UIDVALIDITY and its messages new UIDs."""
        with self._news:
            box = self.folder(address, folder)
            box.uid_validity += 1000
            for uid, message in enumerate(box.messages, start=1):
                message.uid = uid
            box.next_uid = len(box.messages) + 1

    def folder(self, address: MailboxAddress | str, folder: str) -> FakeFolder:
        """The folder itself, for the doubles of this module.

        Raises:
            KeyError: no such mailbox or folder.
        """
        return self._folders[str(address).lower(), folder]

    def drop_folder(self, address: MailboxAddress | str, folder: str) -> None:
        """Remove a folder with everything in it, as somebody else with the same mailbox would.

        Raises:
            KeyError: no such mailbox or folder.
        """
        with self._news:
            del self._folders[str(address).lower(), folder]

    def folder_made(self, address: MailboxAddress | str, folder: str) -> FakeFolder:
        """The folder itself, made when it is not there."""
        return self._folders.setdefault((str(address).lower(), folder), FakeFolder(next(self._numbers)))

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
