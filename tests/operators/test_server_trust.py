"""Which servers are trusted: IGC-Santé's and nobody else's (Ref#2 ECO.1.1.x), over SMTP and over IMAP."""

import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError
from connector.identities import PasswordIdentity, plain
from connector.operators.errors import ConnectionFailed, UntrustedServer
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.settings.model import OperatorSettings
from tests.servers.mail import Submitter, envelope_for
from tests.servers.moody import ScriptedImap, ScriptedSmtp, server_context
from tests.servers.pki import LOCALHOST, Authority, Issued, Pki

ME = MailboxAddress("dr.modele", "cabinet.mssante.test")
IDENTITY = PasswordIdentity(credentials=lambda: plain(str(ME), "secret"), label=str(ME))
Visit = Callable[[OperatorSettings], None]


def visit_smtp(settings: OperatorSettings) -> None:
    with Submitter(SmtpSender(settings, IDENTITY)) as sender:
        sender.submit(envelope_for(ME, ME))


def visit_imap(settings: OperatorSettings) -> None:
    receiver = ImapReceiver(settings, IDENTITY)
    try:
        receiver.list_new("INBOX", known_after=None)
    finally:
        receiver.close()


@pytest.fixture
def trust(pki: Pki, tmp_path: Path) -> Path:
    return pki.write_trust(tmp_path / "trust.pem")


class World:
    """Both servers with one certificate, and how often each was told a secret."""

    def __init__(self, smtp: ScriptedSmtp, imap: ScriptedImap) -> None:
        self.smtp, self.imap = smtp, imap

    def settings(self, trust_file: Path, **tls: Any) -> OperatorSettings:
        return OperatorSettings.model_validate({
            "smtp": {"host": "localhost", "port": self.smtp.port},
            "imap": {"host": "localhost", "port": self.imap.port},
            "tls": {"trust": [trust_file], "revocation": "if_listed"} | tls,
            "connect_seconds": 10, "answer_seconds": 10,
        })  # fmt: skip

    @property
    def said(self) -> list[str]:
        """What was said beyond the way to TLS."""
        innocent = ("EHLO", "STARTTLS", "CAPABILITY", "LOGOUT", "QUIT")
        return [line for line in (*self.smtp.commands, *self.imap.commands) if not line.startswith(innocent)]


@contextmanager
def world(context: ssl.SSLContext | None) -> Iterator[World]:
    smtp = ScriptedSmtp(context, extensions=("AUTH PLAIN",))
    imap = ScriptedImap(context, untagged={"SELECT": ("* OK [UIDVALIDITY 1] x", "* 0 EXISTS", "* 0 RECENT")})
    with smtp, imap:
        yield World(smtp, imap)


both = pytest.mark.parametrize("visit", [visit_smtp, visit_imap], ids=["smtp", "imap"])


@both
def test_a_server_of_the_right_authority_is_trusted(pki: Pki, trust: Path, visit: Visit) -> None:
    with world(server_context(pki.server)) as servers:
        visit(servers.settings(trust))
    assert servers.said


@both
@pytest.mark.parametrize(
    ("which", "code"),
    [
        ("public_server", "SERVEUR_AUTORITE"),
        ("expired_server", "SERVEUR_EXPIRE"),
        ("future_server", "SERVEUR_FUTUR"),
        ("elsewhere_server", "SERVEUR_NOM"),
        ("client_as_server", "SERVEUR_NON_FIABLE"),
    ],
)
def test_other_servers_are_refused_and_nothing_is_said_to_them(
    pki: Pki, trust: Path, visit: Visit, which: str, code: str
) -> None:
    issued: Issued = getattr(pki, which)
    with world(server_context(issued)) as servers, pytest.raises(UntrustedServer) as refusal:
        visit(servers.settings(trust))
    assert refusal.value.code == code
    assert servers.said == []


@both
def test_the_systems_own_store_is_never_consulted(
    pki: Pki, trust: Path, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "system.pem"
    authorities = pki.public_server.chain
    store.write_bytes(b"".join(authority.public_bytes(Encoding.PEM) for authority in authorities))
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    with world(server_context(pki.public_server)) as servers, pytest.raises(UntrustedServer):
        visit(servers.settings(trust))


@both
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER], ids=["pem", "der"])
def test_a_revoked_server_is_refused(pki: Pki, trust: Path, visit: Visit, tmp_path: Path, encoding: Encoding) -> None:
    context = server_context(pki.revoked_server)
    crl = tmp_path / "orga.crl"
    crl.write_bytes(pki.organisations.crl().public_bytes(encoding))
    with world(context) as servers:
        with pytest.raises(UntrustedServer, match=r"SERVEUR_REVOQUE.*localhost has been revoked"):
            visit(servers.settings(trust, crl=[crl]))
        assert servers.said == []
        visit(servers.settings(trust))  # without a list nothing can be known
        visit(servers.settings(trust, crl=[crl], revocation="off"))


@both
def test_revocation_of_the_whole_chain_is_checked_when_all_lists_are_there(visit: Visit, tmp_path: Path) -> None:
    root = Authority.root("TEST AC RACINE DE PASSAGE")
    withdrawn = root.intermediate("TEST AC RETIREE")
    root.revoked.append(withdrawn.certificate.serial_number)
    trust, lists = tmp_path / "both.pem", tmp_path / "lists.pem"
    trust.write_bytes(b"".join(a.certificate.public_bytes(Encoding.PEM) for a in (root, withdrawn)))
    lists.write_bytes(b"".join(a.crl().public_bytes(Encoding.PEM) for a in (root, withdrawn)))
    issued = withdrawn.issue("localhost", names=LOCALHOST)
    refused = pytest.raises(UntrustedServer, match=r"SERVEUR_REVOQUE.*TEST AC RETIREE has been revoked")
    with world(server_context(issued)) as servers, refused:
        visit(servers.settings(trust, crl=[lists]))
    assert servers.said == []


@both
def test_an_expired_list_closes_the_door_and_says_why(pki: Pki, trust: Path, visit: Visit, tmp_path: Path) -> None:
    crl = tmp_path / "old.crl"
    crl.write_bytes(pki.organisations.crl(next_update=timedelta(hours=-1)).public_bytes(Encoding.DER))
    with world(server_context(pki.server)) as servers, pytest.raises(UntrustedServer) as refusal:
        visit(servers.settings(trust, crl=[crl]))
    assert refusal.value.code == "CRL_PERIMEE"
    assert servers.said == []


@both
def test_within_the_grace_an_expired_list_still_counts(pki: Pki, trust: Path, visit: Visit, tmp_path: Path) -> None:
    crl = tmp_path / "old.crl"
    lists = (pki.root.crl(), pki.organisations.crl(next_update=timedelta(hours=-1)))
    crl.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in lists))
    with world(server_context(pki.server)) as servers:
        visit(servers.settings(trust, crl=[crl], revocation="required", crl_grace_hours=4))
        with pytest.raises(UntrustedServer, match="CRL_PERIMEE"):
            visit(servers.settings(trust, crl=[crl], revocation="required", crl_grace_hours=0.5))


@both
def test_without_a_list_a_required_one_is_missed(pki: Pki, trust: Path, visit: Visit, tmp_path: Path) -> None:
    crl = tmp_path / "root.crl"
    crl.write_bytes(pki.root.crl().public_bytes(Encoding.DER))
    with world(server_context(pki.server)) as servers:
        for lists in ([], [crl]):
            with pytest.raises(UntrustedServer, match="CRL_ABSENTE"):
                visit(servers.settings(trust, crl=lists, revocation="required"))
    assert servers.said == []


@both
def test_a_list_that_somebody_else_signed_is_no_list(pki: Pki, trust: Path, visit: Visit, tmp_path: Path) -> None:
    forger = Authority.root("TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS")
    crl = tmp_path / "forged.crl"
    crl.write_bytes(b"".join(one.crl().public_bytes(Encoding.PEM) for one in (pki.root, forger)))
    with world(server_context(pki.server)) as servers, pytest.raises(UntrustedServer, match="CRL_INVALIDE"):
        visit(servers.settings(trust, crl=[crl]))
    assert servers.said == []


@both
def test_an_intermediate_alone_can_be_pinned(pki: Pki, visit: Visit, tmp_path: Path) -> None:
    pinned, crl = tmp_path / "organisations.cer", tmp_path / "organisations.crl"
    pinned.write_bytes(pki.organisations.certificate.public_bytes(Encoding.DER))
    crl.write_bytes(pki.organisations.crl().public_bytes(Encoding.DER))
    with world(server_context(pki.server)) as servers:
        visit(servers.settings(pinned, crl=[crl], revocation="required"))


@both
def test_the_host_name_can_be_left_unchecked_on_purpose(pki: Pki, trust: Path, visit: Visit) -> None:
    with world(server_context(pki.elsewhere_server)) as servers:
        visit(servers.settings(trust, verify_hostname=False))


@both
def test_a_server_that_speaks_tls_1_3_only_is_refused_by_default_and_accepted_when_allowed(
    pki: Pki, trust: Path, visit: Visit
) -> None:
    with world(server_context(pki.server, version=ssl.TLSVersion.TLSv1_3)) as servers:
        with pytest.raises(ConnectionFailed) as refusal:
            visit(servers.settings(trust))
        assert refusal.value.code == "TLS_NON_CONFORME"
        visit(servers.settings(trust, maximum="1.3"))


@both
def test_a_server_without_a_listed_suite_is_refused(pki: Pki, trust: Path, visit: Visit) -> None:
    context = server_context(pki.server)
    context.set_ciphers("ECDHE-RSA-CHACHA20-POLY1305")
    with world(context) as servers, pytest.raises(ConnectionFailed) as refusal:
        visit(servers.settings(trust))
    assert refusal.value.code == "TLS_NON_CONFORME"


@both
def test_a_server_that_speaks_tls_1_1_only_is_refused(pki: Pki, trust: Path, visit: Visit) -> None:
    context = server_context(pki.server)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with world(context) as servers, pytest.raises(ConnectionFailed) as refusal:
        visit(servers.settings(trust))
    assert refusal.value.code == "TLS_NON_CONFORME"
    assert servers.said == []


@both
def test_a_server_without_starttls_is_told_nothing(pki: Pki, trust: Path, visit: Visit) -> None:
    with world(None) as servers, pytest.raises(ConnectionFailed) as refusal:
        visit(servers.settings(trust))
    assert refusal.value.code == "STARTTLS_ABSENT"
    assert servers.said == []


def test_an_imap_server_that_logs_in_before_tls_is_told_nothing(pki: Pki, trust: Path) -> None:
    with world(server_context(pki.server)) as servers:
        servers.imap.greeting = "* PREAUTH welcome"
        with pytest.raises(ConnectionFailed) as refusal:
            visit_imap(servers.settings(trust))
    assert refusal.value.code == "STARTTLS_ABSENT"
    assert servers.said == []


def test_implicit_tls_serves_older_operators(pki: Pki, trust: Path) -> None:
    with ScriptedSmtp(server_context(pki.server), implicit=True, extensions=("AUTH PLAIN",)) as smtp:
        table = {"host": "localhost", "port": smtp.port, "tls": "implicit"}
        tls = {"trust": [trust], "crl": [pki.write_lists(trust.with_name("lists.pem"))]}
        visit_smtp(OperatorSettings.model_validate({"smtp": table, "imap": table, "tls": tls}))
    with ScriptedSmtp(server_context(pki.public_server), implicit=True) as smtp:
        table = {"host": "localhost", "port": smtp.port, "tls": "implicit"}
        with pytest.raises(UntrustedServer):
            visit_smtp(OperatorSettings.model_validate({"smtp": table, "imap": table, "tls": {"trust": [trust]}}))


@both
@pytest.mark.parametrize(
    ("tls", "code"),
    [
        ({"trust": []}, "TRUST_VIDE"),
        ({"trust": [], "igc": "test"}, "TRUST_VIDE"),
        ({"trust": [Path("absent.pem")]}, "TRUST_ILLISIBLE"),
        ({"trust": [Path(__file__)]}, "TRUST_ILLISIBLE"),
        ({"crl": [Path("absent.crl")]}, "TRUST_ILLISIBLE"),
        ({"crl": [Path(__file__)]}, "TRUST_ILLISIBLE"),
        ({"ciphers": ["NO-SUCH-SUITE"]}, "REGLAGE_INVALIDE"),
    ],
    ids=[
        "none",
        "none of the test hierarchy",
        "absent",
        "not a certificate",
        "absent list",
        "not a list",
        "unknown suite",
    ],
)
def test_settings_that_cannot_work_are_said_before_any_connection(
    trust: Path, visit: Visit, tls: dict[str, Any], code: str
) -> None:
    with world(None) as servers, pytest.raises(ConfigurationError) as refusal:
        visit(servers.settings(trust, **tls))
    assert refusal.value.code == code
    assert (servers.smtp.commands, servers.imap.commands) == ([], [])


def test_a_renewed_list_is_taken_without_a_restart(pki: Pki, trust: Path, tmp_path: Path) -> None:
    crl = tmp_path / "orga.crl"
    crl.write_bytes(pki.organisations.crl(next_update=timedelta(hours=-1)).public_bytes(Encoding.DER))
    with world(server_context(pki.server)) as servers:
        receiver = ImapReceiver(servers.settings(trust, crl=[crl]), IDENTITY)
        with pytest.raises(UntrustedServer):
            receiver.list_new("INBOX", known_after=None)
        crl.write_bytes(pki.organisations.crl().public_bytes(Encoding.PEM))
        assert receiver.list_new("INBOX", known_after=None) == []
        receiver.close()
