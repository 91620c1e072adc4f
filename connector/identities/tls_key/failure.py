"""Why a signature was not made, told to whoever waits for the handshake.

OpenSSL calls the signer from C, and no exception crosses C: the handshake ends in an ``SSLError`` that says nothing.
The exception is therefore kept for the thread, and the socket or object that shakes hands in that thread makes it the
``__cause__`` of the ``SSLError``. So each error has its own cause, also when one event loop opens many connections.
``KeyboardInterrupt`` and ``SystemExit`` are raised instead of the ``SSLError``.
"""

import functools
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, cast

from connector.domain.errors import ConfigurationError, ConnectorError, Unavailable
from connector.identities.tls_key.interrupt import at_border, signals_deferred

__all__ = ["calling_back", "keep", "signature_made", "with_causes"]


class _Kept(threading.local):
    cause: BaseException | None = None
    signed: bool = False


_kept = _Kept()
_NOT_YET = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def keep(cause: BaseException) -> None:
    """Remember, for this thread, why the handshake under way is going to fail; the first cause counts.

    Does nothing that could fail: its callers stand at the border to C.
    """
    if _kept.cause is None:
        _kept.cause = cause


at_border(keep)


def signature_made() -> None:
    """Remember, for this thread, that the key has done its part."""
    _kept.signed = True


@contextmanager
def calling_back() -> Iterator[None]:
    """Around every call of OpenSSL that may call us back: a wish to stop that was kept meanwhile is raised."""
    _kept.cause, _kept.signed = None, False
    try:
        with signals_deferred():
            yield
    finally:
        _raise_stop()


def _raise_stop() -> None:
    cause = _kept.cause
    if cause is not None and not isinstance(cause, Exception):
        _kept.cause = None
        raise cause


def with_causes(base: Any, *, needs_tls12: bool) -> Any:
    """A kind of ``SSLSocket`` or ``SSLObject`` whose errors carry their cause.

    Args:
        base: the class that the context makes now.
        needs_tls12: the key can do neither TLS 1.3 nor PSS; a refusal that this explains gets ``CARTE_SANS_PSS``.
    """
    return _made(getattr(base, "without_causes", base), needs_tls12)


@functools.cache
def _made(base: Any, needs_tls12: bool) -> Any:
    return type(f"Key{base.__name__}", (_Caused, base), {"needs_tls12": needs_tls12, "without_causes": base})


class _Caused:
    """Mixin in front of ``SSLSocket`` or ``SSLObject``."""

    needs_tls12: ClassVar[bool] = False
    key_has_signed = False

    def do_handshake(self, *args: Any) -> None:
        try:
            self._explained(cast("Any", super()).do_handshake, args)
        except BaseException as error:
            if not isinstance(error, Exception):  # SSLSocket closes itself after an Exception only
                getattr(self, "close", lambda: None)()
            raise

    def read(self, *args: Any) -> Any:
        """A server may ask for the certificate later (renegotiation, TLS 1.3 post-handshake authentication)."""
        return self._explained(cast("Any", super()).read, args)

    def _explained(self, call: Any, arguments: tuple[Any, ...]) -> Any:
        try:
            with calling_back():
                return call(*arguments)
        except ssl.SSLError as error:
            self.key_has_signed |= _kept.signed
            cause, _kept.cause = _kept.cause, None
            if cause is None and self.needs_tls12 and not isinstance(error, _NOT_YET):
                cause = self._wants_pss(error)
            if cause is None:
                raise
            raise error from _ours(cause)

    def _wants_pss(self, error: ssl.SSLError) -> ConfigurationError | None:
        """The refusal of a server that takes TLS 1.3 only, or PSS signatures only.

        ``handshake failure`` says it only after the server has chosen a suite and before we have signed: earlier it
        is about suites, later about the signature.
        """
        reason = error.reason or ""
        before_signature = cast("Any", self).cipher() is not None and not self.key_has_signed
        if not ("PROTOCOL_VERSION" in reason or (before_signature and reason.endswith(_NO_COMMON_SIGNATURE))):
            return None
        detail = f"the operator wants TLS 1.3 or PSS signatures and this card can do neither ({reason})"
        return ConfigurationError("CARTE_SANS_PSS", detail)


def _ours(cause: BaseException) -> ConnectorError:
    """The cause, with a code: an error that is not ours becomes the cause of ``SIGNATURE_IMPOSSIBLE``."""
    if isinstance(cause, ConnectorError):
        return cause
    error = Unavailable("SIGNATURE_IMPOSSIBLE", f"the private key does not sign ({type(cause).__name__})")
    error.__cause__ = cause
    return error


_NO_COMMON_SIGNATURE = ("HANDSHAKE_FAILURE", "NO_SUITABLE_SIGNATURE_ALGORITHM", "NO_SHARED_SIGNATURE_ALGORITHMS")
