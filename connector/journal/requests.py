"""Requests that must not be carried out twice: which Idempotency-Key brought which submission."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select

from connector.domain.errors import InvalidSubmission
from connector.journal.schema import request_keys
from connector.journal.store import Writing

__all__ = ["DROP_OLD_KEYS", "RequestKey", "earlier_submission", "remember"]

_k = request_keys.c
_ADD = insert(request_keys)
_ONE = select(_k.request_hash, _k.submission_id).where(
    _k.client_id == bindparam("client"), _k.key_hash == bindparam("key")
)
DROP_OLD_KEYS = delete(request_keys).where(_k.at < bindparam("before"))


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What tells a repeated request from a new one."""

    client_id: str
    key: str  # Idempotency-Key, as the client wrote it
    request_hash: str  # of what was asked: SHA-256, lower-case hexadecimal

    @property
    def key_hash(self) -> str:
        """What is kept of the key: clients may write anything into it."""
        return hashlib.sha256(self.key.encode()).hexdigest()


def earlier_submission(writing: Writing, request: RequestKey) -> str | None:
    """The submission that the same request has brought before.

    Raises:
        InvalidSubmission: ``CLE_DEJA_UTILISEE``: the key came with something else.
    """
    row = writing.run(_ONE, {"client": request.client_id, "key": request.key_hash}).first()
    if row is None:
        return None
    if row.request_hash != request.request_hash:
        raise InvalidSubmission("CLE_DEJA_UTILISEE", "this Idempotency-Key came with another request before")
    found: str = row.submission_id
    return found


def remember(writing: Writing, request: RequestKey, submission_id: str) -> None:
    """Keep what a request has brought, in the transaction that keeps the submission."""
    row = {
        "client_id": request.client_id, "key_hash": request.key_hash, "request_hash": request.request_hash,
        "submission_id": submission_id, "at": writing.now,
    }  # fmt: skip
    writing.run(_ADD, row)
