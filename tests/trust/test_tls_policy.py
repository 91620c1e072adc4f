"""The policy of one mailbox: when its context is made anew, and what it says of first and resumed handshakes."""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector.domain.errors import ConfigurationError
from connector.identities import PasswordIdentity, plain
from connector.operators.errors import ConnectionFailed, UntrustedServer
from connector.operators.tls import TlsPolicy, tls_failure
from connector.operators.trust import Trust
from connector.operators.trust.chain import verified_chain
from connector.sandbox.authority import SERVER, Authority, Issued
from connector.sandbox.hierarchy import Hierarchy, create_hierarchy
from connector.sandbox.pki import LOOPBACK, sandbox_name
from connector.settings.model import TlsSettings
from connector.testing.clock import FakeClock
from tests.servers.clock import WallClock
from tests.trust.trust_scene import DER, Source, family, trust_in

IDENTITY = PasswordIdentity(credentials=lambda: plain("a@b.test", "secret"), label="a@b.test")
NOW = WallClock().now().replace(microsecond=0)  # certificates know seconds
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def pki() -> Hierarchy:
    return create_hierarchy(now=NOW)


class Pair:
    """Both ends of a connection in memory."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(to_client, to_server, server_hostname="localhost", session=session)
        self._server = server.wrap_bio(to_server, to_client, server_side=True)
        for _ in range(4):
            for end in (self.client, self._server):
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue


class Bench:
    """A server of this machine, and the files that make it trusted."""

    def __init__(self, pki: Hierarchy, folder: Path) -> None:
        self.pki, self.folder, self.clock = pki, folder, FakeClock(NOW)
        self.trust_file, self.crl_file = folder / "trust.pem", folder / "crl.pem"
        self.write_trust(pki.root, pki.organisations)
        self.write_lists(timedelta(days=7))
        self.server = self.context_of(pki.server())

    def write_trust(self, *authorities: Authority) -> None:
        self.trust_file.write_bytes(b"".join(a.certificate.public_bytes(Encoding.PEM) for a in authorities))

    def write_lists(self, lasts: timedelta, *revoked: Issued) -> None:
        serials = [issued.certificate.serial_number for issued in revoked]
        lists = (
            self.pki.root.revocations([], now=NOW, lasts=timedelta(days=300)),
            self.pki.organisations.revocations(serials, now=NOW, lasts=lasts),
        )
        self.crl_file.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in lists))

    def context_of(self, issued: Issued) -> ssl.SSLContext:
        file = self.folder / "server.pem"
        file.write_bytes(issued.key_pem + issued.chain_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def policy(self, **settings: Any) -> TlsPolicy:
        files = {"trust": [self.trust_file], "crl": [self.crl_file]}
        return TlsPolicy(TlsSettings(**(files | settings)), IDENTITY, Trust(None, self.clock, Source({})))


@pytest.fixture
def bench(pki: Hierarchy, tmp_path: Path) -> Bench:
    return Bench(pki, tmp_path)


def test_the_context_stays_the_same_while_nothing_changes(bench: Bench) -> None:
    policy = bench.policy()
    assert policy.context() is policy.context()
    policy.approve(Pair(policy.context(), bench.server).client)
    assert policy.context() is policy.context()


@pytest.mark.parametrize("which", ["trust_file", "crl_file"])
def test_a_changed_file_makes_it_anew(bench: Bench, which: str) -> None:
    policy = bench.policy()
    before = policy.context()
    path: Path = getattr(bench, which)
    path.write_bytes(path.read_bytes() + b"\n")
    assert policy.context() is not before


def test_when_a_list_ends_connections_are_made_anew_and_refused(bench: Bench) -> None:
    policy = bench.policy()
    before = policy.context()
    policy.approve(Pair(before, bench.server).client)
    bench.clock.advance(by=timedelta(days=7))
    assert policy.context() is before
    bench.clock.advance(1)
    after = policy.context()
    assert after is not before
    with pytest.raises(UntrustedServer, match="CRL_PERIMEE"):
        policy.approve(Pair(after, bench.server).client)


def test_what_was_negotiated_is_said_shortly(bench: Bench) -> None:
    suite = "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384, CN=localhost"
    for expected, settings in (
        (f"{suite}, CRL 24 h", {}),
        (suite, {"revocation": "off"}),
        (suite, {"revocation": "if_listed", "crl": []}),
    ):
        policy = bench.policy(**settings)
        assert policy.approve(Pair(policy.context(), bench.server).client) == expected
    bench.write_lists(-HOUR)
    policy = bench.policy(crl_grace_hours=2)
    assert policy.approve(Pair(policy.context(), bench.server).client) == f"{suite}, CRL 25 h (past its end)"


def test_a_resumed_session_is_judged_like_a_first_one(bench: Bench) -> None:
    policy = bench.policy()
    context = policy.context()
    first = Pair(context, bench.server)
    said = policy.approve(first.client)
    again = Pair(context, bench.server, first.client.session)
    assert again.client.session_reused
    assert policy.approve(again.client) == said
    assert len(verified_chain(again.client, [])) == 1  # all that OpenSSL remembers
    mine = x509.load_der_x509_certificate(first.client.getpeercert(binary_form=True) or b"")
    bench.write_lists(timedelta(days=7), Issued(mine, bench.pki.root.key))
    policy.context()  # takes the new list
    with pytest.raises(UntrustedServer, match="SERVEUR_REVOQUE"):
        policy.approve(again.client)


def test_a_resumed_session_with_the_root_alone_is_completed_by_what_was_verified_before(bench: Bench) -> None:
    bench.write_trust(bench.pki.root)
    policy = bench.policy()
    first = Pair(policy.context(), bench.server)
    said = policy.approve(first.client)
    again = Pair(policy.context(), bench.server, first.client.session)
    assert again.client.session_reused
    assert policy.approve(again.client) == said


def test_a_server_that_is_trusted_by_itself_has_a_chain_of_one(bench: Bench) -> None:
    """On a bench: its own certificate is the authority."""
    names = x509.SubjectAlternativeName(LOOPBACK)
    key = bench.pki.server().key
    name = sandbox_name("localhost")
    alone = Authority(bench.pki.root.certificate, key)
    made = Authority.issue(alone, name, (names, SERVER), now=NOW, key=key)
    assert made.certificate.issuer != name  # signed by its own key, under another name: no chain leads anywhere
    bench.trust_file.write_bytes(made.certificate.public_bytes(Encoding.PEM))
    policy = bench.policy(revocation="off")
    connection = Pair(policy.context(), bench.context_of(Issued(made.certificate, key))).client
    assert policy.approve(connection).endswith("CN=localhost")


def test_what_no_handshake_has_finished_has_no_chain(bench: Bench) -> None:
    fresh = bench.policy().context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    with pytest.raises(ValueError, match="handshake"):
        verified_chain(fresh, [])


def test_the_authorities_come_from_the_store_when_the_settings_name_none(tmp_path: Path) -> None:
    trust = trust_in(tmp_path, Source({}), filled=False)
    policy = TlsPolicy(TlsSettings(), IDENTITY, trust)
    with pytest.raises(ConfigurationError, match="TRUST_VIDE"):
        policy.context()
    for certificate in (*family().servers, family().persons.certificate, *family("test").servers):
        trust.store.add(certificate, source="x")
    trusted = {x509.load_der_x509_certificate(der) for der in policy.context().get_ca_certs(binary_form=True)}
    assert trusted == set(family().servers)
    test = TlsPolicy(TlsSettings(igc="test"), IDENTITY, trust)
    trusted = {x509.load_der_x509_certificate(der) for der in test.context().get_ca_certs(binary_form=True)}
    assert trusted == set(family("test").servers)


def test_a_new_authority_or_list_in_the_store_makes_the_context_anew(tmp_path: Path) -> None:
    source = family().source()
    trust = trust_in(tmp_path, source)
    policy = TlsPolicy(TlsSettings(), IDENTITY, trust)
    seen = [policy.context()]
    trust.refresh(["production"])
    seen.append(policy.context())
    trust.store.add(family("test").root.certificate, source="x")
    seen.append(policy.context())
    assert len(set(map(id, seen))) == 3


def test_a_certificate_in_der_and_a_chain_in_one_file_are_authorities(bench: Bench) -> None:
    bench.trust_file.write_bytes(bench.pki.organisations.certificate.public_bytes(DER))
    policy = bench.policy()
    assert policy.approve(Pair(policy.context(), bench.server).client)


class _Failure(ssl.SSLError):
    reason = "TLSV1_ALERT_INTERNAL_ERROR"


@pytest.mark.parametrize(
    ("error", "code"),
    [(_Failure(), "OPERATEUR_INJOIGNABLE"), (ssl.SSLEOFError(8, "EOF"), "OPERATEUR_INJOIGNABLE")],
)
def test_another_failure_of_tls_is_a_lost_connection(error: ssl.SSLError, code: str) -> None:
    failure = tls_failure(error)
    assert isinstance(failure, ConnectionFailed)
    assert failure.code == code


def test_sessions_are_taken_up_again_only_where_the_operator_wants_it(bench: Bench) -> None:
    for resume in (False, True):
        policy = bench.policy()
        policy.resume = resume
        first = Pair(policy.context(), bench.server)
        policy.approve(first.client)
        again = Pair(policy.context(), bench.server)
        assert again.client.session_reused == resume
        policy.approve(again.client)
