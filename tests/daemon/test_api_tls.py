"""https on this machine: a certificate of this installation, believed by whoever knows it, and nobody else."""

import contextlib
import hashlib
import json
import os
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from connector.api.guard.head import RequestHead
from connector.api.guard.host import check_host
from connector.api.guard.origin import check_origin
from connector.api.services import ApiServices, OwnerAccess
from connector.client import Connection, Endpoint, read_endpoint
from connector.client.failure import ServiceUnknown, ServiceUnreachable
from connector.client.models.pairing import PageLinkModel
from connector.daemon.api_tls import local_certificate
from connector.daemon.endpoint import tell_endpoint
from connector.daemon.http import serving
from connector.domain.errors import Unavailable
from connector.intake.desk import DeskMaker
from connector.platform.paths import DataPaths
from connector.platform.system import SystemClock, SystemIds
from connector.support.health import Component
from connector.testing.clock import EPOCH
from tests.api.api_scene import settings_of
from tests.journal.journal_builders import open_journal

DAYS_LEFT = 365


@contextlib.contextmanager
def served(folder: Path, host: str = "127.0.0.1") -> Iterator[Endpoint]:
    """The API as the daemon serves it, over https; what the discovery file says of it."""
    paths = DataPaths(folder)
    with contextlib.closing(open_journal(folder)) as journal:
        settings = settings_of(api={"tls": True, "port": 0, "host": host})
        services = ApiServices(
            settings=settings, report=lambda: Component("connector"),
            desks=DeskMaker(settings, journal=journal, clock=SystemClock(), ids=SystemIds()),
            journal=journal, clock=SystemClock(), owner=OwnerAccess.new(SystemIds().uuid()),
        )  # fmt: skip
        with serving(services, paths):
            yield read_endpoint(paths.endpoint)


@contextlib.contextmanager
def web(endpoint: Endpoint, folder: Path) -> Iterator[httpx.Client]:
    """A program that trusts the file, as an LPS does: chain, validity and names are checked."""
    trusting = ssl.create_default_context(cafile=folder / "api-tls" / "certificate.pem")
    with httpx.Client(base_url=endpoint.url, verify=trusting, trust_env=False) as client:
        yield client


# --- the certificate ---


def test_it_is_for_this_machine_for_two_years_and_signs_nothing(tmp_path: Path) -> None:
    made = local_certificate(tmp_path / "api-tls", EPOCH)
    certificate = x509.load_pem_x509_certificate(made.public_pem.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["127.0.0.1", "::1", "localhost"]
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign is False
    key = certificate.public_key()
    assert isinstance(key, EllipticCurvePublicKey)
    assert isinstance(key.curve, SECP256R1)
    assert certificate.not_valid_after_utc == EPOCH + timedelta(days=730)
    der = ssl.PEM_cert_to_DER_cert(made.public_pem.read_text(encoding="ascii"))
    assert made.sha256 == hashlib.sha256(der).hexdigest()


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_the_key_is_for_its_owner_only_and_not_in_the_public_file(tmp_path: Path) -> None:
    made = local_certificate(tmp_path / "api-tls", EPOCH)
    assert stat.S_IMODE(made.server_pem.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.server_pem.parent.stat().st_mode) == 0o700
    assert b"PRIVATE KEY" in made.server_pem.read_bytes()
    assert b"PRIVATE" not in made.public_pem.read_bytes()


def test_it_is_made_once_and_again_before_its_end(tmp_path: Path) -> None:
    made = local_certificate(tmp_path, EPOCH)
    assert local_certificate(tmp_path, EPOCH + timedelta(days=730 - DAYS_LEFT)) == made
    renewed = local_certificate(tmp_path, EPOCH + timedelta(days=731 - DAYS_LEFT))
    assert renewed.sha256 != made.sha256
    assert local_certificate(tmp_path, EPOCH + timedelta(days=731 - DAYS_LEFT)) == renewed


def test_a_certificate_of_the_future_is_of_no_use_now(tmp_path: Path) -> None:
    made = local_certificate(tmp_path, EPOCH)
    assert local_certificate(tmp_path, EPOCH - timedelta(days=30)).sha256 != made.sha256


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_damaged_one_is_made_anew(tmp_path: Path, content: bytes) -> None:
    made = local_certificate(tmp_path, EPOCH)
    made.server_pem.write_bytes(content)
    assert local_certificate(tmp_path, EPOCH).sha256 != made.sha256


def test_a_certificate_beside_another_key_is_made_anew(tmp_path: Path) -> None:
    one, two = local_certificate(tmp_path / "1", EPOCH), local_certificate(tmp_path / "2", EPOCH)
    key = one.server_pem.read_bytes().partition(b"-----BEGIN CERTIFICATE")[0]
    one.server_pem.write_bytes(key + two.public_pem.read_bytes())
    assert local_certificate(tmp_path / "1", EPOCH).sha256 not in (one.sha256, two.sha256)


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_key_that_others_could_read_is_used_no_more(tmp_path: Path) -> None:
    made = local_certificate(tmp_path, EPOCH)
    made.server_pem.chmod(0o640)
    assert local_certificate(tmp_path, EPOCH).sha256 != made.sha256
    assert stat.S_IMODE(made.server_pem.stat().st_mode) == 0o600


def test_the_public_file_is_put_back(tmp_path: Path) -> None:
    made = local_certificate(tmp_path, EPOCH)
    before = made.public_pem.read_bytes()
    made.public_pem.unlink()
    local_certificate(tmp_path, EPOCH)
    assert made.public_pem.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable):
        local_certificate(tmp_path / "file" / "below", EPOCH)


def test_the_port_of_https_need_not_be_named() -> None:
    headers = (("host", "localhost"), ("origin", "https://localhost"))
    head = RequestHead("POST", "/", 443, headers, "https")
    assert check_host(head) is None
    assert check_origin(head) is None
    assert check_host(replace(head, scheme="http")) is not None
    assert check_origin(replace(head, scheme="http")) is not None
    assert check_host(replace(head, port=80)) is not None


# --- our own client ---


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_our_client_finds_the_certificate_and_works(tmp_path: Path, host: str) -> None:
    with served(tmp_path, host) as endpoint:
        assert endpoint.scheme == "https"
        assert endpoint.certificate_sha256 == local_certificate(tmp_path / "api-tls", SystemClock().now()).sha256
        with Connection(endpoint) as connector:
            assert connector.health()["status"] == "ok"


@contextlib.contextmanager
def impostor(*, tls: bool) -> Iterator[tuple[int, list[bytes]]]:
    """Somebody who has our port, and a certificate for our names from an authority that everybody may trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1", "localhost").configure_cert(context)
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            connection.settimeout(10)
            with connection:
                if not tls:
                    heard.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                    return
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    heard.append(wrapped.recv(65536))

    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join()


@pytest.mark.parametrize("proves", [True, False])
def test_another_certificate_is_refused_before_anything_is_sent(proves: bool) -> None:
    from connector.client.link import Link

    with impostor(tls=True) as (port, heard):
        endpoint = Endpoint(
            host="127.0.0.1", port=port, token="t" * 40, scheme="https", certificate_sha256="ab" * 32
        )  # fmt: skip
        with Link(endpoint, proves=proves) as link, pytest.raises(ServiceUnknown) as caught:
            link.ask("GET", "/health")
    assert caught.value.code == "SERVICE_INCONNU"
    assert b"".join(heard) == b""


def test_somebody_without_tls_is_not_the_connector_and_hears_no_token() -> None:
    with impostor(tls=False) as (port, heard):
        endpoint = Endpoint(
            host="127.0.0.1", port=port, token="t" * 40, scheme="https", certificate_sha256="ab" * 32
        )  # fmt: skip
        with Connection(endpoint) as connector, pytest.raises(ServiceUnknown):
            connector.health()
    assert b"t" * 40 not in b"".join(heard)
    assert b"HTTP" not in b"".join(heard)


def test_one_that_hangs_up_is_not_there_rather_than_somebody_else() -> None:
    def hang_up(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)

    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=hang_up, args=[listener])
        thread.start()
        endpoint = Endpoint(
            host="127.0.0.1", port=listener.getsockname()[1], scheme="https", certificate_sha256="ab" * 32
        )  # fmt: skip
        with Connection(endpoint) as connector, pytest.raises(ServiceUnreachable) as caught:
            connector.health()
        thread.join()
    assert caught.value.code == "SERVICE_ARRETE"


def test_the_certificate_of_an_earlier_installation_is_refused(tmp_path: Path) -> None:
    with served(tmp_path) as endpoint:
        earlier = replace(endpoint, certificate_sha256="0" * 64)
        with Connection(earlier) as connector, pytest.raises(ServiceUnknown):
            connector.health()


@pytest.mark.parametrize("pin", ["", "ab", "AB" * 32, "zz" * 32, 5, None])
def test_a_discovery_file_that_names_https_without_certificate_is_nobody(tmp_path: Path, pin: object) -> None:
    paths = DataPaths(tmp_path)
    tell_endpoint(paths, host="127.0.0.1", port=8723, token="t", certificate_sha256="ab" * 32)
    assert read_endpoint(paths.endpoint).url == "https://127.0.0.1:8723"
    told = json.loads(paths.endpoint.read_text(encoding="utf-8"))
    paths.endpoint.write_text(json.dumps({**told, "certificate_sha256": pin}), encoding="utf-8")
    with pytest.raises(ServiceUnreachable):
        read_endpoint(paths.endpoint)


# --- other programs, and the browser ---


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_program_that_trusts_the_file_gets_in_and_one_that_does_not_stays_out(tmp_path: Path, name: str) -> None:
    with served(tmp_path) as endpoint:
        with web(replace(endpoint, host=name), tmp_path) as client:
            answer = client.get("/api/v1/mailboxes", headers={"Authorization": f"Bearer {endpoint.token}"})
            assert answer.status_code == 200
        with httpx.Client(base_url=endpoint.url, trust_env=False) as stranger, pytest.raises(httpx.ConnectError):
            stranger.get("/health")


def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    with served(tmp_path) as endpoint, web(endpoint, tmp_path) as client:
        client.get("/health")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ECDHE+AES+SHA1:@SECLEVEL=0")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with (
            socket.create_connection((endpoint.host, endpoint.port), timeout=10) as plain,
            pytest.raises(ssl.SSLError),
        ):
            old.wrap_socket(plain)


def test_plain_http_gets_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as endpoint, socket.create_connection((endpoint.host, endpoint.port), timeout=10) as plain:
        plain.sendall(f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{endpoint.port}\r\n\r\n".encode())
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := plain.recv(65536):
                heard += chunk
    assert b"HTTP" not in heard
    assert b"connector" not in heard


def test_the_page_opens_over_https_with_a_cookie_that_stays_there(tmp_path: Path) -> None:
    with served(tmp_path) as endpoint:
        with Connection(endpoint) as connector:
            link = PageLinkModel.model_validate_json(connector.ask("POST", "/api/v1/page/link").content).url
        assert link.startswith(f"https://127.0.0.1:{endpoint.port}/open/")
        with web(endpoint, tmp_path) as browser:
            opened = browser.get(link)
            assert opened.status_code == 303
            cookie = opened.headers["set-cookie"].lower()
            assert {"secure", "httponly", "samesite=strict"} <= {part.strip() for part in cookie.split(";")}
            page = browser.get(opened.headers["location"])
            assert page.status_code == 200
            assert "http://" not in page.text.replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://127.0.0.1:{port}", 201), ("https://localhost:{port}", 201), ("http://127.0.0.1:{port}", 403),
        ("https://127.0.0.1:1", 403), ("https://127.0.0.1", 403), ("https://evil.example:{port}", 403),
        ("null", 403),
    ],
)  # fmt: skip
def test_our_own_origin_is_https_now(tmp_path: Path, origin: str, status: int) -> None:
    with served(tmp_path) as endpoint, web(endpoint, tmp_path) as client:
        sent = {"Authorization": f"Bearer {endpoint.token}", "Origin": origin.format(port=endpoint.port)}
        assert client.post("/api/v1/page/link", headers=sent).status_code == status
