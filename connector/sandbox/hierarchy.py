"""``mss-connector sandbox pki``: a test PKI with all branches of IGC-Santé that matter, and all that must be refused.

::

    RACINE ELEMENTAIRE ── ELEMENTAIRE ORGANISATIONS ── servers of operators, software certificates of organisations
    RACINE STANDARD    ── STANDARD PERSONNES        ── authentication and signature certificates of a card
    Public Trust Root  ── Public Trust Server CA    ── a server that the whole world trusts, and we do not

Each authority has its revocation list, and there is one that is out of date. With a base address, certificates say
where their list is: serve the folder ``crl`` there (the lists have the names that the addresses end in).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector.sandbox.authority import CLIENT, SERVER, Authority, Issued, distribution_point
from connector.sandbox.person import DOCTOR, issue_person
from connector.sandbox.pki import LOOPBACK, sandbox_name, write_private

__all__ = ["P12_PASSWORD", "Hierarchy", "create_hierarchy", "write_hierarchy"]

P12_PASSWORD = "bac-a-sable"  # noqa: S105 - of certificates that say TEST and open nothing
ORGANISATION = "labo-fictif@test.mssante.example"
_UNITS = ("IGC-SANTE TEST (BAC A SABLE)",)
_STALE = timedelta(hours=-2)


@dataclass(frozen=True)
class Hierarchy:
    """Everything, made once and kept in memory.

    Args:
        now: aware; validity starts a day before.
        base_url: where the lists are served, without a slash at the end; empty = certificates name no list.
    """

    now: datetime
    root: Authority
    organisations: Authority
    standard_root: Authority
    persons: Authority
    public_root: Authority
    public: Authority
    base_url: str = ""

    def lists_at(self, name: str) -> tuple[str, ...]:
        """Addresses of a list by its name, e.g. ``organisations``."""
        return (f"{self.base_url}/{name}.crl",) if self.base_url else ()

    def server(
        self, *, names: tuple[x509.GeneralName, ...] = LOOPBACK, starts: timedelta = timedelta(days=-1),
        lasts: timedelta = timedelta(days=700),
    ) -> Issued:  # fmt: skip
        """A server of an operator."""
        extensions = (x509.SubjectAlternativeName(names), SERVER, *distribution_point(self.lists_at("organisations")))
        name = str(names[0].value)
        return self.organisations.issue(sandbox_name(name), extensions, now=self.now, starts=starts, lasts=lasts)

    def organisation(self, address: str) -> Issued:
        """A software certificate (AUTH_CLI) of the mailbox of an organisation."""
        names = x509.SubjectAlternativeName([x509.RFC822Name(address)])
        extensions = (names, CLIENT, *distribution_point(self.lists_at("organisations")))
        return self.organisations.issue(sandbox_name(address), extensions, now=self.now)

    def public_server(self) -> Issued:
        """A server with the right name, of an authority that only the world trusts (Ref#2 ECO.1.1.10)."""
        extensions = (x509.SubjectAlternativeName(LOOPBACK), SERVER, *distribution_point(self.lists_at("publique")))
        return self.public.issue(sandbox_name("localhost"), extensions, now=self.now)


def create_hierarchy(*, now: datetime, base_url: str = "") -> Hierarchy:
    """Make the authorities.

    Args:
        now: aware.
        base_url: where the lists will be served; empty = certificates name none.
    """
    base = base_url.rstrip("/")
    made: list[Authority] = []
    for family, below in (
        ("ELEMENTAIRE", "ELEMENTAIRE ORGANISATIONS"), ("STANDARD", "STANDARD PERSONNES"), ("", ""),
    ):  # fmt: skip
        root_name = f"TEST AC RACINE BAC A SABLE {family}" if family else "TEST Public Trust Root"
        name = f"TEST AC BAC A SABLE {below}" if below else "TEST Public Trust Server CA"
        lists_at = (f"{base}/racine-{family.lower() or 'publique'}.crl",) if base else ()
        root = Authority.root(sandbox_name(root_name, _UNITS), now=now)
        made += [root, root.intermediate(sandbox_name(name, _UNITS), now=now, lists_at=lists_at)]
    root, organisations, standard_root, persons, public_root, public = made
    return Hierarchy(now, root, organisations, standard_root, persons, public_root, public, base)


def write_hierarchy(folder: Path, hierarchy: Hierarchy) -> list[Path]:
    """Write everything that is of use for tests, readable by its owner only.

    Args:
        folder: made with its parents; files of an earlier run are replaced.
        hierarchy: from :func:`create_hierarchy`.

    Returns:
        The files, in the order in which a person wants to hear of them.

    Raises:
        OSError: it cannot be written.
    """
    for name in ("", "ac", "crl", "serveurs", "clients"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    revoked = hierarchy.server()
    return [
        *_authorities(folder, hierarchy),
        *_lists(folder / "crl", hierarchy, revoked.certificate.serial_number),
        *_servers(folder / "serveurs", hierarchy, revoked),
        *_clients(folder / "clients", hierarchy),
    ]


def _authorities(folder: Path, hierarchy: Hierarchy) -> Iterator[Path]:
    pairs = {
        "confiance-serveurs.pem": (hierarchy.root, hierarchy.organisations),
        "confiance-personnes.pem": (hierarchy.standard_root, hierarchy.persons),
    }
    for name, authorities in pairs.items():
        pem = b"".join(authority.certificate.public_bytes(Encoding.PEM) for authority in authorities)
        yield _written(folder / name, pem)
    for name, authority in _named(hierarchy).items():
        yield _written(folder / "ac" / f"{name}.pem", authority.pem)
        yield _written(folder / "ac" / f"{name}.cer", authority.certificate.public_bytes(Encoding.DER))


def _named(hierarchy: Hierarchy) -> dict[str, Authority]:
    """Name of its list and file, to authority."""
    return {
        "racine-elementaire": hierarchy.root, "organisations": hierarchy.organisations,
        "racine-standard": hierarchy.standard_root, "personnes": hierarchy.persons,
        "racine-publique": hierarchy.public_root, "publique": hierarchy.public,
    }  # fmt: skip


def _lists(folder: Path, hierarchy: Hierarchy, revoked: int) -> Iterator[Path]:
    """One per authority, one that is out of date, and those for servers in one file (``tls.crl``)."""
    now = hierarchy.now
    for name, authority in _named(hierarchy).items():
        serials = [revoked] if authority is hierarchy.organisations else []
        made = authority.revocations(serials, now=now)
        yield _written(folder / f"{name}.crl", made.public_bytes(Encoding.DER))
    stale = hierarchy.organisations.revocations([revoked], now=now, lasts=_STALE)
    yield _written(folder / "organisations-perimee.crl", stale.public_bytes(Encoding.DER))
    servers = (hierarchy.organisations.revocations([revoked], now=now), hierarchy.root.revocations([], now=now))
    yield _written(folder / "serveurs.pem", b"".join(one.public_bytes(Encoding.PEM) for one in servers))


def _servers(folder: Path, hierarchy: Hierarchy, revoked: Issued) -> Iterator[Path]:
    """Key, certificate and chain in one file each: the good one first, then those to be refused."""
    elsewhere = (x509.DNSName("ailleurs.test"),)
    servers = {
        "valable": hierarchy.server(),
        "revoque": revoked,
        "expire": hierarchy.server(starts=timedelta(days=-400), lasts=timedelta(days=300)),
        "futur": hierarchy.server(starts=timedelta(days=30)),
        "autre-nom": hierarchy.server(names=elsewhere),
        "autorite-publique": hierarchy.public_server(),
    }
    for name, issued in servers.items():
        yield _written(folder / f"{name}.pem", issued.key_pem + issued.chain_pem)


def _clients(folder: Path, hierarchy: Hierarchy) -> Iterator[Path]:
    """PEM and PKCS#12 of an organisation, and of the two certificates of a card."""
    lists_at = hierarchy.lists_at("personnes")
    clients = {
        "organisation": hierarchy.organisation(ORGANISATION),
        "personne-auth": issue_person(hierarchy.persons, DOCTOR, "auth", now=hierarchy.now, lists_at=lists_at),
        "personne-sign": issue_person(hierarchy.persons, DOCTOR, "sign", now=hierarchy.now, lists_at=lists_at),
    }
    for name, issued in clients.items():
        yield _written(folder / f"{name}.pem", issued.key_pem + issued.chain_pem)
        yield _written(folder / f"{name}.p12", issued.p12(P12_PASSWORD))


def _written(path: Path, content: bytes) -> Path:
    write_private(path, content)
    return path
