"""Gives a key that only signs to an ordinary ``ssl.SSLContext``."""

import ctypes as C  # noqa: N812 - C types everywhere
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding

from connector.domain.errors import ConfigurationError, Unavailable
from connector.identities.tls_key.failure import calling_back, signature_made, with_causes
from connector.identities.tls_key.openssl import P, impossible, openssl, ssl_ctx
from connector.identities.tls_key.port import Padding, PublicKey, Signer, TlsKey
from connector.identities.tls_key.provider import make_private_key

__all__ = ["CheckedSigner", "attach", "limit"]

_CTRL_CHAIN, _CTRL_ADD_CHAIN, _CTRL_CLIENT_SIGALGS = 88, 89, 102  # ssl.h
_EC_HASHES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}  # RFC 8446 4.2.3
_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


def attach(context: ssl.SSLContext, key: TlsKey) -> None:
    """Make ``key`` the certificate and private key of a client context.

    Every socket and object that the context makes afterwards signs through ``key.signer``, in the thread that shakes
    hands, once per full handshake. The context keeps the signer until it is collected itself.

    Args:
        context: its versions and authorities are set already; a key without PSS lowers its maximum to TLS 1.2.
        key: certificate, issuers, signer.

    Raises:
        ConfigurationError: ``CARTE_TLS12``: the context demands TLS 1.3 and the key cannot; ``CERTIFICAT_INVALIDE``;
            ``TLS_CLE_IMPOSSIBLE``: this Python cannot carry such a key.
    """
    algorithms = _algorithms(key)
    limit(context, key)
    pointer, functions = ssl_ctx(context), openssl()
    checked = CheckedSigner(key.signer, key.public_key)
    with calling_back(), _parsed((key.certificate, *key.chain)) as (leaf, *issuers):
        kind = b"RSA" if isinstance(key.public_key, rsa.RSAPublicKey) else b"EC"
        public = functions.X509_get_pubkey(leaf)
        try:
            private = make_private_key(public, kind, checked, lives_as_long_as=context)
        finally:
            functions.EVP_PKEY_free(public)
        try:
            _use(pointer, leaf, issuers, private)
        finally:
            functions.EVP_PKEY_free(private)
    if functions.SSL_CTX_ctrl(pointer, _CTRL_CLIENT_SIGALGS, 0, C.cast(C.c_char_p(algorithms), P)) != 1:
        raise impossible(f"OpenSSL does not know {algorithms.decode()}")


def limit(context: ssl.SSLContext, key: TlsKey) -> None:
    """Set what a context may negotiate with this key, and let its errors carry their cause.

    Without the lower maximum a client that may not use PSS would silently send no certificate over TLS 1.3.
    """
    if key.needs_tls12:
        if context.minimum_version == ssl.TLSVersion.TLSv1_3:
            raise ConfigurationError("CARTE_TLS12", "the settings demand TLS 1.3 and the card signs TLS 1.2 only")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    sockets, objects = context.sslsocket_class, context.sslobject_class
    context.sslsocket_class = with_causes(sockets or ssl.SSLSocket, needs_tls12=key.needs_tls12)
    context.sslobject_class = with_causes(objects or ssl.SSLObject, needs_tls12=key.needs_tls12)


@dataclass(frozen=True, slots=True)
class CheckedSigner:
    """Takes nothing but right signatures from a signer: of a wrong one the server would only say "decrypt error"."""

    signer: Signer
    public_key: PublicKey

    def sign(
        self,
        digest: bytes,
        *,
        hash: str,  # noqa: A002 - as the port says
        padding: Padding | None,
        salt_length: int | None,
    ) -> bytes:
        """As :meth:`Signer.sign`.

        Raises:
            Unavailable: ``SIGNATURE_IMPOSSIBLE``: the signature does not fit the certificate.
        """
        signature = self.signer.sign(digest, hash=hash, padding=padding, salt_length=salt_length)
        prehashed = utils.Prehashed(_HASHES[hash])
        try:
            if isinstance(self.public_key, ec.EllipticCurvePublicKey):
                self.public_key.verify(signature, digest, ec.ECDSA(prehashed))
            else:
                self.public_key.verify(signature, digest, _rsa_padding(hash, salt_length), prehashed)
        except InvalidSignature as error:
            text = "the signature that the key made does not fit its certificate"
            raise Unavailable("SIGNATURE_IMPOSSIBLE", text) from error
        signature_made()
        return signature


def _rsa_padding(hash_name: str, salt_length: int | None) -> AsymmetricPadding:
    if salt_length is None:
        return rsa_padding.PKCS1v15()
    return rsa_padding.PSS(mgf=rsa_padding.MGF1(_HASHES[hash_name]), salt_length=salt_length)


@contextmanager
def _parsed(certificates: tuple[bytes, ...]) -> Iterator[list[int]]:
    """``X509 *`` of each certificate, for the time of the block."""
    functions, made = openssl(), []
    try:
        for der in certificates:
            one = functions.d2i_X509(None, C.byref(C.c_char_p(der)), len(der))
            if not one:
                raise ConfigurationError("CERTIFICAT_INVALIDE", "OpenSSL cannot read an issuer of the certificate")
            made.append(one)
        yield made
    finally:
        for one in made:
            functions.X509_free(one)
        functions.ERR_clear_error()


def _use(context: int, leaf: int, issuers: list[int], private: int) -> None:
    """Certificate, then chain, then key; the context takes references of its own."""
    functions = openssl()
    used = functions.SSL_CTX_use_certificate(context, leaf) == 1
    functions.SSL_CTX_ctrl(context, _CTRL_CHAIN, 0, None)
    used = used and all(functions.SSL_CTX_ctrl(context, _CTRL_ADD_CHAIN, 1, one) == 1 for one in issuers)
    if not used:
        raise ConfigurationError("CERTIFICAT_INVALIDE", "OpenSSL refuses the certificate or one of its issuers")
    if functions.SSL_CTX_use_PrivateKey(context, private) != 1:
        raise impossible("OpenSSL refuses a key whose private half is elsewhere")


def _algorithms(key: TlsKey) -> bytes:
    """What we may sign with (the server may still prove itself with anything).

    SHA-256 only for RSA: cards document no longer hash, and every server takes it.
    """
    public = key.public_key
    if isinstance(public, rsa.RSAPublicKey):
        return b"rsa_pss_rsae_sha256:RSA+SHA256" if key.can_pss else b"RSA+SHA256"
    if public.curve.name not in _EC_HASHES:
        raise ConfigurationError("CERTIFICAT_INVALIDE", f"TLS does not use the curve {public.curve.name}")
    return f"ECDSA+{_EC_HASHES[public.curve.name]}".encode()
