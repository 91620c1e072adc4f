"""Postfix and Dovecot with every certificate and list that must be refused: each its own code, and nothing said.

The connector goes by its own store, as on a machine in use: authorities with pins, lists that a real HTTP server
gives away at the addresses that the certificates name.
"""

import ssl
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector.identities import PasswordIdentity, plain
from connector.operators.errors import ConnectionFailed, OperatorError
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.operators.trust import Trust
from connector.operators.trust.certificates import fingerprint
from connector.operators.trust.pins import Pin, Purpose
from connector.settings.model import OperatorSettings
from tests.servers.clock import WallClock
from tests.servers.dovecot import Dovecot
from tests.servers.mail import Submitter, envelope_for
from tests.servers.operator import MailOperator
from tests.servers.pki import LOCALHOST, Authority, Issued, Pki
from tests.trust.trust_scene import ListHost, Web

pytestmark = pytest.mark.servers

Visit = Callable[["Bench", Trust, OperatorSettings], str]
HOUR = timedelta(hours=1)
_NO_TLS_ABOVE_1_1 = """
openssl_conf = whole
[whole]
ssl_conf = ssl
[ssl]
system_default = limits
[limits]
MaxProtocol = TLSv1.1
CipherString = ALL:@SECLEVEL=0
"""


class Bench:
    """Real servers, the authorities behind them, and the host that gives their lists away."""

    def __init__(self, web: Web) -> None:
        self.web, self.pki = web, Pki()
        self.operator = MailOperator(self.pki, demands_certificate=False)
        self.operator.server = self.issue()
        self.me = self.operator.new_mailbox()
        self.publish()

    def issue(self, **kwargs: Any) -> Issued:
        kwargs = {"names": LOCALHOST, "lists_at": [self.web.url("/organisations.crl")]} | kwargs
        return self.pki.organisations.issue("localhost", **kwargs)

    def publish(
        self, *revoked: Issued, lasts: timedelta = timedelta(days=7), signer: Authority | None = None
    ) -> None:
        """What the host gives away from now on."""
        self.pki.organisations.revoked[:] = [issued.certificate.serial_number for issued in revoked]
        self.web.put("/racine.crl", self.pki.root.crl().public_bytes(Encoding.DER))
        signed = (signer or self.pki.organisations).crl(next_update=lasts)
        self.web.put("/organisations.crl", signed.public_bytes(Encoding.DER))

    def serve(self, issued: Issued, *, postfix: str = "", dovecot: str = "", openssl: Path | None = None) -> None:
        """Both servers with another certificate, or worse habits."""
        imap, smtp = self.operator.dovecot, self.operator.postfix
        imap.server = smtp.server = issued
        smtp.extra, imap.extra = postfix, dovecot
        imap.environment = {"OPENSSL_CONF": str(openssl)} if openssl else {}
        self.operator.restart()

    def trust(self, folder: Path) -> Trust:
        """A machine that has accepted both authorities and fetched nothing yet."""
        authorities = {"racine": self.pki.root, "organisations": self.pki.organisations}
        pins = [
            Pin(fingerprint(authority.certificate), name, "production", Purpose.SERVERS,
                list_address=self.web.url(f"/{name}.crl"))
            for name, authority in authorities.items()
        ]  # fmt: skip
        trust = Trust(folder / "trust", WallClock(), pins=pins)
        for authority in authorities.values():
            trust.store.add(authority.certificate, source="bench")
        return trust

    def settings(self, **tls: Any) -> OperatorSettings:
        return self.operator.settings(tls=tls)

    def said(self, look: Callable[[], str], end: str, start: int) -> str:
        """What a server's log tells of a connection that began at this size of it, once it has told its end."""
        until = time.monotonic() + 20
        while end not in (told := look()[start:]):
            assert time.monotonic() < until, look()[-2000:]
            time.sleep(0.02)
        return told


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with ListHost().running() as web:
        made = Bench(web)
        try:
            made.operator.start()
            yield made
        finally:
            made.operator.stop()


@pytest.fixture(autouse=True)
def _as_new(bench: Bench) -> None:
    bench.publish()


def visit_smtp(bench: Bench, trust: Trust, settings: OperatorSettings) -> str:
    """Send a message; what the server heard, from its log."""
    log, end = bench.operator.postfix.log, "disconnect from"
    start = len(log())
    me = bench.me
    identity = PasswordIdentity(credentials=lambda: plain(str(me), Dovecot.PASSWORD), label=str(me))
    with Submitter(SmtpSender(settings, identity, trust)) as sender:
        try:
            sender.submit(envelope_for(me, me))
        except OperatorError:
            told = bench.said(log, end, start)
            assert "auth=" not in told
            assert "mail=" not in told
            raise
    return bench.said(log, end, start)


def visit_imap(bench: Bench, trust: Trust, settings: OperatorSettings) -> str:
    """List a mailbox; what the server heard, from its log."""
    log, end = bench.operator.dovecot.log, "rip="
    start = len(log())
    me = bench.me
    identity = PasswordIdentity(credentials=lambda: plain(str(me), Dovecot.PASSWORD), label=str(me))
    receiver = ImapReceiver(settings, identity, trust)
    try:
        receiver.list_new("INBOX", known_after=None)
    except OperatorError:
        assert "no auth attempts" in bench.said(log, end, start)
        raise
    finally:
        receiver.close()
    return bench.said(log, end, start)


both = pytest.mark.parametrize("visit", [visit_smtp, visit_imap], ids=["smtp", "imap"])


def fetched(trust: Trust) -> Trust:
    trust.refresh(["production"])
    return trust


def code(visit: Visit, bench: Bench, trust: Trust, **tls: Any) -> str:
    with pytest.raises(ConnectionFailed) as refusal:
        visit(bench, trust, bench.settings(**tls))
    assert trust.settle(20)
    return refusal.value.code


# -- the good server, and its lists


@both
def test_a_good_server_with_fresh_lists_is_spoken_to(bench: Bench, visit: Visit, tmp_path: Path) -> None:
    heard = visit(bench, fetched(bench.trust(tmp_path)), bench.settings())
    assert "auth=1" in heard or f"Login: user=<{bench.me}>" in heard


@both
def test_a_missing_list_shuts_the_door_and_is_there_for_the_next_try(
    bench: Bench, visit: Visit, tmp_path: Path
) -> None:
    trust = bench.trust(tmp_path)
    bench.web.asked.clear()
    assert code(visit, bench, trust) == "CRL_ABSENTE"
    assert sorted(bench.web.asked) == ["/organisations.crl", "/racine.crl"]
    visit(bench, trust, bench.settings())
    assert len(bench.web.asked) == 2


@both
def test_a_host_that_refuses_keeps_the_door_shut_and_is_spared(bench: Bench, visit: Visit, tmp_path: Path) -> None:
    trust = bench.trust(tmp_path)
    bench.web.put("/organisations.crl", b"blocked", status=403)
    bench.web.asked.clear()
    for _ in range(3):
        assert code(visit, bench, trust) == "CRL_ABSENTE"
    assert bench.web.asked.count("/organisations.crl") == 1


@both
def test_a_stale_list_counts_within_the_grace_only(bench: Bench, visit: Visit, tmp_path: Path) -> None:
    bench.publish(lasts=-HOUR)
    trust = fetched(bench.trust(tmp_path))
    assert code(visit, bench, trust) == "CRL_PERIMEE"
    visit(bench, trust, bench.settings(crl_grace_hours=4))


@both
def test_a_forged_list_is_no_list(bench: Bench, visit: Visit, tmp_path: Path) -> None:
    bench.publish(signer=Authority.root("TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS"))
    assert code(visit, bench, fetched(bench.trust(tmp_path))) == "CRL_INVALIDE"


@both
def test_a_server_that_is_revoked_meanwhile_is_refused_from_the_next_list_on(
    bench: Bench, visit: Visit, tmp_path: Path
) -> None:
    assert bench.operator.server is not None
    trust = fetched(bench.trust(tmp_path))
    visit(bench, trust, bench.settings())
    bench.publish(bench.operator.server)
    newer = bench.pki.organisations.crl(next_update=timedelta(days=7, hours=1))
    bench.web.put("/organisations.crl", _dated_now(newer, bench.pki.organisations))
    trust.refresh(["production"], force=True)
    assert code(visit, bench, trust) == "SERVEUR_REVOQUE"


def _dated_now(crl: x509.CertificateRevocationList, authority: Authority) -> bytes:
    """The same list, issued now instead of a day ago: newer than the kept one."""
    ends = crl.next_update_utc
    assert ends is not None
    builder = x509.CertificateRevocationListBuilder().issuer_name(crl.issuer)
    builder = builder.last_update(WallClock().now()).next_update(ends)
    for entry in crl:
        builder = builder.add_revoked_certificate(entry)
    signed = builder.sign(authority.key, crl.signature_hash_algorithm)  # type: ignore[arg-type]
    return signed.public_bytes(Encoding.DER)


def test_a_kept_imap_session_ends_when_a_newer_list_comes(bench: Bench, tmp_path: Path) -> None:
    assert bench.operator.server is not None
    trust = fetched(bench.trust(tmp_path))
    identity = PasswordIdentity(credentials=lambda: plain(str(bench.me), Dovecot.PASSWORD), label=str(bench.me))
    receiver = ImapReceiver(bench.settings(), identity, trust)
    receiver.list_new("INBOX", known_after=None)
    bench.publish(bench.operator.server)
    bench.web.put("/organisations.crl", _dated_now(bench.pki.organisations.crl(), bench.pki.organisations))
    trust.refresh(["production"], force=True)
    with pytest.raises(ConnectionFailed, match="SERVEUR_REVOQUE"):
        receiver.list_new("INBOX", known_after=None)
    receiver.close()


def test_a_resumed_session_is_judged_by_the_lists_of_today(bench: Bench, tmp_path: Path) -> None:
    assert bench.operator.server is not None
    trust, me = fetched(bench.trust(tmp_path)), bench.me
    settings = bench.operator.settings(tls={}, resume_tls_sessions=True)
    identity = PasswordIdentity(credentials=lambda: plain(str(me), Dovecot.PASSWORD), label=str(me))
    receiver, sender = ImapReceiver(settings, identity, trust), SmtpSender(settings, identity, trust)
    with Submitter(sender) as desk:
        for _ in range(2):
            receiver.list_new("INBOX", known_after=None)
            receiver.close()
            assert desk.submit(envelope_for(me, me)).tls.startswith("TLSv1.2")
            desk.run(sender.close())
        bench.publish(bench.operator.server)
        bench.web.put("/organisations.crl", _dated_now(bench.pki.organisations.crl(), bench.pki.organisations))
        trust.refresh(["production"], force=True)
        with pytest.raises(ConnectionFailed, match="SERVEUR_REVOQUE"):
            receiver.list_new("INBOX", known_after=None)
        with pytest.raises(ConnectionFailed, match="SERVEUR_REVOQUE"):
            desk.submit(envelope_for(me, me))


# -- servers with other certificates, or worse habits: both are started again for each


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("revoked", "SERVEUR_REVOQUE"), ("expired", "SERVEUR_EXPIRE"), ("future", "SERVEUR_FUTUR"),
        ("elsewhere", "SERVEUR_NOM"), ("public", "SERVEUR_AUTORITE"),
    ],
)  # fmt: skip
def test_each_wrong_certificate_is_refused_with_its_own_code(
    bench: Bench, tmp_path: Path, which: str, expected: str
) -> None:
    makers: dict[str, Callable[[], Issued]] = {
        "revoked": bench.issue,
        "expired": lambda: bench.issue(starts=timedelta(days=-400), lasts=timedelta(days=300)),
        "future": lambda: bench.issue(starts=timedelta(days=30)),
        "elsewhere": lambda: bench.issue(names=[x509.DNSName("ailleurs.test")]),
        "public": lambda: bench.pki.public_server,
    }
    issued = makers[which]()
    bench.publish(*([issued] if which == "revoked" else []))
    bench.serve(issued)
    trust = fetched(bench.trust(tmp_path))
    assert [code(visit, bench, trust) for visit in (visit_smtp, visit_imap)] == [expected] * 2


REFUSED_SUITE = ["TLS_NON_CONFORME", "TLS_INTERROMPU"]
"""Dovecot 2.3 hangs up without the alert that would say why; one that sends it is in ``test_server_trust``."""
WEAK_SMTP = "smtpd_tls_mandatory_ciphers = high\ntls_high_cipherlist = ECDHE-RSA-CHACHA20-POLY1305\n"
OLD_SMTP = """
smtpd_tls_mandatory_protocols = >=TLSv1, <=TLSv1.1
smtpd_tls_protocols = >=TLSv1, <=TLSv1.1
smtpd_tls_mandatory_ciphers = medium
tls_medium_cipherlist = ALL:@SECLEVEL=0
"""
OLD_IMAP = """
import_environment = TZ OPENSSL_CONF
ssl_min_protocol = TLSv1
ssl_cipher_list = ALL:@SECLEVEL=0
"""


def test_a_weak_suite_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.serve(bench.issue(), postfix=WEAK_SMTP, dovecot="ssl_cipher_list = ECDHE-RSA-CHACHA20-POLY1305\n")
    trust = fetched(bench.trust(tmp_path))
    assert [code(visit, bench, trust) for visit in (visit_smtp, visit_imap)] == REFUSED_SUITE


def test_tls_1_1_is_refused(bench: Bench, tmp_path: Path) -> None:
    limits = bench.operator.folder / "old.cnf"
    limits.write_text(_NO_TLS_ABOVE_1_1)
    bench.serve(bench.issue(), postfix=OLD_SMTP, dovecot=OLD_IMAP, openssl=limits)
    assert old_version(bench, "smtp") == old_version(bench, "imap") == "TLSv1.1"
    trust = fetched(bench.trust(tmp_path))
    assert [code(visit, bench, trust) for visit in (visit_smtp, visit_imap)] == REFUSED_SUITE


def old_version(bench: Bench, protocol: str) -> str | None:
    """What a client that takes anything gets: the servers really speak nothing better."""
    import imaplib
    import smtplib
    import warnings

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    if protocol == "smtp":
        with smtplib.SMTP("127.0.0.1", bench.operator.smtp_port) as client:
            client.starttls(context=context)
            assert isinstance(client.sock, ssl.SSLSocket)
            return client.sock.version()
    with imaplib.IMAP4("127.0.0.1", bench.operator.imap_port) as reader:
        reader.starttls(context)
        sock = reader.socket()
        assert isinstance(sock, ssl.SSLSocket)
        return sock.version()
