"""Opening: a stored message becomes an arrival for the LPS, a receipt tied to what was sent, or a quarantined one.

After ``journal.opened`` nothing new is kept: a crash opens the same bytes again and delivers the same arrival, and
the delivery recognises what it had done. A message is never dropped: what cannot be opened is set aside with its raw
bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, Unavailable
from connector.domain.limits import Limits
from connector.domain.ports import Clock
from connector.domain.states import IncomingEvent, IncomingState
from connector.exchange.arrival import Arrival, ArrivalDocument, Delivered, DeliveryTarget, Quarantined
from connector.exchange.prepare import where_it_broke
from connector.exchange.receipts import ReceiptTooEarly, apply_receipt
from connector.exchange.unwrap import ReceptionRules, arrival_of
from connector.journal.documents import DocumentRelation, ReceivedDocument, ReceivedMessage
from connector.journal.journal import Journal
from connector.journal.records import IncomingMessage
from connector.mail.parse import open_message
from connector.mail.receipts import Receipt, read_receipt

__all__ = ["Opener", "TargetAway"]

_log = structlog.get_logger(__name__)

TOO_EARLY_SECONDS = 2.0
HINDERED_SECONDS = 10.0  # after the first hindrance; doubled by each further one
LONGEST_HINDERED_SECONDS = 300.0
GROUP_BYTES = 8_000_000


DEFAULT_RULES = ReceptionRules()

_TO_DELIVER = (IncomingState.OPENED, IncomingState.STORED)  # what a crash left half-way comes first


class TargetAway(Unavailable):
    """A message could not be given to its target now; ``delivered`` others came to a new state in that round."""

    def __init__(self, hindrance: Unavailable, delivered: int) -> None:
        super().__init__(hindrance.code, hindrance.detail)
        self.delivered = delivered


@dataclass(frozen=True, slots=True)
class _Ready:
    """A message that was opened."""

    row: IncomingMessage
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens and delivers what was stored for one mailbox."""

    mailbox: MailboxAddress
    journal: Journal
    target: DeliveryTarget
    clock: Clock
    owner: str
    limits: Limits = DEFAULT_LIMITS
    batch: int = 20
    rules: ReceptionRules = DEFAULT_RULES
    answer: Callable[[str], object] | None = None  # told the row id of a delivered message that asks for a receipt

    def run_once(self) -> int:
        """Open and deliver what is waiting.

        Returns:
            How many messages came to a new state.

        Raises:
            TargetAway: a folder, or a software that listens; its messages are tried again later, others were done.
            Unavailable: the journal; what was claimed is tried again later.
        """
        done: list[str] = []
        away: list[Unavailable] = []
        try:
            for state in _TO_DELIVER:
                rows = self.journal.claim_incoming(self.mailbox, state=state, owner=self.owner, limit=self.batch)
                self._handle_all(rows, done, away)
        finally:
            self.target.settle(done)
        if away:
            raise TargetAway(away[0], len(done))
        return len(done)

    def next_due(self) -> datetime | None:
        """When something that was postponed is due; may lie in the past."""
        return self.journal.next_incoming(self.mailbox, _TO_DELIVER)

    def _handle_all(self, rows: Sequence[IncomingMessage], done: list[str], away: list[Unavailable]) -> None:
        handled: set[str] = set()
        try:
            for group in _groups(rows):
                self._handle_group(group, handled, done, away)
        except Unavailable as hindrance:
            for left in rows:
                if left.id not in handled:
                    self._hindered(left, hindrance)
            raise

    def _hindered(self, row: IncomingMessage, hindrance: Unavailable) -> None:
        pause = min(HINDERED_SECONDS * 2 ** min(row.attempts, 10), LONGEST_HINDERED_SECONDS)
        self._again(row, pause, hindrance.code, hindrance.detail)

    def _handle_group(
        self, rows: Sequence[IncomingMessage], handled: set[str], done: list[str], away: list[Unavailable]
    ) -> None:
        """Open a few messages, then deliver them: one commit before and one after, not two for each.

        A crash between the deliveries and their commit repeats them, and the target's own receipts keep what was
        given from being given again, for many as for one.
        """
        ready: list[_Ready] = []
        for row in rows:
            arrival = self._open(row, done)
            if arrival is None:
                handled.add(row.id)
            else:
                ready.append(_Ready(row, arrival))
        self._opened([one.row for one in ready])
        ready = self._related(ready)
        delivered: list[tuple[str, Delivered]] = []
        try:
            for one in ready:
                with self._setting_aside(one.row, done, handled):
                    given = self._given(one, handled, away)
                    if given is not None:
                        self._answered(one)
                        delivered.append((one.row.id, given))
        finally:
            if delivered:
                self.journal.record_deliveries([(key, d.prefix, d.files) for key, d in delivered])
                handled.update(key for key, _ in delivered)
                done += [key for key, _ in delivered]

    def _given(self, one: _Ready, handled: set[str], away: list[Unavailable]) -> Delivered | None:
        """Deliver; a message whose target is away waits alone, since others may go elsewhere."""
        try:
            return self.target.deliver(one.arrival)
        except Unavailable as hindrance:
            self._hindered(one.row, hindrance)
            handled.add(one.row.id)
            away.append(hindrance)
        return None

    def _answered(self, one: _Ready) -> None:
        """A receipt that is due is in the queue before the delivery is committed: a crash cannot lose it.

        That a receipt cannot be sent never holds up what was received.
        """
        if self.answer is None or not one.arrival.read_receipt_to:
            return
        try:
            self.answer(one.row.id)
        except Unavailable:
            raise
        except ConnectorError as error:
            _log.warning("receipt_not_sent", id=one.row.id, code=error.code, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - the message was given; what we do not foresee costs its receipt only
            where = where_it_broke(error)
            _log.error("receipt_not_sent", id=one.row.id, error=type(error).__name__, detail=where)

    def _open(self, row: IncomingMessage, done: list[str]) -> Arrival | None:
        """What is to be delivered; ``None`` when there is nothing to do any more, or not yet."""
        arrival: Arrival | None = None
        try:
            with self._setting_aside(row, done, set()):
                raw = self.journal.payload(row.payload_id or "")
                opened = open_message(raw, self.limits)
                receipt = read_receipt(opened)
                if receipt and self._is_settled(row, receipt, opened.sender.domain):
                    done.append(row.id)
                else:
                    made = arrival_of(row, opened, len(raw), self.limits, self.rules)
                    untied = ("ACCUSE_NON_RATTACHE",) if receipt else ()
                    arrival = replace(
                        made, warnings=(*made.warnings, *untied), read_receipt_to=opened.read_receipt_to
                    )
        except ReceiptTooEarly:
            self._again(row, TOO_EARLY_SECONDS, "ACCUSE_PRECOCE", "receipt before our commit")
        return arrival

    def _related(self, ready: Sequence[_Ready]) -> list[_Ready]:
        """The same messages, each document with what it is to those received before; told the same every time."""
        items = [_to_remember(one.arrival) for one in ready]
        relations = self.journal.note_received(self.mailbox, items)
        return [replace(one, arrival=_with_relations(one.arrival, relations[one.row.id])) for one in ready]

    @contextmanager
    def _setting_aside(self, row: IncomingMessage, done: list[str], handled: set[str]) -> Iterator[None]:
        """A message that cannot be opened or delivered for a reason of its own is quarantined."""
        try:
            yield
        except (Unavailable, ReceiptTooEarly):
            raise
        except ConnectorError as error:
            self._quarantine(row, error.code, error.detail)
        except Exception as error:  # noqa: BLE001 - one message that we do not foresee must not block the others
            where = where_it_broke(error)
            _log.error("open_failed", id=row.id, error=type(error).__name__, detail=where)
            self._quarantine(row, "INTERNE", f"{type(error).__name__} at {where}")
        else:
            return
        done.append(row.id)
        handled.add(row.id)

    def _again(self, row: IncomingMessage, seconds: float, code: str, detail: str) -> None:
        again = self.clock.now() + timedelta(seconds=seconds)
        self.journal.postpone_incoming(row.id, next_attempt_at=again, code=code, detail=detail)

    def _is_settled(self, row: IncomingMessage, receipt: Receipt, server: str) -> bool:
        if not apply_receipt(self.journal, self.mailbox, receipt, server=server, incoming_id=row.id):
            return False
        self._opened([row])
        self.journal.record_incoming(row.id, IncomingEvent.LINK_RECEIPT)
        return True

    def _opened(self, rows: Sequence[IncomingMessage]) -> None:
        fresh = [row.id for row in rows if row.state is IncomingState.STORED]
        if fresh:
            self.journal.record_incoming_many(fresh, IncomingEvent.OPEN)

    def _quarantine(self, row: IncomingMessage, code: str, detail: str) -> None:
        raw = self._raw(row)
        received_at = row.received_at or self.clock.now()
        self.target.quarantine(
            Quarantined(incoming_id=row.id, received_at=received_at, raw=raw, code=code, detail=detail)
        )
        self.journal.record_incoming(row.id, IncomingEvent.QUARANTINE, code=code, detail=detail)

    def _raw(self, row: IncomingMessage) -> bytes:
        """The bytes to set aside; empty when they are what cannot be read."""
        try:
            return self.journal.payload(row.payload_id or "")
        except Unavailable:
            raise
        except ConnectorError:
            return b""


def _to_remember(arrival: Arrival) -> ReceivedMessage:
    return ReceivedMessage(
        incoming_id=arrival.incoming_id, documents=tuple(map(_remembered, arrival.documents)), alerts=arrival.alerts,
        warnings=arrival.every_warning, identity=arrival.identity, answers=arrival.answers,
    )  # fmt: skip


def _remembered(document: ArrivalDocument) -> ReceivedDocument:
    header = document.header
    return ReceivedDocument(
        document_id=header.id.unique_id,
        sha256=document.sha256,
        set_id=header.set_id.unique_id if header.set_id else "",
        version=header.version,
        replaces=header.replaces.unique_id if header.replaces else "",
        action=document.action,
    )


def _with_relations(arrival: Arrival, relations: Sequence[DocumentRelation | None]) -> Arrival:
    """Relations in the order of the documents."""
    told = zip(arrival.documents, relations, strict=True)
    return replace(arrival, documents=tuple(replace(one, relation=relation) for one, relation in told))


def _groups(rows: Sequence[IncomingMessage]) -> Iterator[list[IncomingMessage]]:
    """A few messages that are held in memory together: 8 MB, or a single larger one."""
    group: list[IncomingMessage] = []
    held_bytes = 0
    for row in rows:
        if group and held_bytes + row.size_bytes > GROUP_BYTES:
            yield group
            group, held_bytes = [], 0
        group.append(row)
        held_bytes += row.size_bytes
    if group:
        yield group
