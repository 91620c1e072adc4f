"""Finding what is in a folder: UIDs in windows, then sizes, dates and Message-IDs of a few at a time.

However large the folder, no answer that is asked for is longer than a window, and nothing but the window is kept.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from connector.operators.base import FolderSurvey, ServerMessage
from connector.operators.errors import PermanentRefusal
from connector.operators.smtp_imap.imap import ImapConnection, failures

__all__ = ["DONE_KEYWORD", "UIDS_PER_COMMAND", "FolderView", "Wanted", "listed", "parts", "surveyed"]

DONE_KEYWORD = "$MSSConnectorDone"
"""Keyword that says: the connector has delivered this message."""

UIDS_PER_COMMAND = 500
WINDOW = 10_000  # UIDs of one SEARCH: its answer is one line, and imaplib takes no line over 1 MB
NEWEST_OF = 200  # the newest message is one of these: dates need not be in the order of the UIDs
_DESCRIPTION = ["RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]
_MESSAGE_ID = re.compile(rb"<[^<>\s]+>")
_DAY = timedelta(days=1)
_Item = TypeVar("_Item")


@dataclass(slots=True)
class FolderView:
    """A selected folder as it was when it was selected."""

    folder: str
    validity: int
    uid_next: int
    exists: int
    keywords: bool  # it takes ours

    @classmethod
    def of(cls, folder: str, answer: dict[bytes, Any]) -> Self:
        """From the answer to SELECT; without PERMANENTFLAGS all are permanent (RFC 3501 7.1)."""
        flags = answer.get(b"PERMANENTFLAGS", (rb"\*",))
        keywords = rb"\*" in flags or DONE_KEYWORD.encode().lower() in [flag.lower() for flag in flags]
        validity, uid_next, exists = (int(answer.get(name, 0)) for name in (b"UIDVALIDITY", b"UIDNEXT", b"EXISTS"))
        return cls(folder, validity, uid_next, exists, keywords)

    def is_newer_than(self, other: Self) -> bool:
        """True when something arrived since ``other``."""
        return self.folder == other.folder and (
            self.validity != other.validity or self.uid_next > other.uid_next or self.exists > other.exists
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages of a folder are asked for."""

    after: int = 0  # UIDs above this
    through: int | None = None  # and up to this; None = up to the newest
    since: datetime | None = None  # received by the server from then on

    def windows(self, uid_next: int) -> Iterator[tuple[int, int | None]]:
        """First and last UID of each SEARCH; ``None`` = no upper end."""
        end = self.through if self.through is not None else uid_next - 1
        if self.through is None and end - self.after <= WINDOW:
            yield self.after + 1, None  # also where the server does not tell UIDNEXT
            return
        for first in range(self.after + 1, end + 1, WINDOW):
            yield first, min(first + WINDOW - 1, end)


def listed(client: ImapConnection, view: FolderView, wanted: Wanted, *, at_once: int) -> Iterator[ServerMessage]:
    """Messages that are not marked as done, in the order of the UIDs, described ``at_once`` at a time."""
    for uids in _found(client, view, wanted):
        for part in parts(uids, at_once):
            for message in _described(client, view, part):
                if wanted.since is None or message.received_at is None or message.received_at >= wanted.since:
                    yield message


def surveyed(client: ImapConnection, view: FolderView, since: datetime | None) -> FolderSurvey:
    """Count a folder; see :meth:`connector.operators.base.Receiver.survey`."""
    count, newest = 0, deque[int](maxlen=NEWEST_OF)
    for uids in _found(client, view, Wanted(since=since)):
        count += len(uids)
        newest.extend(uids)
    dates = client.fetch(list(newest), ["INTERNALDATE"]).values() if newest else ()
    return FolderSurvey(
        uid_validity=view.validity,
        uid_next=max(view.uid_next, newest[-1] + 1 if newest else 1),
        count=count,
        newest=max((date for values in dates if (date := _date(values)) is not None), default=None),
    )


def parts(all_of_them: list[_Item], size: int = UIDS_PER_COMMAND) -> Iterator[list[_Item]]:
    """What one command names."""
    for start in range(0, len(all_of_them), size):
        yield all_of_them[start : start + size]


def _found(client: ImapConnection, view: FolderView, wanted: Wanted) -> Iterator[list[int]]:
    for first, last in wanted.windows(view.uid_next):
        uids = sorted(uid for uid in _search(client, view, first, last, wanted.since) if uid >= first)
        if uids:  # "9:*" finds 8 too
            yield uids


def _search(
    client: ImapConnection, view: FolderView, first: int, last: int | None, since: datetime | None
) -> list[int]:
    try:
        with failures():
            return list(client.search(_criteria(view, first, last, since)))
    except PermanentRefusal:
        if not view.keywords:
            raise
        view.keywords = False
        return list(client.search(_criteria(view, first, last, since)))


def _criteria(view: FolderView, first: int, last: int | None, since: datetime | None) -> list[Any]:
    r"""Where the server refuses keywords, ``\Seen`` takes their place for what is asked for without bounds.

    As a person who reads the mailbox elsewhere sets it too, it does not count between bounds. SINCE means the day at
    the server's place (RFC 3501 6.4.4): a day more is asked for.
    """
    bounds: list[Any] = ["UID", f"{first}:{'*' if last is None else last}"] if first > 1 or last is not None else []
    young: list[Any] = ["SINCE", (since - _DAY).date()] if since is not None else []
    if view.keywords:
        return [*bounds, *young, "UNKEYWORD", DONE_KEYWORD]
    return [*bounds, *young] or ["UNSEEN"]


def _described(client: ImapConnection, view: FolderView, uids: list[int]) -> Iterator[ServerMessage]:
    found = client.fetch(uids, _DESCRIPTION)
    for uid in uids:
        values = found.get(uid)
        if values and b"RFC822.SIZE" in values:
            header = next((value for key, value in values.items() if key.startswith(b"BODY[HEADER")), None) or b""
            match = _MESSAGE_ID.search(header)
            message_id = match[0].decode("ascii", "replace") if match else ""
            size = int(values[b"RFC822.SIZE"])
            yield ServerMessage(view.folder, view.validity, uid, size, message_id, _date(values))


def _date(values: dict[bytes, Any]) -> datetime | None:
    date = values.get(b"INTERNALDATE")
    return date.astimezone(UTC) if isinstance(date, datetime) else None
