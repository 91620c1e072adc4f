"""A local API with everything behind it in the hand of the test: clock, cards, tokens, a real journal."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from connector.api.app import create_app
from connector.api.guard import GuardSettings, new_token, token_hash
from connector.api.guard.connection import TimedProtocol, server_for
from connector.api.page import PageOptions
from connector.api.services import ApiServices, CodePort, OwnerAccess
from connector.client import Endpoint
from connector.domain.errors import NeedsPerson
from connector.domain.scopes import ALL_SCOPES, Scope
from connector.identities.card.status import CardCertificate, CardStatus, Presence, TokenView
from connector.identities.tokens import TokenStore
from connector.intake.desk import DeskMaker
from connector.journal.journal import Journal
from connector.platform.system import SystemIds
from connector.settings.model import CardChoice, Settings
from connector.support.health import Component
from connector.testing.clock import EPOCH, FakeClock

__all__ = ["PIN", "PORT", "ApiScene", "FakeCards", "Live", "card_token", "settings_of"]

PORT = 8723
PIN = "8462"  # nowhere else in these tests: it must not be found in what leaves the server


def card_token(presence: Presence = Presence.PIN_NEEDED, **changes: Any) -> TokenView:
    certificate = CardCertificate(
        common_name="899700012345", holder="899700012345", profession="Médecin", organization="CABINET EXEMPLE",
        issuer="TEST AC PERSONNES", label="Certificat d'authentification CPS", not_before=EPOCH - timedelta(days=30),
        not_after=EPOCH + timedelta(days=25), sha256="ab" * 32,
    )  # fmt: skip
    values: dict[str, Any] = {
        "reader": "Lecteur 0", "serial": "2800001234", "label": "CPS", "presence": presence,
        "certificate": certificate,
    }  # fmt: skip
    return TokenView(**{**values, **changes})


@dataclass
class FakeCards:
    """The card room as the API sees it. ``hold`` keeps a call inside until the test lets it go."""

    presence: Presence = Presence.PIN_NEEDED
    tokens: tuple[TokenView, ...] = field(default_factory=lambda: (card_token(),))
    code: str = "PIN"
    error: Exception | None = None
    given: list[tuple[str | None, str, bool]] = field(default_factory=list)
    hold: threading.Event | None = None
    inside: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def status(self) -> CardStatus:
        readers = tuple(token.reader for token in self.tokens)
        return CardStatus(self.presence, readers, self.tokens, "/opt/libcps.so", self.code, signatures=3)

    def unlock(self, pin: str | None, *, serial: str = "", accept_last_try: bool = False) -> CardStatus:
        self.given.append((pin, serial, accept_last_try))
        self._work()
        if pin not in (PIN, None):
            raise NeedsPerson("PIN_FAUX", "the card refused the PIN")
        self.presence, self.code = Presence.OPEN, ""
        return self.status()

    def lock(self) -> CardStatus:
        self._work()
        self.presence, self.code = Presence.LOCKED, ""
        return self.status()

    def test(self, *, serial: str = "") -> str:
        self._work()
        return "SHA256_RSA_PKCS"

    def subscribe(self, listener: Callable[[CardStatus], None]) -> None:
        """Nothing changes by itself."""

    def find(self, choice: CardChoice) -> TokenView | None:
        return self.tokens[0] if self.tokens else None

    def _work(self) -> None:
        self.inside.release()
        if self.hold is not None:
            assert self.hold.wait(10)
        if self.error is not None:
            raise self.error


def settings_of(**changes: Any) -> Settings:
    """One mailbox per kind of identity that a person has a hand in."""
    server = {"host": "127.0.0.1", "port": 9}
    values: dict[str, Any] = {
        "operators": {"op": {"smtp": server, "imap": server}},
        "mailboxes": [
            {
                "address": "dr.modele@exemple.mssante.fr", "operator": "op", "given": "Alix", "family": "MODELE",
                "identity": {"card": {}}, "author": {"rpps": "99700000017"},
                "structure": {"finess": "010000017", "name": "Cabinet Modele", "facility": "SA07"},
            },
            {
                "address": "psc@exemple.mssante.fr", "operator": "op", "given": "Zoe", "family": "MODELE",
                "identity": {"auth": "xoauth2"},
            },
        ],
        **changes,
    }  # fmt: skip
    return Settings.model_validate(values)


@dataclass
class ApiScene:
    """The API and what is behind it."""

    journal: Journal
    clock: FakeClock
    settings: Settings = field(default_factory=settings_of)
    cards: FakeCards | None = field(default_factory=FakeCards)
    tree: Component = field(default_factory=lambda: Component("connector"))
    owner: OwnerAccess = field(default_factory=lambda: OwnerAccess(instance="i-1", token=new_token("owner")))
    codes: CodePort | None = None
    decisions: int = 0
    takings: int = 0
    guard: GuardSettings | None = None
    page: PageOptions | None = None

    def __post_init__(self) -> None:
        self.tokens = TokenStore(self.clock)

    def app(self, port: int = PORT) -> FastAPI:
        services = ApiServices(
            settings=self.settings, report=lambda: self.tree, journal=self.journal, clock=self.clock,
            desks=self.desks(),
            owner=self.owner, cards=self.cards, tokens=self.tokens, codes=self.codes, decided=self._decided,
            received=self._received,
        )  # fmt: skip
        return create_app(services, port=port, guard=self.guard, page=self.page)

    def desks(self) -> DeskMaker:
        return DeskMaker(self.settings, journal=self.journal, clock=self.clock, ids=SystemIds())

    def _decided(self) -> None:
        self.decisions += 1

    def _received(self) -> None:
        self.takings += 1

    def web(self, token: str | None = "", **headers: str) -> TestClient:
        """A program of this machine.

        Args:
            token: ``""`` = the owner's, ``None`` = none.
            headers: sent with every request, ``_`` for ``-``.
        """
        sent = {"host": f"127.0.0.1:{PORT}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.owner.token}"
        return TestClient(
            self.app(), base_url=f"http://127.0.0.1:{PORT}", headers=sent, raise_server_exceptions=False
        )

    def client_token(self, *scopes: Scope, name: str = "LPS", days: float | None = None) -> str:
        """Let an application in."""
        client_id = self.journal._store.ids.ulid()
        token = new_token(client_id)
        expires_at = self.clock.now() + timedelta(days=days) if days is not None else None
        self.journal.add_client(
            client_id, name=name, token_hash=token_hash(token), scopes=scopes or ALL_SCOPES, expires_at=expires_at
        )
        return token

    @contextmanager
    def live(self, *, host: str = "127.0.0.1", head_seconds: float = 10.0) -> Iterator["Live"]:
        """The same on a real socket, served as the daemon serves it."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as listener:
            listener.bind((host, 0))
            listener.listen()
            port = listener.getsockname()[1]

            class Protocol(TimedProtocol):
                pass

            Protocol.head_seconds = head_seconds
            server = server_for(self.app(port))
            server.config.http = Protocol
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                yield Live(Endpoint(host=host, port=port, instance=self.owner.instance, token=self.owner.token))
            finally:
                server.should_exit = True
                thread.join()


@dataclass(frozen=True)
class Live:
    """A server that listens."""

    endpoint: Endpoint

    def connect(self) -> socket.socket:
        return socket.create_connection((self.endpoint.host, self.endpoint.port), timeout=10)

    def head(self, method: str = "GET", path: str = "/health", *lines: str, host: str = "") -> bytes:
        """The head of a request, byte for byte."""
        first = [f"{method} {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.endpoint.port}'}"]
        return "\r\n".join([*first, *lines, "", ""]).encode("latin-1")

    def say(self, *parts: bytes) -> bytes:
        """Send bytes, give back the answer: to its announced end, or until the server hangs up."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            return read_answer(connection)


def read_answer(connection: socket.socket) -> bytes:
    """One answer with a Content-Length, or everything when the server says that it hangs up."""
    found = b""
    while b"\r\n\r\n" not in found:
        chunk = connection.recv(65536)
        if not chunk:
            return found
        found += chunk
    head, _, body = found.partition(b"\r\n\r\n")
    if b"\r\nconnection: close" in head.lower():
        return found + read_all(connection)
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def read_all(connection: socket.socket) -> bytes:
    """Until the other side hangs up; an abort counts as hanging up."""
    found = b""
    try:
        while chunk := connection.recv(65536):
            found += chunk
    except ConnectionResetError:
        pass
    return found
