"""Bearer tokens: made once, shown once, kept as a hash, compared in constant time.

A token is ``mss_<client>_<secret>``: the client part finds the row, the secret has 256 random bits, so that a plain
SHA-256 of the whole is enough (there is nothing to guess, hence nothing to slow down).
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.api.guard.head import Refusal
from connector.domain.scopes import Scope

__all__ = [
    "Caller", "KnownClient", "client_of", "insufficient", "missing", "new_token", "read_bearer", "token_hash",
    "verify",
]  # fmt: skip

_TOKEN = re.compile(r"mss_([0-9A-Za-z]{1,26})_([A-Za-z0-9_-]{43})", re.ASCII)
_SECRET_BYTES = 32
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="mssante-connector"'}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, and what it may do."""

    id: str
    name: str  # stands in the trace
    scopes: frozenset[Scope]


class KnownClient(Protocol):
    """What is kept of a client; :class:`connector.journal.clients.ApiClient`."""

    @property
    def id(self) -> str:
        """Client part of the token."""
        ...

    @property
    def name(self) -> str:
        """As the person calls it."""
        ...

    @property
    def token_hash(self) -> str:
        """:func:`token_hash` of its token."""
        ...

    @property
    def scopes(self) -> frozenset[Scope]:
        """What it may do."""
        ...

    @property
    def expires_at(self) -> datetime | None:
        """``None`` = never."""
        ...

    @property
    def revoked_at(self) -> datetime | None:
        """``None`` = it is not."""
        ...


def new_token(client_id: str) -> str:
    """A fresh token for a client; it exists nowhere else.

    Args:
        client_id: letters and digits, at most 26.
    """
    return f"mss_{client_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def token_hash(token: str) -> str:
    """What is kept of a token: SHA-256, lower-case hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def client_of(token: str) -> str | None:
    """The client that a token belongs to; ``None`` when it does not look like one of ours."""
    found = _TOKEN.fullmatch(token)
    return found[1] if found else None


def read_bearer(values: Sequence[str]) -> str | Refusal | None:
    """The token of the ``Authorization`` headers; ``None`` when nobody says who it is (RFC 6750 2.1)."""
    if not values:
        return None
    scheme, _, token = values[0].strip().partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or client_of(token.strip()) is None:
        return _invalid("Authorization is not one bearer token of this connector")
    return token.strip()


def verify(token: str, client: KnownClient | None, now: datetime) -> Caller | Refusal:
    """Whether a token opens the door.

    The comparison is made also for a client that does not exist, and says nothing about where two hashes differ.

    Args:
        token: as it was sent.
        client: what is kept under its client part.
        now: wall clock.
    """
    kept = client.token_hash if client is not None else "0" * 64
    fits = hmac.compare_digest(token_hash(token), kept)
    if client is None or not fits or client.revoked_at is not None:
        return _invalid("the token is unknown or was revoked")
    if client.expires_at is not None and client.expires_at <= now:
        return Refusal("ACCES_JETON_EXPIRE", 401, "the token has expired", _CHALLENGE)
    return Caller(client.id, client.name, client.scopes)


def _invalid(detail: str) -> Refusal:
    return Refusal("ACCES_JETON_INVALIDE", 401, detail, _CHALLENGE)


def missing() -> Refusal:
    """Nobody said who it is, and the route wants to know."""
    return Refusal("ACCES_SANS_JETON", 401, "an Authorization: Bearer header is needed", _CHALLENGE)


def insufficient(wanted: Scope) -> Refusal:
    """Known, and not allowed to do this."""
    header = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{wanted.value}"'}
    return Refusal("ACCES_INSUFFISANT", 403, f"the scope {wanted.value} is needed", header)
