"""From settings to a sender and a receiver: callers name a mailbox, never a protocol."""

from connector.identities import Identity, IdentityServices, make_identity
from connector.operators.base import Receiver, Sender
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.operators.trust import Trust
from connector.settings.model import MailboxSettings, OperatorSettings

__all__ = ["make_receiver", "make_sender"]


def make_sender(
    mailbox: MailboxSettings, operator: OperatorSettings, services: IdentityServices, trust: Trust | None = None, *,
    identity: Identity | None = None,
) -> Sender:  # fmt: skip
    """The sender of one mailbox. Opens nothing yet; give it to the one event loop that will own it.

    Args:
        mailbox: its address and identity.
        operator: servers, TLS policy and bounds.
        services: secrets, clock, cards, tokens.
        trust: the accepted authorities and their lists; ``None`` = the files of the settings are all there is.
        identity: when whoever owns the sender has made it already.

    Raises:
        ConfigurationError: ``REGLAGE_INVALIDE`` when the identity is incomplete, ``CODE_SANS_OPERATEUR``.
    """
    made = identity or make_identity(mailbox.identity, mailbox.address, services, server=operator.smtp)
    return SmtpSender(operator, made, trust or Trust.from_files_only())


def make_receiver(
    mailbox: MailboxSettings, operator: OperatorSettings, services: IdentityServices, trust: Trust | None = None, *,
    identity: Identity | None = None,
) -> Receiver:  # fmt: skip
    """The receiver of one mailbox. Opens nothing yet; give it to the one thread that will own it.

    Args and errors as for :func:`make_sender`.
    """
    made = identity or make_identity(mailbox.identity, mailbox.address, services, server=operator.imap)
    return ImapReceiver(operator, made, trust or Trust.from_files_only())
