"""Periodic work: deadlines, retention, the chain of the trace, revocation lists.

What is due is computed from the journal and from the lists themselves, so a missed tick only delays.
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from connector.domain.errors import ConnectorError
from connector.domain.ports import Clock
from connector.journal.journal import Journal
from connector.operators.trust import Trust, hierarchies_in_use
from connector.settings.model import Settings
from connector.support.health import Component, Condition

__all__ = ["Upkeep"]

_log = structlog.get_logger(__name__)

EXPIRE_SECONDS = 60
SILENCE_SECONDS = 60
HOUSEKEEPING_HOURS = 24
REVOCATION_MINUTES = 15  # how often it is looked whether a list is due; the cache itself says when to fetch


class Upkeep:
    """What the connector does by itself from time to time, and how the journal took it.

    Args:
        settings: retention, and the hierarchies that operators belong to.
        journal: what is kept.
        clock: what time it is.
        changed: called when messages have expired, or recipients have become silent.
    """

    def __init__(self, settings: Settings, journal: Journal, clock: Clock, changed: Callable[[], None]) -> None:
        self._settings = settings
        self._journal = journal
        self._clock = clock
        self._changed = changed
        self._state = Component("journal")
        self._others: list[tuple[str, float, Callable[[], None]]] = []

    def every(self, seconds: float, name: str, call: Callable[[], None]) -> None:
        """Have something else called from time to time; it must neither raise nor block for long.

        Args:
            seconds: between two calls.
            name: of the job.
            call: what to do.
        """
        self._others.append((name, seconds, call))

    def health(self) -> Component:
        """How the journal is."""
        return self._state

    @contextlib.contextmanager
    def scheduled(self, trust: Trust | None) -> Iterator[None]:
        """Run everything on its schedule for the time of the block."""
        scheduler = BackgroundScheduler(
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}, timezone=UTC
        )
        scheduler.add_job(self.expire, "interval", seconds=EXPIRE_SECONDS, id="expire")
        scheduler.add_job(self.note_silence, "interval", seconds=SILENCE_SECONDS, id="silence")
        scheduler.add_job(self.keep_house, "interval", hours=HOUSEKEEPING_HOURS, id="housekeeping")
        if trust is not None:
            scheduler.add_job(
                self.refresh_lists, "interval", [trust], minutes=REVOCATION_MINUTES, id="revocation",
                next_run_time=datetime.now(UTC),
            )  # fmt: skip
        for name, seconds, call in self._others:
            scheduler.add_job(call, "interval", seconds=seconds, id=name)
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown(wait=False)

    def expire(self) -> None:
        """End what is past its deadline."""
        with self._noting_journal():
            if self._journal.expire(self._clock.now()):
                self._changed()

    def note_silence(self) -> None:
        """Show who has sent no receipt for too long."""
        hours = self._settings.message.receipt_deadline_hours
        with self._noting_journal():
            before, found = self._clock.now() - timedelta(hours=hours), 0
            while batch := self._journal.note_silence(before):
                found += batch
            if found:
                _log.info("no_news", count=found)
                self._changed()

    def keep_house(self) -> None:
        """Drop what retention no longer keeps, and walk the chain of the trace."""
        now, keep = self._clock.now(), self._settings.journal
        with self._noting_journal():
            count = self._journal.purge(
                payload_before=now - timedelta(days=keep.keep_payload_days),
                trace_before=now - timedelta(days=keep.keep_trace_days),
            )
            _log.info("purged", count=count)
            self._journal.verify_trace()

    def refresh_lists(self, trust: Trust) -> None:
        """Fetch the revocation lists that are due; a folder that cannot be written shows at the next connection."""
        try:
            trust.refresh(hierarchies_in_use(self._settings.operators))
        except OSError as error:
            _log.warning("revocation_lists_not_written", error=type(error).__name__)

    @contextlib.contextmanager
    def _noting_journal(self) -> Iterator[None]:
        """A journal that fails shows in the health tree; the schedule goes on."""
        try:
            yield
        except ConnectorError as error:
            since = self._clock.now().isoformat()
            self._state = Component("journal", Condition.ERROR, error.code, since, error.detail)
            _log.error("journal_failed", code=error.code, detail=error.detail)
        else:
            self._state = Component("journal")
