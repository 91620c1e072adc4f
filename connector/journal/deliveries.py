"""What stands in the LPS's folder, since when, and until when nobody has taken it.

A delivery is noted in the transaction that says *delivered*. That it was taken is noted once and for good, with the
mark of :mod:`connector.journal.inbox`; one that is delivered again on a person's wish stands again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, delete, func, insert, select, update

from connector.domain.address import MailboxAddress
from connector.journal.rows import AnyRow, opened
from connector.journal.schema import deliveries, incoming
from connector.journal.store import JournalPart, Writing
from connector.journal.vault import Vault

__all__ = ["Deliveries", "StandingDelivery", "end_delivery", "note_delivery"]

_MOST_PREFIX = 255
_d = deliveries.c
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_ADD = insert(deliveries)
_FORGET = delete(deliveries).where(_d.incoming_id == bindparam("row"))
_END = update(deliveries).where(_d.incoming_id == bindparam("row")).values(stands=False, overdue_at=None)
_STANDING = (
    select(deliveries, incoming.c.sealed)
    .join(incoming, incoming.c.id == _d.incoming_id)
    .where(_d.mailbox == bindparam("box"), _d.stands.is_(True), _d.incoming_id > bindparam("after"))
    .order_by(_d.incoming_id)
    .limit(bindparam("limit"))
)
_NOT_TOLD = select(_d.incoming_id, _d.mailbox).where(
    _d.incoming_id.in_(_ids), _d.stands.is_(True), _d.overdue_at.is_(None)
)
_TELL = update(deliveries).where(_d.incoming_id.in_(_ids)).values(overdue_at=bindparam("moment"))
_OVERDUE = (
    select(_d.mailbox, func.count().label("messages"))
    .where(_d.overdue_at.is_not(None), _d.mailbox.in_(bindparam("boxes", expanding=True)))
    .group_by(_d.mailbox)
)
_OVERDUE_IDS = (
    select(_d.incoming_id)
    .where(_d.overdue_at.is_not(None), _d.mailbox.in_(bindparam("boxes", expanding=True)))
    .order_by(_d.incoming_id)
    .limit(bindparam("limit"))
)
_OVERDUE_AMONG = select(_d.incoming_id, _d.since).where(_d.incoming_id.in_(_ids), _d.overdue_at.is_not(None))
_BY_PREFIX = (
    select(_d.incoming_id, _d.prefix)
    .where(_d.mailbox == bindparam("box"), _d.prefix.in_(bindparam("prefixes", expanding=True)))
    .order_by(_d.incoming_id.desc())
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingDelivery:
    """A message whose files were given to the LPS, and not taken as far as we know."""

    incoming_id: str
    prefix: str
    since: datetime
    overdue_at: datetime | None  # when it was told that it stands for too long
    files: tuple[str, ...] = field(repr=False)  # names below the LPS's folder


class Deliveries(JournalPart):
    """Watching whether the LPS takes what it was given."""

    def standing(self, mailbox: MailboxAddress, *, after: str = "", limit: int = 500) -> list[StandingDelivery]:
        """What was not taken, oldest first.

        Args:
            mailbox: whose folder.
            after: id of the last one that is known; empty = from the beginning.
            limit: at most that many.
        """
        with self._store.read() as connection:
            rows = connection.execute(_STANDING, {"box": mailbox, "after": after, "limit": limit}).all()
        return [_delivery(self._store.vault, row) for row in rows]

    def note_overdue(self, incoming_ids: Sequence[str]) -> int:
        """Messages stand for too long: told once for each, until it is taken.

        Returns:
            How many were not told before.
        """
        if not incoming_ids:
            return 0
        with self._store.write() as writing:
            rows = writing.run(_NOT_TOLD, {"ids": list(incoming_ids)}).all()
            if rows:
                writing.run(_TELL, {"ids": [row.incoming_id for row in rows], "moment": writing.now})
            for row in rows:
                writing.note("untaken", mailbox=row.mailbox, subject_id=row.incoming_id, outcome="RECUS_NON_PRIS")
        return len(rows)

    def overdue(self, mailboxes: Sequence[MailboxAddress]) -> dict[MailboxAddress, int]:
        """How many messages stand for too long, by mailbox; those with none are left out."""
        with self._store.read() as connection:
            rows = connection.execute(_OVERDUE, {"boxes": list(mailboxes)}).all()
        return {row.mailbox: row.messages for row in rows}

    def overdue_ids(self, mailboxes: Sequence[MailboxAddress], *, limit: int = 100) -> list[str]:
        """Messages that stand for too long, oldest first."""
        with self._store.read() as connection:
            return list(connection.execute(_OVERDUE_IDS, {"boxes": list(mailboxes), "limit": limit}).scalars())

    def overdue_among(self, incoming_ids: Sequence[str]) -> dict[str, datetime]:
        """Which of these messages stand for too long, and since when."""
        with self._store.read() as connection:
            rows = connection.execute(_OVERDUE_AMONG, {"ids": list(incoming_ids)}).all()
        return {row.incoming_id: row.since for row in rows}

    def delivered_under(self, mailbox: MailboxAddress, prefixes: Sequence[str]) -> str | None:
        """Id of the newest message that was delivered under the longest of these prefixes, if there is one."""
        with self._store.read() as connection:
            rows = connection.execute(_BY_PREFIX, {"box": mailbox, "prefixes": list(prefixes)}).all()
        best = max(rows, key=lambda row: len(row.prefix), default=None)
        return None if best is None else str(best.incoming_id)


def note_delivery(writing: Writing, row: Row[Any], prefix: str) -> None:
    """The files of a message were given to the LPS; again means that they stand again.

    Args:
        writing: the transaction that says *delivered*.
        row: of the message.
        prefix: of the names.
    """
    writing.run(_FORGET, {"row": row.id})
    writing.run(
        _ADD,
        {
            "incoming_id": row.id, "mailbox": row.mailbox, "prefix": prefix[:_MOST_PREFIX], "since": writing.now,
            "stands": True, "overdue_at": None,
        },
    )  # fmt: skip


def end_delivery(writing: Writing, incoming_id: str) -> None:
    """The files of a message are not waited for any more."""
    writing.run(_END, {"row": incoming_id})


def _delivery(vault: Vault, row: AnyRow) -> StandingDelivery:
    words = opened(vault, row.incoming_id, row.sealed) if row.sealed is not None else {"files": []}
    return StandingDelivery(
        incoming_id=row.incoming_id, prefix=row.prefix, since=row.since, overdue_at=row.overdue_at,
        files=tuple(name for name, _ in words["files"]),
    )  # fmt: skip
