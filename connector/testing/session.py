"""A login to an operator in memory: what an identity has to do with it, for the doubles of sender and receiver."""

from collections.abc import Callable

from connector.identities.base import Identity, SaslCredentials
from connector.operators.errors import AuthenticationRefused, ConnectionFailed, TokenRefused

__all__ = ["FakeSession"]


class FakeSession:
    """Opened when it is first needed; stays open although the identity is not ready for a new one.

    Args:
        identity: who logs in; ``None`` = somebody whom the operator always knows.
        connect: raises what a connection begins with.
        refuses: shown a token or password, tells whether the operator refuses it.
    """

    def __init__(
        self, identity: Identity | None, connect: Callable[[], None], refuses: Callable[[str], bool]
    ) -> None:
        self._identity = identity
        self._connect = connect
        self._refuses = refuses
        self._revision: str | None = None  # that it was opened with

    @property
    def is_open(self) -> bool:
        """True after a login, until either side has ended it."""
        return self._revision is not None

    def open(self) -> None:
        """Log in unless that has been done.

        Raises:
            ConnectionFailed: the operator is not there (any more).
            NeedsPerson: the identity is not ready.
            TokenRefused, AuthenticationRefused: the operator does not accept it.
        """
        self.drop_stale()
        try:
            self._connect()
        except ConnectionFailed:
            self.close()
            raise
        if self.is_open:
            return
        revision = self._identity.revision() if self._identity else ""
        credentials = self._identity.sasl() if self._identity else None
        if credentials is not None and self._refuses(credentials.secret):
            raise _refusal(credentials)
        self._revision = revision

    def drop_stale(self) -> None:
        """End it when the identity has changed since."""
        if self._identity is not None and self._revision not in (None, self._identity.revision()):
            self.close()

    def close(self) -> None:
        """End it."""
        self._revision = None


def _refusal(credentials: SaslCredentials) -> AuthenticationRefused:
    if credentials.on_refusal is None:
        return AuthenticationRefused("AUTHENTIFICATION", "the fake operator refuses the credentials", answer="535")
    credentials.on_refusal()
    return TokenRefused("JETON_REFUSE", "the fake operator refuses the token", answer="334")
