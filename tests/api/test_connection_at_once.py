"""The connection below the gate: small answers leave at once."""

import asyncio
import socket

import pytest

from connector.api.guard.connection import TimedProtocol
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
