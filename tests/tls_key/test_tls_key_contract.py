"""The contract of TLS keys, run with a key in memory."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connector.identities.tls_key import TlsKey
from tests.servers.pki import Pki
from tests.tls_key.contract import KeyMaker, TlsKeyContract
from tests.tls_key.keys import Profile, SoftwareSigner, software_key

_SOURCE = """
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from connector.identities.tls_key import TlsKey
from tests.tls_key.keys import SoftwareSigner

key = TlsKey({certificate!r}, SoftwareSigner(load_pem_private_key({pem!r}, None)), {chain!r})
"""


class TestSoftwareKeyAsTlsKey(TlsKeyContract):
    @pytest.fixture
    def make_key(self, pki: Pki) -> KeyMaker:
        def make(profile: Profile) -> TlsKey:
            return software_key(pki, profile)

        return make

    @pytest.fixture
    def process_source(self, pki: Pki, tmp_path: Path) -> str:
        key = software_key(pki, Profile.CPS4)
        assert isinstance(key.signer, SoftwareSigner)
        pem = key.signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return _SOURCE.format(certificate=key.certificate, chain=key.chain, pem=pem)
