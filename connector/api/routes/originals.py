"""``/api/v1/messages/{id}/documents``: what is sent, as it was given to us, as long as it is kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from connector.api.attachment import attachment
from connector.api.preview import PREVIEW, PreviewPage, Previews
from connector.api.requests import MessageId, requires
from connector.domain.errors import InvalidSubmission
from connector.domain.scopes import Scope
from connector.journal.journal import Journal

__all__ = ["routes"]

Number = Annotated[int, Path(ge=0, le=10_000, description="`number` of the file")]

_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/octet-stream": {"example": "<?xml version='1.0'?><ClinicalDocument …"}},
        "description": "The bytes, exactly as they were given.",
    }
}


def routes(journal: Journal, previews: Previews) -> APIRouter:
    """Originals, to save and to look at.

    Args:
        journal: keeps them for ``journal.keep_payload_days``.
        previews: of documents.
    """
    router = APIRouter(prefix="/messages/{message_id}/documents/{number}", tags=["messages"])
    may_read = [requires(Scope.MESSAGES_READ)]

    def given(message_id: str, number: int) -> tuple[str, bytes]:
        files = journal.submission(message_id).files
        if number >= len(files):
            raise InvalidSubmission("INTROUVABLE", "the message has no such document")
        return files[number].name, journal.payload(files[number].payload_id)

    @router.get("", summary="One original", dependencies=may_read, responses=_BYTES, response_class=Response)
    def document(message_id: MessageId, number: Number) -> Response:
        """The bytes, exactly as they were given; 410 when they are no longer kept."""
        name, content = given(message_id, number)
        return attachment(content, name)

    @router.get(
        "/preview", summary="One original to look at", dependencies=may_read, responses=PREVIEW,
        response_class=Response,
    )  # fmt: skip
    async def preview(message_id: MessageId, number: Number, page: PreviewPage = None) -> Response:
        """As the connector's own page shows it: of an archive its first document."""
        return await previews.answer(lambda: given(message_id, number), page)

    return router
