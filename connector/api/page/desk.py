"""Everything behind the page, built once beside the routes."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property

from connector.api.blocking import Blocking
from connector.api.checkup import Checkup
from connector.api.envelopes import Envelopes
from connector.api.feed import Feed, Mark
from connector.api.page.activity import Activity
from connector.api.page.facts import gather
from connector.api.page.need import Facts
from connector.api.page.sessions import Sessions
from connector.api.pairing import Pairing
from connector.api.pdf_pages import PdfPages
from connector.api.services import ApiServices
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.ports import IdSource
from connector.exchange.arrival import Arrival
from connector.exchange.notices import NoticeDesk
from connector.exchange.rules import reception_rules
from connector.exchange.unwrap import arrival_of
from connector.journal.records import IncomingMessage
from connector.mail.parse import open_message
from connector.platform.system import SystemIds
from connector.settings.model import IdentityMethod

__all__ = ["ACTOR", "Desk", "PageOptions"]

ACTOR = "person at the page"
"""Who decides, in the trace."""
KEPT_ARRIVALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """What the page can do besides, when the composition root gives it."""

    checkup: Checkup | None = None  # the doctor and the support bundle
    ids: IdSource = field(default_factory=SystemIds)


class Desk:
    """What the page's routes use.

    Args:
        api: everything behind the API.
        options: what else there is.
    """

    def __init__(self, api: ApiServices, options: PageOptions) -> None:
        self.api = api
        self.journal = api.journal
        self.clock = api.clock
        self.settings = api.settings
        self.checkup = options.checkup
        self.ids = options.ids
        self.sessions = Sessions(api.clock)
        self.activity = Activity(api.journal, api.clock)
        self.envelopes = Envelopes(api.journal)
        self.notices = NoticeDesk(
            api.journal, api.settings, api.clock, options.ids, queued=lambda _mailbox: api.decided()
        )
        self.pairing = Pairing(api.journal, api.clock, options.ids)
        self.pages = PdfPages()
        self.blocking = Blocking()
        self.feed = Feed(self._mark)
        self._arrivals: OrderedDict[str, Arrival] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def code_boxes(self) -> tuple[str, ...]:
        """Folders of the mailboxes that open with a one-time code."""
        return tuple(m.folder for m in self.settings.mailboxes if m.identity.method is IdentityMethod.CODE)

    def facts(self) -> Facts:
        """What the choice of the need depends on; asks the journal."""
        return gather(self.api, [request.name for request in self.pairing.pending()])

    def arrival(self, message: IncomingMessage) -> Arrival:
        """A received message, opened; the last few are kept, as their pieces are asked for one by one.

        Raises:
            MalformedMessage: it cannot be opened safely.
            PayloadMissing: ``PAYLOAD_ABSENT``: its bytes are not there, or no longer.
        """
        with self._lock:
            if message.id in self._arrivals:
                self._arrivals.move_to_end(message.id)
                return self._arrivals[message.id]
        raw = self.journal.payload(message.payload_id or "")
        opened = open_message(raw, DEFAULT_LIMITS)
        arrival = arrival_of(
            message, opened, len(raw), DEFAULT_LIMITS, reception_rules(self.settings, message.mailbox)
        )
        with self._lock:
            self._arrivals[message.id] = arrival
            if len(self._arrivals) > KEPT_ARRIVALS:
                self._arrivals.popitem(last=False)
        return arrival

    def _mark(self) -> Mark:
        """What the live feed compares: the journal's number, and everything that is not in the journal."""
        card = self.api.cards.status() if self.api.cards is not None else None
        checkup = self.checkup.state() if self.checkup is not None else None
        progress = (checkup.is_running, checkup.done) if checkup is not None else ()
        pairing = [request.code for request in self.pairing.pending()]
        everything = repr((self.api.report(), card, progress, pairing))
        return Mark(self.journal.last_number(), hashlib.sha256(everything.encode()).hexdigest()[:16])
