"""What one list is worth: signature, dates, grace, and which certificates it is about (RFC 5280 6.3.3)."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from connector.operators.trust.lists import CLOCK_SKEW, choose, is_genuine, judge, newest_first
from connector.sandbox.authority import Authority
from connector.sandbox.pki import sandbox_name
from tests.trust.trust_scene import NOW, der, family

ISSUER = family().organisations
SERVER = family().server(lists_at=["http://igc.test/a.crl"]).certificate
HOUR = timedelta(hours=1)
NONE = timedelta()


def revocations(**kwargs: timedelta) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(der(ISSUER, **kwargs))  # type: ignore[arg-type]


def special(*extensions: tuple[x509.ExtensionType, bool]) -> x509.CertificateRevocationList:
    builder = x509.CertificateRevocationListBuilder(issuer_name=ISSUER.certificate.subject)
    builder = builder.last_update(NOW - HOUR).next_update(NOW + HOUR)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(ISSUER.key, SHA256())


def part(**fields: object) -> x509.IssuingDistributionPoint:
    defaults: dict[str, object] = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False, "only_contains_ca_certs": False,
        "only_some_reasons": None, "indirect_crl": False, "only_contains_attribute_certs": False,
    }  # fmt: skip
    return x509.IssuingDistributionPoint(**(defaults | fields))  # type: ignore[arg-type]


def names(*addresses: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(address) for address in addresses]


def test_only_its_authority_can_sign_a_list() -> None:
    assert is_genuine(revocations(), ISSUER.certificate)
    forger = Authority.root(ISSUER.certificate.subject, now=NOW)
    forged = forger.revocations([], now=NOW)
    assert forged.issuer == ISSUER.certificate.subject
    assert not is_genuine(forged, ISSUER.certificate)
    assert not is_genuine(revocations(), family().root.certificate)


def test_an_authority_that_may_not_sign_lists_signs_none() -> None:
    person = family().root.issue(sandbox_name("TEST"), [], now=NOW, usages=("key_cert_sign",))
    fake = Authority(person.certificate, person.key)
    assert not is_genuine(fake.revocations([], now=NOW), person.certificate)


@given(st.integers(-400, 400), st.integers(0, 48))
def test_a_list_counts_until_its_end_and_the_grace_after_it(hours: int, grace: int) -> None:
    now = NOW + hours * HOUR
    judgement = judge(_WEEK, SERVER, now=now, grace=grace * HOUR)
    ends, starts = _WEEK.next_update_utc, _WEEK.last_update_utc
    assert ends is not None
    if starts - CLOCK_SKEW > now:
        assert judgement.code == "CRL_INVALIDE"
    else:
        assert judgement.code == ("CRL_PERIMEE" if now > ends + grace * HOUR else "")


_WEEK = x509.load_der_x509_crl(der(ISSUER))


def test_the_last_moment_counts() -> None:
    ends = _WEEK.next_update_utc
    assert ends is not None
    assert judge(_WEEK, SERVER, now=ends, grace=NONE).code == ""
    late = judge(_WEEK, SERVER, now=ends + timedelta(seconds=1), grace=NONE)
    assert (late.code, f"{ends:%Y-%m-%d}" in late.detail) == ("CRL_PERIMEE", True)


@pytest.mark.parametrize(
    ("fields", "server", "authority"),
    [
        ({"only_contains_user_certs": True}, True, False),
        ({"only_contains_ca_certs": True}, False, True),
        ({"only_contains_attribute_certs": True}, False, False),
        ({"indirect_crl": True}, False, False),
        ({"only_some_reasons": frozenset({x509.ReasonFlags.key_compromise})}, False, False),
        ({"full_name": names("http://igc.test/a.crl", "ldap://x")}, True, False),
        ({"full_name": names("http://igc.test/b.crl")}, False, False),
    ],
    ids=["users", "authorities", "attributes", "indirect", "some reasons", "this part", "another part"],
)
def test_a_partial_list_tells_only_of_what_it_is_about(
    fields: dict[str, object], server: bool, authority: bool
) -> None:
    one = special((part(**fields), True))
    below = family().organisations.certificate
    assert (judge(one, SERVER, now=NOW, grace=NONE).code == "") == server
    assert (judge(one, below, now=NOW, grace=NONE).code == "") == authority


def test_what_is_critical_and_not_understood_makes_a_list_useless() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.250.1.999"), b"\x05\x00")
    assert judge(special((unknown, False)), SERVER, now=NOW, grace=NONE).code == ""
    assert judge(special((unknown, True)), SERVER, now=NOW, grace=NONE).code == "CRL_INVALIDE"
    delta = special((x509.DeltaCRLIndicator(1), True))
    assert judge(delta, SERVER, now=NOW, grace=NONE).code == "CRL_INVALIDE"


def test_the_first_usable_list_is_chosen_and_the_best_reason_told() -> None:
    stale, fresh, unfit = revocations(lasts=-HOUR), revocations(), special((part(indirect_crl=True), True))
    assert choose([stale, unfit, fresh], SERVER, now=NOW, grace=NONE)[0] == fresh
    assert choose([], SERVER, now=NOW, grace=NONE)[1].code == "CRL_ABSENTE"
    assert choose([unfit], SERVER, now=NOW, grace=NONE)[1].code == "CRL_INVALIDE"
    assert choose([unfit, stale], SERVER, now=NOW, grace=NONE)[1].code == "CRL_PERIMEE"
    assert choose([unfit, stale], SERVER, now=NOW, grace=2 * HOUR)[0] == stale


def test_the_newest_comes_first() -> None:
    old, new = revocations(at=NOW - HOUR), revocations()  # type: ignore[arg-type]
    assert newest_first([old, new]) == [new, old]
