"""The server below the gate: small answers leave at once, and few threads work on them."""

import asyncio
import socket

import pytest
from anyio import to_thread

from connector.api.guard.connection import THREADS, TimedProtocol
from connector.journal import store
from tests.api.api_scene import ApiScene


def test_head_and_body_of_an_answer_do_not_wait_for_each_other(
    scene: ApiScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever kind of socket we were given to listen on."""
    at_once: list[int] = []
    made = TimedProtocol.connection_made

    def noting(self: TimedProtocol, transport: asyncio.Transport) -> None:
        made(self, transport)
        wire = transport.get_extra_info("socket")
        at_once.append(wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(TimedProtocol, "connection_made", noting)
    with scene.live() as live:
        assert b" 200 " in live.say(live.head())
    assert [bool(value) for value in at_once] == [True]


def test_no_more_threads_than_the_journal_keeps_connections(scene: ApiScene, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[float] = []
    made = TimedProtocol.connection_made

    def noting(self: TimedProtocol, transport: asyncio.Transport) -> None:
        made(self, transport)
        threads.append(to_thread.current_default_thread_limiter().total_tokens)

    monkeypatch.setattr(TimedProtocol, "connection_made", noting)
    with scene.live() as live:
        live.say(live.head())
    assert threads == [THREADS]
    assert THREADS <= store._CONNECTIONS
