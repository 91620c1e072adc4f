"""Pairing: an application asks to be let in, the person sees the request on the page and decides.

The application shows a short code, the page shows the same one: so the person knows whose request it is. The answer
waits for the application for a while, under an id that nobody can guess, and the token is given once; until then no
client exists in the journal. All of it lives in memory: a restart forgets requests.
"""

import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from connector.api.guard.tokens import new_token, token_hash
from connector.domain.errors import InvalidSubmission, Unavailable
from connector.domain.ports import Clock, IdSource
from connector.domain.scopes import Scope
from connector.journal.journal import Journal

__all__ = ["REQUEST_SECONDS", "Pairing", "PairingRequest", "PairingState"]

REQUEST_SECONDS = 300.0
"""How long a request waits for the person, and its answer for the application."""
MOST_REQUESTS = 3
"""At once: one application that goes wild must not bury the others."""

_LETTERS = "ACDEFGHJKLMNPQRTUVWXY3479"  # none that is taken for another
_CODE_LETTERS = 6
_ID_BYTES = 24


class PairingState(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    ACCEPTED = "accepted"  # the next question of the application gets the token
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PairingRequest:
    """One application that asks."""

    id: str = field(repr=False)
    code: str  # shown by both sides
    name: str
    scopes: frozenset[Scope]
    until: float  # monotonic seconds
    state: PairingState = PairingState.PENDING
    days: int | None = None  # how long the access lasts, once accepted; None = until it is revoked


class Pairing:
    """The requests of this moment. Thread-safe.

    Args:
        journal: where an accepted application is kept.
        clock: monotonic for the requests, wall clock for the end of an access.
        ids: for the new client.
        changed: called when a request came or was decided.
    """

    def __init__(
        self, journal: Journal, clock: Clock, ids: IdSource, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._ids = ids
        self._changed = changed
        self._lock = threading.Lock()
        self._requests: dict[str, PairingRequest] = {}

    def ask(self, name: str, scopes: Iterable[Scope]) -> PairingRequest:
        """An application asks.

        Args:
            name: how it calls itself.
            scopes: what it would like to do.

        Raises:
            Unavailable: ``API_OCCUPEE``: others are being decided about.
        """
        with self._lock:
            self._forget_old()
            if sum(each.state is PairingState.PENDING for each in self._requests.values()) >= MOST_REQUESTS:
                raise Unavailable("API_OCCUPEE", f"{MOST_REQUESTS} applications wait for the person already")
            until = self._clock.monotonic() + REQUEST_SECONDS
            request = PairingRequest(secrets.token_urlsafe(_ID_BYTES), _new_code(), name, frozenset(scopes), until)
            self._requests[request.id] = request
        self._changed()
        return request

    def pending(self) -> list[PairingRequest]:
        """Requests that wait for the person, the oldest first."""
        with self._lock:
            self._forget_old()
            return [each for each in self._requests.values() if each.state is PairingState.PENDING]

    def accept(self, code: str, scopes: Iterable[Scope], *, days: int | None) -> PairingRequest:
        """The person lets an application in.

        Args:
            code: of the request, as the person compared it.
            scopes: what it may do; more than it asked for is not given.
            days: how long; ``None`` = until it is revoked.

        Raises:
            InvalidSubmission: ``INTROUVABLE``, or ``CLIENT_EXISTE`` when a valid access has this name.
        """
        with self._lock:
            request = self._by_code(code)
            now = self._clock.now()
            if any(client.name == request.name and client.is_valid(now) for client in self._journal.clients()):
                raise InvalidSubmission("CLIENT_EXISTE", "a valid client has this name already")
            accepted = replace(
                request, state=PairingState.ACCEPTED, scopes=request.scopes & frozenset(scopes), days=days
            )
            self._requests[request.id] = accepted
        self._changed()
        return accepted

    def refuse(self, code: str) -> None:
        """The person does not.

        Raises:
            InvalidSubmission: ``INTROUVABLE``.
        """
        with self._lock:
            request = self._by_code(code)
            self._requests[request.id] = replace(request, state=PairingState.REFUSED)
        self._changed()

    def answer(self, request_id: str) -> tuple[PairingRequest, str]:
        """What became of a request; with the token, once, when it was accepted.

        Raises:
            InvalidSubmission: ``INTROUVABLE``: unknown, too old, or its token was given already.
        """
        with self._lock:
            self._forget_old()
            request = self._requests.get(request_id)
            if request is None:
                raise InvalidSubmission("INTROUVABLE", "no such request for pairing")
            if request.state is PairingState.PENDING:
                return request, ""
            del self._requests[request_id]
            token = self._let_in(request) if request.state is PairingState.ACCEPTED else ""
        self._changed()
        return request, token

    def _let_in(self, request: PairingRequest) -> str:
        client_id = self._ids.ulid()
        token = new_token(client_id)
        expires_at = None if request.days is None else self._clock.now() + timedelta(days=request.days)
        self._journal.add_client(
            client_id, name=request.name, token_hash=token_hash(token), scopes=request.scopes, expires_at=expires_at
        )
        return token

    def _by_code(self, code: str) -> PairingRequest:
        self._forget_old()
        for request in self._requests.values():
            if request.code == code and request.state is PairingState.PENDING:
                return request
        raise InvalidSubmission("INTROUVABLE", "no application waits with this code")

    def _forget_old(self) -> None:
        now = self._clock.monotonic()
        self._requests = {key: each for key, each in self._requests.items() if each.until > now}


def _new_code() -> str:
    """``AC3-K7P``: short enough to compare, not a secret."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS))
    return f"{letters[:3]}-{letters[3:]}"
