"""Submissions as lists and their own story show them: read and decrypted once for as long as they do not change.

The revision of a submission grows with everything that anybody sees of it, but for one: when a message that could not
be prepared yet is tried again. So the times of the next attempts are part of the sign under which a view is kept.
What the sending itself notes on the way (``data_begun``, ``reported_revision``) is not shown and may be older.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, bindparam, func, select, type_coerce

from connector.journal import statements as sql
from connector.journal.failure import UnknownRow
from connector.journal.records import SubmissionView, TraceEntry
from connector.journal.rows import AnyRow, submission_views, trace_entry
from connector.journal.schema import messages, submissions
from connector.journal.statistics import corrections
from connector.journal.store import JournalPart, Store

__all__ = ["ONE", "PLACE", "Stories", "Story", "views_of"]

_LONGEST_BODY = 4_000  # characters: longer ones are read each time, so that what is kept stays small
_ENTRIES = 200

_s = submissions.c
_next, _newer = messages.alias("next"), submissions.alias("newer")


def _alone(question: Select[Any], name: str) -> ColumnElement[Any]:
    """A question with one answer as a column."""
    return question.scalar_subquery().label(name)


PLACE: tuple[ColumnElement[Any], ...] = (
    _s.id,
    _s.revision,
    _alone(
        select(func.sum(type_coerce(_next.c.next_attempt_at, BigInteger))).where(_next.c.submission_id == _s.id),
        "nexts",
    ),
)
"""What :func:`views_of` needs of each submission."""
ONE: Select[Any] = select(
    *PLACE,
    _alone(
        select(_newer.c.id).where(_newer.c.replaces_id == _s.id).order_by(_newer.c.id.desc()).limit(1),
        "replaced_by",
    ),
).where(_s.id == bindparam("submission"))


@dataclass(frozen=True, slots=True)
class Story:
    """A submission with everything that happened to it."""

    view: SubmissionView
    trace: tuple[TraceEntry, ...]  # the newest entries, oldest of them first
    corrected_by: str | None  # the newest submission that was made of it with another recipient


class Stories(JournalPart):
    """One submission, whole."""

    def story(self, submission_id: str) -> Story:
        """What became of a submission, in one look.

        Raises:
            UnknownRow: ``INTROUVABLE``.
        """
        with self._store.read() as connection:
            rows = connection.execute(ONE, {"submission": submission_id}).all()
            if not rows:
                raise UnknownRow("submission", submission_id)
            (view,) = views_of(self._store, connection, rows)
            subjects = [submission_id, *(message.id for message in view.messages)]
            entries = connection.execute(sql.TRACE_OF, {"subjects": subjects, "limit": _ENTRIES}).all()
            corrected_by = corrections(connection, [submission_id]).get(submission_id)
        if rows[0].replaced_by is not None:
            view = replace(view, replaced_by=rows[0].replaced_by)
        return Story(view, tuple(trace_entry(row) for row in reversed(entries)), corrected_by)


def views_of(store: Store, connection: Connection, rows: Sequence[AnyRow]) -> list[SubmissionView]:
    """Submissions in the order of the rows; those that have not changed since they were last looked at are not read.

    Args:
        store: keeps the views.
        connection: in the transaction in which the rows were read.
        rows: begin with :data:`PLACE`.
    """
    signs = {row.id: (row.revision, row.nexts) for row in rows}
    known = store.views.some(signs.items())
    if missing := [place for place in signs if place not in known]:
        read = connection.execute(sql.SUBMISSIONS, {"submissions": missing}).all()
        for view in submission_views(connection, store.vault, read):
            known[view.id] = view
            if len(view.body or "") + len(view.body_for_patient or "") <= _LONGEST_BODY:
                store.views.keep(view.id, signs[view.id], view)
    return [known[place] for place in signs]
