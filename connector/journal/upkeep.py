"""What keeps the journal true over time: recovery at start, deadlines, retention, invariants."""

from datetime import datetime
from typing import Any

from sqlalchemy import Executable

from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingEvent
from connector.journal import statements as sql
from connector.journal.invariants import VIOLATIONS
from connector.journal.outgoing import advance
from connector.journal.refused import DROP_OLD_REFUSALS
from connector.journal.requests import DROP_OLD_KEYS
from connector.journal.store import JournalPart

__all__ = ["Upkeep"]

_PURGE_BATCH = 200  # payloads per transaction: workers never wait long for the write lock


class Upkeep(JournalPart):
    """Questions of the daemon, not of a worker."""

    def recover(self, *, owner: str, mailbox: MailboxAddress | None = None) -> dict[str, int]:
        """Give work back that a dead process or worker held. Call it before the workers start.

        On SQLite one process owns the journal (see :mod:`connector.platform.lock`), so every claim is dead; elsewhere
        those of ``owner`` and those that have run out.

        Args:
            owner: the name under which this process claims.
            mailbox: only messages of this one, when a single worker is started again.

        Returns:
            ``{"outcome_unknown": …, "prepared": …, "leases": …}``.
        """
        with self._store.write() as writing:
            values = {} if self._store.is_sqlite else {"owner": owner, "now": writing.now}
            sending, leases = self._dead_statements(mailbox)
            if mailbox is not None:
                values["box"] = mailbox
            found = {"outcome_unknown": 0, "prepared": 0}
            for row in writing.run(sending, values).all():
                event = OutgoingEvent.LOSE if row.data_begun else OutgoingEvent.DEFER
                code = "ISSUE_INCONNUE" if row.data_begun else row.code
                state = advance(writing, row, event, {"code": code})
                found[state.value] += 1
            found["leases"] = sum(writing.run(statement, values).rowcount for statement in leases)
        return found

    def _dead_statements(self, mailbox: MailboxAddress | None) -> tuple[Executable, list[Executable]]:
        mine = self._store.is_sqlite
        sending = sql.ALL_SENDING if mine else sql.DEAD_SENDING
        outgoing = sql.DROP_ALL_LEASES if mine else sql.DROP_DEAD_LEASES
        incoming = sql.DROP_ALL_INCOMING_LEASES if mine else sql.DROP_DEAD_INCOMING_LEASES
        if mailbox is None:
            return sending, [outgoing, incoming]
        return (
            sending.where(sql.m.mailbox == sql.b("box")),
            [outgoing.where(sql.m.mailbox == sql.b("box")), incoming.where(sql.n.mailbox == sql.b("box"))],
        )

    def expire(self, now: datetime) -> int:
        """Fail what could not leave before its deadline (``DELAI_DEPASSE``).

        Returns:
            How many messages.
        """
        with self._store.write() as writing:
            overdue = writing.run(sql.OVERDUE, {"now": now}).all()
            for row in overdue:
                advance(writing, row, OutgoingEvent.EXPIRE, {"code": "DELAI_DEPASSE"})
        return len(overdue)

    def purge(self, *, payload_before: datetime, trace_before: datetime) -> int:
        """Drop bytes and traces after their retention time; states stay.

        Bytes go when every message of their submission, or the incoming message, has been in a final state since
        before ``payload_before``; those of a quarantined message stay. Traces before ``trace_before`` go from the
        start of the chain; a checkpoint with the last hash takes their place, so that the rest still verifies.
        Keys of requests (``Idempotency-Key``) are kept as long as bytes, refused drops as long as traces.

        Returns:
            How many payloads were dropped.
        """
        dropped = 0
        while batch := self._drop_payloads(payload_before):
            dropped += batch
        with self._store.write() as writing:
            writing.run(DROP_OLD_KEYS, {"before": payload_before})
        self._drop_trace(trace_before)
        return dropped

    def _drop_payloads(self, before: datetime) -> int:
        with self._store.write() as writing:
            ids = writing.run(sql.FINISHED_PAYLOADS, {"before": before, "limit": _PURGE_BATCH}).scalars().all()
            if ids:
                writing.run(sql.DROP_PAYLOADS, {"payloads": ids})
                writing.note("purge", answer=f"{len(ids)} payloads")
        return len(ids)

    def _drop_trace(self, before: datetime) -> None:
        with self._store.write() as writing:
            writing.run(DROP_OLD_REFUSALS, {"before": before})
            last = writing.run(sql.LAST_TRACE).first()
            if last is None:
                return
            kept_from: int | None = writing.run(sql.FIRST_TRACE_SINCE, {"since": before}).scalar()
            through = last.seq if kept_from is None else kept_from - 1
            checkpoint_hash = writing.run(sql.TRACE_HASH_AT, {"seq": through}).scalar()
            if checkpoint_hash is None:
                return  # nothing is older
            writing.run(sql.ADD_CHECKPOINT, {"through_seq": through, "at": writing.now, "hash": checkpoint_hash})
            number = writing.run(sql.DROP_TRACE, {"through": through}).rowcount
            writing.note("purge", answer=f"{number} trace entries, through {through}, hash {checkpoint_hash}")

    def violations(self) -> list[str]:
        """What should never be true of the journal, one sentence each; empty when all is well.

        Used by tests after every step, by the doctor, and after recovery.
        """
        found = []
        with self._store.read() as connection:
            for rule, statement in VIOLATIONS.items():
                found += [f"{rule}: {row_id}" for row_id in connection.execute(_bounded(statement)).scalars()]
        return found


def _bounded(statement: Any) -> Any:
    return statement.limit(100)
