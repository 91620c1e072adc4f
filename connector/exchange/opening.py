"""Opening: a stored message becomes an arrival for the LPS, a receipt tied to what was sent, or a quarantined one.

After ``journal.opened`` nothing new is kept: a crash opens the same bytes again and delivers the same arrival, and
the delivery recognises what it had done. A message is never dropped: what cannot be opened is set aside with its raw
bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, Unavailable
from connector.domain.limits import Limits
from connector.domain.ports import Clock
from connector.domain.states import IncomingEvent, IncomingState
from connector.exchange.arrival import Arrival, DeliveryTarget, Quarantined
from connector.exchange.prepare import where_it_broke
from connector.exchange.receipts import ReceiptTooEarly, apply_receipt
from connector.exchange.unwrap import arrival_of
from connector.journal.journal import Journal
from connector.journal.records import IncomingMessage
from connector.mail.parse import OpenedMessage, open_message
from connector.mail.receipts import read_receipt

__all__ = ["Opener"]

_log = structlog.get_logger(__name__)

TOO_EARLY_SECONDS = 2.0
HINDERED_SECONDS = 10.0  # after the first hindrance; doubled by each further one
LONGEST_HINDERED_SECONDS = 300.0


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

    def run_once(self) -> int:
        """Open and deliver what is waiting.

        Returns:
            How many messages came to a new state.

        Raises:
            Unavailable: the journal, the disk or the folder; what was claimed is tried again later.
        """
        done: list[str] = []
        try:
            for state in (IncomingState.OPENED, IncomingState.STORED):  # what a crash left half-way comes first
                rows = self.journal.claim_incoming(self.mailbox, state=state, owner=self.owner, limit=self.batch)
                self._handle_all(rows, done)
        finally:
            self.target.settle(done)
        return len(done)

    def _handle_all(self, rows: Sequence[IncomingMessage], done: list[str]) -> None:
        for position, row in enumerate(rows):
            try:
                if self._handle(row):
                    done.append(row.id)
            except Unavailable as hindrance:
                for left in rows[position:]:
                    pause = min(HINDERED_SECONDS * 2 ** min(left.attempts, 10), LONGEST_HINDERED_SECONDS)
                    self._again(left, pause, hindrance.code, hindrance.detail)
                raise

    def _handle(self, row: IncomingMessage) -> bool:
        raw = b""
        try:
            raw = self.journal.payload(row.payload_id or "")
            opened = open_message(raw, self.limits)
            if self._is_settled_receipt(row, opened):
                return True
            self._deliver(row, arrival_of(row, opened, len(raw), self.limits))
        except Unavailable:
            raise
        except ReceiptTooEarly:
            self._again(row, TOO_EARLY_SECONDS, "ACCUSE_PRECOCE", "receipt before our commit")
            return False
        except ConnectorError as error:
            self._quarantine(row, raw, error.code, error.detail)
        except Exception as error:  # noqa: BLE001 - one message that we do not foresee must not block the others
            where = where_it_broke(error)
            _log.error("open_failed", id=row.id, error=type(error).__name__, detail=where)
            self._quarantine(row, raw, "INTERNE", f"{type(error).__name__} at {where}")
        return True

    def _again(self, row: IncomingMessage, seconds: float, code: str, detail: str) -> None:
        again = self.clock.now() + timedelta(seconds=seconds)
        self.journal.postpone_incoming(row.id, next_attempt_at=again, code=code, detail=detail)

    def _is_settled_receipt(self, row: IncomingMessage, opened: OpenedMessage) -> bool:
        receipt = read_receipt(opened)
        if receipt is None or not apply_receipt(self.journal, self.mailbox, receipt, server=opened.sender.domain):
            return False
        self._opened(row)
        self.journal.record_incoming(row.id, IncomingEvent.LINK_RECEIPT)
        return True

    def _deliver(self, row: IncomingMessage, arrival: Arrival) -> None:
        self._opened(row)
        delivered = self.target.deliver(arrival)
        self.journal.record_incoming(
            row.id, IncomingEvent.DELIVER, delivered_prefix=delivered.prefix, delivered_files=delivered.files
        )

    def _opened(self, row: IncomingMessage) -> None:
        if row.state is IncomingState.STORED:
            self.journal.record_incoming(row.id, IncomingEvent.OPEN)

    def _quarantine(self, row: IncomingMessage, raw: bytes, code: str, detail: str) -> None:
        received_at = row.received_at or self.clock.now()
        self.target.quarantine(
            Quarantined(incoming_id=row.id, received_at=received_at, raw=raw, code=code, detail=detail)
        )
        self.journal.record_incoming(row.id, IncomingEvent.QUARANTINE, code=code, detail=detail)
