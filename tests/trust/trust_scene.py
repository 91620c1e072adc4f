"""Authorities shaped like IGC-Santé's with pins of their own, a host that gives lists away, a store in a folder."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector.domain.errors import Unavailable
from connector.operators.trust import Trust
from connector.operators.trust.certificates import fingerprint
from connector.operators.trust.pins import Igc, Pin, Purpose
from connector.sandbox.authority import SERVER, Authority, Issued, distribution_point
from connector.sandbox.pki import LOOPBACK, sandbox_name
from connector.testing.clock import EPOCH, FakeClock

__all__ = ["DER", "NOW", "Family", "ListHost", "Source", "Web", "der", "family", "trust_in"]

NOW = EPOCH
DER = Encoding.DER
SITE = "http://igc.test"


@dataclass(frozen=True)
class Family:
    """A root, its authority for servers, and one for persons: what the pins of the product are, in small."""

    igc: Igc
    root: Authority
    organisations: Authority
    persons: Authority

    @property
    def pins(self) -> tuple[Pin, ...]:
        """All three, with addresses at :data:`SITE`."""
        return (
            _pin(self.root, self.igc, Purpose.SERVERS, "racine", is_root=True),
            _pin(self.organisations, self.igc, Purpose.SERVERS, "organisations"),
            Pin(fingerprint(self.persons.certificate), "personnes", self.igc, Purpose.PERSONS),
        )

    @property
    def servers(self) -> tuple[x509.Certificate, x509.Certificate]:
        """The authorities that make a server trusted."""
        return self.root.certificate, self.organisations.certificate

    def address(self, name: str) -> str:
        """Of the list ``racine`` or ``organisations``."""
        return f"{SITE}/{self.igc}/{name}.crl"

    def server(self, *, lists_at: Sequence[str] = (), starts: int = -1, days: int = 700) -> Issued:
        """The certificate of an operator."""
        extensions = (x509.SubjectAlternativeName(LOOPBACK), SERVER, *distribution_point(lists_at))
        return self.organisations.issue(
            sandbox_name("localhost"), extensions, now=NOW, starts=timedelta(days=starts), lasts=timedelta(days=days)
        )

    def chain(self, issued: Issued) -> list[x509.Certificate]:
        """As OpenSSL gives it after a handshake."""
        return [issued.certificate, self.organisations.certificate, self.root.certificate]

    def source(self) -> "Source":
        """A fetcher that knows the authorities and fresh lists of this family."""
        return Source(
            {
                f"{SITE}/{self.igc}/racine.cer": self.root.certificate.public_bytes(DER),
                f"{SITE}/{self.igc}/organisations.cer": self.organisations.certificate.public_bytes(DER),
                self.address("racine"): der(self.root),
                self.address("organisations"): der(self.organisations),
            }
        )


def _pin(authority: Authority, igc: Igc, purpose: Purpose, name: str, *, is_root: bool = False) -> Pin:
    base = f"{SITE}/{igc}/{name}"
    return Pin(fingerprint(authority.certificate), name, igc, purpose, is_root, f"{base}.cer", f"{base}.crl")


def family(igc: Igc = "production") -> Family:
    """Made once: keys take their time."""
    return _family(igc)


@cache
def _family(igc: Igc) -> Family:
    long_ago = NOW - timedelta(days=300)
    root = Authority.root(sandbox_name(f"TEST RACINE {igc}"), now=long_ago)
    address = f"{SITE}/{igc}/racine.crl"
    organisations, persons = (
        root.intermediate(sandbox_name(f"TEST {name} {igc}"), now=long_ago, lists_at=[address])
        for name in ("ORGANISATIONS", "PERSONNES")
    )
    return Family(igc, root, organisations, persons)


def der(authority: Authority, *revoked: Issued, at: datetime = NOW, lasts: timedelta = timedelta(days=7)) -> bytes:
    """A revocation list: issued a day before ``at``, or before its end when that is past."""
    serials = [issued.certificate.serial_number for issued in revoked]
    return authority.revocations(serials, now=at, lasts=lasts).public_bytes(DER)


@dataclass
class Source:
    """A fetcher without network: content per address, and who asked for what."""

    content: dict[str, bytes]
    asked: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _: None

    def __call__(self, address: str, max_bytes: int) -> bytes:
        self.asked.append(address)
        self.before(address)
        if address not in self.content:
            raise Unavailable("TELECHARGEMENT", f"{address} cannot be had (status 403)")
        return self.content[address]


def trust_in(
    folder: Path, source: Source | None = None, *, clock: FakeClock | None = None, filled: bool = True
) -> Trust:
    """A trust in ``folder`` that knows the pins of the test families, and has accepted those of production."""
    pins = (*family("production").pins, *family("test").pins)
    trust = Trust(folder / "trust", clock or FakeClock(), source or family().source(), pins)
    if filled:
        for certificate in (*family().servers, family().persons.certificate):
            trust.store.add(certificate, source="test")
    return trust


@dataclass
class Web:
    """What a local HTTP server gives away; paths to (status, headers, chunks)."""

    port: int
    pages: dict[str, tuple[int, dict[str, str], list[bytes]]]
    asked: list[str] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(self, path: str, content: bytes | list[bytes], *, status: int = 200, **headers: str) -> str:
        """Give something away; chunks after the first one wait for :attr:`release`."""
        chunks = content if isinstance(content, list) else [content]
        self.pages[path] = status, headers, chunks
        return self.url(path)


class ListHost:
    """A real HTTP server on a free port."""

    def __init__(self) -> None:
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.web = Web(self._server.server_address[1], {})

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.web.asked.append(request.path)
        status, headers, chunks = self.web.pages.get(request.path, (404, {}, [b"no"]))
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        for number, chunk in enumerate(chunks):
            if number:
                self.web.release.wait(20)
            try:
                request.wfile.write(chunk)
                request.wfile.flush()
            except OSError:  # the client has heard enough
                return

    @contextmanager
    def running(self) -> Iterator[Web]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self.web
        finally:
            self.web.release.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()
