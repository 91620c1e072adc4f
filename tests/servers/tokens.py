"""Access tokens as Pro Santé Connect makes them, and what a Dovecot needs to judge them without asking anybody."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from connector.domain.address import MailboxAddress

__all__ = ["TokenIssuer"]

_SETTINGS = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={keys}/
username_attribute = email
"""


@dataclass
class TokenIssuer:
    """Signs tokens with a key that it shares with the server (HS256)."""

    folder: Path
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def token(self, mailbox: MailboxAddress, *, seconds: float = 120, genuine: bool = True, padding: int = 0) -> str:
        """A token for one mailbox; ``genuine=False``: somebody else has signed it."""
        now = int(time.time())
        claims = {
            "email": str(mailbox), "iat": now, "exp": now + int(seconds), "sub": "899700012345",
            "jti": secrets.token_hex(8), "scope": "x" * padding,
        }  # fmt: skip
        signed = b".".join(_segment(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        key = self._key if genuine else bytes(32)
        return b".".join((signed, _segment(hmac.digest(key, signed, hashlib.sha256)))).decode()

    def write(self) -> Path:
        """The file for ``passdb { driver = oauth2 }``, with the key beside it."""
        keys = self.folder / "keys"
        place = keys / "default" / "HS256" / "default"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(base64.b64encode(self._key))
        path = self.folder / "oauth2.conf.ext"
        path.write_text(_SETTINGS.format(keys=keys))
        return path


def _segment(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
