"""How the page is opened and left: the one-time link, the cookie, the language, logging out."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from connector.api.page.desk import Desk
from connector.api.page.entry import Entry, Form, PageRoute, cookies_of, speech_of
from connector.api.page.render import assets, closed_page, root_of
from connector.api.page.sessions import COOKIE, LONGEST_SECONDS

__all__ = ["outside_routes", "routes"]

_A_YEAR = "public, max-age=31536000, immutable"
_LANGUAGES = ("fr", "en")


def outside_routes(desk: Desk) -> APIRouter:
    """What can be reached without a session."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/")
    async def closed(request: Request) -> Response:
        """Says how the page is opened: an address alone opens nothing."""
        return closed_page(speech_of(request))

    @router.get("/open/{link}")
    async def open_(request: Request, link: str) -> Response:
        """Use a one-time link up; a browser that only looks ahead does not."""
        is_ahead = any(name in request.headers for name in ("sec-purpose", "purpose", "x-moz"))
        opened = None if is_ahead else desk.sessions.open(link, cookies_of(request))
        if opened is None:
            return closed_page(speech_of(request), reason="link")
        cookie, session = opened
        root = root_of(session)
        answer = RedirectResponse(f"{root}/", 303)
        answer.set_cookie(
            COOKIE, cookie, max_age=int(LONGEST_SECONDS), path=root, httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer

    @router.get("/static/{name}")
    async def static(name: str) -> Response:
        """Style sheet, script, icon: nothing that is secret."""
        asset = assets().get(name)
        if asset is None:
            return Response(status_code=404)
        return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": _A_YEAR})

    @router.get("/favicon.ico")
    async def favicon() -> Response:
        """Browsers ask for it by themselves."""
        return RedirectResponse("/static/icon.svg", 301)

    return router


def routes(desk: Desk, entry: Entry) -> APIRouter:
    """What belongs to a session."""
    router = APIRouter(route_class=PageRoute)

    @router.post("/language")
    async def language(form: Form = entry.form) -> Response:
        """Choose the language, and stay where one was."""
        visit, wanted, back = form.visit, form.text("language"), form.text("back")
        if wanted in _LANGUAGES:
            visit.session.language = wanted
        inside = back.startswith(f"{visit.root}/") and "\\" not in back and "//" not in back
        return RedirectResponse(back if inside else f"{visit.root}/", 303)

    @router.post("/leave")
    async def leave(request: Request, form: Form = entry.form) -> Response:
        """End the session, here and in the browser."""
        for cookie in cookies_of(request):
            desk.sessions.end(cookie)
        answer = closed_page(form.visit.speech, reason="left", status=200)
        answer.delete_cookie(COOKIE, path=form.visit.root, httponly=True, samesite="strict")
        return answer

    return router
