"""TLS with one certificate and no other: the one that the discovery file names."""

import hashlib
import hmac
import socket
import ssl
from typing import Self

__all__ = ["PinnedContext", "is_refusal"]

_HUNG_UP = (ssl.SSLEOFError, ssl.SSLSyscallError, ssl.SSLZeroReturnError)


class PinnedContext(ssl.SSLContext):
    """A context for a client that goes on only when the other side has shown exactly this certificate.

    Chains and names say nothing more than that, and are not looked at. Nothing is sent before.

    Args:
        sha256: of the certificate in DER, lower-case hexadecimal.
    """

    def __new__(cls, sha256: str) -> Self:  # noqa: ARG004 - SSLContext makes itself here, with another argument
        """The usual one for a client."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, sha256: str) -> None:
        self.check_hostname = False
        self.verify_mode = ssl.CERT_NONE
        self._sha256 = sha256

    def wrap_socket(  # type: ignore[override] # only what a client that speaks TLS at once needs
        self, sock: socket.socket, server_hostname: str | None = None
    ) -> ssl.SSLSocket:
        """Shake hands and look.

        Raises:
            ssl.SSLCertVerificationError: it is another certificate; the connection is closed.
        """
        wrapped = super().wrap_socket(sock, server_hostname=server_hostname)
        shown = hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()
        if not hmac.compare_digest(shown, self._sha256):
            wrapped.close()
            raise ssl.SSLCertVerificationError("not the certificate of the connector")
        return wrapped


def is_refusal(error: BaseException | None) -> bool:
    """True when TLS was the reason why a connection failed: another certificate, or no TLS at all.

    A connector that stops in the middle just hangs up, which TLS has errors of its own for.
    """
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return not isinstance(error, _HUNG_UP)
        error = error.__cause__ or error.__context__
    return False
