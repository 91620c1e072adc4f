"""What proves to the operator who we are: a key for the TLS handshake, and what is said after it."""

from connector.identities.base import (
    Hindrance,
    Identity,
    IdentityUnavailable,
    SaslCredentials,
    external,
    hindrance,
    login,
    plain,
)
from connector.identities.certificate import CertificateIdentity
from connector.identities.factory import IdentityServices, SecretReader, make_identity
from connector.identities.password import PasswordIdentity
from connector.identities.tokens import TokenStatus, TokenStore

__all__ = [
    "CertificateIdentity", "Hindrance", "Identity", "IdentityServices", "IdentityUnavailable", "PasswordIdentity",
    "SaslCredentials", "SecretReader", "TokenStatus", "TokenStore", "external", "hindrance", "login", "make_identity",
    "plain",
]  # fmt: skip
