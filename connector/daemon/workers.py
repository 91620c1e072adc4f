"""The loops of one mailbox: what runs in which thread, what wakes it, and what it does when something fails.

Four threads a mailbox, because a folder on a slow share, an SMTP answer, an IMAP IDLE and a large delivery may each
block for a long time, and none may hold up another: *folders* (outbox and status files), *send*, *receive*,
*deliver*. They meet in the journal only; a bell is never more than a hint.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from connector.daemon.supervisor import Bell
from connector.domain.errors import ConnectorError, Unavailable
from connector.domain.ports import Clock
from connector.exchange.collect import Collector
from connector.exchange.lookup import Inquirer
from connector.exchange.opening import Opener, TargetAway
from connector.exchange.prepare import Preparer
from connector.exchange.retry import backoff_seconds
from connector.exchange.send import Dispatcher
from connector.identities import Identity, hindrance
from connector.intake.outbox import Outbox
from connector.intake.results import StatusReporter
from connector.intake.watch import FolderWatch
from connector.intake.zam import ZamFiles
from connector.journal.journal import Journal
from connector.operators.base import Receiver, Sender
from connector.operators.errors import AuthenticationRefused, TokenRefused
from connector.settings.model import AuthMethod, MailboxSettings, RetrySettings
from connector.support.health import Component, Condition

__all__ = ["DeliverLoop", "FolderLoop", "Folders", "Mood", "PrepareLoop", "ReceiveLoop", "SendLoop"]

_log = structlog.get_logger(__name__)
_Built = TypeVar("_Built")

IDLE_WAIT_SECONDS = 60.0  # longest sleep of a worker that nobody rings
REFUSED_IDENTITY_SECONDS = 900.0  # a certificate that was refused is tried again after this; a password never
STALE_SECONDS = 1.0  # how soon an unused connection is closed while others send, once the identity has changed
HINDERED_SECONDS = 10.0  # pause of a delivery that the disk or the folder refused
NEWS_SECONDS = 5.0  # shortest pause before something that was postponed is looked at again
DEBOUNCE_SECONDS = 0.05  # events of one drop come together; the scan itself decides what is complete
EVENTS_HELD_SECONDS = 0.6  # after a file left the folder, watchdog holds all events of Linux for up to half a second
HELD_SCAN_SECONDS = 0.05  # so for that long the scan does not rely on them


@dataclass
class Mood:
    """How a worker is, for the health tree; written by its thread, read by the API's."""

    name: str
    clock: Clock
    code: str | None = None
    detail: str = ""
    since: str | None = None

    def good(self, detail: str = "") -> None:
        """It works; ``detail``: what it is at, when that takes long."""
        if self.code is not None:
            self.code, self.since = None, self.clock.now().isoformat()
        self.detail = detail

    def bad(self, error: ConnectorError) -> None:
        """It met a known error; logged once per change."""
        if self.code != error.code:
            self.code, self.since = error.code, self.clock.now().isoformat()
            _log.warning("worker_hindered", worker=self.name, code=error.code, detail=error.detail)
        self.detail = error.detail

    def component(self) -> Component:
        """The node of the health tree."""
        condition = Condition.OK if self.code is None else Condition.WAITING
        return Component(self.name, condition, self.code, self.since, self.detail)


@dataclass(frozen=True, slots=True)
class Folders:
    """What works on the outbox folders of one mailbox, once they are there."""

    outbox: Outbox
    reporter: StatusReporter
    watch: FolderWatch
    answers: ZamFiles | None = None  # None: they go to the software that listens


@dataclass
class FolderLoop:
    """Outbox and status files of one mailbox."""

    open_folders: Callable[[], Folders]
    scan_seconds: float
    settle_seconds: float
    bell: Bell
    received: Callable[[], None]
    stopping: Callable[[], bool]
    mood: Mood
    _took_at: float = field(default=-EVENTS_HELD_SECONDS, init=False)  # monotonic

    def run(self) -> None:
        """Scan, take, report, until told to stop."""
        folders = until_there(self.open_folders, self.bell, self.stopping, self.mood, self.scan_seconds)
        if folders is None:
            return
        folders.watch.start()
        try:
            folders.outbox.recover()
            while not self.stopping():
                if not self._once(folders) and self.bell.wait(self._pause(folders.outbox)):
                    self.bell.wait(DEBOUNCE_SECONDS)
        finally:
            folders.watch.stop()

    def _once(self, folders: Folders) -> bool:
        """One round; true when there may be more to do at once."""
        try:
            taken = folders.outbox.run_once()
            if taken:
                self._took_at = self.mood.clock.monotonic()
                self.received()
            reported = folders.reporter.run_once()
            if folders.answers is not None:
                reported += folders.answers.run_once()
        except Unavailable as error:
            self.mood.bad(error)
            return False
        self._show(folders)
        return bool(taken + reported)

    def _show(self, folders: Folders) -> None:
        health = folders.outbox.health
        if health.code is None:
            self.mood.good()
            folders.watch.check()
        else:
            self.mood.bad(Unavailable(health.code, health.detail))

    def _pause(self, outbox: Outbox) -> float:
        """Until something that is settling may have settled; short while file events are held up."""
        if self.mood.clock.monotonic() - self._took_at < EVENTS_HELD_SECONDS:
            return min(self.scan_seconds, HELD_SCAN_SECONDS)
        return min(self.scan_seconds, max(self.settle_seconds, 0.1)) if outbox.is_settling else self.scan_seconds


@dataclass
class PrepareLoop:
    """Turns what was taken into frozen messages; two of these serve all mailboxes."""

    preparer: Preparer
    bell: Bell
    prepared: Callable[[], None]
    stopping: Callable[[], bool]
    mood: Mood

    def run(self) -> None:
        """Prepare what was received, until told to stop."""
        while not self.stopping():
            try:
                count = self.preparer.run_once()
                self.mood.good()
            except Unavailable as error:
                self.mood.bad(error)
                count = 0
            if count:
                self.prepared()
            else:
                self.bell.wait(IDLE_WAIT_SECONDS)


@dataclass
class SendLoop:
    """Sends what is due of one mailbox, on an event loop of its own."""

    journal: Journal
    mailbox: MailboxSettings
    make_sender: Callable[[], Sender]
    make_dispatcher: Callable[[Sender], Dispatcher]
    bell: Bell
    reported: Callable[[], None]
    stopping: Callable[[], bool]
    clock: Clock
    mood: Mood
    impatience: threading.Event  # set when a person decided something: pauses end
    identity_news: threading.Event  # set when something happened to card, PIN, token or code

    def run(self) -> None:
        """Send until told to stop."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        sender = self.make_sender()
        try:
            dispatcher = self.make_dispatcher(sender)
            while not self.stopping():
                if await self._once(dispatcher, sender):
                    self.reported()
                else:
                    await asyncio.to_thread(self.bell.wait, self._pause(dispatcher))
        finally:
            await sender.close()

    async def _once(self, dispatcher: Dispatcher, sender: Sender) -> int:
        if self.impatience.is_set():
            self.impatience.clear()
            dispatcher.forget_pause()
        if self.identity_news.is_set():
            self.identity_news.clear()
            dispatcher.identity_changed()
        try:
            count = await _watched(dispatcher.run_once(), sender)
            self._show(dispatcher)
        except Unavailable as error:
            self.mood.bad(error)
            return 0
        return count

    def _show(self, dispatcher: Dispatcher) -> None:
        if dispatcher.hindered_by is None:
            self.mood.good()
        else:
            self.mood.bad(dispatcher.hindered_by)

    def _pause(self, dispatcher: Dispatcher) -> float:
        due = self.journal.next_due(self.mailbox.address)
        until_due = max(0.05, (due - self.clock.now()).total_seconds()) if due else IDLE_WAIT_SECONDS
        return min(max(until_due, dispatcher.pause_seconds()), IDLE_WAIT_SECONDS)


async def _watched(work: Coroutine[Any, Any, int], sender: Sender) -> int:
    """Do the work; meanwhile, connections that it does not use are closed soon after the identity has changed."""
    task = asyncio.ensure_future(work)
    while not (await asyncio.wait({task}, timeout=STALE_SECONDS))[0]:
        await sender.drop_stale()
    return task.result()


@dataclass
class ReceiveLoop:
    """Fetches one mailbox, marks what is done, looks up lost answers.

    While the identity is not ready for a new session nothing is said to the server: the loop sleeps until the bell
    rings. A session that is open goes on.
    """

    mailbox: MailboxSettings
    identity: Identity  # that the receiver shows, in the same thread
    make_receiver: Callable[[], Receiver]
    collector: Collector
    inquirer: Inquirer
    poll_seconds: float
    retry: RetrySettings
    bell: Bell
    stored: Callable[[], None]
    settled: Callable[[], None]
    stopping: Callable[[], bool]
    mood: Mood
    _failures: int = field(default=0, init=False)

    def run(self) -> None:
        """Receive until told to stop."""
        receiver = self.make_receiver()
        try:
            while not self.stopping():
                try:
                    if not self._waits_for_identity(receiver):
                        self._once(receiver)
                except Unavailable as error:
                    self._rest(error)
                except ConnectorError as error:  # the operator, or a certificate or setting that a person must mend
                    receiver.close()
                    self._rest(error)
        finally:
            receiver.close()

    def _waits_for_identity(self, receiver: Receiver) -> bool:
        """True after a sleep, when no session is open and none can be opened."""
        missing = None if receiver.drop_stale() else hindrance(self.identity)
        if missing is None:
            return False
        self._failures = 0
        self.mood.bad(missing.reason)
        self.bell.wait(IDLE_WAIT_SECONDS)
        return True

    def _once(self, receiver: Receiver) -> None:
        if self.collector.run_once(receiver):
            self.stored()
        if self.inquirer.run_once(receiver):
            self.settled()
        self._failures = 0
        self._show()
        if self.collector.watched is None or self.collector.lister.goes_on():
            return
        receiver.wait(
            self.collector.watched, seconds=self.poll_seconds, stop=lambda: self.stopping() or self.bell.is_rung
        )
        self.bell.wait(0)

    def _show(self) -> None:
        if self.collector.hindered_by is None:
            self.mood.good(self.collector.lister.progress())
        else:
            self.mood.bad(self.collector.hindered_by)

    def _rest(self, error: ConnectorError) -> None:
        self.mood.bad(error)
        self._failures += 1
        if isinstance(error, AuthenticationRefused) and not isinstance(error, TokenRefused):
            self._rest_refused()
        else:
            self.bell.wait(backoff_seconds(self._failures, self.retry, luck=0.5))

    def _rest_refused(self) -> None:
        """A refused password is never shown again, anything else after a while; a new certificate or card at once."""
        password = self.mailbox.identity.auth in (AuthMethod.PLAIN, AuthMethod.LOGIN)
        refused, rested = self.identity.revision(), 0.0
        while not self.stopping() and self.identity.revision() == refused:
            if not password and rested >= REFUSED_IDENTITY_SECONDS:
                break
            if not self.bell.wait(IDLE_WAIT_SECONDS):
                rested += IDLE_WAIT_SECONDS


@dataclass
class DeliverLoop:
    """Opens what was stored and delivers it to the LPS."""

    open_inbox: Callable[[], Opener]
    bell: Bell
    delivered: Callable[[], None]
    stopping: Callable[[], bool]
    mood: Mood

    def run(self) -> None:
        """Open and deliver until told to stop."""
        opener = until_there(self.open_inbox, self.bell, self.stopping, self.mood, IDLE_WAIT_SECONDS)
        while opener is not None and not self.stopping():
            try:
                count = opener.run_once()
                pause = 0.0 if count else self._pause(opener)
                self.mood.good()
            except Unavailable as error:
                self.mood.bad(error)
                if isinstance(error, TargetAway) and error.delivered:
                    self.delivered()
                self.bell.wait(HINDERED_SECONDS)
                continue
            if count:
                self.delivered()
            else:
                self.bell.wait(pause)

    def _pause(self, opener: Opener) -> float:
        """Until something that was postponed is due; without any, only the bell brings news."""
        due = opener.next_due()
        until_due = (due - self.mood.clock.now()).total_seconds() if due else IDLE_WAIT_SECONDS
        return min(max(until_due, NEWS_SECONDS), IDLE_WAIT_SECONDS)


def until_there(
    build: Callable[[], _Built], bell: Bell, stopping: Callable[[], bool], mood: Mood, pause_seconds: float
) -> _Built | None:
    """Build something that needs a folder; a disk that is not there now is waited for.

    Returns:
        What was built, or ``None`` when it was time to stop first.
    """
    while not stopping():
        try:
            return build()
        except Unavailable as error:
            mood.bad(error)
            bell.wait(pause_seconds)
    return None
