"""Clients of the local API: applications to which a person gave a token. Only hashes of tokens are kept."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select, update

from connector.domain.errors import InvalidSubmission
from connector.domain.scopes import Scope
from connector.journal.rows import AnyRow
from connector.journal.schema import api_clients
from connector.journal.store import JournalPart, Writing

__all__ = ["ApiClient", "Clients"]

_c = api_clients.c
_ADD = insert(api_clients)
_ONE = select(api_clients).where(_c.id == bindparam("client"))
_ALL = select(api_clients).order_by(_c.id)
_NAMED = select(api_clients).where(_c.name == bindparam("called"), _c.revoked_at.is_(None)).order_by(_c.id)
_CHANGE = update(api_clients).where(_c.id == bindparam("client"))

_COARSE = timedelta(hours=1)
"""How exactly the last use is known: more would cost a write for each request, and tell more than anybody needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """One application, as the journal keeps it."""

    id: str  # ULID, stands in the token
    name: str
    token_hash: str = field(repr=False)
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None  # to the hour
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """True while its token opens something."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class Clients(JournalPart):
    """Who may use the API."""

    def add_client(
        self, client_id: str, *, name: str, token_hash: str, scopes: Iterable[Scope], expires_at: datetime | None
    ) -> ApiClient:
        """Let an application in.

        Args:
            client_id: ULID.
            name: how the person calls it; no two valid ones share a name.
            token_hash: SHA-256 of its token, lower-case hexadecimal.
            scopes: what it may do.
            expires_at: ``None`` = until it is revoked.

        Raises:
            InvalidSubmission: ``CLIENT_EXISTE``.
        """
        words = " ".join(sorted(scopes))
        with self._store.write() as writing:
            namesakes = (_client(row) for row in writing.run(_NAMED, {"called": name}).all())
            if any(client.is_valid(writing.now) for client in namesakes):
                raise InvalidSubmission("CLIENT_EXISTE", "a valid client has this name already")
            row = {
                "id": client_id, "name": name, "token_hash": token_hash, "scopes": words, "created_at": writing.now,
                "expires_at": expires_at,
            }  # fmt: skip
            writing.run(_ADD, row)
            writing.note("client_add", subject_id=client_id, answer=f"{name}: {words}")
            return _client(writing.run(_ONE, {"client": client_id}).one())

    def client(self, client_id: str) -> ApiClient | None:
        """One application, valid or not."""
        with self._store.read() as connection:
            row = connection.execute(_ONE, {"client": client_id}).first()
        return None if row is None else _client(row)

    @property
    def clients_changed(self) -> int:
        """Another number than before when an application was let go in between, in this process or any other.

        Takes microseconds and never waits. Other processes are seen on SQLite only.

        Raises:
            Unavailable: ``JOURNAL_INDISPONIBLE``.
        """
        return self._store.revocations.number()

    def clients(self) -> list[ApiClient]:
        """All that ever were, oldest first."""
        with self._store.read() as connection:
            return [_client(row) for row in connection.execute(_ALL)]

    def note_client_use(self, client_id: str) -> None:
        """Remember that its token was used; writes at most once an hour."""
        client = self.client(client_id)
        now = self._store.clock.now()
        if client is None or (client.last_used_at is not None and now - client.last_used_at < _COARSE):
            return
        hour = now.replace(minute=0, second=0, microsecond=0)
        with self._store.write() as writing:
            writing.run(_CHANGE, {"client": client_id, "last_used_at": hour})

    def revoke_client(self, name: str) -> ApiClient:
        """Let an application in no more, from the next request on; without SQLite other processes know within 2 s.

        Args:
            name: as the person calls it, or its id.

        Raises:
            InvalidSubmission: ``CLIENT_INCONNU``: there is none, or it was revoked before.
        """
        with self._store.write() as writing:
            found = _valid_or_expired(writing, name)
            if found is None:
                raise InvalidSubmission("CLIENT_INCONNU", "no client that is not revoked has this name or id")
            writing.run(_CHANGE, {"client": found.id, "revoked_at": writing.now})
            writing.note("client_revoke", subject_id=found.id, answer=found.name)
            revoked = _client(writing.run(_ONE, {"client": found.id}).one())
        self._store.revocations.noted()
        return revoked


def _valid_or_expired(writing: Writing, name: str) -> AnyRow | None:
    """The newest one that is not revoked and has this name or id."""
    named = writing.run(_NAMED, {"called": name}).all()
    if named:
        return named[-1]
    row = writing.run(_ONE, {"client": name.upper()}).first()
    return row if row is not None and row.revoked_at is None else None


def _client(row: AnyRow) -> ApiClient:
    """A row; words that a newer version has written grant nothing here."""
    return ApiClient(
        id=row.id, name=row.name, token_hash=row.token_hash,
        scopes=frozenset(Scope(word) for word in row.scopes.split() if word in set(Scope)),
        created_at=row.created_at, expires_at=row.expires_at, last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )  # fmt: skip
