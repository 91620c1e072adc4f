"""One event over HTTP: signed, to this machine only, bounded in time, believed only when it is accepted."""

import hashlib
import hmac
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from connector.daemon.webhook_post import Poster, signature
from connector.domain.errors import Unavailable
from connector.settings.webhook import LoopbackUrl
from tests.daemon.webhook_scene import receiver

EVENT = {"number": 7, "kind": "message", "outcome": "sent", "mailbox": "dr.modèle@exemple.mssante.fr"}


def poster(port: int, host: str = "127.0.0.1", *, scheme: str = "http", **options: Any) -> Poster:
    return Poster(LoopbackUrl(scheme, host, port, "/mss?a=b"), **options)


def refused(one: Poster) -> str:
    with pytest.raises(Unavailable) as caught:
        one.post(EVENT)
    return caught.value.code


def test_an_event_is_posted_as_json_and_signed() -> None:
    with receiver() as hook:
        poster(hook.port, secret="clé").post(EVENT)
        heard = hook.next()
    assert (heard.path, heard.event) == ("/mss?a=b", EVENT)
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["host"] == f"127.0.0.1:{hook.port}"
    expected = hmac.new("clé".encode(), heard.body, hashlib.sha256).hexdigest()
    assert heard.headers["mss-signature"] == f"sha256={expected}" == signature("clé", heard.body)


def test_without_secret_nothing_claims_to_be_a_signature() -> None:
    with receiver() as hook:
        poster(hook.port).post(EVENT)
        assert "mss-signature" not in hook.next().headers


def test_localhost_is_this_machine_over_either_protocol() -> None:
    with receiver(host="127.0.0.1") as hook:
        poster(hook.port, "localhost").post(EVENT)
        assert hook.next().headers["host"] == f"localhost:{hook.port}"
    with six() as hook_port, closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", hook_port))  # bound and not listening: nobody else can have it
        assert answered_once(hook_port, "localhost")


@contextmanager
def six() -> Iterator[int]:
    """A port that is free in both families, of which only ::1 is listened to."""
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield port
        thread.join()


def answered_once(port: int, host: str) -> bool:
    poster(port, host).post(EVENT)
    return True


def test_a_numeric_address_of_ipv6_works() -> None:
    with six() as port:
        assert answered_once(port, "::1")


@pytest.mark.parametrize("status", [300, 302, 307, 400, 401, 404, 410, 500, 503])
def test_only_2xx_counts_as_accepted(status: int) -> None:
    with receiver() as hook:
        hook.answer = lambda heard: (status, {})
        assert refused(poster(hook.port)) == "WEBHOOK_REFUSE"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with receiver() as other, receiver() as hook:
        hook.answer = lambda heard: (status, {"Location": f"http://127.0.0.1:{other.port}/"})
        assert refused(poster(hook.port)) == "WEBHOOK_REFUSE"
        assert other.heard.empty()


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as proxy, receiver() as hook:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        poster(hook.port).post(EVENT)
        assert hook.next().event == EVENT
        assert proxy.heard.empty()


def test_nobody_there_is_told_as_such() -> None:
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert refused(poster(nobody.getsockname()[1])) == "WEBHOOK_INJOIGNABLE"


def test_a_receiver_that_never_answers_costs_a_bounded_time() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        assert refused(poster(silent.getsockname()[1], seconds=0.2)) == "WEBHOOK_INJOIGNABLE"


def test_a_receiver_that_answers_byte_by_byte_costs_no_more() -> None:
    stop = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as slow:

        def drip() -> None:
            connection, _ = slow.accept()
            with connection:
                for byte in b"HTTP/1.1 204 No Content\r\n" + b"X: y\r\n" * 100_000:
                    if stop.wait(0.01):
                        return
                    connection.sendall(bytes([byte]))

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert refused(poster(slow.getsockname()[1], seconds=0.3)) == "WEBHOOK_INJOIGNABLE"
        finally:
            stop.set()
            thread.join()


def test_a_body_that_never_ends_is_not_read() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as endless:

        def pour() -> None:
            connection, _ = endless.accept()
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    while True:
                        connection.sendall(bytes(65536))
                except OSError:
                    return  # it has hung up

        thread = threading.Thread(target=pour)
        thread.start()
        poster(endless.getsockname()[1]).post(EVENT)
        thread.join()


def test_https_is_for_the_certificate_that_is_trusted(tmp_path: Path) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    right, wrong = tmp_path / "right.pem", tmp_path / "wrong.pem"
    authority.cert_pem.write_to_path(right)
    trustme.CA().cert_pem.write_to_path(wrong)
    with receiver(tls=server) as hook:
        for host in ("127.0.0.1", "localhost"):
            poster(hook.port, host, scheme="https", trust=right).post(EVENT)
            assert hook.next().event == EVENT
        assert refused(poster(hook.port, scheme="https", trust=wrong)) == "WEBHOOK_INJOIGNABLE"
        assert refused(poster(hook.port, scheme="https")) == "WEBHOOK_INJOIGNABLE"
        assert hook.heard.empty()


def test_a_file_of_trust_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(Unavailable, match="WEBHOOK_INJOIGNABLE"):
            poster(1, scheme="https", trust=tmp_path / name)


def test_the_secret_is_not_shown() -> None:
    assert "geheim" not in repr(poster(1, secret="geheim"))
