"""Finding a submission by what a person remembers of it: an address, a reference, a file name, a subject.

What may name a patient is encrypted, so nothing can be asked of the database: the newest submissions are opened in
batches and looked at, up to a bound, and the answer says where to go on.
"""

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, exists, select

from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingState
from connector.domain.submission import SourceKind
from connector.journal.records import SubmissionView
from connector.journal.schema import messages, submissions
from connector.journal.statistics import earlier_of, oldest_id
from connector.journal.store import JournalPart
from connector.journal.stories import PLACE, views_of

__all__ = ["Page", "Search", "folded", "matches"]

BATCH = 100
MOST_LOOKED_AT = 2_000
"""Submissions that one question opens at most: about a tenth of a second."""

_O = OutgoingState
_FREQUENT = frozenset({_O.SENT, _O.DELIVERED, _O.READ, _O.CANCELLED})
"""States in which messages stay: among the newest there are always some."""


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a list."""

    items: tuple[SubmissionView, ...]
    after: str | None = None  # where the next piece begins; None = this was the last
    looked_at: int = 0


class Search(JournalPart):
    """Lists of submissions as people page through them."""

    def find(  # noqa: PLR0913 - every way to narrow a list, all by name
        self, text: str = "", *, states: Sequence[OutgoingState] | None = None, mailbox: MailboxAddress | None = None,
        reference: str | None = None, since: datetime | None = None, until: datetime | None = None, limit: int = 25,
        after: str | None = None, most: int = MOST_LOOKED_AT,
    ) -> Page:  # fmt: skip
        """Submissions that fit, newest first.

        Args:
            text: words that must all occur in address, reference, drop, file names, subject or id; accents and case
                do not count.
            states: only those with a message in one of these.
            mailbox: only of this one.
            reference: only those whose sender gave exactly this one.
            since: only those that were taken then or later; aware.
            until: only those that were taken before; aware.
            limit: at most that many.
            after: go on after this id: :attr:`Page.after` of the page before.
            most: how many are opened at most.
        """
        words = folded(text).split()
        found: list[SubmissionView] = []
        looked_at = 0
        batch = limit + 1 if not words and reference is None else BATCH
        begin = earlier_of(after, until)
        oldest = oldest_id(since) if since is not None else None
        for view in self._newest(states, mailbox, begin, oldest, batch):
            if len(found) == limit or looked_at == most:
                return Page(tuple(found), after, looked_at)
            looked_at, after = looked_at + 1, view.id
            if reference in (None, view.reference) and matches(view, words):
                found.append(view)
        return Page(tuple(found), None, looked_at)

    def _newest(
        self, states: Sequence[OutgoingState] | None, mailbox: MailboxAddress | None, after: str | None,
        oldest: str | None, batch: int,
    ) -> Iterator[SubmissionView]:  # fmt: skip
        while True:
            wanted = {"states": states, "box": mailbox, "after": after, "oldest": oldest, "limit": batch}
            values = {name: value for name, value in wanted.items() if value is not None}
            how_often = None if states is None else bool(_FREQUENT & set(states))
            statement = _list(how_often, frozenset(values))
            with self._store.read() as connection:
                views = views_of(self._store, connection, connection.execute(statement, values).all())
            yield from views
            if len(views) < batch:
                return
            after = views[-1].id


@cache
def _list(is_frequent: bool | None, values: Collection[str]) -> Select[Any]:
    """The question with these values.

    Frequent states are looked for from the newest submission backwards, rare ones by the index of states.
    """
    of_lps = submissions.c.source != SourceKind.NOTICE  # our own answers are shown with what they answer
    statement = select(*PLACE).where(of_lps).order_by(submissions.c.id.desc()).limit(bindparam("limit"))
    if is_frequent is not None:
        is_wanted = messages.c.state.in_(bindparam("states", expanding=True))
        mine = messages.c.submission_id == submissions.c.id
        few = submissions.c.id.in_(select(messages.c.submission_id).where(is_wanted))
        statement = statement.where(exists().where(mine, is_wanted) if is_frequent else few)
    filters = {
        "box": submissions.c.mailbox == bindparam("box"), "after": submissions.c.id < bindparam("after"),
        "oldest": submissions.c.id >= bindparam("oldest"),
    }  # fmt: skip
    return statement.where(*(rule for name, rule in filters.items() if name in values))


def folded(text: str) -> str:
    """Lower-case, without accents: how texts are compared."""
    split = unicodedata.normalize("NFKD", text)
    return "".join(character for character in split if not unicodedata.combining(character)).casefold()


def matches(view: SubmissionView, words: Sequence[str]) -> bool:
    """True when every word occurs somewhere.

    Args:
        view: the submission.
        words: folded.
    """
    if not words:
        return True
    addresses = (str(recipient.address) for message in view.messages for recipient in message.recipients)
    names = (file.name for file in view.files)
    texts = (view.id, view.source_name, view.reference or "", view.subject or "", str(view.mailbox))
    everything = folded("\n".join((*texts, *names, *addresses)))
    return all(word in everything for word in words)
