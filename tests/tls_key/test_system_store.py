"""The key stores of Windows and macOS, with a store that behaves like theirs: locked keys, windows, pulled cards."""

import errno
import ssl
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sslcontext
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sslcontext.backends import CNGBackend, KeychainBackend

from connector.domain.address import MailboxAddress
from connector.domain.catalogue import CATALOGUE
from connector.domain.errors import ConfigurationError, ConnectorError, Unavailable
from connector.domain.states import WaitingFor
from connector.identities import IdentityServices, make_identity
from connector.identities.base import Identity, external
from connector.identities.system_key import NEEDS_USER, KeyStore, store_of_this_system
from connector.identities.system_store import ASK_AGAIN_SECONDS, LOOK_SECONDS, SystemStoreIdentity
from connector.identities.tls_key import Padding
from connector.settings.model import IdentitySettings, KeyStoreChoice
from tests.servers.pki import Pki
from tests.tls_key.contract import greeted
from tests.tls_key.keys import HOLDER, SoftwareSigner, certify, private_key
from tests.tls_key.peer import Peer, client_context, demanding

CANCELLED, BLOCKED, NO_CARD, UNKNOWN = 0x8010006E, 0x8010006C, 0x8010000C, 0x80090020


@dataclass
class StoppedClock:
    seconds: float = 0.0
    start: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Entry:
    """A key as a system keeps it: opened by a window only, until the card is pulled."""

    certificate: bytes
    chain: tuple[bytes, ...]
    key: SoftwareSigner
    label: str = ""
    legacy: bool = False  # a CryptoAPI provider
    pss: bool = True
    locked: bool = False
    forgets: bool = False  # the PIN counts for the one handle that asked
    trouble: int = 0  # what every call says
    answer: int = 0  # what the window ends in; 0 = the right PIN
    windows: int = 0
    signed: list[str] = field(default_factory=list)


@dataclass
class EntrySigner:
    """As the signers of ``sslcontext``: without a window first, then with one if that is allowed."""

    entry: Entry
    asking: bool
    handle_open: bool = False

    @property
    def supports_pss(self) -> bool:
        return not self.entry.legacy

    def sign(self, digest: bytes, *, hash: str, padding: Any = None, salt_length: int | None = None) -> bytes:  # noqa: A002
        entry = self.entry
        if entry.trouble:
            raise sslcontext.KeystoreError(entry.trouble, "trouble")
        if entry.locked and not self.handle_open:
            self._unlock()
        if padding is sslcontext.Padding.PSS and not entry.pss:
            raise sslcontext.SigningError("the card has no such mechanism")
        entry.signed.append(getattr(padding, "value", "ecdsa"))
        ours = Padding(padding.value) if padding else None
        return entry.key.sign(digest, hash=hash, padding=ours, salt_length=salt_length)

    def _unlock(self) -> None:
        if not self.asking:
            raise sslcontext.KeystoreError(NEEDS_USER, "needs the user")
        self.entry.windows += 1
        if self.entry.answer:
            raise sslcontext.KeystoreError(self.entry.answer, "the window was closed")
        self.handle_open, self.entry.locked = True, self.entry.forgets


@dataclass
class FakeStore:
    """A key store; ``entries`` may change at any time, as cards come and go."""

    entries: list[Entry]
    trouble: Exception | None = None
    looks: int = 0

    def __call__(self, asking: bool) -> KeyStore:
        return _Opened(self, asking)


@dataclass
class _Opened:
    store: FakeStore
    asking: bool

    def identities(self) -> Iterable[sslcontext.Identity]:
        self.store.looks += 1
        if self.store.trouble:
            raise self.store.trouble
        for one in self.store.entries:
            yield sslcontext.Identity(one.certificate, EntrySigner(one, self.asking), one.chain, one.label)


def entry(pki: Pki, name: str = HOLDER, /, **changes: Any) -> Entry:
    key = private_key(changes.pop("curve", None))
    return Entry(*certify(pki, key.public_key(), name), SoftwareSigner(key), **changes)


def identity(store: FakeStore, clock: StoppedClock | None = None, /, **choice: Any) -> SystemStoreIdentity:
    return SystemStoreIdentity(
        choice=KeyStoreChoice(**choice), credentials=lambda: external("me@x.test"), fallback_label="the mailbox",
        clock=clock or StoppedClock(), open_store=store,
    )  # fmt: skip


def apply(one: SystemStoreIdentity) -> None:
    one.apply_to(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def code_of(one: SystemStoreIdentity) -> str:
    with pytest.raises(ConnectorError) as refusal:
        apply(one)
    assert refusal.value.code in CATALOGUE
    return refusal.value.code


def test_a_key_is_used_and_its_holder_named(pki: Pki) -> None:
    one: Identity = identity(FakeStore([entry(pki)]))
    context = client_context(pki)
    one.apply_to(context)
    with Peer(demanding(pki)) as peer, greeted(context, peer) as (secure, name):
        assert (name, secure.version()) == (HOLDER, "TLSv1.3")
    assert (one.label, one.sasl(), one.needs_person()) == (HOLDER, external("me@x.test"), None)


@pytest.mark.parametrize(
    ("changes", "version"),
    [({"legacy": True}, "TLSv1.2"), ({"pss": False}, "TLSv1.2"), ({}, "TLSv1.3"),
     ({"curve": ec.SECP256R1}, "TLSv1.3")],
    ids=["a legacy provider", "a store that promises too much", "PSS", "EC"],
)  # fmt: skip
def test_whether_the_key_can_pss_is_tried(pki: Pki, changes: dict[str, Any], version: str) -> None:
    one, context = identity(FakeStore([entry(pki, **changes)])), client_context(pki)
    one.apply_to(context)
    with Peer(demanding(pki)) as peer, greeted(context, peer) as (secure, _):
        assert secure.version() == version


def test_the_choice_narrows_by_subject_issuer_and_fingerprint(pki: Pki) -> None:
    store = FakeStore(
        [entry(pki, "899700012345"), entry(pki, "899700067890"), Entry(b"junk", (), SoftwareSigner(private_key()))]
    )
    digest = (
        x509.load_der_x509_certificate(store.entries[1].certificate).fingerprint(hashes.SHA256()).hex(":").upper()
    )
    chosen = [identity(store, **choice).label for choice in (
        {"subject": "cn=899700012345"}, {"subject": "67890", "issuer": "igc-sante"}, {"sha256": digest},
        {"issuer": "igc-sante"}, {"subject": "nobody"},
    )]  # fmt: skip
    assert chosen == ["899700012345", "899700067890", "899700067890", "the mailbox", "the mailbox"]


@pytest.mark.parametrize(
    ("choice", "days", "code", "waits"),
    [
        ({}, 0, "MAGASIN_CERTIFICATS", WaitingFor.SETTINGS),
        ({"subject": "nobody"}, 0, "MAGASIN_SANS_CERTIFICAT", WaitingFor.CARD),
        ({"subject": "67890"}, 200, "CERTIFICAT_EXPIRE", WaitingFor.SETTINGS),
        ({"subject": "67890"}, -200, "CERTIFICAT_FUTUR", WaitingFor.SETTINGS),
    ],
)
def test_what_is_wrong_with_the_choice_has_its_code(
    pki: Pki, choice: dict[str, str], days: int, code: str, waits: WaitingFor
) -> None:
    clock = StoppedClock(start=datetime.now(UTC) + timedelta(days=days))
    one = identity(FakeStore([entry(pki, "899700012345"), entry(pki, "899700067890")]), clock, **choice)
    assert (code_of(one), one.needs_person(), one.label) == (code, waits, "the mailbox")


def test_a_signature_certificate_is_never_taken(pki: Pki) -> None:
    authority, key = pki.organisations, private_key()
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        authority.name, authority.name, key.public_key(), 7, now - timedelta(1), now + timedelta(9)
    ).add_extension(usage, critical=True)
    der = builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert code_of(identity(FakeStore([Entry(der, (), SoftwareSigner(key))]))) == "MAGASIN_SANS_CERTIFICAT"


# --- windows of the system --------------------------------------------------------------------


def test_the_system_asks_before_the_connection_and_handshakes_open_no_window(pki: Pki) -> None:
    store = FakeStore([entry(pki, locked=True)])
    one, context = identity(store), client_context(pki)
    assert one.needs_person() is None  # a locked key hinders nobody: the system will ask
    assert store.entries[0].windows == 0
    one.apply_to(context)
    assert store.entries[0].windows == 1
    before = len(store.entries[0].signed)
    with Peer(demanding(pki)) as peer:
        for _ in range(3):
            with greeted(context, peer):
                pass
    one.apply_to(client_context(pki))
    assert (store.entries[0].windows, len(store.entries[0].signed) - before) == (1, 3)


def test_a_key_that_the_system_locks_again_is_asked_for_before_the_next_connection(pki: Pki) -> None:
    store = FakeStore([entry(pki, locked=True)])
    one, context = identity(store), client_context(pki)
    one.apply_to(context)
    before = one.revision()
    store.entries[0].locked = True
    with Peer(demanding(pki)) as peer:
        with pytest.raises(ssl.SSLError) as failure, greeted(context, peer):
            pass
        assert getattr(failure.value.__cause__, "code", "") == "PIN"
        assert (store.entries[0].windows, one.needs_person()) == (1, None)
        assert one.revision() != before
        context = client_context(pki)
        one.apply_to(context)
        with greeted(context, peer) as (_, name):
            assert name == HOLDER
    assert store.entries[0].windows == 2


def test_where_the_pin_counts_for_one_handle_that_handle_signs(pki: Pki) -> None:
    store = FakeStore([entry(pki, locked=True, forgets=True)])
    one, context = identity(store), client_context(pki)
    one.apply_to(context)
    with Peer(demanding(pki)) as peer, greeted(context, peer) as (_, name):
        assert name == HOLDER
    assert store.entries[0].windows == 1


def test_a_window_that_was_closed_comes_again_after_a_quarter_of_an_hour(pki: Pki) -> None:
    clock, store = StoppedClock(), FakeStore([entry(pki, locked=True, answer=CANCELLED)])
    one = identity(store, clock)
    for seconds, windows in ((0, 1), (1, 1), (ASK_AGAIN_SECONDS - 1, 1), (ASK_AGAIN_SECONDS, 2)):
        clock.seconds = seconds
        assert code_of(one) == "MAGASIN_ANNULE"
        assert store.entries[0].windows == windows
    assert one.needs_person() is WaitingFor.PIN
    store.entries[0].answer = 0
    clock.seconds = ASK_AGAIN_SECONDS * 2
    assert one.needs_person() is None
    apply(one)


def test_a_blocked_card_is_told_and_not_asked_for(pki: Pki) -> None:
    store = FakeStore([entry(pki, trouble=BLOCKED)])
    one = identity(store)
    assert (code_of(one), one.needs_person(), store.entries[0].windows) == ("CARTE_BLOQUEE", WaitingFor.CARD, 0)


# --- cards that come and go ----------------------------------------------------------------------


def test_a_pulled_card_ends_what_was_opened_with_it_and_a_card_put_back_goes_on(pki: Pki) -> None:
    clock, store = StoppedClock(), FakeStore([entry(pki)])
    one, context = identity(store, clock), client_context(pki)
    one.apply_to(context)
    before = one.revision()
    store.entries[0].trouble = NO_CARD
    with Peer(demanding(pki)) as peer, pytest.raises(ssl.SSLError) as failure, greeted(context, peer):
        pass
    assert getattr(failure.value.__cause__, "code", "") == "CARTE_ABSENTE"
    assert one.revision() != before
    assert one.needs_person() is WaitingFor.CARD
    clock.seconds += LOOK_SECONDS
    assert (one.needs_person(), code_of(one)) == (WaitingFor.CARD, "CARTE_ABSENTE")
    store.entries[0].trouble, store.entries[0].locked = 0, True
    clock.seconds += LOOK_SECONDS
    assert one.needs_person() is None
    assert store.entries[0].windows == 0
    apply(one)
    assert store.entries[0].windows == 1


def test_another_certificate_is_another_revision_and_a_store_is_not_looked_at_all_the_time(pki: Pki) -> None:
    clock, store = StoppedClock(), FakeStore([entry(pki)])
    one = identity(store, clock)
    revisions = [one.revision()]
    store.entries = []
    revisions.append(one.revision())
    assert store.looks == 1
    for entries in ([], [entry(pki, "899700067890")]):
        store.entries = entries
        clock.seconds += LOOK_SECONDS
        revisions.append(one.revision())
    assert revisions[0] == revisions[1]
    assert len(set(revisions)) == 3
    apply(one)


# --- stores that fail -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [sslcontext.KeystoreError(errno.EIO, "no"), sslcontext.UnsupportedOpenSSLError("no"), OSError("no")],
    ids=lambda error: type(error).__name__,
)
def test_a_store_that_cannot_be_read_is_no_verdict_on_the_settings(pki: Pki, trouble: Exception) -> None:
    one = identity(FakeStore([], trouble))
    assert (code_of(one), one.needs_person()) == ("MAGASIN_REFUS", WaitingFor.CREDENTIALS)


def test_an_error_that_nobody_knows_keeps_its_number_and_is_tried_again_soon(pki: Pki) -> None:
    clock, store = StoppedClock(), FakeStore([entry(pki, trouble=UNKNOWN)])
    one = identity(store, clock)
    with pytest.raises(Unavailable, match="0x80090020") as refusal:
        apply(one)
    assert refusal.value.code == "MAGASIN_REFUS"
    store.entries[0].trouble = 0
    assert code_of(one) == "MAGASIN_REFUS"
    clock.seconds += LOOK_SECONDS
    apply(one)


def test_a_key_that_does_not_belong_to_its_certificate_is_noticed_before_any_server(pki: Pki) -> None:
    wrong = replace(entry(pki), key=SoftwareSigner(ec.generate_private_key(ec.SECP256R1())), legacy=True)
    assert code_of(identity(FakeStore([wrong]))) == "SIGNATURE_IMPOSSIBLE"


def test_a_secret_that_is_missing_is_waited_for(pki: Pki) -> None:
    def missing() -> None:
        raise Unavailable("SECRET_INDISPONIBLE", "locked")

    one = identity(FakeStore([entry(pki)]))
    one.credentials = missing
    assert one.needs_person() is WaitingFor.CREDENTIALS


# --- which store ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("system", "kind"), [("win32", CNGBackend), ("darwin", KeychainBackend)])
@pytest.mark.parametrize("asking", [False, True])
def test_each_system_has_its_store(
    monkeypatch: pytest.MonkeyPatch, system: str, kind: type[Any], asking: bool
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    store: Any = store_of_this_system(asking)
    assert isinstance(store, kind)
    assert store._pin is (sslcontext.KEYSTORE_PROMPT if asking else None)


def test_linux_has_none_and_says_what_to_use_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    one = SystemStoreIdentity(
        choice=KeyStoreChoice(), credentials=lambda: None, fallback_label="the mailbox", clock=StoppedClock()
    )
    with pytest.raises(ConfigurationError, match="linux") as refusal:
        apply(one)
    assert refusal.value.code == "MAGASIN_ABSENT"
    assert (one.needs_person(), one.label) == (WaitingFor.SETTINGS, "the mailbox")
    assert "card = {}" in CATALOGUE["MAGASIN_ABSENT"].cure_fr


@pytest.mark.parametrize(("auth", "mechanism"), [("external", "EXTERNAL"), ("none", None), ("plain", "PLAIN")])
def test_the_settings_make_one_and_each_word_goes_with_it(
    monkeypatch: pytest.MonkeyPatch, auth: str, mechanism: str | None
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    settings = IdentitySettings.model_validate({"auth": auth, "key_store": {}, "password": {"env": "X"}})
    services = IdentityServices(read_secret=lambda _: "secret", clock=StoppedClock())
    made = make_identity(settings, MailboxAddress("me", "x.test"), services)
    said = made.sasl()
    assert (said.mechanism if said else None) == mechanism
    with pytest.raises(ConfigurationError, match="key store"):
        made.apply_to(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert (made.label, made.needs_person()) == ("me@x.test", WaitingFor.SETTINGS)
