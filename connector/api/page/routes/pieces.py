"""Documents of a message: looked at as HTML or pictures, saved as they are."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.page.desk import Desk
from connector.api.page.entry import Entry, PageRoute
from connector.api.page.render import Visit
from connector.api.pdf_pages import MOST_PAGES
from connector.api.pieces import Piece, View, cda_view, images_of, pdf_of, text_of
from connector.domain.errors import ConnectorError, InvalidSubmission, Unavailable

__all__ = ["piece_routes"]

_IMAGE_POLICY = "default-src 'none'; img-src data:; sandbox"
_FILE_POLICY = "default-src 'none'; sandbox"
_KEPT = "private, max-age=3600"


def piece_routes(
    desk: Desk, entry: Entry, pieces_of: Callable[[str], tuple[Piece, ...]], *, here: str
) -> APIRouter:  # fmt: skip
    """The routes below one message.

    Args:
        desk: everything behind the page.
        entry: session.
        pieces_of: the pieces of a message, by its id.
        here: entry of the menu.
    """
    router = APIRouter(prefix="/{message_id}/pieces/{number}", route_class=PageRoute)

    def found(message_id: str, number: int) -> Piece:
        pieces = pieces_of(message_id)
        if not 0 <= number < len(pieces):
            raise InvalidSubmission("INTROUVABLE", "the message has no such document")
        return pieces[number]

    @router.get("")
    def show(message_id: str, number: int, visit: Visit = entry.visit) -> Response:
        """One document."""
        piece, base = found(message_id, number), f"{visit.root}/{here}/{message_id}"
        shown = _shown(desk, piece, f"{base}/pieces/{number}")
        return visit.page(
            "piece.html", here=here, piece=piece, base=base, at=f"{base}/pieces/{number}", most_pages=MOST_PAGES,
            **shown,
        )  # fmt: skip

    @router.get("/images/{index}", dependencies=[entry.visit])
    def image(message_id: str, number: int, index: int) -> Response:
        """An image of a document: decoded, made anew, in an SVG of ours that holds nothing else."""
        images = images_of(found(message_id, number))
        if not 0 <= index < len(images):
            raise InvalidSubmission("INTROUVABLE", "the document has no such image")
        headers = {"Content-Security-Policy": _IMAGE_POLICY, "Cache-Control": _KEPT}
        return Response(images[index], media_type="image/svg+xml", headers=headers)

    @router.get("/pages/{index}", dependencies=[entry.visit])
    def page(message_id: str, number: int, index: int) -> Response:
        """A page of a PDF as PNG."""
        drawn = desk.pages.page(pdf_of(found(message_id, number)) or b"", index)
        return Response(drawn, media_type="image/png", headers={"Cache-Control": _KEPT})

    @router.get("/file", dependencies=[entry.visit])
    def file(message_id: str, number: int) -> Response:
        """The file as it is, to be saved: never shown by the browser under our address."""
        piece = found(message_id, number)
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(piece.name, safe='')}",
            "Content-Security-Policy": _FILE_POLICY,
        }
        return Response(piece.content, media_type="application/octet-stream", headers=headers)

    return router


def _shown(desk: Desk, piece: Piece, at: str) -> dict[str, Any]:
    """What the template needs; a document that cannot be shown says why."""
    shown: dict[str, Any] = {"cda": "", "pages": 0, "text": "", "images": 0, "code": ""}
    try:
        if piece.view is View.CDA:
            shown["cda"] = cda_view(piece, lambda index: f"{at}/images/{index}").html
        if piece.view is View.IMAGE:
            shown["images"] = len(images_of(piece))
        if piece.view is View.TEXT:
            shown["text"] = text_of(piece.content)
        if (pdf := pdf_of(piece)) is not None:
            shown["pages"] = desk.pages.count(pdf)
    except Unavailable:
        raise
    except ConnectorError as error:
        shown["code"] = error.code
    return shown
