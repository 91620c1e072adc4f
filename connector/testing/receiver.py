"""The double of :class:`connector.operators.base.Receiver`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from connector.domain.ports import reach
from connector.identities.base import Identity
from connector.operators.base import FetchedMessage, FolderSurvey, Lookup, Receiver, ServerMessage
from connector.operators.errors import FolderMissing
from connector.settings.reception import AfterDelivery
from connector.testing.folders import DONE_FLAGS, KEYWORD, FakeFolder, StoredMessage

if TYPE_CHECKING:
    from connector.testing.operator import FakeOperator

__all__ = ["FakeReceiver"]


class FakeReceiver(Receiver):
    """Reads one mailbox of a :class:`FakeOperator`.

    Args:
        operator: where the mail is.
        address: the mailbox.
        identity: who logs in; ``None`` = somebody whom the operator always knows.
    """

    def __init__(self, operator: "FakeOperator", address: str, identity: Identity | None = None) -> None:
        self._operator = operator
        self._address = address
        self._session = operator.session(address, identity)
        self._highest_listed: dict[str, tuple[int, int]] = {}
        self.closed = False

    def survey(self, folder: str, *, since: datetime | None = None) -> FolderSurvey:
        """Count a folder; see :class:`connector.operators.base.Receiver`."""
        box = self._open(folder)
        found = [m for m in list(box.messages) if _is_wanted(m, since)]
        newest = max((m.received_at for m in found), default=None)
        return FolderSurvey(uid_validity=box.uid_validity, uid_next=box.next_uid, count=len(found), newest=newest)

    def list_new(
        self, folder: str, *, known_after: tuple[int, int] | None, through: int | None = None,
        since: datetime | None = None, limit: int | None = None,
    ) -> Sequence[ServerMessage]:  # fmt: skip
        """What is not marked as done; see :class:`connector.operators.base.Receiver`."""
        box = self._open(folder)
        after, end = 0, box.next_uid
        if known_after is not None and known_after[0] == box.uid_validity:
            after, end = known_after[1], end if through is None else through
        if through is None:
            self._highest_listed[folder] = (box.uid_validity, box.next_uid)
        found = (m for m in list(box.messages) if after < m.uid <= end and _is_wanted(m, since))
        return [
            ServerMessage(folder, box.uid_validity, m.uid, len(m.content), m.message_id, m.received_at)
            for m in islice(found, limit)
        ]

    def fetch(self, places: Sequence[ServerMessage]) -> Iterator[FetchedMessage]:
        """Raw bytes in the order of the UIDs; see :class:`connector.operators.base.Receiver`."""
        for place in sorted(places):
            message = self._find(place)
            if message is not None:
                yield FetchedMessage(place, message.received_at, message.content)

    def mark_done(
        self, places: Iterable[ServerMessage], *, after: AfterDelivery = AfterDelivery.SEEN, move_to: str = ""
    ) -> None:
        """Flag, move or remove them; those that vanished are left out.

        See :class:`connector.operators.base.Receiver`.
        """
        for place in places:
            message = self._find(place)
            if message is not None:
                message.flags |= {"\\Flagged", KEYWORD} if after is AfterDelivery.FLAG else DONE_FLAGS
                reach("mark.set")
                self._tidy(place, message, after, move_to)

    def _tidy(self, place: ServerMessage, message: StoredMessage, after: AfterDelivery, move_to: str) -> None:
        if after is AfterDelivery.MOVE and move_to != place.folder:
            target = self._operator.folder_made(self._address, move_to)
            target.add(message.content, message.received_at, set(message.flags))
        elif after is not AfterDelivery.DELETE:
            return
        self._operator.folder(self._address, place.folder).remove(place.uid)
        reach("mark.tidied")

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

    def _open(self, folder: str) -> FakeFolder:
        self._session.open()
        try:
            return self._operator.folder(self._address, folder)
        except KeyError:
            raise FolderMissing(folder, answer="NO [NONEXISTENT]") from None

    def _find(self, place: ServerMessage) -> StoredMessage | None:
        box = self._open(place.folder)
        if box.uid_validity != place.uid_validity:
            return None
        return next((message for message in list(box.messages) if message.uid == place.uid), None)


def _is_wanted(message: StoredMessage, since: datetime | None) -> bool:
    return KEYWORD not in message.flags and (since is None or message.received_at >= since)
