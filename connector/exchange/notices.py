"""What the sender of a received message hears from us: dispatched, taken, read, or that it could not be integrated.

Rules (RFC 8098 2.1, 3.2.6; RFC 3834; volet of reception, annex on MDN):

- a read receipt leaves only when it was asked for, once, as the policy of the mailbox says, and by itself only to the
  address from which the message came (``Return-Path``); to any other address only when a person says so;
- nothing that a machine sent is ever answered, whatever is asked: no receipt of a receipt, no loop;
- a failed integration is told once: as the read receipt that was asked for, else as an ordinary mail to whom the
  settings name;
- a decision is one transaction of the journal (:mod:`connector.journal.notices`): a crash repeats it, never the mail.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

import structlog

from connector import __version__
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.address import MailboxAddress
from connector.domain.errors import (
    ConfigurationError,
    ConnectorError,
    IllegalTransition,
    InvalidSubmission,
    Unavailable,
)
from connector.domain.limits import Limits
from connector.domain.ports import Clock, IdSource, reach
from connector.journal.journal import Journal
from connector.journal.notices import NoticeKind, NoticeLetter, NoticeOrder, NoticeRow, NoticeSlot
from connector.mail.addresses import parse_contacts
from connector.mail.headers import message_id
from connector.mail.notices import (
    Disposition,
    IntegrationFailure,
    NoticeSpec,
    OriginalFacts,
    write_failure_mail,
    write_notification,
)
from connector.mail.parse import OpenedMessage, open_message
from connector.mail.receipts import is_automatic, read_receipt
from connector.settings.model import MailboxSettings, ReadReceiptPolicy, Settings

__all__ = [
    "DECLINED", "FAILURE_LABELS", "SOFTWARE", "WAITS_FOR_PERSON", "NoticeAnswer", "NoticeDesk", "NoticeOutcome",
    "automatic_reason",
]  # fmt: skip

SOFTWARE = f"Connecteur MSSante {__version__}"
"""What our answers name as their author (Reporting-UA)."""

_log = structlog.get_logger(__name__)

FAILURE_LABELS = MappingProxyType({
    "900": "Version du document incohérente",
    "901": "Auteur non autorisé à remplacer ou supprimer",
    "902": "Identifiant de patient inconnu",
    "903": "INS absent",
    "904": "INS ou traits non concordants",
    "905": "Traits INS incomplets",
    "906": "Autre erreur",
})  # fmt: skip
"""Codes of a failed integration (volet of reception, table of ERR-5) and the words that the sender reads."""

WAITS_FOR_PERSON = ("ACCUSE_ACCORD", "ACCUSE_ADRESSE")
"""Reasons for which nothing is sent until a person says so."""
DECLINED = "REPONSE_DECLINEE"
"""The reason when a person does not want it sent."""

_P, _K = ReadReceiptPolicy, NoticeKind
_BOTH = (NoticeSlot.RECEIPT, NoticeSlot.FAILURE)
_DISPOSITIONS = {kind: Disposition(kind.value) for kind in (_K.DISPATCHED, _K.PROCESSED, _K.DISPLAYED)}
_LIST_HEADERS = ("list-id", "list-post", "list-unsubscribe", "mailing-list")
_ID = re.compile(r"<[!-;=?-~]{1,400}>")


class NoticeOutcome(StrEnum):
    """What became of an answer."""

    QUEUED = "queued"  # it leaves through the queue of the mailbox
    ALREADY = "already"  # it was decided before
    NOT_SENT = "not_sent"  # for the reason that is given


@dataclass(frozen=True, slots=True)
class NoticeAnswer:
    """The same, with the reason."""

    outcome: NoticeOutcome
    reason: str = ""  # a code of the catalogue

    @property
    def needs_person(self) -> bool:
        """True when a person may still have it sent."""
        return self.reason in WAITS_FOR_PERSON


@dataclass(frozen=True, slots=True)
class _Received:
    """A received message, opened again for its answer."""

    id: str
    opened: OpenedMessage
    content: bytes
    mailbox: MailboxSettings


@dataclass(frozen=True, slots=True)
class NoticeDesk:
    """Answers what was received, for every mailbox of the settings. Thread-safe: it holds nothing."""

    journal: Journal
    settings: Settings
    clock: Clock
    ids: IdSource
    software: str = SOFTWARE  # name and version, for Reporting-UA
    queued: Callable[[MailboxAddress], None] = lambda _: None  # wakes whoever sends
    limits: Limits = DEFAULT_LIMITS

    # --- read receipts -----------------------------------------------------------------------------------------

    def delivered(self, incoming_id: str) -> NoticeAnswer:
        """The message stands in the software's folder.

        Says *dispatched* when the policy is ``delivered``, and notes what a person has to decide when it is ``ask``.

        Raises:
            Unavailable: the journal; nothing has changed.
            UnknownRow, PayloadMissing: there is nothing to answer (any more).
        """
        received = self._received(incoming_id)
        if received.mailbox.read_receipt not in (_P.DELIVERED, _P.ASK):
            return NoticeAnswer(NoticeOutcome.NOT_SENT)
        return self._receipt(received, _K.DISPATCHED, actor="connector")

    def taken(self, incoming_id: str, *, actor: str) -> NoticeAnswer:
        """The software has taken the message, or says that it is integrated: *processed*. Raises as above."""
        return self._receipt(self._received(incoming_id), _K.PROCESSED, actor=actor)

    def take(self, incoming_id: str, *, by: str) -> NoticeAnswer:
        """Somebody has a message: its sender hears it when the policy says so, then it is marked.

        That no receipt can be sent never keeps the mark away: the answer says why. A crash between the two
        [``taken.answered``] is followed by the same call, which tells nobody twice.

        Args:
            incoming_id: row id of the message.
            by: application, software or person, for mark and trace.

        Raises:
            Unavailable: the journal; call again.
            UnknownRow: ``INTROUVABLE``.
        """
        try:
            answer = self.taken(incoming_id, actor=by)
        except Unavailable:
            raise
        except ConnectorError as error:
            _log.warning("receipt_not_sent", id=incoming_id, code=error.code, detail=error.detail)
            answer = NoticeAnswer(NoticeOutcome.NOT_SENT, error.code)
        reach("taken.answered")
        self.journal.mark_taken(incoming_id, by=by)
        return answer

    def send_read_receipt(self, incoming_id: str, *, actor: str) -> NoticeAnswer:
        """A person has read the message and wants its sender to know: *displayed*, whatever address asks for it.

        Raises: as above.
        """
        return self._receipt(self._received(incoming_id), _K.DISPLAYED, actor=actor, by_person=True)

    def decline(self, incoming_id: str, slot: NoticeSlot, *, actor: str) -> NoticeAnswer:
        """A person does not want a read receipt or a notice of failure sent that waits for a decision.

        It may be sent later all the same.

        Raises:
            IllegalTransition: ``TRANSITION``: no such answer is due.
            Unavailable, UnknownRow: as for :meth:`delivered`.
        """
        row = self._slots(self.journal.incoming(incoming_id).id).get(slot)
        if row is None:
            raise IllegalTransition("TRANSITION", "no such answer to this message waits for a decision")
        if row.message_id is not None:
            return NoticeAnswer(NoticeOutcome.ALREADY, "ACCUSE_DEJA_ENVOYE")
        self.journal.decline_notice(incoming_id, slot, reason=DECLINED, actor=actor)
        return NoticeAnswer(NoticeOutcome.NOT_SENT, DECLINED)

    def _receipt(self, received: _Received, kind: NoticeKind, *, actor: str, by_person: bool = False) -> NoticeAnswer:
        reason = _why_no_receipt(received, by_person=by_person)
        if reason and reason not in WAITS_FOR_PERSON:
            return NoticeAnswer(NoticeOutcome.NOT_SENT, reason)
        letter = None
        if not reason:
            spec = self._spec(received, MailboxAddress.parse(received.opened.read_receipt_to), by_person=by_person)
            content = write_notification(replace(spec, disposition=_DISPOSITIONS[kind]))
            letter = self._letter(spec, content, "Accusé de lecture")
        order = NoticeOrder(
            incoming_id=received.id, kind=kind, slots=(NoticeSlot.RECEIPT,), letter=letter, reason=reason, actor=actor
        )
        return self._decide(received, order)

    # --- failed integrations -----------------------------------------------------------------------------------

    def report_integration_failure(
        self, incoming_id: str, code: str | int, detail: str, actor: str, *,
        further: Sequence[tuple[str | int, str]] = (),
    ) -> NoticeAnswer:  # fmt: skip
        """The software could not integrate a message (result file, REST, negative HL7 ACK). Told once for a message.

        Args:
            incoming_id: row id of the message.
            code: 900 to 906; stands in the subject.
            detail: what the software says, at most 300 characters of it are passed on. It goes to the sender of
                the message, who knows its patient, or to the own service.
            actor: who reports it, for the trace.
            further: code and detail of other documents of the same message that failed.

        Raises:
            InvalidSubmission: ``KO_CODE_INCONNU``.
            Unavailable, UnknownRow, PayloadMissing: as for :meth:`delivered`.
        """
        failures = tuple(_failure(each, words) for each, words in ((code, detail), *further))
        received = self._received(incoming_id)
        return self._tell_failure(received, failures, actor=actor, by_person=False)

    def send_failure_notice(self, incoming_id: str, *, actor: str) -> NoticeAnswer:
        """A person lets the notice of a reported failure go to the address that asks for it.

        Raises:
            IllegalTransition: ``TRANSITION``: no failure of this message was reported.
            Unavailable, UnknownRow, PayloadMissing: as for :meth:`delivered`.
        """
        row = self._slots(self.journal.incoming(incoming_id).id).get(NoticeSlot.FAILURE)
        if row is None:
            raise IllegalTransition("TRANSITION", "no failed integration of this message was reported")
        failures = tuple(_failure(code, "") for code in row.codes)
        return self._tell_failure(self._received(incoming_id), failures, actor=actor, by_person=True)

    def _tell_failure(
        self, received: _Received, failures: tuple[IntegrationFailure, ...], *, actor: str, by_person: bool
    ) -> NoticeAnswer:
        used = self._slots(received.id)
        to, reason = _who_hears(received, by_person=by_person)
        receipt = used.get(NoticeSlot.RECEIPT)
        as_receipt = _asks(received) and received.mailbox.read_receipt is not _P.NEVER
        as_receipt = as_receipt and not (receipt and receipt.message_id)
        letter = None
        if to is not None:
            spec = replace(self._spec(received, to, by_person=by_person), failures=failures)
            content = write_notification(spec) if as_receipt else write_failure_mail(spec)
            letter = self._letter(spec, content, "Échec d'intégration")
        order = NoticeOrder(
            incoming_id=received.id, kind=_K.FAILED, letter=letter, reason=reason, actor=actor,
            slots=_BOTH if as_receipt and letter else (NoticeSlot.FAILURE,),
            codes=tuple(failure.code for failure in failures),
        )  # fmt: skip
        return self._decide(received, order)

    # --- what both need ----------------------------------------------------------------------------------------

    def _received(self, incoming_id: str) -> _Received:
        row = self.journal.incoming(incoming_id)
        if row.payload_id is None:
            raise IllegalTransition("PAYLOAD_ABSENT", "the bytes of this message are not here")
        found = [box for box in self.settings.mailboxes if box.address == row.mailbox]
        if not found:
            raise ConfigurationError("BOITE_INCONNUE", "the mailbox of this message is not in the settings")
        content = self.journal.payload(row.payload_id)
        return _Received(incoming_id, open_message(content, self.limits), content, found[0])

    def _slots(self, incoming_id: str) -> dict[NoticeSlot, NoticeRow]:
        return {row.slot: row for row in self.journal.notices([incoming_id]).get(incoming_id, [])}

    def _spec(self, received: _Received, to: MailboxAddress, *, by_person: bool) -> NoticeSpec:
        mailbox, opened = received.mailbox, received.opened
        limit = self.settings.operators[mailbox.operator].max_message_bytes
        return NoticeSpec(
            message_id=message_id(self.ids.ulid(), mailbox.address.domain),
            date=self.clock.now().astimezone(),
            mailbox=mailbox.address,
            label=mailbox.label,
            product_reference=self.settings.software.product_reference,
            software=self.software,
            to=to,
            is_manual=by_person,
            max_original_bytes=limit - min(limit // 10, 100_000),
            original=OriginalFacts(
                message_id=opened.message_id if _ID.fullmatch(opened.message_id) else "",
                subject=opened.subject_raw,
                original_recipient=opened.headers.get("original-recipient"),
                references=opened.references,
                content=received.content,
            ),
        )

    def _letter(self, spec: NoticeSpec, content: bytes, name: str) -> NoticeLetter:
        deadline = self.clock.now() + timedelta(hours=self.settings.retry.deadline_hours)
        return NoticeLetter(
            header_message_id=spec.message_id, recipient=spec.to, content=content, deadline_at=deadline, name=name
        )

    def _decide(self, received: _Received, order: NoticeOrder) -> NoticeAnswer:
        if not self.journal.add_notice(order):
            return NoticeAnswer(NoticeOutcome.ALREADY, "ACCUSE_DEJA_ENVOYE" if order.letter else order.reason)
        if order.letter is None:
            return NoticeAnswer(NoticeOutcome.NOT_SENT, order.reason)
        self.queued(received.mailbox.address)
        return NoticeAnswer(NoticeOutcome.QUEUED)


def automatic_reason(opened: OpenedMessage, mailbox: MailboxAddress) -> str:
    """Why a message is never answered: ``ACCUSE_BOUCLE`` when a machine sent it, or we did; else ``""`` (pure)."""
    from_machine = is_automatic(opened) or read_receipt(opened) is not None
    from_list = any(opened.headers.get(name) for name in _LIST_HEADERS)
    from_us = opened.sender.address.casefold() == str(mailbox).casefold()
    return "ACCUSE_BOUCLE" if from_machine or from_list or from_us else ""


def _why_no_receipt(received: _Received, *, by_person: bool) -> str:
    """A code of the catalogue; ``""`` when the receipt may leave."""
    opened, policy = received.opened, received.mailbox.read_receipt
    hindrances = {
        "ACCUSE_NON_DEMANDE": not opened.headers.get("disposition-notification-to"),
        "ACCUSE_BOUCLE": bool(automatic_reason(opened, received.mailbox.address)),
        "ACCUSE_JAMAIS": policy is _P.NEVER,
        "BOITE_SANS_ENVOI": not received.mailbox.send,
        "DESTINATAIRE_INVALIDE": not _asks(received),
        "ACCUSE_ADRESSE": not by_person and not _comes_from_asker(opened),
        "ACCUSE_ACCORD": not by_person and policy is _P.ASK,
    }
    return next((reason for reason, is_so in hindrances.items() if is_so), "")


def _who_hears(received: _Received, *, by_person: bool) -> tuple[MailboxAddress | None, str]:
    """Whom a failed integration is told; nobody, and why."""
    opened, mailbox = received.opened, received.mailbox
    reason = automatic_reason(opened, mailbox.address) or ("" if mailbox.send else "BOITE_SANS_ENVOI")
    if reason:
        return None, reason
    if _asks(received) and mailbox.read_receipt is not _P.NEVER:
        return _if_safe(opened.read_receipt_to, safe=by_person or _comes_from_asker(opened))
    wanted = mailbox.failure_notice_to
    if wanted == "sender":
        sender = opened.sender.address
        return _if_safe(sender, safe=by_person or _same(sender, opened.return_path))
    return (wanted, "") if wanted and wanted != mailbox.address else (None, "KO_SANS_ADRESSE")


def _if_safe(address: str, *, safe: bool) -> tuple[MailboxAddress | None, str]:
    parsed = _address(address)
    if parsed is None:
        return None, "DESTINATAIRE_INVALIDE"
    return (parsed, "") if safe else (None, "ACCUSE_ADRESSE")


def _asks(received: _Received) -> bool:
    """True when a receipt is asked for by an address that one can write to, and that is not our own."""
    asker = _address(received.opened.read_receipt_to)
    return asker is not None and asker != received.mailbox.address


def _comes_from_asker(opened: OpenedMessage) -> bool:
    """Exactly one address asks, and the message came from it (RFC 8098 2.1)."""
    askers = parse_contacts(",".join(opened.headers.get_all("disposition-notification-to")))
    return len(askers) == 1 and _same(askers[0].address, opened.return_path)


def _same(address: str, return_path: str | None) -> bool:
    found = _address(return_path or "")
    return found is not None and str(found).casefold() == address.casefold()


def _address(text: str) -> MailboxAddress | None:
    try:
        return MailboxAddress.parse(text)
    except InvalidSubmission:
        return None


def _failure(code: str | int, detail: str) -> IntegrationFailure:
    label = FAILURE_LABELS.get(str(code))
    if label is None:
        raise InvalidSubmission("KO_CODE_INCONNU", "an integration failure has a code from 900 to 906")
    return IntegrationFailure(str(code), label, detail)
