"""The trace: who did what, when, towards which server, and what it answered (Ref#2 ECO.4.1.1, ECO.4.1.2)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from connector.journal import statements as sql
from connector.journal.chain import FIELDS, FIRST_HASH, entry_hash
from connector.journal.failure import TraceBroken
from connector.journal.records import TraceEntry
from connector.journal.rows import trace_entry
from connector.journal.store import JournalPart

__all__ = ["Traces"]

_BATCH = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Traces(JournalPart):
    """Append-only; every question that changes something appends by itself."""

    def add_trace(
        self, *, action: str, mailbox: object = "", subject_id: str = "", server: str = "", answer: str = "",
        outcome: str = "ok", actor: str | None = None,
    ) -> None:  # fmt: skip
        """Append what happened outside the journal's own questions (login, lookup, deletion on the server …).

        Fields are made one line, bounded, and freed of citizens' matricules; never give content or a patient's name.
        """
        with self._store.write() as writing:
            writing.note(
                action, mailbox=mailbox, subject_id=subject_id, server=server, answer=answer, outcome=outcome,
                actor=actor,
            )  # fmt: skip

    def trace(self, *, subject_id: str | None = None, limit: int = 200) -> list[TraceEntry]:
        """The newest entries, oldest of them first.

        Args:
            subject_id: only those of one message, or of one submission with all its messages.
            limit: at most that many.
        """
        with self._store.read() as connection:
            if subject_id is None:
                rows = connection.execute(sql.TRACE, {"limit": limit}).all()
            else:
                ids = connection.execute(sql.MESSAGE_IDS_OF, {"submission": subject_id}).scalars().all()
                rows = connection.execute(sql.TRACE_OF, {"subjects": [subject_id, *ids], "limit": limit}).all()
        return [trace_entry(row) for row in reversed(rows)]

    def verify_trace(self) -> int:
        """Check the whole chain.

        Returns:
            How many entries there are.

        Raises:
            TraceBroken: ``TRACE_ALTEREE``, with the first entry that does not fit.
        """
        checked = 0
        with self._store.read() as connection:
            start = connection.execute(sql.LAST_CHECKPOINT).first()
            seq, previous = (start.through_seq, start.hash) if start is not None else (0, FIRST_HASH)
            streamed = connection.execution_options(yield_per=_BATCH).execute(sql.TRACE_IN_ORDER)
            for row in streamed:
                seq += 1
                _check(row, seq, previous)
                previous = row.hash
                checked += 1
        return checked


def _check(row: Row[Any], seq: int, previous: str) -> None:
    if row.seq != seq:
        raise TraceBroken(seq, "missing")
    if row.previous_hash != previous:
        raise TraceBroken(seq, "does not follow the entry before it")
    entry = {name: getattr(row, name) for name in FIELDS}
    entry["at"] = (row.at - _EPOCH) // timedelta(microseconds=1)
    if entry_hash(previous, entry) != row.hash:
        raise TraceBroken(seq, "was changed")
