"""Business acknowledgements (ZAM) for senders of HL7 v2 orders: what is due, and that each was given.

A submission whose sender waits for answers is marked when anything of it changes; whoever looks at it notes every
answer that is due and takes the mark away in one transaction. An answer is the same whenever it is written again:
its number, its words and its time are kept here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from connector.domain.address import MailboxAddress
from connector.domain.ports import reach
from connector.journal.records import SubmissionView
from connector.journal.rows import AnyRow, submission_views
from connector.journal.schema import hl7_answers, submissions
from connector.journal.store import JournalPart, clipped

__all__ = ["ANSWERS_DUE", "ANSWERS_NEWS", "AnswerNews", "Hl7Answer", "Hl7Answers"]

_a, _s = hl7_answers.c, submissions.c
_ADD = insert(hl7_answers)
_KEY = (
    _a.message_id == bindparam("message"), _a.address == bindparam("who"), _a.kind == bindparam("what"),
    _a.answer == bindparam("said"),
)  # fmt: skip
_KNOWN = select(_a.number).where(*_KEY)
_COUNT = select(func.count()).where(_a.submission_id == bindparam("submission"))
_OF = select(hl7_answers).where(_a.submission_id == bindparam("submission")).order_by(_a.number)
_CHANGE = update(hl7_answers).where(*_KEY)
ANSWERS_NEWS = (
    select(submissions)
    .where(_s.mailbox == bindparam("box"), _s.answers_news.is_(True))
    .order_by(_s.id)
    .limit(bindparam("limit"))
)
"""Submissions that changed since their answers were last looked at."""
ANSWERS_DUE = (
    select(hl7_answers)
    .where(_a.mailbox == bindparam("box"), _a.next_attempt_at <= bindparam("now"))
    .order_by(_a.next_attempt_at, _a.submission_id, _a.number)
    .limit(bindparam("limit"))
)
"""What is to be written or sent now."""
_SEEN = (
    update(submissions)
    .where(_s.id == bindparam("submission"), _s.revision == bindparam("seen"))
    .values(answers_news=False)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerNews:
    """Something that the sender of an order is to be told about one recipient."""

    message_id: str
    address: MailboxAddress
    kind: str  # a value of connector.documents.hl7.answer.ZamKind
    is_positive: bool
    code: str = ""  # why not: SMTP code, or 900 to 906
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7Answer(AnswerNews):
    """The same, as it was kept."""

    submission_id: str
    mailbox: MailboxAddress
    number: int  # within its submission, from 1
    at: datetime  # when it was found to be due
    attempts: int
    next_attempt_at: datetime | None  # None: nothing is left to do
    outcome: str  # "" | "written" (file) | "accepted" | "refused" (by the software of the sender)
    detail: str


class Hl7Answers(JournalPart):
    """What senders of HL7 v2 orders are told afterwards."""

    def answers_news(self, mailbox: MailboxAddress, *, limit: int = 100) -> list[SubmissionView]:
        """Submissions whose sender waits for answers and that changed, oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(ANSWERS_NEWS, {"box": mailbox, "limit": limit}).all()
            return submission_views(connection, self._store.vault, rows)

    def note_hl7_answers(self, view: SubmissionView, news: Sequence[AnswerNews]) -> int:
        """Keep what is due for a submission, each once, and that its news were seen up to this revision.

        Args:
            view: as :meth:`answers_news` gave it.
            news: everything that it calls for, known answers included.

        Returns:
            How many were new.
        """
        with self._store.write() as writing:
            number = int(writing.run(_COUNT, {"submission": view.id}).scalar_one())
            fresh = [each for each in news if writing.run(_KNOWN, _place(each)).first() is None]
            shared = {
                "submission_id": view.id, "mailbox": view.mailbox, "at": writing.now, "attempts": 0,
                "next_attempt_at": writing.now, "outcome": "", "detail": "",
            }  # fmt: skip
            if fresh:
                rows = [_row(each) | shared | {"number": n} for n, each in enumerate(fresh, number + 1)]
                writing.run(_ADD, rows)
            writing.run(_SEEN, {"submission": view.id, "seen": view.revision})
        reach("journal.answers_noted")
        return len(fresh)

    def hl7_answers_due(self, mailbox: MailboxAddress, *, limit: int = 100) -> list[Hl7Answer]:
        """What is to be told now, in the order in which it became due."""
        with self._store.read() as connection:
            values = {"box": mailbox, "now": self._store.clock.now(), "limit": limit}
            return [_answer(row) for row in connection.execute(ANSWERS_DUE, values)]

    def hl7_answers(self, submission_id: str) -> list[Hl7Answer]:
        """Everything that its sender was or will be told, in order."""
        with self._store.read() as connection:
            return [_answer(row) for row in connection.execute(_OF, {"submission": submission_id})]

    def settle_hl7_answer(self, answer: Hl7Answer, outcome: str, detail: str = "") -> None:
        """It was told; once is enough, whatever the other side thinks of it.

        Args:
            answer: which.
            outcome: ``written``, ``accepted`` or ``refused``.
            detail: what the other side said; no patient data.
        """
        with self._store.write() as writing:
            news = {"outcome": outcome, "detail": clipped(detail, 200), "next_attempt_at": None}
            writing.run(_CHANGE, {**_place(answer), **news, "attempts": answer.attempts + 1})
            writing.note(
                "answer", mailbox=answer.mailbox, subject_id=answer.message_id,
                answer=f"ZAM {answer.kind} {'Y' if answer.is_positive else 'N'}", outcome=outcome,
            )  # fmt: skip
        reach("journal.answer_settled")

    def postpone_hl7_answer(self, answer: Hl7Answer, again_at: datetime, detail: str = "") -> None:
        """It could not be told now."""
        with self._store.write() as writing:
            news = {"detail": clipped(detail, 200), "next_attempt_at": again_at, "attempts": answer.attempts + 1}
            writing.run(_CHANGE, {**_place(answer), **news})


def _place(news: AnswerNews) -> dict[str, Any]:
    said = "Y" if news.is_positive else "N"
    return {"message": news.message_id, "who": news.address, "what": news.kind, "said": said}


def _row(news: AnswerNews) -> dict[str, Any]:
    return {
        "message_id": news.message_id, "address": news.address, "kind": news.kind,
        "answer": "Y" if news.is_positive else "N", "code": news.code[:10], "label": clipped(news.label, 200),
    }  # fmt: skip


def _answer(row: AnyRow) -> Hl7Answer:
    return Hl7Answer(
        message_id=row.message_id, address=row.address, kind=row.kind, is_positive=row.answer == "Y", code=row.code,
        label=row.label, submission_id=row.submission_id, mailbox=row.mailbox, number=row.number, at=row.at,
        attempts=row.attempts, next_attempt_at=row.next_attempt_at, outcome=row.outcome, detail=row.detail,
    )  # fmt: skip
