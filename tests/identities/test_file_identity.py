"""Certificates from files: every form that is offered, and a clear code for everything that is wrong with one."""

import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sslcontext
from cryptography.hazmat.primitives.serialization import Encoding

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError, NeedsPerson, Unavailable
from connector.domain.states import WaitingFor
from connector.identities import (
    CertificateIdentity,
    Identity,
    IdentityServices,
    PasswordIdentity,
    SaslCredentials,
    external,
    login,
    make_identity,
    plain,
)
from connector.settings.model import AuthMethod, IdentitySettings, SecretRef
from tests.servers.pki import Issued, Pki

ME = MailboxAddress("dr.modele", "cabinet.mssante.test")
PASSWORD = "s3cret-phrase"


@dataclass
class StoppedClock:
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture(scope="session")
def mine(pki: Pki) -> Issued:
    return pki.client(str(ME))


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def identity(certificate: Path, **changes: Any) -> CertificateIdentity:
    values: dict[str, Any] = {
        "certificate": certificate, "credentials": lambda: external(str(ME)), "fallback_label": "the mailbox",
        "clock": StoppedClock(),
    }  # fmt: skip
    return CertificateIdentity(**(values | changes))


def apply(one: Identity) -> None:
    one.apply_to(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


Forms = dict[str, Callable[[Issued, Path], CertificateIdentity]]
FORMS: Forms = {
    "pem": lambda mine, at: identity(write(at / "me.pem", mine.key_pem + mine.chain_pem)),
    "chain before key": lambda mine, at: identity(write(at / "me.pem", mine.chain_pem + mine.key_pem)),
    "issuer first": lambda mine, at: identity(
        write(at / "me.pem", mine.chain[0].public_bytes(Encoding.PEM) + mine.chain_pem + mine.key_pem)
    ),
    "key beside": lambda mine, at: identity(
        write(at / "me.crt", mine.chain_pem), key=write(at / "me.key", mine.key_pem)
    ),
    "encrypted key": lambda mine, at: identity(
        write(at / "me.pem", mine.encrypted_key_pem(PASSWORD) + mine.chain_pem), password=lambda: PASSWORD
    ),
    "password not needed": lambda mine, at: identity(
        write(at / "me.pem", mine.key_pem + mine.chain_pem), password=lambda: pytest.fail("asked for nothing")
    ),
    "p12": lambda mine, at: identity(write(at / "me.p12", mine.p12(PASSWORD)), password=lambda: PASSWORD),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_of_file_works_and_names_its_holder(
    mine: Issued, tmp_path: Path, form: Callable[[Issued, Path], CertificateIdentity]
) -> None:
    one = form(mine, tmp_path)
    assert one.needs_person() is None
    assert one.label == str(ME)
    apply(one)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda mine, at: identity(at / "absent.pem"), "CERTIFICAT_INVALIDE"),
        (lambda mine, at: identity(write(at / "x", b"hello")), "CERTIFICAT_INVALIDE"),
        (lambda mine, at: identity(write(at / "x", b"-----BEGIN CERTIFICATE-----\nx")), "CERTIFICAT_INVALIDE"),
        (lambda mine, at: identity(write(at / "x", mine.chain_pem)), "CERTIFICAT_INVALIDE"),
        (lambda mine, at: identity(write(at / "x", mine.encrypted_key_pem("other") + mine.chain_pem)),
         "CERTIFICAT_MOT_DE_PASSE"),
        (lambda mine, at: identity(write(at / "x", mine.encrypted_key_pem("other") + mine.chain_pem),
                                   password=lambda: PASSWORD), "CERTIFICAT_MOT_DE_PASSE"),
        (lambda mine, at: identity(write(at / "x", mine.p12("other")), password=lambda: PASSWORD),
         "CERTIFICAT_MOT_DE_PASSE"),
        (lambda mine, at: identity(write(at / "x", mine.p12("other"))), "CERTIFICAT_MOT_DE_PASSE"),
    ],
    ids=["absent", "no certificate", "damaged", "no key", "no password", "wrong password", "wrong p12 password",
         "p12 without password"],
)  # fmt: skip
def test_what_is_wrong_with_a_file_has_its_code(
    mine: Issued, tmp_path: Path, make: Callable[[Issued, Path], CertificateIdentity], code: str
) -> None:
    one = make(mine, tmp_path)
    with pytest.raises(ConfigurationError) as refusal:
        apply(one)
    assert refusal.value.code == code
    assert one.needs_person() is WaitingFor.SETTINGS
    assert one.label == "the mailbox"


def test_a_key_of_another_certificate_is_refused(mine: Issued, pki: Pki, tmp_path: Path) -> None:
    one = identity(write(tmp_path / "mixed.pem", mine.key_pem + pki.stranger.chain_pem))
    with pytest.raises(ConfigurationError, match="does not belong"):
        apply(one)


@pytest.mark.parametrize(
    ("shift", "code"), [(timedelta(days=800), "CERTIFICAT_EXPIRE"), (timedelta(days=-30), "CERTIFICAT_FUTUR")]
)
def test_dates_are_checked_before_the_operator_does(
    mine: Issued, tmp_path: Path, shift: timedelta, code: str
) -> None:
    clock = StoppedClock(datetime.now(UTC) + shift)
    one = identity(write(tmp_path / "me.pem", mine.key_pem + mine.chain_pem), clock=clock)
    with pytest.raises(ConfigurationError) as refusal:
        apply(one)
    assert refusal.value.code == code
    assert one.needs_person() is WaitingFor.SETTINGS


def test_a_renewed_file_changes_the_revision_and_is_used(pki: Pki, mine: Issued, tmp_path: Path) -> None:
    one = identity(write(tmp_path / "me.pem", mine.key_pem + mine.chain_pem))
    before = one.revision()
    assert one.label == str(ME)
    renewed = pki.client("renewed@cabinet.mssante.test")
    write(tmp_path / "me.pem", renewed.key_pem + renewed.chain_pem + b"\n")
    assert one.revision() != before
    assert one.label == "renewed@cabinet.mssante.test"
    (tmp_path / "me.pem").unlink()
    assert one.revision() == "absent"


class Watched(ssl.SSLContext):
    """Remembers what was given to it through a file."""

    seen: list[bytes]

    def load_cert_chain(self, certfile: Path, **options: Any) -> None:  # type: ignore[override]  # fewer forms
        self.seen = [certfile.read_bytes()]
        assert certfile.parent.stat().st_mode & 0o077 == 0
        super().load_cert_chain(certfile, **options)


def test_the_key_goes_to_openssl_without_touching_the_disk(mine: Issued, tmp_path: Path) -> None:
    context = Watched(ssl.PROTOCOL_TLS_CLIENT)
    FORMS["p12"](mine, tmp_path).apply_to(context)
    assert not hasattr(context, "seen")


def test_where_openssl_cannot_be_reached_the_key_is_never_on_the_disk_in_clear(
    mine: Issued, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:  # a Python with OpenSSL built in, which is not to be had here
        raise sslcontext.UnsupportedOpenSSLError("static")

    monkeypatch.setattr(sslcontext, "load_pem", unreachable)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    context = Watched(ssl.PROTOCOL_TLS_CLIENT)
    FORMS["p12"](mine, tmp_path).apply_to(context)
    assert b"ENCRYPTED PRIVATE KEY" in context.seen[0]
    assert b"BEGIN PRIVATE KEY" not in context.seen[0]
    assert list((tmp_path / "temp").iterdir()) == []


def test_secrets_do_not_show_in_representations(mine: Issued, tmp_path: Path) -> None:
    one = FORMS["encrypted key"](mine, tmp_path)
    apply(one)
    assert "secret" not in repr(plain("moi", "secret"))
    assert PASSWORD not in repr(one)
    assert "_Material" not in repr(one)


def test_a_locked_key_store_waits_for_a_person_and_says_for_what() -> None:
    class NeedsPin(NeedsPerson):
        waiting_for = WaitingFor.PIN

    def locked() -> SaslCredentials:
        raise Unavailable("SECRET_INDISPONIBLE", "the key store is locked")

    def pin() -> SaslCredentials:
        raise NeedsPin("PIN", "enter it")

    def wrong() -> SaslCredentials:
        raise ConfigurationError("REGLAGE_INVALIDE", "no such entry")

    waits = [PasswordIdentity(credentials=how, label="x").needs_person() for how in (locked, pin, wrong)]
    assert waits == [WaitingFor.CREDENTIALS, WaitingFor.PIN, WaitingFor.SETTINGS]


def test_a_certificate_whose_password_cannot_be_had_waits_for_credentials(mine: Issued, tmp_path: Path) -> None:
    def locked() -> str:
        raise Unavailable("SECRET_INDISPONIBLE", "the key store is locked")

    one = identity(write(tmp_path / "me.p12", mine.p12(PASSWORD)), password=locked)
    assert one.needs_person() is WaitingFor.CREDENTIALS
    assert one.label == "the mailbox"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"certificate": "me.pem"}, external(str(ME))),
        ({"certificate": "me.pem", "username": "autre"}, external("autre")),
        ({"certificate": "me.pem", "auth": "none"}, None),
        ({"certificate": "me.pem", "auth": "plain", "password": {"env": "X"}}, plain(str(ME), "X-value")),
        ({"auth": "plain", "password": {"env": "X"}}, plain(str(ME), "X-value")),
        ({"auth": "login", "username": "moi", "password": {"env": "X"}}, login("moi", "X-value")),
    ],
)
def test_settings_decide_what_is_said_after_tls(settings: dict[str, Any], expected: SaslCredentials | None) -> None:
    made = make_identity(
        IdentitySettings.model_validate(settings),
        ME,
        services=IdentityServices(read_secret=lambda ref: f"{ref.env}-value", clock=StoppedClock()),
    )
    assert made.sasl() == expected
    assert isinstance(made, CertificateIdentity) == ("certificate" in settings)


def test_the_certificate_password_comes_from_where_the_settings_say(mine: Issued, tmp_path: Path) -> None:
    settings = IdentitySettings(
        certificate=write(tmp_path / "me.p12", mine.p12(PASSWORD)), certificate_password=SecretRef(keyring="p12")
    )
    asked: list[str | None] = []

    def read_secret(reference: SecretRef) -> str:
        asked.append(reference.keyring)
        return PASSWORD

    made = make_identity(settings, ME, IdentityServices(read_secret=read_secret, clock=StoppedClock()))
    assert asked == []
    apply(made)
    assert asked == ["p12"]


@pytest.mark.parametrize("auth", [AuthMethod.PLAIN, AuthMethod.EXTERNAL])
def test_an_incomplete_identity_is_a_matter_of_settings(auth: AuthMethod) -> None:
    settings = IdentitySettings.model_construct(auth=auth, certificate=None, password=None, username=None)
    made = make_identity(settings, ME, IdentityServices(read_secret=lambda ref: "", clock=StoppedClock()))
    assert made.needs_person() is WaitingFor.SETTINGS
    apply(made)
    assert made.revision() == ""


def test_a_certificate_without_common_name_is_called_by_its_mailbox(pki: Pki, tmp_path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    issued = pki.client("x@y.test")
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.ORGANIZATION_NAME, "TEST")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(issued.key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    certificate = builder.sign(issued.key, hashes.SHA256()).public_bytes(Encoding.PEM)
    assert identity(write(tmp_path / "me.pem", issued.key_pem + certificate)).label == "the mailbox"
