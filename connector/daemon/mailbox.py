"""Building the parts of one mailbox and the bells between them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from connector import __version__
from connector.daemon.received import Received, ReceivedLoop
from connector.daemon.supervisor import Bell, Supervisor
from connector.daemon.target import TargetMaker
from connector.daemon.workers import DeliverLoop, FolderLoop, Folders, Mood, ReceiveLoop, SendLoop
from connector.delivery.inbox import mailbox_profile
from connector.delivery.reports import ReportReader
from connector.delivery.watch import FOLDER, ReceptionWatch, TakenRules
from connector.domain.ports import Clock, IdSource
from connector.domain.states import IncomingState
from connector.exchange.collect import Collector
from connector.exchange.listing import Lister
from connector.exchange.lookup import Inquirer
from connector.exchange.notices import NoticeDesk
from connector.exchange.opening import Opener
from connector.exchange.plan import MailboxRules
from connector.exchange.rules import SOFTWARE, reception_rules, sending_rules
from connector.exchange.send import Dispatcher
from connector.identities import Identity, IdentityServices, make_identity
from connector.intake.desk import DeskMaker
from connector.intake.layout import BoxLayout, KnownFolders, establish
from connector.intake.outbox import Outbox
from connector.intake.results import StatusReporter
from connector.intake.watch import FolderWatch
from connector.intake.zam import ZamFiles
from connector.journal.failure import UnknownRow
from connector.journal.journal import Journal
from connector.journal.records import OutgoingMessage
from connector.operators.base import Sender
from connector.operators.factory import make_receiver, make_sender
from connector.operators.trust import Trust
from connector.platform.share import is_share
from connector.settings.model import AuthMethod, MailboxSettings, OperatorSettings, ServerSettings, Settings
from connector.support.health import Component

__all__ = ["MailboxParts", "Shared", "build_mailbox"]


@dataclass(frozen=True, slots=True)
class Shared:
    """What all mailboxes share."""

    settings: Settings
    journal: Journal
    clock: Clock
    ids: IdSource
    supervisor: Supervisor
    known_folders: KnownFolders
    identities: IdentityServices
    desks: DeskMaker
    owner: str
    prepare_bells: tuple[Bell, ...]
    trust: Trust | None = None  # whom to believe to be an operator; None = the files of the settings are all there is

    def ring_preparers(self) -> None:
        """Something was received."""
        for bell in self.prepare_bells:
            bell.ring()

    def stopping(self) -> bool:
        """True once the connector was asked to stop."""
        return self.supervisor.stopping


@dataclass(frozen=True, slots=True)
class MailboxParts:
    """One mailbox, built: what wakes it, how it is."""

    mailbox: MailboxSettings
    rules: MailboxRules
    folder_bell: Bell = field(default_factory=Bell)
    send_bell: Bell = field(default_factory=Bell)
    receive_bell: Bell = field(default_factory=Bell)
    deliver_bell: Bell = field(default_factory=Bell)
    received_bell: Bell = field(default_factory=Bell)
    impatience: threading.Event = field(default_factory=threading.Event)
    identity_news: threading.Event = field(default_factory=threading.Event)
    moods: list[Mood] = field(default_factory=list)

    def health(self) -> Component:
        """The node of the health tree."""
        return Component(self.mailbox.folder, parts=tuple(mood.component() for mood in self.moods))

    def hurry(self) -> None:
        """A person decided something: look at once, whatever pause was going on."""
        self.impatience.set()
        for bell in (self.folder_bell, self.send_bell, self.receive_bell, self.deliver_bell, self.received_bell):
            bell.ring()

    def identity_changed(self) -> None:
        """Something happened to card, PIN, token or code of this mailbox: end what must end, resume what waited.

        Any thread may call it. Pauses after a lost connection go on: a token that is renewed every few minutes must
        not bring the next attempt forward.
        """
        self.identity_news.set()
        self.send_bell.ring()
        self.receive_bell.ring()

    def settled(self) -> None:
        """The outcome of something that was sent is known, or it may leave again."""
        self.folder_bell.ring()
        self.send_bell.ring()


def build_mailbox(mailbox: MailboxSettings, shared: Shared) -> MailboxParts:
    """Register the workers of one mailbox with the supervisor; nothing is opened yet."""
    operator = shared.settings.operators[mailbox.operator]
    parts = MailboxParts(mailbox, _rules(mailbox, shared))
    open_layout = partial(establish, shared.settings.spool, mailbox, shared.known_folders)
    loops = [
        _folder_loop(parts, shared, lambda: _folders(parts, shared, open_layout())),
        *([_send_loop(parts, shared, operator)] if mailbox.send else []),
        *(_reception(parts, shared, operator) if mailbox.receive else []),
        *([_received_loop(parts, shared)] if mailbox.receive else []),
    ]
    for loop in loops:
        shared.supervisor.add(f"{mailbox.folder}:{loop.mood.name}", loop.run, loop.bell)
        parts.moods.append(loop.mood)
    return parts


def _rules(mailbox: MailboxSettings, shared: Shared) -> MailboxRules:
    def earlier(document_id: str) -> OutgoingMessage | None:
        return shared.journal.earlier_message_for_document(document_id, mailbox.address)

    return sending_rules(shared.settings, mailbox, clock=shared.clock, ids=shared.ids, earlier_message=earlier)


def _folder_loop(parts: MailboxParts, shared: Shared, open_folders: Callable[[], Folders]) -> FolderLoop:
    spool, outbox = shared.settings.spool, parts.mailbox.outbox
    share = _on_share(shared)
    return FolderLoop(
        open_folders=open_folders,
        scan_seconds=spool.share_scan_seconds if share else spool.scan_seconds,
        settle_seconds=outbox.share_settle_seconds if share else outbox.settle_seconds,
        bell=parts.folder_bell,
        received=shared.ring_preparers,
        stopping=shared.stopping,
        mood=Mood("folders", shared.clock),
    )


def _folders(parts: MailboxParts, shared: Shared, layout: BoxLayout) -> Folders:
    share, mailbox = _on_share(shared), parts.mailbox
    outbox = Outbox(
        mailbox, layout, journal=shared.journal, clock=shared.clock, ids=shared.ids, is_share=share,
        desk=partial(shared.desks.desk, mailbox),
        deadline_hours=shared.settings.retry.deadline_hours,
    )  # fmt: skip
    reporter = StatusReporter(mailbox, layout, journal=shared.journal, claims=outbox.claims)
    mllp = shared.settings.mllp
    files = ZamFiles(mailbox.address, layout, journal=shared.journal, application=mllp.application)
    watch = FolderWatch([layout.outbox], parts.folder_bell.ring, is_share=share)
    return Folders(outbox, reporter, watch, None if mllp.answers_to else files)


def _on_share(shared: Shared) -> bool:
    spool = shared.settings.spool
    return is_share(spool.root) if spool.share == "auto" else spool.share


def _send_loop(parts: MailboxParts, shared: Shared, operator: OperatorSettings) -> SendLoop:
    identity = _identity(parts.mailbox, shared, operator.smtp)

    def dispatcher(sender: Sender) -> Dispatcher:
        return Dispatcher(
            mailbox=parts.mailbox.address, journal=shared.journal, sender=sender, clock=shared.clock,
            retry=shared.settings.retry, owner=shared.owner, server=_server(operator.smtp),
            parallel=operator.smtp_connections, may_try_identity_again=_survives_refusals(parts.mailbox),
            identity=identity, null_sender_for_notices=operator.null_sender_for_receipts,
        )  # fmt: skip

    return SendLoop(
        journal=shared.journal,
        mailbox=parts.mailbox,
        make_sender=lambda: make_sender(parts.mailbox, operator, shared.identities, shared.trust, identity=identity),
        make_dispatcher=dispatcher,
        bell=parts.send_bell,
        reported=parts.folder_bell.ring,
        stopping=shared.stopping,
        clock=shared.clock,
        mood=Mood("send", shared.clock),
        impatience=parts.impatience,
        identity_news=parts.identity_news,
    )


def _reception(parts: MailboxParts, shared: Shared, operator: OperatorSettings) -> tuple[ReceiveLoop, DeliverLoop]:
    """Fetching and delivering: two threads, so that a slow folder does not hold up the server."""
    address, journal = parts.mailbox.address, shared.journal
    server, identity = _server(operator.imap), _identity(parts.mailbox, shared, operator.imap)
    receive = ReceiveLoop(
        mailbox=parts.mailbox,
        identity=identity,
        make_receiver=lambda: make_receiver(
            parts.mailbox, operator, shared.identities, shared.trust, identity=identity
        ),
        collector=Collector(
            address, journal, Lister(address, journal, parts.mailbox.reception, shared.clock), shared.owner, server
        ),
        inquirer=Inquirer(address, journal, shared.clock, operator.sent_settle_seconds, server),
        poll_seconds=operator.poll_seconds,
        retry=shared.settings.retry,
        bell=parts.receive_bell,
        stored=parts.deliver_bell.ring,
        settled=parts.settled,
        stopping=shared.stopping,
        mood=Mood("receive", shared.clock),
    )

    def opener() -> Opener:
        inbox = _target(parts, shared).make()
        inbox.recover(lambda incoming_id: _is_open(journal, incoming_id))
        rules = reception_rules(shared.settings, address)
        return Opener(
            address, journal, inbox, shared.clock, shared.owner, rules=rules, answer=_notices(parts, shared).delivered
        )

    def delivered() -> None:
        parts.receive_bell.ring()
        parts.folder_bell.ring()  # a receipt may have changed the status of something sent

    deliver = DeliverLoop(opener, parts.deliver_bell, delivered, shared.stopping, Mood("deliver", shared.clock))
    return receive, deliver


def _layout_opener(parts: MailboxParts, shared: Shared) -> Callable[[Path | None], BoxLayout]:
    """Finds the folders of the mailbox, with this reception folder or its own."""
    mailbox = parts.mailbox

    def open_layout(path: Path | None) -> BoxLayout:
        reception = mailbox.reception.model_copy(update={"path": path or mailbox.reception.path})
        moved = mailbox.model_copy(update={"reception": reception})
        return establish(shared.settings.spool, moved, shared.known_folders)

    return open_layout


def _target(parts: MailboxParts, shared: Shared) -> TargetMaker:
    """Where messages are delivered."""
    return TargetMaker(
        parts.mailbox, _layout_opener(parts, shared), desk=_notices(parts, shared), ids=shared.ids,
        stopping=shared.stopping,
    )  # fmt: skip


def _received_loop(parts: MailboxParts, shared: Shared) -> ReceivedLoop:
    """Looking after what was delivered, in the mailbox's own folder and those of its routes."""
    spool, reception, address = shared.settings.spool, parts.mailbox.reception, parts.mailbox.address
    share, outbox = _on_share(shared), parts.mailbox.outbox
    desk, open_layout = _notices(parts, shared), _layout_opener(parts, shared)
    paths = dict.fromkeys([None, *(route.path for route in reception.routes)])

    def received() -> Received:
        places, profile = [open_layout(path) for path in paths], mailbox_profile(parts.mailbox)
        watch = ReceptionWatch(
            address, places, shared.journal, shared.clock,
            TakenRules(
                when=reception.taken_when, overdue_hours=reception.overdue_hours, aside=profile.hors_profil,
                flag=profile.options.drapeau.lower(),
            ),
            partial(desk.take, by=FOLDER),
        )  # fmt: skip
        known = partial(shared.journal.delivered_under, address)
        return Received(watch, [ReportReader(place, desk, known) for place in places])

    return ReceivedLoop(
        open_received=received,
        scan_seconds=spool.share_scan_seconds if share else spool.scan_seconds,
        settle_seconds=outbox.share_settle_seconds if share else outbox.settle_seconds,
        bell=parts.received_bell,
        stopping=shared.stopping,
        mood=Mood("received", shared.clock),
    )


def _notices(parts: MailboxParts, shared: Shared) -> NoticeDesk:
    """Answers what this mailbox received."""
    return NoticeDesk(
        shared.journal, shared.settings, shared.clock, shared.ids, f"{SOFTWARE} {__version__}",
        queued=lambda _: parts.send_bell.ring(),
    )  # fmt: skip


def _identity(mailbox: MailboxSettings, shared: Shared, server: ServerSettings) -> Identity:
    """One for each thread that shows it; what they share (cards, tokens) is behind the services.

    Raises:
        ConfigurationError: the settings describe none that SMTP and IMAP carry.
    """
    return make_identity(mailbox.identity, mailbox.address, shared.identities, server=server)


def _survives_refusals(mailbox: MailboxSettings) -> bool:
    """True when a refused identity may be shown again after a while.

    A certificate or card cannot be locked by that; a password can. A token that was refused is never shown again by
    the store, so only a fresh one would be.
    """
    return mailbox.identity.auth not in (AuthMethod.PLAIN, AuthMethod.LOGIN, AuthMethod.CODE)


def _is_open(journal: Journal, incoming_id: str) -> bool:
    """True while a message still has to be delivered; one that the journal does not know is left alone."""
    try:
        return journal.incoming(incoming_id).state in (IncomingState.STORED, IncomingState.OPENED)
    except UnknownRow:
        return True


def _server(settings: ServerSettings) -> str:
    return f"{settings.host}:{settings.port}"
