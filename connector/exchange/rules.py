"""What a mailbox wants done with what it receives, out of its settings."""

from connector.domain.address import MailboxAddress
from connector.exchange.unwrap import ReceptionRules
from connector.settings.model import Settings

__all__ = ["reception_rules"]


def reception_rules(settings: Settings, mailbox: MailboxAddress) -> ReceptionRules:
    """The rules of one mailbox; those of a mailbox that is no longer in the settings are the careful ones."""
    found = next((one for one in settings.mailboxes if one.address == mailbox), None)
    return ReceptionRules(
        quarantines_mismatch=found is None or found.reception.patient_mismatch == "quarantine",
        is_production=settings.software.environment != "test",
    )
