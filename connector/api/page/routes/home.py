"""The first sheet: what is needed, four figures, what came last, the last thirty days."""

from datetime import timedelta
from itertools import islice

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.page.chart import chart_of
from connector.api.page.desk import Desk
from connector.api.page.entry import Entry, PageRoute
from connector.api.page.facts import ATTENTION_DAYS
from connector.api.page.listing import find_received
from connector.api.page.need import NOTHING, Action, Need, needs
from connector.api.page.received import signs_of
from connector.api.page.refused import find_out
from connector.api.page.render import Visit
from connector.domain.states import OutgoingState

__all__ = ["address_of", "routes"]

_NEWEST = 6
_DAYS = 30
_MORE_NEEDS = 4
_FAILED = (OutgoingState.REJECTED, OutgoingState.FAILED, OutgoingState.BOUNCED)

_ADDRESSES = {
    Action.CARD: "/card",
    Action.MAILBOXES: "/card",
    Action.CHECKS: "/checks",
    Action.FAILED: "/outgoing?state=failed",
    Action.DECIDE: "/outgoing?state=waiting",
    Action.RECEIVED: "/received?state=aside",
    Action.ANSWERS: "/received?state=answer",
    Action.UNTAKEN: "/received?state=untaken",
    Action.PAIRING: "/applications",
    Action.NONE: "",
}


def address_of(need: Need) -> str:
    """Where the button of a need leads, below the root of the session."""
    if need.action is Action.MESSAGE:
        return f"/outgoing/{need.target}"
    if need.action is Action.ANSWER:
        return f"/received/{need.target}#answers"
    if need.action is Action.REFUSED:
        return f"/refused/{need.target}"
    return f"/card#box-{need.target}" if need.action is Action.CODE else _ADDRESSES[need.action]


def routes(desk: Desk, entry: Entry) -> APIRouter:
    """The first sheet."""
    router = APIRouter(route_class=PageRoute)

    @router.get("/")
    def home(visit: Visit = entry.visit) -> Response:
        """At one glance."""
        facts = desk.facts()
        found = list(islice(needs(facts), _MORE_NEEDS + 1)) or [NOTHING]
        days = desk.activity.days(_DAYS)
        work = desk.journal.open_work()
        failed = {m.submission_id for m in facts.attention if m.state in _FAILED}
        return visit.page(
            "home.html", here="home", need=found[0], more=found[1:], address_of=address_of, today=days[-1].counts,
            work=work, failed=len(failed) + len(facts.refused), refused=facts.refused, attention_days=ATTENTION_DAYS,
            days=days, chart=chart_of(days),
            outgoing=find_out(desk.journal, limit=_NEWEST).rows,
            received=find_received(desk.journal, desk.envelopes, limit=_NEWEST).rows,
            day_before=timedelta(days=1), signs_of=signs_of,
        )  # fmt: skip

    return router
