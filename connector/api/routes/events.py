"""``/api/v1/events``: what happens, as server-sent events (HTML, section 9.2) that can be taken up again.

Numbers are those of the trace: they survive a restart, and ``Last-Event-ID`` goes on where a client was. Nothing is
queued for a slow client; each reads the journal at its own pace. A client that was away for longer than the trace is
kept is told to load everything anew.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from connector.api.feed import Feed, Mark
from connector.api.render import event_data
from connector.api.requests import requires
from connector.domain.errors import Unavailable
from connector.domain.scopes import Scope
from connector.journal.events import Event
from connector.journal.journal import Journal

__all__ = ["BEAT_SECONDS", "routes"]

BEAT_SECONDS = 15.0
MOST_LISTENERS = 64
_RETRY_MILLISECONDS = 2_000
_BATCH = 100
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One event for each thing that happens, `message`, `inbox` or `connector`; `data` is an "
        "EventModel. `hello` comes first and tells where we are; `state`: card, mailboxes or health have changed; "
        "`reset`: load everything anew.",
        "content": {"text/event-stream": {"example": 'id: 4711\nevent: message\ndata: {"number": 4711}\n\n'}},
    }
}


def routes(journal: Journal, feed: Feed) -> APIRouter:
    """The stream.

    Args:
        journal: with the trace.
        feed: says when there is something new.
    """
    router = APIRouter(tags=["events"])
    listening: set[object] = set()

    @router.get(
        "/events", summary="Follow what happens", dependencies=[requires(Scope.EVENTS_READ)], responses=_STREAM,
        response_class=StreamingResponse,
    )  # fmt: skip
    async def events(
        last_event_id: Annotated[str | None, Header(pattern="^[0-9]{1,18}$", examples=["4711"])] = None,
        after: Annotated[
            int | None, Query(ge=0, lt=10**18, description="The same, for clients without headers")
        ] = None,
    ) -> Response:
        """From now on, or from what came after ``Last-Event-ID``."""
        if len(listening) >= MOST_LISTENERS:
            raise Unavailable("API_OCCUPEE", f"{MOST_LISTENERS} clients follow the events already")
        start = int(last_event_id) if last_event_id is not None else after

        async def stream() -> AsyncIterator[str]:
            me = object()
            listening.add(me)
            try:
                async for text in _Follower(journal, feed).follow(start):
                    yield text
            finally:
                listening.discard(me)

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return router


@dataclass(slots=True)
class _Follower:
    """One client."""

    journal: Journal
    feed: Feed
    seen: Mark | None = None

    async def follow(self, start: int | None) -> AsyncIterator[str]:
        """Lines for a client that knows everything up to ``start``; ``None`` = it begins now."""
        last = await to_thread.run_sync(self.journal.last_number)
        yield f"retry: {_RETRY_MILLISECONDS}\n{_told('hello', last if start is None else None, {'number': last})}"
        number = last if start is None else start
        if start is not None and not await to_thread.run_sync(self.journal.is_kept_after, start):
            number = last
            yield _told("reset", last, {"number": last})
        while not self.feed.is_closed:
            found = await to_thread.run_sync(self._after, number)
            for event in found:
                number = event.number
                yield _told(event.kind.value, event.number, event_data(event))
            if not found and (line := await self._news()):
                yield line

    def _after(self, number: int) -> list[Event]:
        return self.journal.events_after(number, limit=_BATCH)

    async def _news(self) -> str:
        """Wait for something new; what to say while the journal has nothing to tell."""
        mark = await self.feed.wait(self.seen, BEAT_SECONDS)
        if mark is None:
            return ": still here\n\n"
        before, self.seen = self.seen, mark
        return _told("state", None, {}) if before is not None and before.pulse != mark.pulse else ""


def _told(name: str, number: int | None, data: Any) -> str:
    """One event; without a number it does not change where the client goes on."""
    line = f"id: {number}\n" if number is not None else ""
    return f"{line}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
