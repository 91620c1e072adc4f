"""A document to look at, for programs: HTML that runs nothing and loads nothing, or a page of a PDF as a picture.

It is the document as the connector's own page shows it (:mod:`connector.api.pieces`). The HTML is whole: style sheet
and pictures are inside, because whoever shows it has no token to fetch them with. What it may do is said twice, in
the answer and in the document: a program that puts the HTML into a window of its own loses the headers.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from html import escape
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import HTMLResponse, Response

from connector.api.blocking import Blocking
from connector.api.pdf_pages import MOST_PAGES, PdfPages
from connector.api.pieces import Piece, View, cda_view, images_of, pdf_of, pieces_of_files, text_of
from connector.documents.cda.page import harmless_page, inline_image, page_policy
from connector.domain.errors import InvalidSubmission, MalformedMessage

__all__ = ["PAGES_HEADER", "PREVIEW", "Given", "PreviewPage", "Previews"]

PAGES_HEADER = "Preview-Pages"
"""How many pages there are to ask for; not there when there is no PDF."""
Given = Callable[[], tuple[str, bytes]]
"""Gives name and content of a document; may block, and raise what reading raises."""
PreviewPage = Annotated[
    int | None, Query(ge=1, le=MOST_PAGES, description="Page of a PDF, or of the PDF inside a CDA, from 1")
]  # fmt: skip
PREVIEW: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "HTML for a CDA, a text or an image; a picture for a page of a PDF. It runs nothing.",
        "content": {
            "text/html": {"schema": {"type": "string"}, "example": '<!doctype html><html lang="fr">…</html>'},
            "image/png": {"schema": {"type": "string", "format": "binary"}, "example": "the bytes of a PNG"},
        },
        "headers": {
            PAGES_HEADER: {
                "description": "How many pages there are; missing when there is no PDF.",
                "schema": {"type": "integer"},
            }
        },
    }
}

_SECONDS = 65.0  # a PDF waits and is drawn for half a minute each
_AT_ONCE = 4


class Previews:
    """Makes previews, a few at a time.

    Args:
        pages: draws PDFs; the same one as the page's, which keeps what was drawn last.
    """

    def __init__(self, pages: PdfPages) -> None:
        self._pages = pages
        self._blocking = Blocking(_AT_ONCE)

    async def answer(self, given: Given, page: int | None) -> Response:
        """What to show of a document.

        Args:
            given: the document; called on a thread.
            page: of its PDF, from 1; ``None`` = all of it, and of a PDF the first page.

        Raises:
            InvalidSubmission: ``APERCU_IMPOSSIBLE``: there is nothing to look at, or no PDF.
            MalformedMessage: ``PDF_INVALIDE`` and what reading a CDA or an archive raises.
            Unavailable: ``API_OCCUPEE``, ``API_DELAI``.
        """
        return await self._blocking.run(partial(self._made, given, page), _SECONDS)

    def _made(self, given: Given, page: int | None) -> Response:
        piece = pieces_of_files([given()])[0]  # of an archive: its first document
        pdf = pdf_of(piece)
        if page is not None or piece.view is View.PDF:
            return self._picture(pdf, page or 1)
        pages = 0
        if pdf is not None:
            with suppress(MalformedMessage):  # the CDA around it can be shown nevertheless
                pages = self._pages.count(pdf)
        return HTMLResponse(harmless_page(piece.name, _body(piece)), headers=_headers(pages))

    def _picture(self, pdf: bytes | None, page: int) -> Response:
        if pdf is None:
            raise InvalidSubmission("APERCU_IMPOSSIBLE", "this document has no pages")
        drawn = self._pages.page(pdf, page - 1)
        return Response(drawn, media_type="image/png", headers=_headers(self._pages.count(pdf)))


def _headers(pages: int) -> dict[str, str]:
    policy = f"{page_policy()}; frame-ancestors 'none'; sandbox"
    return {"Content-Security-Policy": policy, **({PAGES_HEADER: str(pages)} if pages else {})}


def _body(piece: Piece) -> str:
    """The document as elements of ours."""
    match piece.view:
        case View.CDA:
            shown = cda_view(piece, str)
            return cda_view(piece, partial(_nth, shown.images)).html if shown.images else shown.html
        case View.IMAGE:
            return "".join(f'<p><img src="{inline_image(svg)}" alt=""></p>' for svg in images_of(piece))
        case View.TEXT:
            return f"<pre>{escape(text_of(piece.content))}</pre>"
        case _:
            raise InvalidSubmission("APERCU_IMPOSSIBLE", "nothing of this format can be shown")


def _nth(images: tuple[str, ...], number: int) -> str:
    return inline_image(images[number])
