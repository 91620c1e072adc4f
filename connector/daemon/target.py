"""Where the messages of one mailbox are delivered: its folder, the places of its routes, software that listens."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from connector.daemon.mllp_answers import sender_to
from connector.delivery.inbox import Inbox, Outlet, mailbox_profile
from connector.delivery.line import LpsLine, Refusal
from connector.delivery.routing import LatePlace, Place, RoutedInbox
from connector.domain.ports import IdSource
from connector.exchange.notices import NoticeDesk
from connector.intake.layout import BoxLayout
from connector.settings.mllp import MllpTarget
from connector.settings.model import MailboxSettings
from connector.settings.routing import RouteSettings

__all__ = ["TargetMaker", "route_profile"]

ACTOR = "MLLP"
"""Who took a message, or refused it, for trace and inbox."""

_Key = tuple[Path | None, str, str]  # folder, profile, software that listens


class TargetMaker:
    """Builds the places of one mailbox.

    Args:
        mailbox: whose.
        open_layout: its folders with this reception folder, or with its own.
        desk: learns what a software that listens has taken, and tells senders what became of their messages.
        ids: of HL7 v2 messages.
        stopping: true once the connector was asked to stop.
    """

    def __init__(
        self, mailbox: MailboxSettings, open_layout: Callable[[Path | None], BoxLayout], *, desk: NoticeDesk,
        ids: IdSource, stopping: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._mailbox = mailbox
        self._open_layout = open_layout
        self._desk = desk
        self._ids = ids
        self._stopping = stopping

    def make(self) -> RoutedInbox:
        """All places of the mailbox; those of routes are opened as soon as they are there.

        Raises:
            Unavailable: the mailbox's own folder is not there now.
            InvalidProfile: ``REGLAGE_INVALIDE``.
        """
        reception = self._mailbox.reception
        outlet = Outlet(profile=mailbox_profile(self._mailbox), line=self._line(reception.mllp))
        own = Inbox(self._mailbox, self._open_layout(None), outlet=outlet, new_id=self._ids.ulid)
        shared: dict[_Key, Place] = {_key(reception.path, reception.profile, reception.mllp): own}
        places = {
            number: shared.setdefault(self._key(route), LatePlace(partial(self._place, route)))
            for number, route in enumerate(reception.routes)
        }
        paths = {number: route.path for number, route in enumerate(reception.routes)}
        elsewhere = {n: path for n, path in paths.items() if path is not None and path != reception.path}
        return RoutedInbox(own, reception.routes, places, elsewhere)

    def _place(self, route: RouteSettings) -> Inbox:
        profile = mailbox_profile(self._mailbox, route_profile(route))
        outlet = Outlet(profile=profile, line=self._line(route.mllp), work=_work(self._key(route)))
        return Inbox(self._mailbox, self._open_layout(route.path), outlet=outlet, new_id=self._ids.ulid)

    def _key(self, route: RouteSettings) -> _Key:
        reception = self._mailbox.reception
        return _key(route.path or reception.path, route_profile(route) or reception.profile, route.mllp)

    def _line(self, target: MllpTarget | None) -> LpsLine | None:
        if target is None:
            return None
        return LpsLine(sender_to(target, self._stopping), self._refused, self._accepted)

    def _refused(self, incoming_id: str, refusals: Sequence[Refusal]) -> None:
        first, *others = ((one.code, one.detail) for one in refusals)
        self._desk.report_integration_failure(incoming_id, *first, ACTOR, further=others)

    def _accepted(self, incoming_id: str) -> None:
        self._desk.take(incoming_id, by=ACTOR)


def route_profile(route: RouteSettings) -> str:
    """Name of the profile of a route; empty = that of its mailbox."""
    return route.profile or ("hl7" if route.mllp else "")


def _key(path: Path | None, profile: str, line: MllpTarget | None) -> _Key:
    """What two routes to the same place have in common."""
    return path, profile, line.model_dump_json() if line else ""


def _work(key: _Key) -> str:
    """Where deliveries of a place are prepared: the same after each start, and no other outlet's of that folder."""
    return f"livraison-{hashlib.sha256(repr(key[1:]).encode()).hexdigest()[:12]}"
