"""What the routes need of the rest of the connector: one object, built by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from connector.api.guard.tokens import new_token
from connector.domain.address import MailboxAddress
from connector.domain.ports import Clock
from connector.identities.card.status import CardPort
from connector.identities.code import CodeStatus
from connector.identities.tokens import TokenStatus
from connector.intake.desk import DeskMaker
from connector.journal.journal import Journal
from connector.settings.model import MailboxSettings, Settings
from connector.support.health import Component

__all__ = ["OWNER", "ApiServices", "CodePort", "OwnerAccess", "TokenPort"]

OWNER = "owner"
"""Client part of the token in the discovery file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerAccess:
    """This start of the connector, and the token of the person who started it: both die with the process."""

    instance: str
    token: str = field(repr=False)

    @classmethod
    def new(cls, instance: UUID) -> "OwnerAccess":
        """With a fresh token."""
        return cls(instance=str(instance), token=new_token(OWNER))


class TokenPort(Protocol):
    """What the API may do with Pro Santé Connect tokens; :class:`connector.identities.tokens.TokenStore`."""

    def put(self, mailbox: MailboxAddress, token: str, expires_at: datetime | None = None) -> TokenStatus:
        """Take a token.

        Raises:
            InvalidSubmission: ``JETON_INVALIDE``, ``JETON_EXPIRE``, ``JETON_REFUSE``.
        """
        ...

    def close(self, mailbox: MailboxAddress) -> None:
        """Drop the token and end the sessions that were opened with one."""
        ...

    def status(self, mailbox: MailboxAddress) -> TokenStatus:
        """How it stands."""
        ...


class CodePort(Protocol):
    """Sessions that open with a one-time code; :class:`connector.api.codes.CodeDesk`."""

    def status(self, mailbox: MailboxSettings) -> CodeStatus:
        """How it stands; never blocks.

        Raises:
            InvalidSubmission: ``CODE_SANS_OPERATEUR``: the operator has no such session.
        """
        ...

    def start(self, mailbox: MailboxSettings) -> CodeStatus:
        """Have the operator send a code; blocks.

        Raises:
            ConnectorError: as :meth:`connector.identities.code.CodeSession.start`.
        """
        ...

    def give(self, mailbox: MailboxSettings, code: str) -> CodeStatus:
        """Give the code, once; blocks.

        Raises:
            ConnectorError: as :meth:`connector.identities.code.CodeSession.give`.
        """
        ...

    def unlock(self, mailbox: MailboxSettings) -> CodeStatus:
        """A person says that login and password are right and the account is not blocked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """Everything behind the routes. All of it is thread-safe; what may block says so."""

    settings: Settings
    report: Callable[[], Component]  # the health tree; quick
    journal: Journal  # blocks for milliseconds
    clock: Clock
    desks: DeskMaker  # for documents that have to be made; blocks while a PDF is converted
    owner: OwnerAccess
    cards: CardPort | None = None  # blocks while a card works; None: no mailbox uses one
    tokens: TokenPort | None = None  # None: no mailbox uses one
    codes: CodePort | None = None  # None: no operator here sends any
    received: Callable[[], None] = lambda: None  # something was taken: prepare it
    decided: Callable[[], None] = lambda: None  # a person or program decided something: look at the journal now
