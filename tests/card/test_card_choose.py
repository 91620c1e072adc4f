"""The authentication certificate is chosen by what stands in it; the signature certificate never is."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connector.identities.card.choose import FoundCertificate, choose, validity
from connector.sandbox.authority import Authority
from connector.sandbox.hierarchy import create_hierarchy
from connector.sandbox.person import DOCTOR, issue_person

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
LABEL = "Certificat d'Authentification CPS"
HIERARCHY = create_hierarchy(now=NOW)
CLIENT, SERVER, ANY = (
    x509.ExtendedKeyUsage([purpose])
    for purpose in (
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    )
)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def found(
    label: str = LABEL,
    *,
    usages: Iterable[str] = ("digital_signature",),
    purposes: x509.ExtendedKeyUsage | None = CLIENT,
    authority: Authority = HIERARCHY.persons,
    starts: timedelta = timedelta(days=-1),
    lasts: timedelta = timedelta(days=100),
) -> FoundCertificate:
    extensions = [] if purposes is None else [purposes]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "899700012345")])
    values: dict[str, Any] = {"usages": tuple(usages), "starts": starts, "lasts": lasts, "key": KEY}
    issued = authority.issue(name, extensions, now=NOW, **values)
    return FoundCertificate(issued.certificate.public_bytes(Encoding.DER), label, b"\x20")


def chosen(*certificates: FoundCertificate, issuers: tuple[str, ...] = ()) -> tuple[FoundCertificate | None, str]:
    choice = choose(certificates, issuers=issuers, now=NOW)
    return choice.certificate, choice.code


def test_of_a_cps_the_authentication_certificate_is_chosen() -> None:
    auth, sign = (
        FoundCertificate(
            issue_person(HIERARCHY.persons, DOCTOR, usage, now=NOW, key=KEY).certificate.public_bytes(Encoding.DER),
            "the labels do not matter",
        )
        for usage in ("auth", "sign")
    )
    authority = FoundCertificate(HIERARCHY.persons.certificate.public_bytes(Encoding.DER), LABEL)
    assert chosen(sign, authority, auth) == (auth, "")
    assert chosen(sign, authority) == (None, "CARTE_SANS_CERTIFICAT")


@pytest.mark.parametrize(
    "unfit",
    [
        found(usages=("content_commitment",)),
        found(usages=("digital_signature", "content_commitment")),
        found(usages=("key_encipherment",)),
        found(purposes=SERVER),
        found("Certificat Technique CPS"),
        FoundCertificate(b"no certificate", LABEL),
        FoundCertificate(HIERARCHY.persons.certificate.public_bytes(Encoding.DER), LABEL),
    ],
    ids=["signature", "both", "encryption", "server", "technical", "garbage", "authority"],
)
def test_what_never_serves(unfit: FoundCertificate) -> None:
    assert chosen(unfit) == (None, "CARTE_SANS_CERTIFICAT")
    good = found()
    assert chosen(unfit, good) == (good, "")


@pytest.mark.parametrize("purposes", [None, ANY])
def test_a_certificate_that_names_no_purpose_may_serve(purposes: x509.ExtendedKeyUsage | None) -> None:
    good = found("", purposes=purposes)
    assert chosen(good) == (good, "")


def test_a_card_without_anything() -> None:
    assert chosen() == (None, "CARTE_SANS_CERTIFICAT")


def test_the_label_only_breaks_a_tie() -> None:
    labelled, other = found(), found("Autre")
    assert chosen(other, labelled) == (labelled, "")
    assert chosen(found("x"), found("y")) == (None, "CARTE_CERTIFICATS")
    assert chosen(found(), found()) == (None, "CARTE_CERTIFICATS")


def test_the_issuer_may_be_demanded() -> None:
    ours, other = found(), found(authority=HIERARCHY.organisations)
    assert chosen(ours, other, issuers=("standard personnes",)) == (ours, "")
    assert chosen(ours, issuers=("autre", "STANDARD")) == (ours, "")
    assert chosen(ours, other, issuers=("IGC inconnue",)) == (None, "CARTE_SANS_CERTIFICAT")


def test_one_in_date_comes_before_one_that_is_not() -> None:
    old = found(starts=timedelta(days=-300), lasts=timedelta(days=200))
    future = found("Autre", starts=timedelta(days=3))
    good = found("Autre")
    assert chosen(old, future, good) == (good, "")
    assert chosen(old) == (old, "CARTE_EXPIREE")
    assert chosen(future) == (future, "CERTIFICAT_FUTUR")


def test_a_certificate_expires_while_it_lies_there() -> None:
    good = found()
    assert validity(good, NOW) == ""
    assert validity(good, NOW + timedelta(days=101)) == "CARTE_EXPIREE"
    assert validity(good, NOW - timedelta(days=2)) == "CERTIFICAT_FUTUR"
    assert validity(FoundCertificate(b""), NOW) == "CARTE_EXPIREE"
