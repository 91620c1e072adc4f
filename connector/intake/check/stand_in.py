"""A mailbox for examining documents where no settings are: whatever only settings can know is taken as given."""

from collections.abc import Callable
from dataclasses import replace

from connector.domain.address import MailboxAddress
from connector.domain.errors import Unavailable
from connector.domain.limits import Limits
from connector.domain.ports import Clock, IdSource
from connector.exchange.rules import sending_rules
from connector.intake.check.rehearsal import Rehearsal
from connector.intake.desk import DeskMaker
from connector.intake.inputs.n1 import Desk
from connector.journal.records import OutgoingMessage, SubmissionView
from connector.settings.model import MailboxSettings, Settings, SoftwareSettings
from connector.settings.validation import ValidationSettings

__all__ = ["FORGIVEN", "NO_JOURNAL", "rehearsal_of", "stand_in_mailbox"]

NO_JOURNAL = "CONTROLE_SANS_JOURNAL"
"""An earlier sending is meant, and only a connector that sent it can know it."""

FORGIVEN = frozenset({NO_JOURNAL, "INS_ENVIRONNEMENT"})
"""Refusals that only a real connector with its settings can decide."""

_ADDRESS = "controle@exemple.mssante.fr"
_CORRESPONDENT = MailboxAddress.parse("correspondant@exemple.mssante.fr")


class _NothingSent:
    """A ledger that knows no earlier sending, and does not pretend that there was none."""

    def submission_by_reference(self, mailbox: MailboxAddress, reference: str) -> SubmissionView | None:  # noqa: ARG002 - a port
        """Raises Unavailable: ``CONTROLE_SANS_JOURNAL``."""
        raise Unavailable(NO_JOURNAL, "an earlier sending is meant, which only the connector that sent it knows")

    def payload(self, payload_id: str) -> bytes:  # noqa: ARG002 - a port
        """Raises Unavailable: ``CONTROLE_SANS_JOURNAL``."""
        raise Unavailable(NO_JOURNAL, "the bytes of an earlier sending are in the journal only")


def stand_in_mailbox() -> MailboxSettings:
    """A mailbox that may send anything to anybody."""
    return MailboxSettings.model_validate({
        "address": _ADDRESS, "kind": "ORG", "entity": "Contrôle", "operator": "controle",
        "identity": {"auth": "plain", "password": {"env": "AUCUN"}},
        "outbox": {"default_recipients": [str(_CORRESPONDENT)]},
        "author": {"rpps": "99700000017", "family": "CONTROLE", "given": "DOCUMENT", "specialty": "G15_10/SM54"},
        "structure": {
            "finess": "010000017", "name": "CONTROLE", "facility": "SA07", "setting": "AMBULATOIRE",
            "patient_id_root": "1.2.250.1.999.1",
        },
    })  # fmt: skip


def rehearsal_of(
    settings: Settings | None, mailbox: MailboxSettings | None, *, clock: Clock, ids: IdSource, limits: Limits,
    validation: ValidationSettings | None = None,
) -> Rehearsal:  # fmt: skip
    """What examines drops without a journal.

    Args:
        settings: of the machine; ``None`` when there are none.
        mailbox: one of them.
        clock: for the date of what would be made.
        ids: for its identifiers.
        limits: bounds of reading.
        validation: in place of that of the settings.
    """
    is_real = settings is not None and mailbox is not None
    used = settings if settings is not None and is_real else _settings()
    if validation is not None:
        used = used.model_copy(update={"validation": validation})
    box = mailbox if mailbox is not None and is_real else stand_in_mailbox()
    makers = DeskMaker(used, journal=_NothingSent(), clock=clock, ids=ids, limits=limits)
    rules = sending_rules(used, box, clock=clock, ids=ids, earlier_message=_no_earlier, limits=limits)
    desk = _real(makers, box) if is_real else _kind(makers, box)
    return Rehearsal(desk=desk, rules=rules, limits=limits, forgiven=frozenset({NO_JOURNAL}) if is_real else FORGIVEN)


def _settings() -> Settings:
    return Settings(software=SoftwareSettings(product_reference="CONTROLE"))


def _no_earlier(_: str) -> OutgoingMessage | None:
    return None


def _real(makers: DeskMaker, mailbox: MailboxSettings) -> Callable[[], Desk]:
    return lambda: makers.desk(mailbox)


def _kind(makers: DeskMaker, mailbox: MailboxSettings) -> Callable[[], Desk]:
    """Whoever a code of a correspondent means, he is there."""
    return lambda: replace(makers.desk(mailbox), correspondent=lambda _: _CORRESPONDENT)
