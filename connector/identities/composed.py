"""A key for the handshake, and beside it what is said after it."""

import ssl
from dataclasses import dataclass

from connector.domain.states import WaitingFor
from connector.identities.base import Identity, SaslCredentials

__all__ = ["KeyAndWord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAndWord:
    """Both halves of an identity, each of which may need a person."""

    key: Identity  # in the handshake
    word: Identity  # after it

    @property
    def label(self) -> str:
        """Whose key it is."""
        return self.key.label

    def revision(self) -> str:
        """That of the key; a new password ends no session."""
        return self.key.revision()

    def apply_to(self, context: ssl.SSLContext) -> None:
        """The key."""
        self.key.apply_to(context)

    def sasl(self) -> SaslCredentials | None:
        """The word."""
        return self.word.sasl()

    def needs_person(self) -> WaitingFor | None:
        """What the key needs, then what the word needs."""
        return self.key.needs_person() or self.word.needs_person()
