"""The contract of TLS keys, run with keys on cards: CPS3, CPS4 and raw-RSA profile, and an EC key."""

from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509

from connector.identities.tls_key import TlsKey
from connector.sandbox.soft_card import CardObject
from connector.settings.model import CardChoice
from tests.card.rig import CPS3, CPS4, HOLDER, RAW_RSA, CardRig, Deck, make_deck, personal_objects
from tests.servers.pki import Pki
from tests.tls_key.contract import KeyMaker, TlsKeyContract
from tests.tls_key.keys import Profile, certify, private_key

_EC = "mechanisms=1041,220,250"
_SOURCE = """
import os
from pathlib import Path

os.environ |= {environment!r}

from connector.identities.card.service import CardService
from connector.platform.system import SystemClock
from connector.settings.model import CardChoice, CardSettings
from tests.card.rig import FakeReaders

service = CardService(CardSettings(module=Path({module!r})), SystemClock(), readers=FakeReaders())
service.unlock({pin!r})
key = service.key(CardChoice())
"""


@pytest.fixture(scope="module")
def ec_card(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Deck:
    from cryptography.hazmat.primitives.asymmetric import ec

    key = private_key(ec.SECP256R1)
    certificate, _ = certify(pki, key.public_key())
    objects = [
        CardObject(x509.load_der_x509_certificate(certificate), key),
        CardObject(pki.organisations.certificate, label="AC", id=b"\x01"),
    ]
    return make_deck(tmp_path_factory.mktemp("ec") / "deck", ("CPS", objects))


class TestCardAsTlsKey(TlsKeyContract):
    words: ClassVar[dict[Profile, str]] = {Profile.CPS3: CPS3, Profile.CPS4: CPS4, Profile.EC: _EC}

    @pytest.fixture
    def make_key(self, rig: CardRig, one_card: Deck, ec_card: Deck) -> KeyMaker:
        def make(profile: Profile) -> TlsKey:
            rig.deal(ec_card if profile is Profile.EC else one_card)
            rig.control(self.words[profile])
            return rig.open().key(CardChoice(holder=HOLDER))

        return make

    @pytest.fixture
    def process_source(self, rig: CardRig) -> str:
        rig.control(CPS4)
        return _SOURCE.format(environment=rig.environment, module=str(rig.module), pin="1234")


class TestCardWithRawRsaAsTlsKey(TestCardAsTlsKey):
    """A token without any padding of its own: TLS 1.3 works with the PSS encoding that we make."""

    profiles: ClassVar[tuple[Profile, ...]] = (Profile.CPS4,)
    words: ClassVar[dict[Profile, str]] = {Profile.CPS4: RAW_RSA}

    @pytest.fixture
    def process_source(self, rig: CardRig) -> str:
        rig.control(RAW_RSA)
        return _SOURCE.format(environment=rig.environment, module=str(rig.module), pin="1234")


def test_the_issuer_that_lies_on_the_card_is_sent(rig: CardRig, pki: Pki) -> None:
    key = rig.open().key(CardChoice())
    assert [x509.load_der_x509_certificate(der).subject for der in key.chain] == [pki.organisations.name]


def test_an_issuer_that_is_handed_in_is_sent(
    rig: CardRig, pki: Pki, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    from connector.identities.card.service import CardService
    from connector.settings.model import CardSettings

    without_issuer = personal_objects(pki, HOLDER)[:2]
    rig.deal(make_deck(tmp_path_factory.mktemp("bare") / "deck", ("CPS", without_issuer)))
    handed = [one.certificate.public_bytes(Encoding.DER) for one in (pki.root, pki.organisations)]
    service = CardService(CardSettings(module=rig.module), rig.clock, issuers_der=handed, readers=rig.readers)
    rig.services.append(service)
    service.unlock("1234")
    assert list(service.key(CardChoice()).chain) == [handed[1]]  # the root stays at home


def test_the_module_is_asked_for_one_signature_only(rig: CardRig, tmp_path: Path) -> None:
    rig.control(CPS3)
    service = rig.open()
    assert service.test() == "CKM_RSA_PKCS"
    assert (rig.count("Signed"), service.status().signatures) == (1, 1)
    assert not service.status().tokens[0].can_pss
