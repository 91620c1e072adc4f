"""From settings to a sender and a receiver: callers name a mailbox, never a protocol."""

from connector.identities import IdentityServices, make_identity
from connector.operators.base import Receiver, Sender
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.operators.trust import Trust
from connector.settings.model import MailboxSettings, OperatorSettings

__all__ = ["make_receiver", "make_sender"]


def make_sender(
    mailbox: MailboxSettings, operator: OperatorSettings, services: IdentityServices, trust: Trust | None = None
) -> Sender:
    """The sender of one mailbox. Opens nothing yet; give it to the one event loop that will own it.

    Args:
        mailbox: its address and identity.
        operator: servers, TLS policy and bounds.
        services: secrets, clock, cards, tokens.
        trust: the accepted authorities and their lists; ``None`` = the files of the settings are all there is.

    Raises:
        ConfigurationError: ``REGLAGE_INVALIDE`` when the identity is incomplete.
    """
    identity = make_identity(mailbox.identity, mailbox.address, services)
    return SmtpSender(operator, identity, trust or Trust.from_files_only())


def make_receiver(
    mailbox: MailboxSettings, operator: OperatorSettings, services: IdentityServices, trust: Trust | None = None
) -> Receiver:
    """The receiver of one mailbox. Opens nothing yet; give it to the one thread that will own it.

    Args and errors as for :func:`make_sender`.
    """
    identity = make_identity(mailbox.identity, mailbox.address, services)
    return ImapReceiver(operator, identity, trust or Trust.from_files_only())
