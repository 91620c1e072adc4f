"""Drops that were refused before they became a submission: told to the person until she has seen them.

Their files are in the folder ``ERREURS`` and hers to deal with; the journal only remembers that they are there.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, select, update

from connector.domain.address import MailboxAddress
from connector.journal.failure import UnknownRow
from connector.journal.records import RefusedDrop
from connector.journal.requests import RequestKey, earlier_submission, remember
from connector.journal.rows import AnyRow, opened, seal
from connector.journal.schema import refused_drops, trace
from connector.journal.store import JournalPart, Writing, alphanumeric
from connector.journal.vault import Vault

__all__ = ["DROP_OLD_REFUSALS", "RefusedDrops", "list_refused"]

MOST_LOOKED_AT = 2_000
"""Drops that one search opens at most."""

_r = refused_drops.c
_ADD = insert(refused_drops)
_ONE = select(refused_drops).where(_r.id == bindparam("drop"))
_TRACED = select(trace.c.seq).where(trace.c.subject_id == bindparam("drop"), trace.c.action == "refuse").limit(1)
_SEE = update(refused_drops).where(_r.id == bindparam("drop"))
_ENDING = select(_r.id).where(_r.id.endswith(bindparam("ending"))).order_by(_r.id.desc()).limit(bindparam("limit"))
_UNSEEN_THROUGH = select(refused_drops).where(_r.seen_at.is_(None), _r.id <= bindparam("through")).order_by(_r.id)
_COUNTS = select(
    _r.mailbox,
    func.count().filter(_r.seen_at.is_(None)).label("unseen"),
    func.count().filter(_r.seen_at.is_not(None)).label("seen"),
).group_by(_r.mailbox)  # fmt: skip
_SINCE = select(_r.mailbox, func.count()).where(_r.at >= bindparam("moment")).group_by(_r.mailbox)
DROP_OLD_REFUSALS = delete(refused_drops).where(_r.at < bindparam("before"))


class RefusedDrops(JournalPart):
    """What went to ``ERREURS`` without ever being sent."""

    def refuse_drop(self, drop: RefusedDrop) -> None:
        """Remember a refusal, and put it into the trace; once, however often it is called.

        Args:
            drop: not seen by anybody yet.

        Raises:
            Unavailable: ``JOURNAL_INDISPONIBLE`` or ``DISQUE_PLEIN``: nothing has changed, call again.
        """
        sealed = seal(self._store.vault, drop.id, {
            "name": drop.name, "files": drop.files, "note": drop.note, "sentence": drop.sentence,
        })  # fmt: skip
        with self._store.write() as writing:
            if writing.run(_ONE, {"drop": drop.id}).first() is None:
                row = {"id": drop.id, "mailbox": drop.mailbox, "at": drop.at, "code": drop.code, "sealed": sealed}
                writing.run(_ADD, row)
            if writing.run(_TRACED, {"drop": drop.id}).first() is None:
                writing.note("refuse", mailbox=drop.mailbox, subject_id=drop.id, outcome=drop.code)

    def refused_as(self, request: RequestKey, drop_id: str) -> str:
        """Under which id the same thing was refused first, so that whoever repeats it fills no disk.

        Args:
            request: what was asked.
            drop_id: its id when it is new; remembered as long as keys of requests are.

        Raises:
            InvalidSubmission: ``CLE_DEJA_UTILISEE``: the key came with something else.
        """
        with self._store.write() as writing:
            first = earlier_submission(writing, request)
            if first is None:
                remember(writing, request, drop_id)
        return first or drop_id

    def refused_drop(self, drop_id: str) -> RefusedDrop:
        """One refusal.

        Raises:
            UnknownRow: ``INTROUVABLE``: there is none, or no longer.
        """
        with self._store.read() as connection:
            row = connection.execute(_ONE, {"drop": drop_id}).first()
        if row is None:
            raise UnknownRow("refused drop", drop_id)
        return _drop(self._store.vault, row)

    def refused_drops(
        self, *, unseen: bool = False, mailbox: MailboxAddress | None = None, limit: int = 100,
        after: str | None = None, down_to: str | None = None,
        fits: Callable[[RefusedDrop], bool] = lambda _: True,
    ) -> list[RefusedDrop]:  # fmt: skip
        """Refusals, newest first.

        Args:
            unseen: only those that nobody has seen yet.
            mailbox: only those of this one.
            limit: at most that many.
            after: only those older than this id: the last one of the page before.
            down_to: only those newer than this id.
            fits: what is wanted of them besides; at most :data:`MOST_LOOKED_AT` are asked.
        """
        wanted = {"box": mailbox, "after": after, "down_to": down_to}
        values = {name: value for name, value in wanted.items() if value is not None}
        statement = list_refused(values, unseen=unseen)
        with (
            self._store.read() as connection,
            connection.execution_options(yield_per=limit).execute(statement, values) as rows,
        ):
            drops = (_drop(self._store.vault, row) for row in rows)
            return list(islice(filter(fits, drops), limit))

    def find_refused_drops(self, ending: str, *, limit: int = 10) -> list[str]:
        """Ids that end so, newest first: people type the last characters, or all of them."""
        kept = alphanumeric(ending)
        if not kept:
            return []
        with self._store.read() as connection:
            return list(connection.execute(_ENDING, {"ending": kept, "limit": limit}).scalars())

    def see_refused_drop(self, drop_id: str, *, by: str) -> RefusedDrop:
        """Somebody has seen a refusal and deals with the files; the first one counts, for good.

        Args:
            drop_id: of the refusal.
            by: the person or application, for the trace.

        Raises:
            UnknownRow: ``INTROUVABLE``.
        """
        with self._store.write() as writing:
            row = writing.run(_ONE, {"drop": drop_id}).first()
            if row is None:
                raise UnknownRow("refused drop", drop_id)
            if row.seen_at is None:
                row = _see(writing, row, by)
            return _drop(self._store.vault, row)

    def see_refused_drops(self, through: str, *, by: str) -> int:
        """Somebody has seen every refusal up to one, of all mailboxes; newer ones go on asking.

        Args:
            through: id of the newest one that was seen.
            by: the person or application, for the trace.

        Returns:
            How many had not been seen before.
        """
        with self._store.write() as writing:
            rows = writing.run(_UNSEEN_THROUGH, {"through": through}).all()
            for row in rows:
                _see(writing, row, by)
        return len(rows)

    def refused_counts(self) -> dict[str, dict[str, int]]:
        """Mailbox to ``unseen`` and ``seen`` to number, of everything that is kept."""
        with self._store.read() as connection:
            rows = connection.execute(_COUNTS).all()
        return {str(row.mailbox): {"unseen": row.unseen, "seen": row.seen} for row in rows}

    def refused_since(self, moment: datetime) -> dict[str, int]:
        """Mailbox to how many were refused at this moment or later; those without any are left out."""
        with self._store.read() as connection:
            return {str(mailbox): number for mailbox, number in connection.execute(_SINCE, {"moment": moment})}


def list_refused(wanted: Collection[str], *, unseen: bool) -> Select[Any]:
    """The newest first: of mailbox ``box``, older than ``after``, newer than ``down_to``, as far as wanted."""
    statement = select(refused_drops).order_by(_r.id.desc()).limit(MOST_LOOKED_AT)
    if unseen:
        statement = statement.where(_r.seen_at.is_(None))
    if "box" in wanted:
        statement = statement.where(_r.mailbox == bindparam("box"))
    if "after" in wanted:
        statement = statement.where(_r.id < bindparam("after"))
    return statement.where(_r.id > bindparam("down_to")) if "down_to" in wanted else statement


def _see(writing: Writing, row: AnyRow, by: str) -> AnyRow:
    writing.run(_SEE, {"drop": row.id, "seen_at": writing.now, "seen_by": by})
    writing.note("see", mailbox=row.mailbox, subject_id=row.id, outcome=row.code, actor=by)
    return writing.run(_ONE, {"drop": row.id}).one()


def _drop(vault: Vault, row: AnyRow) -> RefusedDrop:
    words = opened(vault, row.id, row.sealed)
    return RefusedDrop(
        id=row.id, mailbox=row.mailbox, at=row.at, code=row.code, name=words["name"], files=tuple(words["files"]),
        note=words["note"], sentence=words["sentence"], seen_at=row.seen_at, seen_by=row.seen_by or "",
    )  # fmt: skip
