"""Events over the API: each once and in order, taken up again where a client was, ended when the server stops."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.api.feed import Feed, Mark
from connector.api.routes import events as module
from connector.api.routes.events import _Follower
from connector.domain.scopes import Scope
from tests.api.api_scene import ApiScene
from tests.journal.journal_builders import Scene

EVENTS = "/api/v1/events"


def told(text: str) -> tuple[str, str, Any]:
    """Name, id and data of one event; a comment has none of them."""
    fields = dict(line.split(": ", 1) for line in text.strip().splitlines() if not line.startswith(":"))
    return fields.get("event", ""), fields.get("id", ""), json.loads(fields.get("data", "null"))


def follow(
    scene: ApiScene, start: int | None, body: Callable[[AsyncIterator[str], Feed], Any], pulse: str = ""
) -> Any:
    """Run ``body`` with the lines of one client."""

    async def run() -> Any:
        feed = Feed(lambda: Mark(scene.journal.last_number()), seconds=0.01)
        lines = _Follower(scene.journal, feed).follow(start)
        try:
            return await body(lines, feed)
        finally:
            await feed.close()
            await lines.aclose()  # type: ignore[attr-defined] # it is a generator

    return asyncio.run(run())


def taken(scene: ApiScene, number: int = 1) -> str:
    journal = Scene(scene.journal, scene.clock, Path(), number=number)
    return journal.message(journal.taken()).submission_id


def test_a_client_that_begins_hears_where_we_are_and_what_comes(scene: ApiScene) -> None:
    taken(scene, 1)
    last = scene.journal.last_number()

    async def body(lines: AsyncIterator[str], feed: Feed) -> None:
        hello = await anext(lines)
        assert hello.startswith("retry: ")
        assert told(hello) == ("hello", str(last), {"number": last})
        waiting = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0)
        submission_id = await asyncio.to_thread(taken, scene, 2)
        name, number, data = told(await waiting)
        assert (name, number) == ("message", str(last + 1))
        assert (data["number"], data["subject_id"], data["action"]) == (last + 1, submission_id, "take")
        assert (data["mailbox"], data["outcome"]) == ("dr.modele@exemple.mssante.fr", "received")

    follow(scene, None, body)


def test_a_client_that_was_away_hears_everything_since_once_and_in_order(scene: ApiScene) -> None:
    start = scene.journal.last_number()
    for number in range(5):
        taken(scene, number)

    async def body(lines: AsyncIterator[str], feed: Feed) -> None:
        name, number, _ = told(await anext(lines))
        assert (name, number) == ("hello", "")  # without id: a break right here loses nothing
        assert [told(await anext(lines))[1] for _ in range(5)] == [str(start + n) for n in range(1, 6)]

    follow(scene, start, body)


def test_more_than_a_batch(scene: ApiScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", 2)
    start = scene.journal.last_number()
    for number in range(5):
        taken(scene, number)

    async def body(lines: AsyncIterator[str], feed: Feed) -> None:
        await anext(lines)
        assert [int(told(await anext(lines))[1]) for _ in range(5)] == list(range(start + 1, start + 6))

    follow(scene, start, body)


@pytest.mark.parametrize("start", [0, 10_000])
def test_a_client_that_is_lost_is_told_to_load_everything_anew(scene: ApiScene, start: int) -> None:
    taken(scene)
    scene.clock.advance(10)
    now = scene.clock.now()
    scene.journal.purge(payload_before=now - timedelta(days=1), trace_before=now)
    last = scene.journal.last_number()

    async def body(lines: AsyncIterator[str], feed: Feed) -> None:
        await anext(lines)
        assert told(await anext(lines)) == ("reset", str(last), {"number": last})

    follow(scene, start, body)


def test_a_client_that_has_everything_that_is_kept_is_not_lost(scene: ApiScene) -> None:
    taken(scene)
    scene.clock.advance(10)
    now = scene.clock.now()
    scene.journal.purge(payload_before=now - timedelta(days=1), trace_before=now)
    start = scene.journal.first_number() - 1

    async def body(lines: AsyncIterator[str], feed: Feed) -> None:
        await anext(lines)
        assert told(await anext(lines))[0] == "connector"

    follow(scene, start, body)


def test_silence_is_broken_now_and_then(scene: ApiScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)

    async def body(lines: AsyncIterator[str], feed: Feed) -> None:
        await anext(lines)
        assert await anext(lines) == ": still here\n\n"

    follow(scene, None, body)


def test_what_is_not_in_the_journal_is_told_without_a_number(scene: ApiScene) -> None:
    last = scene.journal.last_number()

    async def run() -> None:
        def look() -> Mark:
            return Mark(last, "card in" if follower.seen else "card out")

        feed = Feed(look, seconds=0.01)
        follower = _Follower(scene.journal, feed)
        lines = follower.follow(None)
        await anext(lines)
        assert told(await anext(lines)) == ("state", "", {})
        await feed.close()
        with pytest.raises(StopAsyncIteration):
            await anext(lines)

    asyncio.run(run())


# --- over the wire ---


def test_over_the_wire_until_the_server_stops(scene: ApiScene) -> None:
    """The stream ends by itself when the server does; without that, stopping would wait for its grace."""
    lines: list[str] = []
    hello, ended = threading.Event(), threading.Event()

    def listen(url: str) -> None:
        headers = {"Authorization": f"Bearer {scene.owner.token}", "Last-Event-ID": "0"}
        with httpx.stream("GET", url, headers=headers, timeout=30) as answer:
            lines.append(answer.headers["content-type"])
            for line in answer.iter_lines():
                lines.append(line)
                if line == "event: connector":
                    hello.set()
        ended.set()

    with scene.live() as live:
        thread = threading.Thread(target=listen, args=(f"{live.endpoint.url}{EVENTS}",))
        thread.start()
        assert hello.wait(20)
    assert ended.wait(20)
    thread.join()
    assert lines[0].startswith("text/event-stream")
    assert "event: hello" in lines
    assert "id: 1" in lines


def test_only_so_many_follow(scene: ApiScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LISTENERS", 0)
    answer = scene.web().get(EVENTS)
    assert (answer.status_code, answer.json()["code"]) == (503, "API_OCCUPEE")


@pytest.mark.parametrize("headers", [{"Last-Event-ID": "x"}, {"Last-Event-ID": "-1"}, {"Last-Event-ID": "9" * 19}])
def test_a_number_that_is_none(scene: ApiScene, headers: dict[str, str]) -> None:
    assert scene.web().get(EVENTS, headers=headers).status_code == 422
    assert scene.web().get(EVENTS, params={"after": -1}).status_code == 422


def test_following_needs_its_own_right(scene: ApiScene) -> None:
    web = scene.web(scene.client_token(Scope.MESSAGES_READ, Scope.INBOX_READ))
    assert web.get(EVENTS).status_code == 403
