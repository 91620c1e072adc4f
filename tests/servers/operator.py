"""A whole mail operator: real Postfix, real Dovecot, one mail store, one PKI."""

import os
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from connector.domain.address import MailboxAddress
from connector.identities import Identity, IdentityServices, make_identity
from connector.settings.model import IdentitySettings, OperatorSettings, SecretRef
from tests.servers.clock import WallClock
from tests.servers.dovecot import Dovecot
from tests.servers.pki import Issued, Pki
from tests.servers.postfix import Postfix
from tests.servers.process import new_folder
from tests.servers.tokens import TokenIssuer

__all__ = ["MailOperator"]

DOMAIN = "cabinet.mssante.test"
ELSEWHERE = "clinique.mssante.test"
NAMES = ("dr.modele", "dr.correspondant", "labo", "secretariat")
MAILBOXES = 600  # per name; made before the start, because Postfix notices a changed table late
ARRIVAL_SECONDS = 30.0


@dataclass
class MailOperator:
    """What the tests ask an operator for. One per test session; mailboxes are made per test, so nothing is shared.

    Attributes:
        demands_certificate: client certificate and EXTERNAL; else login and password.
        takes_tokens: XOAUTH2 and OAUTHBEARER with the tokens of :attr:`issuer` instead of both.
        folder: everything that the servers write.
    """

    pki: Pki
    demands_certificate: bool = True
    server: Issued | None = None
    takes_tokens: bool = False
    folder: Path = field(default_factory=lambda: new_folder("mss-op-"))
    _count: int = 0  # of mailboxes
    _delivered: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def dovecot(self) -> Dovecot:
        issuer = self.issuer if self.takes_tokens else None
        return Dovecot(self._folder("dovecot"), self.pki, self.demands_certificate, self.server, issuer)

    @cached_property
    def issuer(self) -> TokenIssuer:
        """Whose tokens count."""
        return TokenIssuer(self._folder("issuer"))

    @cached_property
    def postfix(self) -> Postfix:
        auth = None if self.demands_certificate else self.dovecot.folder / "auth"
        domains = (DOMAIN, ELSEWHERE)
        boxes = (f"{name}.{n}@{domain}" for name in NAMES for n in range(1, MAILBOXES) for domain in domains)
        folder = self._folder("postfix")
        return Postfix(folder, self.pki, self.dovecot.mail, domains, auth, self.server, mailboxes=frozenset(boxes))

    @property
    def smtp_port(self) -> int:
        return self.postfix.port

    @property
    def imap_port(self) -> int:
        return self.dovecot.port

    @cached_property
    def trust(self) -> Path:
        """PEM file with the only authorities to trust."""
        return self.pki.write_trust(self.folder / "authorities.pem")

    @cached_property
    def lists(self) -> Path:
        """PEM file with the revocation lists of these authorities."""
        return self.pki.write_lists(self.folder / "lists.pem")

    def start(self) -> None:
        self.dovecot.start()
        self.postfix.start()

    def stop(self) -> None:
        """Stop both and remove the folder."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def halt(self) -> None:
        """Stop both, keep everything that they have."""
        self.postfix.stop()
        self.dovecot.stop()

    def restart(self) -> None:
        """Stop and start both on the same ports."""
        self.halt()
        self.start()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody answers in here."""
        self.halt()
        try:
            yield
        finally:
            self.start()

    # --- mailboxes ---------------------------------------------------------------------------------------------

    def new_mailbox(self, name: str = "dr.modele", *, domain: str = DOMAIN) -> MailboxAddress:
        """A fresh mailbox that nobody else uses.

        Args:
            name: one of ``dr.modele``, ``dr.correspondant``, ``labo``, ``secretariat``; a number follows it.
            domain: one of the two that the operator serves.
        """
        assert name in NAMES, f"expected one of {NAMES}"
        with self._lock:
            self._count += 1
            return MailboxAddress(f"{name}.{self._count}", domain)

    def add_mailbox(self, address: MailboxAddress) -> MailboxAddress:
        """A mailbox with a name of your own, in one of the operator's domains; slower than :meth:`new_mailbox`."""
        self.postfix.add_mailbox(str(address))
        return address

    def client_file(self, address: MailboxAddress) -> Path:
        """PEM file with key, certificate and chain of the mailbox (common name = address)."""
        path = self.folder / f"{address}.pem"
        return path if path.exists() else self.pki.client(str(address)).write(path)

    def identity_settings(self, address: MailboxAddress) -> IdentitySettings:
        """The ``identity`` table of the mailbox."""
        if self.takes_tokens:
            return IdentitySettings.model_validate({"auth": "xoauth2"})
        if self.demands_certificate:
            return IdentitySettings(certificate=self.client_file(address))
        path = self.folder / "password"
        path.write_text(Dovecot.PASSWORD)
        return IdentitySettings.model_validate({"auth": "plain", "password": {"file": path}})

    def identity_for(self, address: MailboxAddress, **changes: Any) -> Identity:
        """An identity of the mailbox; ``changes`` go over its settings."""
        settings = self.identity_settings(address).model_copy(update=changes)
        return make_identity(settings, address, IdentityServices(read_secret=_read_secret, clock=WallClock()))

    def settings(self, **changes: Any) -> OperatorSettings:
        """How to reach this operator; ``changes`` go over top-level fields, ``tls`` takes a table."""
        return OperatorSettings.model_validate(self.settings_for() | changes)

    def settings_for(self, mailbox: MailboxAddress | None = None) -> dict[str, Any]:
        """The ``operators.<name>`` table as a settings file would hold it (the same for each mailbox)."""
        return {
            "smtp": {"host": "localhost", "port": self.smtp_port},
            "imap": {"host": "localhost", "port": self.imap_port},
            "tls": {"trust": [self.trust], "crl": [self.lists]},
            "max_message_bytes": 40_000_000,
            "sent_folder": "Sent",
            "files_sent_messages": True,
            "connect_seconds": 10.0,
            "answer_seconds": 20.0,
        }

    # --- messages ----------------------------------------------------------------------------------------------

    def maildir(self, address: MailboxAddress, folder: str = "INBOX") -> Path:
        """The Maildir of a folder; it may not exist yet."""
        home = self.dovecot.mail / address.domain / address.local_part
        return home if folder == "INBOX" else home / f".{folder}"

    def messages(self, address: MailboxAddress, folder: str = "INBOX") -> list[bytes]:
        """Raw messages in a folder now, oldest first."""
        maildir = self.maildir(address, folder)
        paths = [path for name in ("new", "cur") if (maildir / name).is_dir() for path in (maildir / name).iterdir()]
        return [path.read_bytes() for path in sorted(paths, key=lambda path: path.name)]

    def wait_for_messages(self, address: MailboxAddress, count: int = 1, folder: str = "INBOX") -> list[bytes]:
        """The messages once there are at least ``count``.

        Raises:
            AssertionError: they did not come.
        """
        until = time.monotonic() + ARRIVAL_SECONDS
        while len(found := self.messages(address, folder)) < count:
            if time.monotonic() > until:
                raise AssertionError(f"{len(found)} of {count} messages came\n{self.postfix.log()[-3000:]}")
            time.sleep(0.02)
        return found

    def deliver(self, raw: bytes, to: MailboxAddress, *, folder: str = "INBOX") -> Path:
        """Put a message into a mailbox as a delivery agent does: written aside, then renamed into ``new``."""
        maildir = self.maildir(to, folder)
        self._make_maildir(to, maildir)
        with self._lock:
            self._delivered += 1
            name = f"{time.time_ns() // 1_000_000_000}.M{self._delivered:09}P{os.getpid()}.{socket.gethostname()}"
        aside = maildir / "tmp" / name
        aside.write_bytes(raw.replace(b"\r\n", b"\n"))
        shutil.chown(aside, "nobody", "nogroup")
        return aside.rename(maildir / "new" / name)

    def set_access(self, recipient: MailboxAddress, answer: str | None) -> None:
        """What RCPT of this recipient gets from now on, e.g. ``550 5.1.1 unknown``; ``None`` = accepted."""
        self.postfix.answers.set(str(recipient), answer)

    def change_uid_validity(self, address: MailboxAddress, folder: str = "INBOX") -> None:
        """Make the folder's UIDs worthless, as a restored server does."""
        (self.maildir(address, folder) / "dovecot-uidlist").unlink(missing_ok=True)
        for index in self.maildir(address, folder).glob("dovecot.index*"):
            index.unlink()

    def client_context(self, address: MailboxAddress) -> ssl.SSLContext:
        """For tests that speak to the servers with other clients."""
        context = ssl.create_default_context(cafile=str(self.trust))
        context.load_cert_chain(self.client_file(address))
        return context

    def _make_maildir(self, owner: MailboxAddress, maildir: Path) -> None:
        home = self.dovecot.mail / owner.domain / owner.local_part
        for folder in (home.parent, home, maildir, *(maildir / name for name in ("tmp", "new", "cur"))):
            if not folder.exists():
                folder.mkdir(mode=0o700)
                shutil.chown(folder, "nobody", "nogroup")

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder


def _read_secret(reference: SecretRef) -> str:
    assert reference.file is not None
    return reference.file.read_text().splitlines()[0]
