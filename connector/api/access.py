"""Whose token it is: the owner's, which lives in memory, or that of an application, which the journal knows."""

import hmac
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Access:
    """Looks tokens up for the gate."""

    owner: OwnerAccess
    journal: Journal
    clock: Clock

    async def authenticate(self, token: str) -> Caller | Refusal:
        """The caller that a token belongs to, or why it opens nothing."""
        client_id = client_of(token) or ""
        if client_id == OWNER:
            is_owner = hmac.compare_digest(token.encode(), self.owner.token.encode())
            return _OWNER if is_owner else verify(token, None, self.clock.now())
        return await to_thread.run_sync(partial(self._of_application, client_id, token))

    def _of_application(self, client_id: str, token: str) -> Caller | Refusal:
        try:
            caller = verify(token, self.journal.client(client_id), self.clock.now())
            if isinstance(caller, Caller):
                self.journal.note_client_use(client_id)
        except Unavailable as error:
            return Refusal(error.code, 503, error.detail, {"Retry-After": "5"})
        return caller
