"""A private key that only signs – on a card, in a key store – under ordinary ``ssl.SSLContext`` objects."""

from connector.identities.tls_key.attach import attach
from connector.identities.tls_key.encoding import digest_info, ecdsa_der, emsa_pss
from connector.identities.tls_key.port import Padding, Signer, TlsKey

__all__ = ["Padding", "Signer", "TlsKey", "attach", "digest_info", "ecdsa_der", "emsa_pss"]
