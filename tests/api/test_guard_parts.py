"""The rest of the gate: what its parts decide where no attack leads."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from connector.api.access import Access
from connector.api.errors import Containment
from connector.api.guard import Gate, GuardSettings
from connector.api.guard.head import Refusal, RequestHead
from connector.api.guard.pipe import BodyRefused, Pipe, drain
from connector.api.guard.rate import Allowance, RateLimiter
from connector.api.guard.size import body_limit, check_length
from connector.api.guard.tokens import Caller, new_token
from connector.domain.errors import Unavailable
from connector.testing.clock import FakeClock
from tests.api.api_scene import ApiScene


def head(method: str = "POST", path: str = "/", **headers: str) -> RequestHead:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return RequestHead(method, path, 80, named)


def receiving(*messages: Message) -> Receive:
    left: Iterator[Message] = iter(messages)

    async def receive() -> Message:
        return next(left)

    return receive


def part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Sent(list[Message]):
    """Everything that was sent."""

    async def send(self, message: Message) -> None:
        self.append(message)


def test_the_lifespan_of_the_server_passes_the_gate() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nobody(token: str) -> Caller | Refusal:
        raise AssertionError

    gate = Gate(app, settings=GuardSettings(port=1), authenticate=nobody, clock=FakeClock())
    asyncio.run(gate({"type": "lifespan"}, receiving(), Sent().send))
    assert seen == ["lifespan"]


@pytest.mark.parametrize("length", ["abc", "1²", "9" * 19])
def test_a_length_that_is_no_number_or_no_length(length: str) -> None:
    assert check_length(head(content_length=length), 10) is not None


def test_large_bodies_are_for_named_paths_only() -> None:
    large = {"/api/v1/messages": 1000}
    assert body_limit(head(path="/api/v1/messages"), large) == 1000
    assert body_limit(head(path="/api/v1/messages/"), large) == 1000
    assert body_limit(head("PUT", "/api/v1/messages"), large) == 65_536
    assert body_limit(head(path="/api/v1/card/lock"), large) == 65_536


def test_an_answer_that_has_begun_is_not_replaced() -> None:
    async def body() -> None:
        sent = Sent()
        pipe = Pipe(receiving(part(b"12345", more=True), part(b"67890")), sent.send, limit_bytes=8, seconds=10)
        await pipe.read()
        await pipe.write({"type": "http.response.start", "status": 200, "headers": []})
        with pytest.raises(BodyRefused):
            await pipe.read()
        await pipe.write({"type": "http.response.body", "body": b"", "more_body": False})
        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]

    asyncio.run(body())


def test_after_the_body_only_the_end_of_the_connection_is_awaited() -> None:
    async def body() -> None:
        messages = receiving(part(b"1"), {"type": "http.disconnect"})
        pipe = Pipe(messages, Sent().send, limit_bytes=8, seconds=0.0)
        pipe.seconds = 10
        assert (await pipe.read())["body"] == b"1"
        assert (await pipe.read())["type"] == "http.disconnect"

    asyncio.run(body())


def test_a_sender_that_hangs_up_in_the_middle() -> None:
    async def body() -> None:
        pipe = Pipe(receiving({"type": "http.disconnect"}), Sent().send, limit_bytes=8, seconds=10)
        assert (await pipe.read())["type"] == "http.disconnect"

    asyncio.run(body())


def test_draining_ends_with_the_body_at_the_bound_or_in_time() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def body(monkeypatch: pytest.MonkeyPatch) -> None:
        await drain(receiving(part(b"1", more=True), part(b"2")))
        await drain(receiving(part(bytes(1024 * 1024), more=True)))
        monkeypatch.setattr("connector.api.guard.pipe._DRAIN_SECONDS", 0.01)
        await drain(never)

    with pytest.MonkeyPatch.context() as monkeypatch:
        asyncio.run(body(monkeypatch))


def test_only_so_many_clients_are_remembered() -> None:
    once = Allowance(per_second=1, burst=1)
    rates = RateLimiter(FakeClock(), known=once, unknown=once)
    assert rates.take("first") is None
    assert rates.take("first") is not None
    for number in range(256):
        assert rates.take(f"client {number}") is None
    assert rates.take("first") is None  # forgotten, so it begins anew


# --- access ---


def test_a_journal_that_cannot_be_asked_lets_nobody_in(scene: ApiScene, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(client_id: str) -> None:
        raise Unavailable("JOURNAL_INDISPONIBLE", "locked")

    monkeypatch.setattr(scene.journal, "client", busy)
    answer = scene.web(new_token("01ZZZZZZZZZZZZZZZZZZZZZZZZ")).get("/api/v1/card")
    assert (answer.status_code, answer.json()["code"]) == (503, "JOURNAL_INDISPONIBLE")


def test_the_owner_is_known_without_the_journal(scene: ApiScene) -> None:
    access = Access(scene.owner, None, scene.clock)  # type: ignore[arg-type] # it is not asked
    found = asyncio.run(access.authenticate(scene.owner.token))
    assert isinstance(found, Caller)
    assert found.id == "owner"


# --- containment ---


def contained(app: Any) -> Sent:
    sent = Sent()
    asyncio.run(Containment(app)({"type": "http", "headers": []}, receiving(), sent.send))
    return sent


def test_a_fault_before_the_answer_becomes_one() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("secret")

    start, body = contained(app)
    assert start["status"] == 500
    assert b"secret" not in body["body"]


def test_a_fault_in_the_middle_of_an_answer_ends_the_connection() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("secret")

    with pytest.raises(ConnectionAbortedError, match="test_guard_parts") as aborted:
        contained(app)
    assert "secret" not in str(aborted.value)


def test_a_refused_body_is_not_a_fault() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise BodyRefused("API_TROP_LENT")

    with pytest.raises(BodyRefused):
        contained(app)
