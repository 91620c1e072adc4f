"""What a mailbox wants done with what it sends and receives, out of its settings."""

from collections.abc import Callable

from connector import __version__
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.address import MailboxAddress
from connector.domain.limits import Limits
from connector.domain.ports import Clock, IdSource
from connector.exchange.plan import MailboxRules
from connector.exchange.unwrap import ReceptionRules
from connector.journal.records import OutgoingMessage
from connector.settings.model import MailboxSettings, OperatorSettings, Settings
from connector.xdm.pack import SenderInfo

__all__ = ["SOFTWARE", "reception_rules", "sending_rules"]

SOFTWARE = "Connecteur MSSante"
"""Our name in archives and messages."""

_EDITOR = "mssante-connector"
_MAX_MESSAGE_BYTES: int = OperatorSettings.model_fields["max_message_bytes"].default


def reception_rules(settings: Settings, mailbox: MailboxAddress) -> ReceptionRules:
    """The rules of one mailbox; those of a mailbox that is no longer in the settings are the careful ones."""
    found = next((one for one in settings.mailboxes if one.address == mailbox), None)
    return ReceptionRules(
        quarantines_mismatch=found is None or found.reception.patient_mismatch == "quarantine",
        is_production=settings.software.environment != "test",
    )


def sending_rules(
    settings: Settings, mailbox: MailboxSettings, *, clock: Clock, ids: IdSource,
    earlier_message: Callable[[str], OutgoingMessage | None], limits: Limits = DEFAULT_LIMITS,
) -> MailboxRules:  # fmt: skip
    """What preparing needs to know beside a submission.

    Args:
        settings: the whole file.
        mailbox: that sends.
        clock: for the date of messages.
        ids: for their identifiers.
        earlier_message: in which a document left, by its uniqueId.
        limits: bounds of reading.
    """
    operator = settings.operators.get(mailbox.operator)
    return MailboxRules(
        mailbox=mailbox, message=settings.message, software=settings.software,
        sender=SenderInfo(software=SOFTWARE, version=__version__, editor=_EDITOR, organization=mailbox.entity),
        max_message_bytes=operator.max_message_bytes if operator is not None else _MAX_MESSAGE_BYTES,
        clock=clock, ids=ids, earlier_message=earlier_message, limits=limits,
    )  # fmt: skip
