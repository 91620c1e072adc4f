"""A refused drop: why it did not leave, what to do, where its files are, and the word that somebody has seen it."""

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.page.desk import ACTOR, Desk
from connector.api.page.entry import Entry, Form, PageRoute
from connector.api.page.refused import refused_row
from connector.api.page.render import Visit
from connector.domain.text import Text
from connector.intake.layout import folders_of

__all__ = ["routes"]

_SEEN = Text("C'est noté : ce dépôt refusé ne vous sera plus signalé.", "Noted: this refused drop asks no more.")
_ALL_SEEN = Text("C'est noté : ces dépôts refusés ne vous seront plus signalés.",
                 "Noted: these refused drops ask no more.")  # fmt: skip


def routes(desk: Desk, entry: Entry) -> APIRouter:
    """Sheet and mark."""
    router = APIRouter(prefix="/refused", route_class=PageRoute)
    folders = {
        mailbox.address: folders_of(desk.settings.spool, mailbox).errors for mailbox in desk.settings.mailboxes
    }

    @router.get("/{drop_id}")
    def show(drop_id: str, visit: Visit = entry.visit) -> Response:
        """One refused drop."""
        drop = desk.journal.refused_drop(drop_id)
        return visit.page(
            "refused.html", here="outgoing", drop=drop, row=refused_row(drop), folder=folders.get(drop.mailbox),
            actor=ACTOR,
        )  # fmt: skip

    @router.post("/seen")
    def all_seen(form: Form = entry.form) -> Response:
        """Everything that stood on the list; what was refused since still asks."""
        desk.journal.see_refused_drops(form.text("through"), by=ACTOR)
        form.visit.done(_ALL_SEEN)
        return form.visit.go("/")

    @router.post("/{drop_id}/seen")
    def seen(drop_id: str, form: Form = entry.form) -> Response:
        """Somebody has seen it and deals with the files."""
        desk.journal.see_refused_drop(drop_id, by=ACTOR)
        form.visit.done(_SEEN)
        return form.visit.go("/")

    return router
