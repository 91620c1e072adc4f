"""Webhooks: programs of this machine are told what happens, in order, each event at least once.

They hear the same events with the same numbers as ``/api/v1/events``. A number is remembered in the journal once the
receiver has accepted it; a process that dies in between tells the event again, with the same number. Nothing is given
up: a receiver that was away hears everything that it missed. One that was away for longer than the trace is kept is
told so by an event ``reset``, like a client of the stream.

Each webhook has a thread of its own, so that a slow receiver delays nobody but itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from connector.api.feed import LOOK_SECONDS
from connector.api.render import event_data
from connector.daemon.supervisor import Bell
from connector.daemon.telling import TellingLoop
from connector.daemon.workers import Mood
from connector.domain.ports import Clock
from connector.journal.events import Event, EventKind
from connector.journal.journal import Journal
from connector.platform.keystore import resolve_secret
from connector.settings.model import ApiSettings, RetrySettings
from connector.settings.webhook import WebhookSettings

__all__ = ["RETRY", "WebhookLoop", "make_webhooks"]

_log = structlog.get_logger(__name__)

RETRY = RetrySettings(first_seconds=1.0, factor=2.0, cap_seconds=60.0, jitter=0.0)
"""A receiver on the same machine: soon at first, and within a minute of its return."""
_BATCH = 100

Post = Callable[[Mapping[str, Any]], None]
"""Tells one event; raises :class:`connector.domain.errors.ConnectorError` unless it was accepted."""


@dataclass(kw_only=True)
class WebhookLoop(TellingLoop):
    """Tells one receiver.

    Args:
        name: of the webhook, under which the journal remembers its mark.
        kinds: what it wants to hear.
        journal: with the events.
        connect: makes what posts, at the first event.
    """

    name: str
    kinds: frozenset[EventKind]
    journal: Journal
    connect: Callable[[], Post]
    retry: RetrySettings = RETRY
    look_seconds: float = LOOK_SECONDS
    _post: Post | None = field(default=None, init=False)

    def _once(self) -> bool:
        """One round; true when there may be more to tell at once."""
        mark = self._mark()
        events = self.journal.events_after(mark, limit=_BATCH)
        if not self._follows(mark, events):
            self._tell_reset()
            return True
        for event in events:
            if self.stopping():
                return False
            if event.kind in self.kinds:
                self._tell(event)
        if events and events[-1].kind not in self.kinds:  # those that are told have moved the mark already
            self.journal.move_webhook_mark(self.name, events[-1].number)
        return len(events) == _BATCH

    def _mark(self) -> int:
        """Up to where the receiver knows; a new one begins now."""
        mark = self.journal.webhook_mark(self.name)
        if mark is None:
            mark = self.journal.last_number()
            self.journal.move_webhook_mark(self.name, mark)
        return mark

    def _follows(self, mark: int, events: list[Event]) -> bool:
        """False when something after the mark is not kept any more: numbers have no gaps."""
        return events[0].number == mark + 1 if events else self.journal.is_kept_after(mark)

    def _tell_reset(self) -> None:
        now, last = self.mood.clock.now(), self.journal.last_number()
        _log.warning("webhook_reset", worker=self.mood.name)
        self._tell(Event(last, now, EventKind.CONNECTOR, "", "", "reset", ""))

    def _tell(self, event: Event) -> None:
        """Tell, then remember: in this order an event may come twice, but is never lost."""
        self._post = self._post or self.connect()
        self._post(event_data(event))
        self._accepted()
        self.journal.move_webhook_mark(self.name, event.number)


def make_webhooks(
    settings: ApiSettings, journal: Journal, clock: Clock, stopping: Callable[[], bool]
) -> list[WebhookLoop]:
    """One loop for each webhook of the settings.

    Args:
        settings: of the local API.
        journal: with the events.
        clock: what time it is.
        stopping: true once the daemon stops.
    """
    return [
        WebhookLoop(
            name=webhook.name, kinds=frozenset(map(EventKind, webhook.events)), journal=journal,
            connect=partial(_connect, webhook), bell=Bell(), stopping=stopping,
            mood=Mood(f"webhook-{webhook.name}", clock),
        )
        for webhook in settings.webhooks
    ]  # fmt: skip


def _connect(webhook: WebhookSettings) -> Post:
    """With the secret, which the key store may not give at every moment."""
    from connector.daemon.webhook_post import Poster  # noqa: PLC0415 - httpx: slow to import, often no webhook

    secret = None if webhook.secret is None else resolve_secret(webhook.secret)
    return Poster(webhook.address, secret=secret, trust=webhook.trust).post
