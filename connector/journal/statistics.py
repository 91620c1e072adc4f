"""Numbers and short lists for people: what happened on which day, what is open now, what came last.

Every question walks one index over a bounded piece: days are pieces of the trace, found by halving; open work is
found by its state; whatever may only count for some time is found by the time in its id (ULID).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    func,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from connector.domain.address import MailboxAddress
from connector.domain.states import IncomingState, OutgoingState, WaitingFor
from connector.journal.records import IncomingMessage, OutgoingMessage
from connector.journal.rows import AnyRow, incoming_message, known, outgoing_messages
from connector.journal.schema import inbox_taken, incoming, messages, trace
from connector.journal.store import JournalPart

__all__ = [
    "ATTENTION", "CORRECTIONS", "COUNTS_SINCE", "HAPPENED", "OPEN_WORK", "SET_ASIDE", "WAITING", "DayCounts",
    "OpenWork", "Statistics", "corrections", "earlier_of", "oldest_id",
]  # fmt: skip

_O, _I = OutgoingState, IncomingState
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARS, _RANDOM_CHARS = 10, 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_t, _m, _n = trace.c, messages.c, incoming.c
_UNDER_WAY = (_O.RECEIVED, _O.PREPARED, _O.SENDING)
_FAILED = (_O.REJECTED, _O.FAILED, _O.BOUNCED)
_TO_OPEN = (_I.SEEN, _I.STORED, _I.OPENED)

_LAST = select(func.coalesce(func.max(_t.seq), 0))
_FIRST = select(func.min(_t.seq))
_AT = select(_t.seq, _t.at).where(_t.seq >= bindparam("seq")).order_by(_t.seq).limit(1)


def _ended(actions: Sequence[str], *states: OutgoingState | IncomingState) -> ColumnElement[bool]:
    """Entries of some actions that led to one of these states; a code may follow the state."""
    words = [or_(_t.outcome == state.value, _t.outcome.startswith(f"{state.value} ")) for state in states]
    return and_(_t.action.in_(actions), or_(*words))


_EVENTS: dict[str, ColumnElement[bool]] = {
    "sent": _ended(["send", "lookup"], _O.SENT),
    "delivered": _ended(["receipt"], _O.DELIVERED),
    "read": _ended(["receipt"], _O.READ),
    "failed": or_(
        _ended(["send", "reject", "expire"], _O.FAILED, _O.REJECTED),
        _ended(["receipt"], _O.BOUNCED),
        _t.action == "refuse",
    ),
    "received": _ended(["deliver"], _I.DELIVERED),
    "set_aside": _ended(["quarantine"], _I.QUARANTINED),
}
"""What an entry of the trace counts as: on the day on which it happened, whenever its message was taken."""
HAPPENED = select(*(func.count().filter(rule).label(name) for name, rule in _EVENTS.items())).where(
    _t.seq > bindparam("after"), _t.seq <= bindparam("through")
)

OPEN_WORK = select(_m.state, _m.waiting_for, func.count()).where(
    _m.state.in_([*_UNDER_WAY, _O.WAITING, _O.OUTCOME_UNKNOWN])
).group_by(_m.state, _m.waiting_for)  # fmt: skip
WAITING = select(_m.mailbox, _m.waiting_for, func.count()).where(_m.state == _O.WAITING).group_by(
    _m.mailbox, _m.waiting_for
)  # fmt: skip
COUNTS_SINCE = select(_m.mailbox, _m.state, func.count()).where(
    _m.submission_id >= bindparam("oldest")
).group_by(_m.mailbox, _m.state)  # fmt: skip
_NEWEST = select(messages).order_by(_m.id.desc()).limit(bindparam("limit"))
ATTENTION = (
    _NEWEST.where(_m.state == _O.OUTCOME_UNKNOWN),
    _NEWEST.where(_m.state == _O.DUPLICATE, _m.next_attempt_at >= bindparam("moment")),
    *(
        _NEWEST.where(_m.state == state, _m.next_attempt_at.is_(None), _m.id >= bindparam("since"))
        for state in _FAILED
    ),
)
CORRECTIONS = select(_t.subject_id, _t.answer).where(
    _t.subject_id.in_(bindparam("subjects", expanding=True)), _t.action == "correct"
).order_by(_t.seq)  # fmt: skip
SET_ASIDE = select(func.count()).where(_n.mailbox.in_(bindparam("boxes", expanding=True)),
                                        _n.state == _I.QUARANTINED, _n.id >= bindparam("since"))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCounts:
    """What happened between two entries of the trace."""

    sent: int = 0  # messages that the operator took
    delivered: int = 0
    read: int = 0
    failed: int = 0  # rejected, refused (a drop, or by the operator), out of time, bounced
    received: int = 0  # given to the LPS
    set_aside: int = 0

    def plus(self, more: "DayCounts") -> "DayCounts":
        """Both together."""
        return DayCounts(**{f.name: getattr(self, f.name) + getattr(more, f.name) for f in fields(DayCounts)})


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What is not finished now."""

    under_way: int  # taken, prepared or being sent
    waiting: dict[WaitingFor, int]
    unknown: int  # given to the operator, answer lost

    @property
    def total_waiting(self) -> int:
        """Everything that does not go on by itself right now."""
        return sum(self.waiting.values()) + self.unknown


def oldest_id(moment: datetime) -> str:
    """The lowest ULID that can have been made at this moment or later."""
    number, digits = max(0, (moment - _EPOCH) // _MILLISECOND), []
    for _ in range(_TIME_CHARS):
        number, rest = divmod(number, len(_BASE32))
        digits.append(_BASE32[rest])
    return "".join(reversed(digits)) + "0" * _RANDOM_CHARS


def earlier_of(after: str | None, until: datetime | None) -> str | None:
    """Below which id a list begins: the end of the page before, or the newest moment that is wanted."""
    bounds = [*([after] if after is not None else []), *([oldest_id(until)] if until is not None else [])]
    return min(bounds, default=None)


class Statistics(JournalPart):
    """Read-only questions that people's pages ask."""

    def last_number(self) -> int:
        """Number of the newest entry of the trace, 0 when there is none: it grows with every change."""
        with self._store.read() as connection:
            return int(connection.execute(_LAST).scalar_one())

    def numbers_before(self, moments: Sequence[datetime]) -> list[int]:
        """For each moment the number of the last entry before it.

        Found by halving, so exact while the clock goes forward; where it was set back, an entry may count for the
        neighbouring day.
        """
        with self._store.read() as connection:
            last = int(connection.execute(_LAST).scalar_one())
            first = int(connection.execute(_FIRST).scalar() or 1)
            return [_last_before(connection, moment, first, last) for moment in moments]

    def happened(self, after: int, through: int) -> DayCounts:
        """What happened between two entries.

        Args:
            after: number of the last entry that does not count.
            through: number of the last one that does.
        """
        if through <= after:
            return DayCounts()
        with self._store.read() as connection:
            row = connection.execute(HAPPENED, {"after": after, "through": through}).one()
        return DayCounts(**row._mapping)

    def counts_since(self, since: datetime) -> dict[str, dict[str, int]]:
        """Mailbox to ``out:<state>`` to number, of the messages that were taken since; like ``counts``."""
        found: dict[str, dict[str, int]] = {}
        with self._store.read() as connection:
            for mailbox, state, number in connection.execute(COUNTS_SINCE, {"oldest": oldest_id(since)}):
                found.setdefault(str(mailbox), {})[f"out:{state}"] = number
        return found

    def open_work(self) -> OpenWork:
        """What is not finished now, over all mailboxes."""
        waiting: dict[WaitingFor, int] = {}
        under_way = unknown = 0
        with self._store.read() as connection:
            for state, reason, count in connection.execute(OPEN_WORK):
                if state == _O.WAITING:
                    waiting[known(WaitingFor, reason)] = count
                elif state == _O.OUTCOME_UNKNOWN:
                    unknown += count
                else:
                    under_way += count
        return OpenWork(under_way, waiting, unknown)

    def waiting_counts(self) -> dict[MailboxAddress, dict[WaitingFor, int]]:
        """How many messages wait, by mailbox and by what for; the messages themselves are not read."""
        found: dict[MailboxAddress, dict[WaitingFor, int]] = {}
        with self._store.read() as connection:
            for mailbox, reason, count in connection.execute(WAITING):
                found.setdefault(mailbox, {})[known(WaitingFor, reason)] = count
        return found

    def attention(self, since: datetime, *, limit: int = 100) -> list[OutgoingMessage]:
        """Messages about which a person should decide, newest first: failed or bounced, lost answers, duplicates.

        What was sent anew with a corrected recipient is settled and does not come.

        Args:
            since: failures and duplicates of what was taken before this no longer count; lost answers always do.
            limit: at most that many are looked at.
        """
        values: dict[str, Any] = {"since": oldest_id(since), "moment": since, "limit": limit}
        with self._store.read() as connection:
            rows = [row for statement in ATTENTION for row in connection.execute(statement, values)]
            found = outgoing_messages(connection, sorted(rows, key=lambda row: row.id, reverse=True)[:limit])
            settled = corrections(connection, [message.submission_id for message in found])
        return [m for m in found if m.submission_id not in settled or m.state is _O.OUTCOME_UNKNOWN]

    def corrections_of(self, submission_ids: Sequence[str]) -> dict[str, str]:
        """Submission to the newest one that was made of it with another recipient, for those that have one."""
        with self._store.read() as connection:
            return corrections(connection, submission_ids)

    def correction_of(self, submission_id: str) -> str | None:
        """The newest submission that was made of this one with another recipient."""
        with self._store.read() as connection:
            return corrections(connection, [submission_id]).get(submission_id)

    def set_aside(self, mailboxes: Sequence[MailboxAddress], since: datetime) -> int:
        """How many received messages could not be opened and still wait for somebody to look."""
        values = {"boxes": list(mailboxes), "since": oldest_id(since)}
        with self._store.read() as connection:
            return int(connection.execute(SET_ASIDE, values).scalar_one())

    def newest_received(
        self, *, limit: int, after: str | None = None, states: Sequence[IncomingState] | None = None,
        mailbox: MailboxAddress | None = None, since: datetime | None = None, until: datetime | None = None,
        is_taken: bool | None = None,
    ) -> list[IncomingMessage]:  # fmt: skip
        """Received messages that are for people, newest first: neither receipts nor duplicates.

        Args:
            limit: at most that many.
            after: only those older than this id.
            states: only these; ``None`` = all.
            mailbox: only of this one.
            since: only those that we saw then or later; aware.
            until: only those that we saw before; aware.
            is_taken: only those that an application has taken, or that none has.
        """
        oldest = oldest_id(since) if since is not None else None
        begin = earlier_of(after, until)
        wanted = {"limit": limit, "after": begin, "oldest": oldest, "states": states, "box": mailbox}
        values = {name: value for name, value in wanted.items() if value is not None}
        statement = _received(frozenset(values), is_taken)
        with self._store.read() as connection:
            return self._arrivals(connection, connection.execute(statement, values).all())

    def _arrivals(self, connection: Connection, rows: Sequence[AnyRow]) -> list[IncomingMessage]:
        """The messages in this order; those that have not changed are not made of their rows again."""
        signs: dict[str, tuple[Any, ...]] = {row[0]: tuple(row) for row in rows}
        known = self._store.arrivals.some(signs.items())
        if missing := [place for place in signs if place not in known]:
            for row in connection.execute(_FOR_LISTS, {"incoming": missing}):
                known[row.id] = incoming_message(self._store.vault, row)
                self._store.arrivals.keep(row.id, signs[row.id], known[row.id])
        return [known[place] for place in signs]


def _stored_type(column: Column[Any]) -> TypeEngine[Any]:
    """The type of what lies in the database: nothing is made of the values."""
    return column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type


_SHOWN = [column for column in incoming.c if column.name not in ("sealed", "claim_owner", "claim_until")]
_AS_STORED = [type_coerce(column, _stored_type(column)).label(column.name) for column in _SHOWN]
_FOR_LISTS: Select[Any] = select(*_SHOWN, null().label("sealed")).where(
    _n.id.in_(bindparam("incoming", expanding=True))
)
"""Lists show nothing of what is sealed, so nothing is decrypted for them."""


@cache
def _received(values: Collection[str], is_taken: bool | None) -> Select[Any]:
    """A delivered message has its files noted in ``sealed``; a receipt or duplicate never has."""
    is_for_people = or_(_n.sealed.is_not(None), _n.state.in_([*_TO_OPEN, _I.QUARANTINED]))
    statement = select(*_AS_STORED).where(is_for_people).order_by(_n.id.desc()).limit(bindparam("limit"))
    filters = {
        "after": _n.id < bindparam("after"), "oldest": _n.id >= bindparam("oldest"),
        "states": _n.state.in_(bindparam("states", expanding=True)), "box": _n.mailbox == bindparam("box"),
    }  # fmt: skip
    statement = statement.where(*(rule for name, rule in filters.items() if name in values))
    if is_taken is None:
        return statement
    mark = exists().where(inbox_taken.c.incoming_id == _n.id)
    return statement.where(mark if is_taken else ~mark)


def corrections(connection: Connection, submission_ids: Sequence[str]) -> dict[str, str]:
    """Submission to the newest one that was made of it with another recipient."""
    if not submission_ids:
        return {}
    rows = connection.execute(CORRECTIONS, {"subjects": list(dict.fromkeys(submission_ids))})
    return {row.subject_id: row.answer for row in rows}


def _last_before(connection: Connection, moment: datetime, first: int, last: int) -> int:
    low, high = first - 1, last  # the answer lies in [low, high]
    while low < high:
        middle = (low + high + 1) // 2
        row = connection.execute(_AT, {"seq": middle}).first()
        if row is not None and row.at < moment:
            low = max(middle, row.seq)
        else:
            high = middle - 1
    return low
