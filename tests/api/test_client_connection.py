"""The client: finds the connector, makes sure that it is the connector, and sends nothing secret to anybody else."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connector.client import Connection, Endpoint, ServiceError, read_endpoint
from connector.client.failure import ServiceUnknown, ServiceUnreachable
from connector.client.proof import instance_proof
from connector.domain.errors import ConnectorError
from tests.api.api_scene import PIN, ApiScene

TOKEN = "mss_owner_" + "t" * 43


@contextmanager
def impostor(
    respond: Callable[[str, int], tuple[int, bytes]], *, keeps: bool = True, short_by: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Somebody else's server; yields its port and everything that it was sent.

    Args:
        respond: status and body for a path and the port.
        keeps: keep the connection after an answer.
        short_by: promise that many bytes too many after the first answer, then hang up.
    """
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            heard.append(f"{self.command} {self.path}\n{self.headers}\n{self.rfile.read(length).decode()}")
            status, body = respond(self.path, port)
            self.send_response(status)
            missing = short_by if len(heard) > 1 else 0
            self.send_header("Content-Length", str(len(body) + missing))
            if not keeps or missing:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name of the standard library

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the standard library
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield port, heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def endpoint(port: int, **changes: Any) -> Endpoint:
    return replace(Endpoint(host="127.0.0.1", port=port, instance="i", token=TOKEN), **changes)


def proven(path: str, port: int) -> bytes:
    nonce = path.partition("nonce=")[2]
    proof = instance_proof(TOKEN, instance="i", host="127.0.0.1", port=port, nonce=nonce)
    return json.dumps({"product": "p", "version": "0", "instance": "i", "proof": proof}).encode()


# --- with the real server ---


def test_the_whole_way(scene: ApiScene) -> None:
    with scene.live() as live, Connection(live.endpoint) as connector:
        assert connector.health()["status"] == "ok"
        assert connector.card().presence == "pin_needed"
        assert connector.test_card(serial="28").mechanism == "SHA256_RSA_PKCS"
        assert connector.unlock_card(PIN, accept_last_try=True).presence == "open"
        assert connector.lock_card().presence == "locked"
        assert [box.box for box in connector.mailboxes()] == ["dr-modele", "psc"]
        assert connector.put_token("psc", "e30.e30.e30", expires_in=60).usable
        connector.forget_token("psc")
    assert scene.cards is not None
    assert scene.cards.given == [(PIN, "", True)]


def test_over_ipv6(scene: ApiScene) -> None:
    with scene.live(host="::1") as live, Connection(live.endpoint) as connector:
        assert connector.card().presence == "pin_needed"


def test_a_problem_of_the_server_is_an_error_with_its_code(scene: ApiScene) -> None:
    with scene.live() as live, Connection(live.endpoint, language="en") as connector:
        with pytest.raises(ServiceError) as refused:
            connector.unlock_card("0000")
        assert (refused.value.code, refused.value.status) == ("PIN_FAUX", 403)
        assert refused.value.problem["title"] == refused.value.problem["title_en"]
        assert connector.card().presence == "pin_needed"  # the connection goes on


def test_another_start_of_the_connector_is_not_ours(scene: ApiScene) -> None:
    with scene.live() as live:
        earlier = replace(live.endpoint, token=TOKEN)
        with Connection(earlier) as connector, pytest.raises(ServiceUnknown) as refused:
            connector.unlock_card(PIN)
        assert refused.value.code == "SERVICE_INCONNU"
    assert scene.cards is not None
    assert scene.cards.given == []


def test_a_proof_that_was_fetched_from_the_real_one_is_worth_nothing_elsewhere(scene: ApiScene) -> None:
    import httpx

    with scene.live() as live:

        def relay(path: str, port: int) -> tuple[int, bytes]:
            return 200, httpx.get(f"{live.endpoint.url}{path}").content

        with impostor(relay) as (port, heard):
            there = replace(live.endpoint, port=port)
            with Connection(there) as connector, pytest.raises(ServiceUnknown):
                connector.unlock_card(PIN)
            assert PIN not in "".join(heard)
            assert live.endpoint.token not in "".join(heard)


# --- with somebody else ---


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b"\xff", b'{"product":"p","version":"0","instance":"i","proof":""}',
     '{"product":"p","version":"0","instance":"i","proof":"é"}'.encode()],
)  # fmt: skip
def test_whoever_cannot_prove_it_hears_no_secret(body: bytes) -> None:
    with impostor(lambda path, port: (200, body)) as (port, heard):
        with Connection(endpoint(port)) as connector, pytest.raises(ServiceUnknown):
            connector.unlock_card(PIN)
        assert len(heard) == 1
        assert PIN not in heard[0]
        assert TOKEN not in heard[0]


def test_a_discovery_file_without_token_proves_nothing() -> None:
    empty = endpoint(0, token="")

    def respond(path: str, port: int) -> tuple[int, bytes]:
        nonce = path.partition("nonce=")[2]
        proof = instance_proof("", instance="i", host="127.0.0.1", port=port, nonce=nonce)
        return 200, json.dumps({"product": "p", "version": "0", "instance": "i", "proof": proof}).encode()

    with impostor(respond) as (port, _):
        connector = Connection(replace(empty, port=port))
        with connector, pytest.raises(ServiceUnknown):
            connector.health()


def test_no_secret_goes_over_a_connection_that_has_not_proved_itself() -> None:
    """Each answer ends its connection, so that somebody else could have the port by the next one."""
    with impostor(lambda path, port: (200, proven(path, port)), keeps=False) as (port, heard):
        with Connection(endpoint(port)) as connector, pytest.raises(ServiceUnreachable):
            connector.unlock_card(PIN)
        assert heard
        assert all("/api/v1/instance" in request and PIN not in request and TOKEN not in request for request in heard)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>"])
def test_an_answer_of_another_version_is_said_to_be_one(body: bytes) -> None:
    def respond(path: str, port: int) -> tuple[int, bytes]:
        return 200, proven(path, port) if "instance" in path else body

    with impostor(respond) as (port, _), Connection(endpoint(port)) as connector:
        for ask in (connector.card, connector.health):
            with pytest.raises(ServiceUnknown):
                ask()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_a_refusal_without_a_problem_is_an_error_all_the_same(body: bytes) -> None:
    def respond(path: str, port: int) -> tuple[int, bytes]:
        return (200, proven(path, port)) if "instance" in path else (418, body)

    with impostor(respond) as (port, _), Connection(endpoint(port)) as connector:
        with pytest.raises(ServiceError) as refused:
            connector.card()
        assert (refused.value.code, refused.value.status) == ("INTERNE", 418)


def test_nobody_answers() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Connection(endpoint(port)) as connector, pytest.raises(ServiceUnreachable) as refused:
        connector.card()
    assert refused.value.code == "SERVICE_ARRETE"


# --- the discovery file ---


def test_a_discovery_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "endpoint.json"
    path.write_bytes(endpoint(8723, pid=7).as_json())
    path.chmod(0o600)
    assert read_endpoint(path) == endpoint(8723, pid=7)
    assert TOKEN not in repr(read_endpoint(path))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "3", "{}", '{"host": "127.0.0.1"}', '{"host": 1, "port": 1}', '{"host": "h", "port": 0}',
     '{"host": "h", "port": 65536}', '{"host": "h", "port": 1, "pid": "x"}', '{"host": "h", "port": "1"}'],
)  # fmt: skip
def test_a_damaged_discovery_file_is_nobody(tmp_path: Path, content: str) -> None:
    path = tmp_path / "endpoint.json"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(ServiceUnreachable):
        read_endpoint(path)


def test_no_discovery_file_is_nobody(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError) as refused:
        read_endpoint(tmp_path / "endpoint.json")
    assert refused.value.code == "SERVICE_ARRETE"
