"""Encryption of what the journal holds: AES-256-GCM, one value = nonce and ciphertext with its tag.

The associated data is the id under which the value is stored: bytes moved to another row do not decrypt. Nonces are
random; 96 bits are enough for 2**32 values under one key (NIST SP 800-38D 8.3).
"""

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connector.domain.errors import ConfigurationError
from connector.journal.failure import PayloadCorrupt

__all__ = ["Vault"]

_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Vault:
    """Encrypts and decrypts under one key. Thread-safe.

    Args:
        key: 32 bytes, from :mod:`connector.platform.keystore`.

    Raises:
        ConfigurationError: ``CLE_INVALIDE`` for a key of another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ConfigurationError("CLE_INVALIDE", f"the journal key has {len(key)} bytes, not {_KEY_BYTES}")
        self._cipher = AESGCM(key)
        self._marking_key = hmac.digest(key, b"mark", "sha256")

    def mark(self, text: str) -> str:
        """A sign by which equal texts are known, and from which nobody without the key learns them: 64 hex digits."""
        return hmac.digest(self._marking_key, text.encode(), "sha256").hex()

    def encrypt(self, payload_id: str, data: bytes) -> bytes:
        """``data`` as it is stored under ``payload_id``."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, payload_id.encode())

    def decrypt(self, payload_id: str, stored: bytes) -> bytes:
        """What :meth:`encrypt` was given.

        Raises:
            PayloadCorrupt: ``PAYLOAD_ALTERE``: other key, other id, or changed bytes.
        """
        if len(stored) < _NONCE_BYTES + _TAG_BYTES:
            raise PayloadCorrupt(payload_id)
        try:
            return self._cipher.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], payload_id.encode())
        except InvalidTag as error:
            raise PayloadCorrupt(payload_id) from error
