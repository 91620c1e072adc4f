"""From settings to a sender and a receiver: callers name a mailbox, never a protocol."""

from connector.identities.base import Identity
from connector.operators.base import Receiver, Sender
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.settings.model import OperatorSettings

__all__ = ["make_receiver", "make_sender"]


def make_sender(operator: OperatorSettings, identity: Identity) -> Sender:
    """The sender of one mailbox. Opens nothing yet; give it to the one event loop that will own it.

    Args:
        operator: servers, TLS policy and bounds.
        identity: of the mailbox, from :func:`connector.identities.make_identity`.
    """
    return SmtpSender(operator, identity)


def make_receiver(operator: OperatorSettings, identity: Identity) -> Receiver:
    """The receiver of one mailbox. Opens nothing yet; give it to the one thread that will own it.

    Args:
        operator: servers, TLS policy and bounds.
        identity: of the mailbox, from :func:`connector.identities.make_identity`.
    """
    return ImapReceiver(operator, identity)
