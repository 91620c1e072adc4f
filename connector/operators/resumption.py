"""TLS sessions that are taken up again, so that a card signs less often.

Off unless the operator's ``resume_tls_sessions`` is on: some servers drop a connection that offers a session (Dovecot
2.3 with ``service_count = 0``). Then :func:`may_try_without` forgets it and says that one more try makes sense.

A remembered session proves who we are without the card. It is never written anywhere, works with the one context that
made it, and dies with that context: whoever drops the context when the card goes has dropped the sessions too.
"""

import ssl
from typing import Any

from connector.domain.errors import ConnectorError

__all__ = ["ResumingContext", "may_try_without"]


_LOST = frozenset({"OPERATEUR_INJOIGNABLE", "TLS_INTERROMPU", "TLS_NON_CONFORME"})


class _RememberingSocket(ssl.SSLSocket):
    """Gives its session to the context at its end: a TLS 1.3 ticket comes late, and nothing is left after goodbye."""

    def shutdown(self, how: int) -> None:
        self._remember()
        super().shutdown(how)

    def unwrap(self) -> Any:
        self._remember()
        return super().unwrap()

    def close(self) -> None:
        self._remember()
        super().close()

    def _remember(self) -> None:
        if isinstance(self.context, ResumingContext) and self.server_hostname:
            self.context.remember(self.server_hostname, self.session)


class ResumingContext(ssl.SSLContext):
    """A client context that offers to each host the last session that it had with it.

    Sockets may be used from any thread; objects of :meth:`wrap_bio` (asyncio) belong to one event loop.
    """

    sslsocket_class = _RememberingSocket

    def __init__(self, *_: Any) -> None:
        self._sessions: dict[str, ssl.SSLSession] = {}
        self._objects: dict[str, ssl.SSLObject] = {}  # the last of each host: nobody tells when asyncio closes one

    def wrap_socket(  # noqa: PLR0917 - the signature of the standard library
        self,
        sock: Any,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """As :meth:`ssl.SSLContext.wrap_socket`, with the session of the host unless one is given."""
        return super().wrap_socket(
            sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname,
            session or self._session(server_hostname),
        )  # fmt: skip

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As :meth:`ssl.SSLContext.wrap_bio`, with the session of the host unless one is given."""
        offered = session or self._session(server_hostname)
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, offered)
        if isinstance(server_hostname, str):
            self._objects[server_hostname] = made
        return made

    def remember(self, host: str, session: ssl.SSLSession | None) -> None:
        """Offer this session the next time; ``None`` (no handshake was completed) changes nothing."""
        if session is not None:
            self._sessions[host] = session

    def forget(self, host: str) -> bool:
        """Offer nothing to this host the next time; true when there was something."""
        self._objects.pop(host, None)
        return self._sessions.pop(host, None) is not None

    def _session(self, host: str | bytes | None) -> ssl.SSLSession | None:
        if not isinstance(host, str):
            return None
        if host in self._objects:
            self.remember(host, self._objects[host].session)
        return self._sessions.get(host)


def may_try_without(context: ssl.SSLContext, host: str, failure: ConnectorError) -> bool:
    """Forget the session of a connection that failed; true when one try more, without it, makes sense.

    Args:
        context: the one that the connection was made with; any other kind than ours says false.
        host: as it was given to the client.
        failure: only a lost connection or a failed handshake is tried again. A server that is not trusted, or that
            refuses who we are, is not asked twice.
    """
    had_one = isinstance(context, ResumingContext) and context.forget(host)
    return had_one and failure.code in _LOST
