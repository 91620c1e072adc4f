"""News for pages that are open, as server-sent events: only that something changed; what, the page then fetches."""

from collections.abc import AsyncIterator, Callable

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from connector.api.feed import Mark
from connector.api.page.desk import Desk
from connector.api.page.entry import Entry, PageRoute, cookies_of

__all__ = ["routes"]

BEAT_SECONDS = 15.0
_RETRY_MILLISECONDS = 3_000
MOST_LISTENERS = 24


def routes(desk: Desk, entry: Entry) -> APIRouter:
    """The stream."""
    router = APIRouter(route_class=PageRoute)
    listening: set[object] = set()

    @router.get("/live", dependencies=[entry.visit])
    async def live(request: Request, key: str) -> Response:
        """A line for each change, one now and then so that nobody takes the silence for an end."""
        if len(listening) >= MOST_LISTENERS:
            return Response(status_code=204)  # tells a browser not to come back (HTML, server-sent events)

        def is_open() -> bool:
            return desk.sessions.find(key, cookies_of(request)) is not None

        async def stream() -> AsyncIterator[str]:
            me = object()
            listening.add(me)
            try:
                async for line in _news(desk, is_open):
                    yield line
            finally:
                listening.discard(me)

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return router


async def _news(desk: Desk, is_open: Callable[[], bool]) -> AsyncIterator[str]:
    seen: Mark | None = None
    yield f"retry: {_RETRY_MILLISECONDS}\n\n"
    while is_open() and not desk.feed.is_closed:
        mark = await desk.feed.wait(seen, BEAT_SECONDS)
        if mark is None:
            yield ": still here\n\n"
        elif seen is None:
            seen = mark
            yield f"event: hello\nid: {mark.number}\ndata: {mark.number}.{mark.pulse}\n\n"
        else:
            seen = mark
            yield f"event: change\nid: {mark.number}\ndata: {mark.number}.{mark.pulse}\n\n"
    yield "event: closed\ndata: 0\n\n"
