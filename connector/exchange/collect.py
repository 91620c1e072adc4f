r"""Receiving: what the server holds comes into the journal, and only what is done is marked on the server.

Who owns the message, step by step (each name is a crash step):

1. ``journal.seen`` – its UID is known; the server owns it.
2. ``journal.stored`` – its raw bytes are in the journal; a crash before this fetches it again. The server still has
   it, unmarked, so both hold it.
3. ``journal.delivered`` – the LPS's folder has it (:mod:`connector.exchange.opening`).
4. marked on the server and, when that is wanted, moved or deleted there, then ``journal.acknowledged``; a crash in
   between does again what is left to do (:mod:`connector.operators.smtp_imap.tidying`).

What is new, and what of an old mailbox is wanted, says :mod:`connector.exchange.listing`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from connector.domain.address import MailboxAddress
from connector.domain.states import IncomingEvent, IncomingState
from connector.exchange.listing import Lister
from connector.journal.journal import Journal
from connector.journal.records import IncomingMessage, StoredBytes
from connector.operators.base import FetchedMessage, Receiver, ServerMessage
from connector.operators.errors import CannotTidy, FolderMissing, OperatorError, PermanentRefusal
from connector.settings.reception import AfterDelivery

__all__ = ["Collector"]

CHUNK_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Collector:
    """Collects one mailbox. The thread that owns the receiver owns this too.

    Attributes:
        untidy: why the server does not move or delete what was delivered, by folder; nothing when it does.
    """

    mailbox: MailboxAddress
    journal: Journal
    lister: Lister
    owner: str
    server: str
    batch: int = 50
    untidy: dict[str, PermanentRefusal] = field(default_factory=dict)

    def run_once(self, receiver: Receiver) -> int:
        """Look at every folder, fetch what is new, then a slice of the history, and mark what is done.

        Returns:
            How many messages were stored.

        Raises:
            OperatorError: the connection broke, or no folder can be opened; what was stored stays, the rest is
                fetched next time.
        """
        stored = 0
        for folder in self.lister.reception.folders:
            while self.lister.note_arrivals(receiver, folder):
                stored += self._fetch_all(receiver)
        if self.watched is None:
            raise next(iter(self.lister.refused.values()))
        stored += self._fetch_all(receiver)  # what was left by a broken line, or asked for by a person
        if self.lister.note_history(receiver):
            stored += self._fetch_all(receiver)
        self.acknowledge(receiver)  # last, since what was recognised is delivered already
        return stored

    @property
    def watched(self) -> str | None:
        """The folder to wait for news in: the first of those that could be opened."""
        return next((name for name in self.lister.reception.folders if name not in self.lister.refused), None)

    @property
    def hindered_by(self) -> PermanentRefusal | None:
        """What a person must see to, although the rest goes on."""
        return next(iter((*self.lister.refused.values(), *self.untidy.values())), None)

    def _fetch_all(self, receiver: Receiver) -> int:
        count = 0
        while True:
            rows = self.journal.claim_incoming(
                self.mailbox, state=IncomingState.SEEN, owner=self.owner, limit=self.batch
            )
            if not rows:
                return count
            count += self._fetch(receiver, rows)

    def _fetch(self, receiver: Receiver, rows: Sequence[IncomingMessage]) -> int:
        missing = {(row.folder, row.uid_validity, row.uid): row for row in rows}
        try:
            for chunk in _chunks(receiver.fetch([_place(row) for row in rows]), self.batch):
                places = [(m.place.folder, m.place.uid_validity, m.place.uid) for m in chunk]
                self.journal.store([_stored(missing[place], m) for place, m in zip(places, chunk, strict=True)])
                for place in places:
                    del missing[place]
        except OperatorError as broken:
            self._give_back(missing.values(), broken)
            raise
        if missing:
            gone = [row.id for row in missing.values()]
            self.journal.record_incoming_many(gone, IncomingEvent.VANISH, server=self.server)
        return len(rows) - len(missing)

    def _give_back(self, rows: Iterable[IncomingMessage], broken: OperatorError) -> None:
        """End the leases: the next round, on a new connection, fetches them."""
        for row in rows:
            self.journal.postpone_incoming(
                row.id, next_attempt_at=row.next_attempt_at or row.state_since, code=broken.code, detail=broken.detail
            )

    def acknowledge(self, receiver: Receiver) -> int:
        """Mark on the server what the LPS has, and move or delete it if that is wanted.

        Returns:
            How many messages were dealt with.
        """
        done = self.journal.to_acknowledge(self.mailbox)
        for (folder, _), group in groupby(sorted(done, key=_folder), key=_folder):
            rows = list(group)
            self.journal.record_incoming_many(
                [row.id for row in rows], IncomingEvent.ACKNOWLEDGE, server=self.server,
                answer=self._tidied(receiver, folder, rows),
            )  # fmt: skip
        return len(done)

    def _tidied(self, receiver: Receiver, folder: str, rows: Sequence[IncomingMessage]) -> str:
        """Do what is wanted, and say for the trace what was done.

        A server that cannot move or delete safely is told of; what it holds is marked all the same.
        """
        reception = self.lister.reception
        after = reception.after_delivery
        if after is AfterDelivery.NOTHING:
            return after.value
        try:
            receiver.mark_done([_place(row) for row in rows], after=after, move_to=reception.move_to)
        except (CannotTidy, FolderMissing) as refusal:
            self.untidy[folder] = refusal
            return AfterDelivery.SEEN.value
        self.untidy.pop(folder, None)
        return after.value


def _stored(row: IncomingMessage, message: FetchedMessage) -> StoredBytes:
    return StoredBytes(
        incoming_id=row.id,
        content=message.content,
        received_at=message.received_at,
        header_message_id=message.place.message_id,
    )


def _place(row: IncomingMessage) -> ServerMessage:
    return ServerMessage(row.folder, row.uid_validity, row.uid, row.size_bytes, row.header_message_id)


def _folder(row: IncomingMessage) -> tuple[str, int]:
    return row.folder, row.uid_validity


def _chunks(messages: Iterable[FetchedMessage], size: int) -> Iterator[list[FetchedMessage]]:
    """Lists of at most ``size`` messages and about 8 MB: a batch is one commit, and memory stays bounded."""
    chunk: list[FetchedMessage] = []
    held_bytes = 0
    for message in messages:
        chunk.append(message)
        held_bytes += len(message.content)
        if len(chunk) >= size or held_bytes >= CHUNK_BYTES:
            yield chunk
            chunk, held_bytes = [], 0
    if chunk:
        yield chunk
