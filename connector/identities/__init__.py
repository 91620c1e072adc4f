"""What proves to the operator who we are: certificate file or password now, card, key store and token later."""

from connector.identities.base import Identity, SaslCredentials, external, login, plain
from connector.identities.certificate import CertificateIdentity
from connector.identities.factory import IdentityServices, SecretReader, make_identity
from connector.identities.password import PasswordIdentity

__all__ = [
    "CertificateIdentity", "Identity", "IdentityServices", "PasswordIdentity", "SaslCredentials", "SecretReader",
    "external", "login", "make_identity", "plain",
]  # fmt: skip
