"""Refused drops among what is sent: a person looks for a document where she looks for all the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.api.page.listing import OUTGOING_FILTERS, OutRow, Shade, out_row
from connector.domain.address import MailboxAddress
from connector.domain.text import Text
from connector.journal.journal import Journal
from connector.journal.records import RefusedDrop
from connector.journal.search import folded

__all__ = ["FAILED", "OutPage", "find_out", "refused_row"]

FAILED = "failed"
"""The filter that shows refused drops too."""
_UNSEEN = (Text("refusé, rien n'est parti", "refused, nothing left"), Shade.BAD)
_SEEN = (Text("refusé, vu", "refused, seen"), Shade.QUIET)


@dataclass(frozen=True, slots=True)
class OutPage:
    """A piece of the list of what is sent."""

    rows: tuple[OutRow, ...]
    after: str | None  # where the next piece begins; None = this was the last
    looked_at: int  # submissions


def refused_row(drop: RefusedDrop) -> OutRow:
    """The row of a refused drop."""
    word, shade = _UNSEEN if drop.seen_at is None else _SEEN
    code = drop.code if drop.seen_at is None else ""
    return OutRow(
        drop.id, drop.name, (), drop.at, word, shade, code, place="refused", about=", ".join(drop.files)
    )  # fmt: skip


def find_out(
    journal: Journal, text: str = "", *, state: str = "", mailbox: MailboxAddress | None = None, limit: int = 25,
    after: str | None = None,
) -> OutPage:  # fmt: skip
    """Submissions and refused drops that fit, newest first: both are named by the id of their claim.

    Args:
        journal: with both.
        text: words that must all occur.
        state: name of a filter; anything else = all.
        mailbox: only of this one.
        limit: at most that many.
        after: go on after this id: :attr:`OutPage.after` of the page before.
    """
    states = OUTGOING_FILTERS[state][1] if state in OUTGOING_FILTERS else None
    found = journal.find(text, states=states, mailbox=mailbox, limit=limit, after=after)
    rows = [out_row(view) for view in found.items]
    if states is None or state == FAILED:
        words = folded(text).split()
        drops = journal.refused_drops(
            mailbox=mailbox, limit=limit + 1, after=after, down_to=found.after,
            fits=lambda drop: _fits(drop, words),
        )  # fmt: skip
        rows += [refused_row(drop) for drop in drops]
    rows.sort(key=lambda row: row.id, reverse=True)
    if len(rows) > limit:
        return OutPage(tuple(rows[:limit]), rows[limit - 1].id, found.looked_at)
    return OutPage(tuple(rows), found.after, found.looked_at)


def _fits(drop: RefusedDrop, words: Sequence[str]) -> bool:
    everything = folded("\n".join((drop.id, drop.name, drop.note, str(drop.mailbox), *drop.files)))
    return all(word in everything for word in words)
