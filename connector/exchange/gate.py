"""Whether the identity of a mailbox lets messages leave, and what becomes of them while it does not.

While a card, a PIN, a token, a code or a secret is missing, everything that is due waits for it, without a word to
the operator and without counting an attempt; when it is there again, everything resumes by itself. What the operator
refused is another matter: that waits for a person's word (:mod:`connector.exchange.send`).
"""

from dataclasses import dataclass, field

from connector.domain.address import MailboxAddress
from connector.domain.ports import Clock
from connector.domain.states import WaitingFor
from connector.exchange.retry import backoff_seconds
from connector.identities.base import Hindrance, Identity, hindrance
from connector.journal.journal import Journal
from connector.settings.model import RetrySettings

__all__ = ["REFUSED_CODES", "IdentityGate"]

REFUSED_CODES = frozenset({"AUTHENTIFICATION", "MECANISME_ABSENT"})
"""What waits for credentials with one of these was refused by the operator: being able to show them means nothing."""

_GIVEN = frozenset({
    WaitingFor.CARD, WaitingFor.PIN, WaitingFor.CODE, WaitingFor.TOKEN, WaitingFor.CREDENTIALS,
})  # fmt: skip
"""What the identity itself knows to be there again."""


@dataclass(slots=True)
class IdentityGate:
    """The gate of one mailbox; owned by whoever sends for it.

    Args:
        mailbox: whose messages.
        journal: where they are.
        clock: for the pause after an identity that said yes and meant no.
        retry: how long that pause is.
        identity: who we are; ``None`` = somebody who is always ready.
    """

    mailbox: MailboxAddress
    journal: Journal
    clock: Clock
    retry: RetrySettings
    identity: Identity | None
    missing: Hindrance | None = field(default=None, init=False)
    """Why no new session can be opened now."""
    _was_asked: bool = field(default=False, init=False)  # the identity, at the last look
    _doubts: int = field(default=0, init=False)  # attempts in a row that failed although the identity was ready
    _doubt_until: float = field(default=0.0, init=False)  # monotonic

    def look(self, open_sessions: int) -> int:
        """Ask the identity, which asks no server; put what is due on hold, or let what waited go on.

        Args:
            open_sessions: connections that can still be used without a new login.

        Returns:
            How many messages changed.
        """
        if self.identity is None:
            return 0
        self._was_asked = self._is_needed()
        before, self.missing = self.missing, hindrance(self.identity) if self._was_asked else None
        if self.missing is None:
            return 0 if self.is_in_doubt else self._resume(came_back=before is not None)
        self._doubt_until, self._doubts = 0.0, 0
        return 0 if open_sessions else self._hold(self.missing)

    def _is_needed(self) -> bool:
        """Nobody is asked for a card or a PIN while there is nothing to send."""
        due = self.journal.next_due(self.mailbox)
        return (due is not None and due <= self.clock.now()) or self.journal.has_waiting(self.mailbox)

    def lets_through(self, open_sessions: int) -> int | None:
        """How many messages may leave at a time; ``None`` = the gate sets no bound."""
        if self.missing is not None:
            return open_sessions
        unknown = self.identity is not None and not self._was_asked  # for what has become due since
        return 0 if self.is_in_doubt or unknown else None

    @property
    def is_in_doubt(self) -> bool:
        """True for a while after an attempt failed for want of a person although the identity said it was ready."""
        return self.clock.monotonic() < self._doubt_until

    def failed(self) -> None:
        """An attempt failed for want of a person. If the identity does not know of it, it is not believed at once."""
        if self.identity is not None and hindrance(self.identity) is None:
            self._doubts += 1
            pause = backoff_seconds(self._doubts, self.retry, luck=0.5)
            self._doubt_until = self.clock.monotonic() + pause

    def succeeded(self) -> None:
        """The operator accepted us."""
        self._doubts = 0

    def believe(self) -> None:
        """Something happened to card, PIN, token or code: ask the identity, whatever was before."""
        self._doubt_until = 0.0

    def _hold(self, missing: Hindrance) -> int:
        total = 0
        while count := self.journal.hold_due(
            self.mailbox, waiting_for=missing.waiting_for, code=missing.reason.code, detail=missing.reason.detail,
            reasons=_GIVEN - {WaitingFor.CREDENTIALS},
        ):  # fmt: skip
            total += count
        return total

    def _resume(self, *, came_back: bool) -> int:
        """A setting is believed to be right only when it was seen to be wrong before."""
        reasons = _GIVEN | ({WaitingFor.SETTINGS} if came_back else frozenset())
        if not self.journal.has_waiting(self.mailbox, reasons):
            return 0
        total = 0
        while count := self.journal.resume_waiting(self.mailbox, reasons=reasons, but_codes=REFUSED_CODES):
            total += count
        return total
