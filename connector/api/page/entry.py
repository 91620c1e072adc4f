"""How requests get to the page's routes: session, form with its token, errors as pages."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from connector.api.page.desk import Desk
from connector.api.page.language import Speech, speech
from connector.api.page.render import Visit, closed_page
from connector.api.page.sessions import COOKIE
from connector.api.problem import language, status_of
from connector.api.requests import accept_language
from connector.domain.errors import ConnectorError, InvalidSubmission

__all__ = ["LONGEST_PASSAGE", "Entry", "Form", "PageRoute", "cookies_of", "speech_of"]

_MOST_FIELDS = 60
_MOST_PART_BYTES = 32 * 1024
_LONGEST_VALUE = 2_000
LONGEST_PASSAGE = 8_000
"""Characters of an answer that is written on the page; fit into a part of a form in any script of Europe."""


class NoSession(Exception):
    """The request belongs to no session."""


class ForeignForm(Exception):
    """A form without the token of its session."""


class Form:
    """The fields of a form that came from a page of this session."""

    def __init__(self, visit: Visit, data: FormData) -> None:
        self.visit = visit
        self._data = data

    def text(self, name: str) -> str:
        """A field, trimmed and cut to a length that no honest one reaches; empty when it is not there."""
        return next(iter(self.texts(name)), "")

    def texts(self, name: str) -> list[str]:
        """A field that may occur several times."""
        return [value.strip()[:_LONGEST_VALUE] for value in self._data.getlist(name) if isinstance(value, str)]

    def passage(self, name: str) -> str:
        """A longer text, whole or not at all.

        Raises:
            InvalidSubmission: ``API_REQUETE_INVALIDE``: it is longer than the form allows.
        """
        text = next((value for value in self._data.getlist(name) if isinstance(value, str)), "").strip()
        if len(text) > LONGEST_PASSAGE:
            raise InvalidSubmission("API_REQUETE_INVALIDE", f"at most {LONGEST_PASSAGE} characters")
        return text.replace("\r\n", "\n")

    def has(self, name: str) -> bool:
        """True for a box that was ticked."""
        return name in self._data


class Entry:
    """Dependencies of the routes.

    Args:
        desk: everything behind the page.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.visit: Any = Depends(self._visit)
        self.form: Any = Depends(self._form)

    async def _visit(self, request: Request, key: str) -> Visit:
        session = self._desk.sessions.find(key, cookies_of(request))
        if session is None:
            raise NoSession
        spoken = speech(session.language, accept_language(request), self._desk.clock.now)
        visit = Visit(session, spoken, request.url.path, "x-fragment" in request.headers)
        request.state.visit = visit  # for the page of an error
        return visit

    async def _form(self, request: Request, key: str) -> Form:
        visit = await self._visit(request, key)
        data = await request.form(max_files=0, max_fields=_MOST_FIELDS, max_part_size=_MOST_PART_BYTES)
        form = Form(visit, data)
        if not visit.session.accepts(form.text("form_token")):
            raise ForeignForm
        return form


class PageRoute(APIRoute):
    """A route whose errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, with our errors caught around it."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handle(request)
            except NoSession:
                return closed_page(speech_of(request))
            except ForeignForm:
                return _error_page(request, "FORMULAIRE_ETRANGER", 403)
            except ConnectorError as error:
                return _error_page(request, error.code, status_of(error))
            except RequestValidationError:
                return _error_page(request, "API_REQUETE_INVALIDE", 422)
            except HTTPException as error:
                return _error_page(request, "API_REQUETE_INVALIDE", error.status_code)

        return guarded


def _error_page(request: Request, code: str, status: int) -> Response:
    visit: Visit = request.state.visit
    return visit.page("error.html", status=status, code=code)


def speech_of(request: Request) -> Speech:
    """For somebody without session."""
    return Speech(language(accept_language(request)))


def cookies_of(request: Request) -> Iterator[str]:
    """Every value of our cookie: servers on other ports of this machine may have set one of the same name."""
    for header in request.headers.getlist("cookie"):
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == COOKIE:
                yield value
