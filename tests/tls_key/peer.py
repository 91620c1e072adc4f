"""Small real TLS servers in threads that demand a client certificate of the test authorities."""

import contextlib
import ctypes
import queue
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from connector.identities.tls_key.openssl import openssl, ssl_ctx
from tests.servers.moody import ScriptedImap, Wire, _Listener, server_context
from tests.servers.pki import Pki

__all__ = ["Peer", "SecureImap", "Visit", "client_context", "demanding", "greet", "see", "serve_http"]

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
_CLIENT_SIGALGS = 102


def demanding(
    pki: Pki, *, lowest: ssl.TLSVersion = V12, highest: ssl.TLSVersion = V13, algorithms: str = ""
) -> ssl.SSLContext:
    """A server context that demands a certificate, signed for with one of ``algorithms`` (empty = anything)."""
    context = server_context(pki.server)
    context.minimum_version, context.maximum_version = lowest, highest
    context.load_verify_locations(cadata=pki.root.certificate.public_bytes(Encoding.PEM).decode())
    context.verify_mode = ssl.CERT_REQUIRED
    if algorithms:
        text = ctypes.cast(ctypes.c_char_p(algorithms.encode()), ctypes.c_void_p)
        assert openssl().SSL_CTX_ctrl(ssl_ctx(context), _CLIENT_SIGALGS, 0, text) == 1
    return context


def client_context(pki: Pki, kind: type[ssl.SSLContext] = ssl.SSLContext) -> ssl.SSLContext:
    """A client context that trusts the test authorities; no certificate yet."""
    context = kind(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pki.root.certificate.public_bytes(Encoding.PEM).decode())
    return context


@dataclass(frozen=True)
class Visit:
    """What the server saw of one connection."""

    name: str = ""  # common name of the client certificate
    resumed: bool = False
    version: str = ""
    refusal: str = ""  # OpenSSL's reason, when the handshake failed


@dataclass
class Peer(_Listener):
    """Shakes hands (after a clear line when ``late``), says who came, then talks."""

    tls: ssl.SSLContext
    late: bool = False  # STARTTLS-like: one clear line each way first
    talk: Callable[[Wire, Visit], None] | None = None
    visits: "queue.SimpleQueue[Visit]" = field(default_factory=queue.SimpleQueue)

    def serve(self, connection: socket.socket) -> None:
        with self._wire(connection) as wire:
            if self.late:
                wire.line()
                wire.say("go")
            try:
                wire.start_tls(self.tls)
            except ssl.SSLError as error:
                self.visits.put(Visit(refusal=error.reason or "EOF"))
                return
            visit = see(wire.socket)
            self.visits.put(visit)
            with contextlib.suppress(OSError):
                (self.talk or greet)(wire, visit)


def greet(wire: Wire, visit: Visit) -> None:
    """Say who came, then wait until the client goes."""
    wire.say(visit.name)
    wire.line()


def serve_http(wire: Wire, visit: Visit) -> None:
    """Answer one request with the name of who came."""
    while wire.line():
        pass
    body = visit.name.encode()
    wire.say("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Connection: close", "")
    wire.socket.sendall(body)


def see(connection: object) -> Visit:
    """Who is at the other end."""
    assert isinstance(connection, ssl.SSLSocket)
    der = connection.getpeercert(binary_form=True)
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME) if der else []
    return Visit(
        "".join(str(name.value) for name in names), bool(connection.session_reused), connection.version() or ""
    )


@dataclass
class SecureImap(ScriptedImap):
    """TLS from the first byte."""

    def serve(self, connection: socket.socket) -> None:
        with self._wire(connection) as wire:
            assert self.tls is not None
            wire.start_tls(self.tls)
            wire.say(self.greeting)
            for line in wire.lines():
                tag, _, command = line.partition(" ")
                if not self._answer(wire, tag, command):
                    break
