"""The PKI of the embedded operator, of the shape that IGC-Santé has: root, intermediate, end certificates, lists.

Everything in it is invented and says TEST in its names; never trust it outside a sandbox. The whole hierarchy, with
persons and with all that must be refused, is in :mod:`connector.sandbox.hierarchy`.
"""

import ipaddress
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from connector.sandbox.authority import CLIENT, SERVER, Authority, Issued

__all__ = ["LOOPBACK", "TestPki", "create_pki", "sandbox_name", "write_private"]

LOOPBACK: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
)
"""Names of a server on this machine."""


@dataclass(frozen=True, slots=True)
class TestPki:
    """The PEM files of a PKI in its folder (private: 0700, files 0600)."""

    __test__ = False  # the name begins with Test, but this is no test class

    folder: Path

    @property
    def trust_file(self) -> Path:
        """Root and intermediate: all that a client trusts (``tls.trust`` of the settings)."""
        return self.folder / "trust.pem"

    @property
    def crl_file(self) -> Path:
        """Revocation lists of the intermediate, then of the root (``tls.crl`` of the settings)."""
        return self.folder / "organisations.crl.pem"

    @property
    def server_file(self) -> Path:
        """Server key, certificate and chain, for 127.0.0.1, ::1 and localhost."""
        return self.folder / "server.pem"

    def client_file(self, address: str) -> Path:
        """Client key, certificate and chain of one mailbox.

        Args:
            address: the mailbox, ``local_part@domain``; made with :func:`create_pki` or :meth:`add_client`.
        """
        return self.folder / "clients" / f"{_file_stem(address)}.pem"

    def add_client(self, address: str, *, now: datetime) -> Path:
        """Make the client certificate of a mailbox unless it is there already; gives back its file.

        The address is the common name and an ``rfc822Name`` of the certificate.
        """
        path = self.client_file(address)
        if not path.exists():
            names = x509.SubjectAlternativeName([x509.RFC822Name(address)])
            _write_issued(path, self._organisations().issue(sandbox_name(address), (names, CLIENT), now=now))
        return path

    def revoke(self, certificate_file: Path, *, now: datetime) -> None:
        """Put the first certificate of a PEM file on the revocation list, keeping those that are on it."""
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        self._write_lists({*self._revoked(), certificate.serial_number}, now=now)

    def _complete(self, *, now: datetime) -> None:
        """Make what is not there: authorities, server, lists."""
        if not self.server_file.exists():
            self._write_authorities(now=now)
            names = x509.SubjectAlternativeName(LOOPBACK)
            _write_issued(
                self.server_file, self._organisations().issue(sandbox_name("localhost"), (names, SERVER), now=now)
            )
        if not self._lists_are_good(now=now):
            self._write_lists(self._revoked(), now=now)

    def _write_authorities(self, *, now: datetime) -> None:
        root = Authority.root(sandbox_name("TEST AC RACINE BAC A SABLE"), now=now)
        below = root.intermediate(sandbox_name("TEST AC BAC A SABLE ORGANISATIONS"), now=now)
        write_private(self.folder / "root.pem", root.pem)
        write_private(self.folder / "organisations.pem", below.pem)
        write_private(self.trust_file, b"".join(a.certificate.public_bytes(Encoding.PEM) for a in (root, below)))
        self.crl_file.unlink(missing_ok=True)  # of authorities that are no more

    def _organisations(self) -> Authority:
        return Authority.from_pem((self.folder / "organisations.pem").read_bytes())

    def _root(self) -> Authority:
        return Authority.from_pem((self.folder / "root.pem").read_bytes(), is_root=True)

    def _revoked(self) -> set[int]:
        if not self.crl_file.exists():
            return set()
        return {entry.serial_number for entry in x509.load_pem_x509_crl(self.crl_file.read_bytes())}

    def _lists_are_good(self, *, now: datetime) -> bool:
        """False for those of an earlier version (one list only), and for those that have come to their end."""
        data = self.crl_file.read_bytes() if self.crl_file.exists() else b""
        ends = x509.load_pem_x509_crl(data).next_update_utc if data else None
        return data.count(b"-----END X509 CRL-----") == 2 and ends is not None and now < ends

    def _write_lists(self, serials: Collection[int], *, now: datetime) -> None:
        lists = (self._organisations().revocations(serials, now=now), self._root().revocations((), now=now))
        write_private(self.crl_file, b"".join(one.public_bytes(Encoding.PEM) for one in lists))


def create_pki(folder: Path, *, clients: Sequence[str] = (), now: datetime) -> TestPki:
    """Make a PKI in a folder, or complete the one that is there.

    Args:
        folder: created with its parents, readable by its owner only.
        clients: mailboxes that need a client certificate.
        now: aware; validity starts one day before, so that a clock that is a little off does not matter.

    Returns:
        The PKI; calling again with the same folder changes nothing but adding the missing clients, and renewing
        lists that have come to their end.
    """
    pki = TestPki(folder)
    for private in (folder, folder / "clients"):
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
    pki._complete(now=now)
    for address in clients:
        pki.add_client(address, now=now)
    return pki


def sandbox_name(common_name: str, units: Iterable[str] = ()) -> x509.Name:
    """A subject that says TEST.

    Args:
        common_name: who.
        units: organizational units, from the outermost.
    """
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "BAC A SABLE (TEST)"),
            *(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _file_stem(address: str) -> str:
    return "".join(char if char.isalnum() or char in "-_.@" else "_" for char in address).lstrip(".")


def _write_issued(path: Path, issued: Issued) -> None:
    write_private(path, issued.key_pem + issued.chain_pem)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, replacing it in one step."""
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
