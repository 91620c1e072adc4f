"""Whose token it is: the owner's, which lives in memory, or that of an application, which the journal knows."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from anyio import to_thread

from connector.api.guard.head import Refusal
from connector.api.guard.tokens import Caller, client_of, verify
from connector.api.services import OWNER, OwnerAccess
from connector.domain.errors import Unavailable
from connector.domain.ports import Clock
from connector.domain.scopes import ALL_SCOPES
from connector.journal.journal import Journal

__all__ = ["Access"]

_OWNER = Caller(OWNER, "person of this machine", ALL_SCOPES)


KNOWN_SECONDS = 2.0
"""How long a token that was looked up is known, while no application was let go."""
_MOST_KNOWN = 1_000


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    until: float  # monotonic
    expires_at: datetime | None
    revocations: int | None  # when it was looked up; None = could not be told


@dataclass(frozen=True, slots=True)
class Access:
    """Looks tokens up for the gate. Lives on the server's event loop."""

    owner: OwnerAccess
    journal: Journal
    clock: Clock
    _known: dict[bytes, _Known] = field(default_factory=dict, repr=False)  # by SHA-256 of the token

    async def authenticate(self, token: str) -> Caller | Refusal:
        """The caller that a token belongs to, or why it opens nothing."""
        client_id = client_of(token) or ""
        if client_id == OWNER:
            is_owner = hmac.compare_digest(token.encode(), self.owner.token.encode())
            return _OWNER if is_owner else verify(token, None, self.clock.now())
        key = hashlib.sha256(token.encode()).digest()
        known = self._known.get(key)
        if known is not None and self._is_good(known):
            return known.caller
        self._known.pop(key, None)
        found = await to_thread.run_sync(partial(self._of_application, client_id, token))
        if isinstance(found, Refusal):
            return found
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = found
        return found.caller

    def _is_good(self, known: _Known) -> bool:
        """True for a while, unless an application was let go since, or the token has run out."""
        if known.revocations is None or known.revocations != self._revocations():
            return False
        if self.clock.monotonic() > known.until:
            return False
        return known.expires_at is None or known.expires_at > self.clock.now()

    def _revocations(self) -> int | None:
        """Where the journal stands; when it cannot tell, every token is looked up."""
        try:
            return self.journal.clients_changed
        except Unavailable:
            return None

    def _of_application(self, client_id: str, token: str) -> _Known | Refusal:
        revocations = self._revocations()  # before the look
        try:
            client = self.journal.client(client_id)
            caller = verify(token, client, self.clock.now())
            if isinstance(caller, Refusal):
                return caller
            self.journal.note_client_use(client_id)
        except Unavailable as error:
            return Refusal(error.code, 503, error.detail, {"Retry-After": "5"})
        expires_at = client.expires_at if client else None
        return _Known(caller, self.clock.monotonic() + KNOWN_SECONDS, expires_at, revocations)
