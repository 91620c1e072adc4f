"""``/api/v1/refusals``: drops that were refused before they became a message."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from connector.api.guard.tokens import Caller
from connector.api.mailboxes import find_mailbox
from connector.api.render import code_texts
from connector.api.requests import requires
from connector.api.services import ApiServices
from connector.client.models.refusals import RefusalModel, RefusalsModel
from connector.domain.scopes import Scope
from connector.journal.records import RefusedDrop

__all__ = ["routes"]

Id = Annotated[str, Path(pattern="^[0-9A-Z]{26}$", description="ULID", examples=["01KAGY9T3W5X7Z2B4D6F8H0K1M"])]
Cursor = Annotated[str | None, Query(pattern="^[0-9A-Z]{26}$", description="`next_cursor` of the page before")]


def routes(services: ApiServices) -> APIRouter:
    """All about refused drops.

    Args:
        services: behind the routes.
    """
    router = APIRouter(prefix="/refusals", tags=["refusals"])
    journal = services.journal
    may_read = [requires(Scope.MESSAGES_READ)]

    @router.get("", summary="List refused drops", dependencies=may_read)
    def list_(
        mailbox: Annotated[str | None, Query(max_length=320, description="Folder name or address")] = None,
        unseen: Annotated[bool, Query(description="Only those that nobody has seen yet")] = False,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> RefusalsModel:
        """Newest first: what was put into a folder and never became a message. It is among no messages."""
        box = find_mailbox(services.settings, mailbox).address if mailbox is not None else None
        drops = journal.refused_drops(unseen=unseen, mailbox=box, limit=limit + 1, after=cursor)
        items = [_model(drop) for drop in drops[:limit]]
        return RefusalsModel(items=items, next_cursor=items[-1].id if len(drops) > limit else None)

    @router.get("/{refusal_id}", summary="One refused drop", dependencies=may_read)
    def show(refusal_id: Id) -> RefusalModel:
        """Why it cannot be sent, what to do, and under which names its files are in `ERREURS`."""
        return _model(journal.refused_drop(refusal_id))

    @router.post("/{refusal_id}/seen", summary="Say that it was seen")
    def seen(refusal_id: Id, caller: Annotated[Caller, requires(Scope.MESSAGES_WRITE)]) -> RefusalModel:
        """It no longer asks for anybody; the first one counts. The files stay where they are."""
        return _model(journal.see_refused_drop(refusal_id, by=caller.name))

    return router


def _model(drop: RefusedDrop) -> RefusalModel:
    return RefusalModel(
        id=drop.id, mailbox=str(drop.mailbox), at=drop.at, name=drop.name, files=list(drop.files), note=drop.note,
        sentence_fr=drop.sentence, seen_at=drop.seen_at, seen_by=drop.seen_by, **code_texts(drop.code),
    )  # fmt: skip
