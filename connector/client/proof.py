"""How the connector proves that it is the one that wrote the discovery file, before anybody trusts it with a PIN.

After a crash another program may have the port. Only whoever knows the owner token can answer a nonce with the right
HMAC; address and port are part of it, so that an answer cannot be fetched from the real one and passed on.
"""

import hashlib
import hmac
import secrets

__all__ = ["NONCE_PATTERN", "instance_proof", "new_nonce"]

NONCE_PATTERN = r"^[A-Za-z0-9_-]{16,128}$"
"""What a nonce may look like."""


def new_nonce() -> str:
    """128 random bits."""
    return secrets.token_urlsafe(16)


def instance_proof(token: str, *, instance: str, host: str, port: int, nonce: str) -> str:
    """HMAC-SHA-256, lower-case hexadecimal.

    Args:
        token: of the owner, from the discovery file.
        instance: id of this start of the connector.
        host: address that it listens on.
        port: likewise.
        nonce: of whoever wants the proof; :data:`NONCE_PATTERN`.
    """
    said = "\n".join(("mssante-connector instance", instance, host, str(port), nonce))
    return hmac.new(token.encode(), said.encode(), hashlib.sha256).hexdigest()
