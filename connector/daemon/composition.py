"""Building the connector from its settings, on one screen per step: journal, workers, HTTP, scheduler.

Starting goes from the ground up (lock, journal, recovery, workers, HTTP); stopping is the exact reverse, within ten
seconds, and loses no claim: what was claimed and not finished is found again by the recovery of the next start.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import structlog

from connector import __version__
from connector.api.checkup import Checkup
from connector.api.page.facts import gather
from connector.api.page.herald import NOTICE_SECONDS, Herald
from connector.api.services import ApiServices, OwnerAccess
from connector.daemon.endpoint import data_paths
from connector.daemon.http import serving
from connector.daemon.identities import card_health, make_cards, make_identity_services, tell_mailboxes, watching
from connector.daemon.mailbox import MailboxParts, Shared, build_mailbox
from connector.daemon.mllp import make_mllp
from connector.daemon.mllp_answers import make_answers
from connector.daemon.nudge import NUDGE_SECONDS, NudgeWatch
from connector.daemon.readiness import problems_before_start
from connector.daemon.store import open_journal
from connector.daemon.summary import SUMMARY_SECONDS, summarise
from connector.daemon.supervisor import Bell, Supervisor
from connector.daemon.upkeep import Upkeep
from connector.daemon.webhooks import make_webhooks
from connector.daemon.workers import Mood, PrepareLoop
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError
from connector.exchange.plan import MailboxRules
from connector.exchange.prepare import Preparer
from connector.intake.desk import DeskMaker
from connector.intake.layout import KnownFolders
from connector.journal.journal import Journal
from connector.operators.trust import Trust
from connector.platform.files import private_folder
from connector.platform.lock import InstanceLock
from connector.platform.memory import forbid_memory_images, settle_after_start, share_heaps
from connector.platform.notice import system_notices
from connector.platform.paths import DataPaths
from connector.platform.system import SystemClock, SystemIds
from connector.settings.load import InvalidSettings
from connector.settings.model import Settings
from connector.support.doctor import World
from connector.support.doctor.inside import world_inside
from connector.support.health import HealthRegistry
from connector.support.log import configure_log

__all__ = ["Daemon", "run_daemon"]

_log = structlog.get_logger(__name__)

STOP_SECONDS = 10.0
PREPARERS = 2  # one per core of a small machine; the libraries below release the interpreter's lock


def run_daemon(settings: Settings, settings_path: Path) -> list[str]:
    """Run the connector in the foreground until it is asked to stop.

    Args:
        settings: valid ones.
        settings_path: the file that they come from, for the doctor on the page.

    Returns:
        Names of workers that did not stop in time; empty after a clean stop.

    Raises:
        InvalidSettings: something that these settings need is not there.
        AlreadyRunning: ``DEJA_LANCE``.
        ConnectorError: the journal cannot be opened.
    """
    problems = problems_before_start(settings)
    if problems:
        raise InvalidSettings(problems)
    forbid_memory_images()
    share_heaps()
    paths = data_paths(settings)
    private_folder(paths.root)
    configure_log(settings.log, paths.root)
    with InstanceLock(paths.root), contextlib.closing(open_journal(settings, actor="connector")) as journal:
        daemon = Daemon(settings, paths, journal, settings_path)
        with _stop_signals(daemon.asked_to_stop):
            return daemon.run()


class Daemon:
    """Everything between an open journal and a clean stop."""

    def __init__(self, settings: Settings, paths: DataPaths, journal: Journal, settings_path: Path) -> None:
        self.settings = settings
        self._settings_path = settings_path
        self.paths = paths
        self.asked_to_stop = threading.Event()
        self._journal = journal
        self._supervisor = Supervisor(SystemClock())
        self._health = HealthRegistry()
        clock, ids, trust = SystemClock(), SystemIds(), Trust(paths.root / "trust", SystemClock())
        self._cards = make_cards(settings, clock, trust)
        self._shared = Shared(
            settings=settings,
            journal=journal,
            clock=clock,
            ids=ids,
            desks=DeskMaker(settings, journal=journal, clock=clock, ids=ids),
            supervisor=self._supervisor,
            known_folders=KnownFolders(paths.known_folders),
            identities=make_identity_services(clock, self._cards),
            prepare_bells=tuple(Bell() for _ in range(PREPARERS)),  # one each: a ring wakes one sleeper only
            owner=f"daemon-{ids.ulid()}",
            trust=trust,
        )
        self._mailboxes: list[MailboxParts] = []
        self._upkeep = Upkeep(settings, journal, self._shared.clock, self._prepared)
        self._nudges = NudgeWatch(paths)

    def run(self) -> list[str]:
        """Start everything, wait, stop everything."""
        recovered = self._journal.recover(owner=self._shared.owner)
        _log.info("recovered", count=sum(recovered.values()), version=__version__)
        self._build()
        with contextlib.ExitStack() as running:
            running.enter_context(watching(self._cards))
            self._supervisor.start()
            running.push(self._stop_after_failure)
            services = self._api_services()
            if self.settings.api.enabled:
                running.enter_context(serving(services, self.paths, Checkup(self._world)))
            if self.settings.api.desktop_notices:
                herald = Herald(partial(gather, services), system_notices())
                self._upkeep.every(NOTICE_SECONDS, "notices", herald.look)
            running.enter_context(self._upkeep.scheduled(self._shared.trust))
            settle_after_start()
            _log.info("started", folder_count=len(self._mailboxes))
            while not self.asked_to_stop.wait(NUDGE_SECONDS):
                self._listen_to_person()
            _log.info("stopping")
            late = self._supervisor.stop(STOP_SECONDS)
        _log.info("stopped", count=len(late), detail=", ".join(late))
        return late

    def _stop_after_failure(self, kind: type[BaseException] | None, *_: object) -> bool:
        """The workers would keep the process alive when what comes after them cannot start (a taken port)."""
        if kind is not None:
            self._supervisor.stop(STOP_SECONDS)
        return False

    def _build(self) -> None:
        for mailbox in self.settings.mailboxes:
            parts = build_mailbox(mailbox, self._shared)
            self._mailboxes.append(parts)
            self._health.add(mailbox.folder, parts.health)
        self._schedule_summaries()
        tell_mailboxes(self._shared.identities, self._cards, self._mailboxes)
        if self._cards is not None:
            self._health.add("card", partial(card_health, self._cards, self._shared.clock))
        preparer = Preparer(self._journal, self._rules, self._shared.owner)
        for number, bell in enumerate(self._shared.prepare_bells, 1):
            mood = Mood(f"prepare-{number}", self._shared.clock)
            loop = PrepareLoop(preparer, bell, self._prepared, self._shared.stopping, mood)
            self._supervisor.add(mood.name, loop.run, loop.bell)
            self._health.add(mood.name, mood.component)
        for hook in make_webhooks(self.settings.api, self._journal, self._shared.clock, self._shared.stopping):
            self._supervisor.add(hook.mood.name, hook.run, hook.bell)
            self._health.add(hook.mood.name, hook.mood.component)
        if self.settings.mllp.enabled:
            mllp = make_mllp(self.settings, self._shared, self.paths)
            self._supervisor.add(mllp.mood.name, mllp.run, mllp.bell)
            self._health.add(mllp.mood.name, mllp.mood.component)
        mood = Mood("mllp-answers", self._shared.clock)
        answers = make_answers(self.settings, self._journal, mood, self._shared.stopping)
        if answers is not None:
            self._supervisor.add(answers.mood.name, answers.run, answers.bell)
            self._health.add(answers.mood.name, answers.mood.component)
        self._health.add("workers", self._supervisor.health)
        self._health.add("journal", self._upkeep.health)

    def _schedule_summaries(self) -> None:
        for mailbox in self.settings.mailboxes:
            if mailbox.outbox.daily_summary:
                call = partial(summarise, mailbox, self.settings, self._shared)
                self._upkeep.every(SUMMARY_SECONDS, f"summary-{mailbox.folder}", call)

    def _rules(self, address: MailboxAddress) -> MailboxRules:
        """What preparing needs to know of a mailbox.

        Raises:
            ConfigurationError: ``REGLAGE_INVALIDE`` when the mailbox is no longer in the settings.
        """
        for parts in self._mailboxes:
            if parts.mailbox.address == address:
                return parts.rules
        raise ConfigurationError("REGLAGE_INVALIDE", "the mailbox of this submission is not in the settings")

    def _prepared(self) -> None:
        for parts in self._mailboxes:
            parts.send_bell.ring()
            parts.folder_bell.ring()

    def _api_services(self) -> ApiServices:
        return ApiServices(
            settings=self.settings, report=self._health.report, journal=self._journal, clock=self._shared.clock,
            desks=self._shared.desks, owner=OwnerAccess.new(self._shared.ids.uuid()), cards=self._cards,
            tokens=self._shared.identities.tokens,
            received=self._shared.ring_preparers, decided=self._hurry,
        )  # fmt: skip

    def _world(self) -> World:
        """What the doctor on the page looks at."""
        return world_inside(
            settings_path=self._settings_path, settings=self.settings, problems=problems_before_start(self.settings),
            paths=self.paths, clock=self._shared.clock, services=self._shared.identities,
            trust=self._shared.trust or Trust.from_files_only(), journal=self._journal, cards=self._cards,
            health=lambda: self._health.report().as_dict(),
        )  # fmt: skip

    def _listen_to_person(self) -> None:
        """Somebody decided something at the terminal."""
        if self._nudges.came():
            self._hurry()

    def _hurry(self) -> None:
        """Look at the journal now, whatever pause is going on. Any thread may call it."""
        self._shared.ring_preparers()
        for parts in self._mailboxes:
            parts.hurry()


@contextlib.contextmanager
def _stop_signals(event: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM (on Windows also Ctrl-Break) ask for a clean stop."""
    names = [name for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), lambda *_: event.set()) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
