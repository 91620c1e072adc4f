"""Building the parts of one mailbox and the bells between them."""

from collections.abc import Callable
from dataclasses import dataclass

from connector import __version__
from connector.daemon.supervisor import Bell, Supervisor
from connector.daemon.workers import DeliverLoop, FolderLoop, Mood, ReceiveLoop, SendLoop
from connector.delivery.plat import Inbox
from connector.domain.ports import Clock, IdSource
from connector.exchange.collect import Collector
from connector.exchange.lookup import Inquirer
from connector.exchange.opening import Opener
from connector.exchange.plan import MailboxRules
from connector.exchange.send import Dispatcher
from connector.intake.layout import BoxLayout
from connector.intake.outbox import Outbox
from connector.intake.results import StatusReporter
from connector.intake.watch import FolderWatch
from connector.journal.journal import Journal
from connector.operators.base import Sender
from connector.operators.factory import make_receiver, make_sender
from connector.settings.model import MailboxSettings, OperatorSettings, Settings
from connector.support.health import Component
from connector.xdm import SenderInfo

__all__ = ["MailboxParts", "Shared", "build_mailbox"]


@dataclass(frozen=True, slots=True)
class Shared:
    """What all mailboxes share."""

    settings: Settings
    journal: Journal
    clock: Clock
    ids: IdSource
    supervisor: Supervisor
    prepare_bell: Bell
    owner: str


@dataclass(frozen=True, slots=True)
class MailboxParts:
    """One mailbox, built."""

    mailbox: MailboxSettings
    rules: MailboxRules
    send_bell: Bell
    folder_bell: Bell
    health: Callable[[], Component]
    stop_watching: Callable[[], None]
