"""What was listed in the folders of a mailbox, and how far: where it goes on after a stop or a new numbering.

A message that is known already is recognised by its header before its bytes are fetched: another place of the same
mailbox had the same Message-ID, the same size and the same second of arrival. Each earlier place counts once in a
folder, so that two messages that look alike are never taken for one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import insert, select, update

from connector.domain.address import MailboxAddress
from connector.domain.ports import reach
from connector.domain.states import IncomingState
from connector.journal.records import ServerPlace
from connector.journal.rows import AnyRow
from connector.journal.schema import mailbox_folders
from connector.journal.statements import ADD_INCOMING, b, many, n
from connector.journal.store import JournalPart, Writing, clipped

__all__ = ["FolderMark", "Listed"]

LONGEST_MESSAGE_ID = 998
MOST_LOOK_ALIKES = 10_000  # rows that bear the Message-IDs of one listing; what is beyond is recognised by its bytes

f = mailbox_folders.c
MARK = select(mailbox_folders).where(f.mailbox == b("box"), f.folder == b("folder_name"))
MARKS = select(mailbox_folders).order_by(f.mailbox, f.folder)
ADD_MARK = insert(mailbox_folders)
CHANGE_MARK = update(mailbox_folders).where(f.mailbox == b("box"), f.folder == b("folder_name"))
KNOWN_PLACES = select(n.uid).where(
    n.mailbox == b("box"),
    n.folder == b("folder"),
    n.uid_validity == b("uid_validity"),
    n.uid.between(b("lowest"), b("highest")),
)
LOOK_ALIKES = (
    select(n.id, n.folder, n.uid_validity, n.header_message_id, n.size_bytes, n.received_at, n.sha256)
    .where(
        n.mailbox == b("box"),
        n.header_message_id.in_(many("headers")),
        n.duplicate_of.is_(None),
        n.received_at.is_not(None),
    )
    .order_by(n.id.desc())
    .limit(MOST_LOOK_ALIKES)
)
RECOGNISED = select(n.duplicate_of).where(
    n.duplicate_of.in_(many("twins")), n.folder == b("folder"), n.uid_validity == b("uid_validity")
)
_IN_WORK = [IncomingState.SEEN, IncomingState.STORED, IncomingState.OPENED]
BACKLOG = select(n.id).where(n.mailbox == b("box"), n.state.in_(_IN_WORK)).limit(b("limit"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderMark:
    """How far one folder of the server is known.

    What was in the folder when it was first met, or when it was numbered anew, is its history; it is gone through
    beside what arrives.
    """

    mailbox: MailboxAddress
    folder: str  # as the settings name it
    uid_validity: int
    listed_uid: int  # of what arrives, everything up to here is in the journal
    history_uid: int  # of the history, everything up to here has been looked at
    history_end: int  # the last UID of the history
    since: datetime | None = None  # the history begins here; None = with the oldest message
    total: int = 0  # messages of the history
    looked: int = 0  # of which so many have been looked at

    @property
    def has_history_left(self) -> bool:
        """True while the history is being gone through."""
        return self.history_uid < self.history_end


_CHANGING = tuple(each.name for each in fields(FolderMark) if each.name not in ("mailbox", "folder"))


class Listed(JournalPart):
    """What the server was seen to hold."""

    def folder_mark(self, mailbox: MailboxAddress, folder: str) -> FolderMark | None:
        """How far a folder is known; ``None`` before its first connection."""
        with self._store.read() as connection:
            row = connection.execute(MARK, {"box": mailbox, "folder_name": folder}).first()
        return None if row is None else _mark(row)

    def folder_marks(self) -> list[FolderMark]:
        """Every folder of every mailbox that was ever met."""
        with self._store.read() as connection:
            return [_mark(row) for row in connection.execute(MARKS)]

    def set_folder_mark(self, mark: FolderMark, *, why: str) -> None:
        """A folder was met for the first time, or was numbered anew.

        Args:
            mark: where listing begins.
            why: for the trace.
        """
        with self._store.write() as writing:
            _write_mark(writing, mark)
            writing.note("list", mailbox=mark.mailbox, answer=f"UIDVALIDITY {mark.uid_validity}", outcome=why)

    def note_seen(
        self, mailbox: MailboxAddress, places: Sequence[ServerPlace], *, mark: FolderMark | None = None
    ) -> int:
        """Remember messages of the server; places that are known already are left alone.

        Args:
            mailbox: whose.
            places: what was listed.
            mark: how far the folder is known with them; committed in the same transaction.

        Returns:
            How many places are new, those of messages that were recognised included.
        """
        with self._store.write() as writing:
            fresh: list[dict[str, Any]] = []
            ordered = sorted(places, key=_folder_and_uid)
            for _, group in groupby(ordered, key=lambda place: (place.folder, place.uid_validity)):
                fresh.extend(self._fresh(writing, mailbox, list(group)))
            if fresh:
                writing.run(ADD_INCOMING, fresh)
                known = sum(row["duplicate_of"] is not None for row in fresh)
                writing.note("list", mailbox=mailbox, answer=f"{len(fresh)} new messages, {known} recognised")
            if mark is not None:
                _write_mark(writing, mark)
        reach("journal.seen")
        return len(fresh)

    def backlog(self, mailbox: MailboxAddress, *, limit: int) -> int:
        """How many messages are known and not yet delivered; counts no further than ``limit``."""
        with self._store.read() as connection:
            return len(connection.execute(BACKLOG, {"box": mailbox, "limit": limit}).all())

    def _fresh(self, writing: Writing, mailbox: MailboxAddress, group: list[ServerPlace]) -> list[dict[str, Any]]:
        """Rows for the places of one folder that are not known yet."""
        batch = {place.uid: place for place in group}
        where = {"box": mailbox, "folder": group[0].folder, "uid_validity": group[0].uid_validity}
        known = set(writing.run(KNOWN_PLACES, {**where, "lowest": min(batch), "highest": max(batch)}).scalars())
        new = [place for uid, place in batch.items() if uid not in known]
        twins = _twins(writing, where, new)
        return [self._row(writing, mailbox, place, twins.get(place.uid)) for place in new]

    def _row(
        self, writing: Writing, mailbox: MailboxAddress, place: ServerPlace, twin: AnyRow | None
    ) -> dict[str, Any]:
        """The row of a place; of a message that was recognised there is nothing left to do but to mark it."""
        return {
            "id": self._store.ids.ulid(), "mailbox": mailbox, "folder": place.folder,
            "uid_validity": place.uid_validity, "uid": place.uid,
            "state": IncomingState.SEEN if twin is None else IncomingState.DUPLICATE,
            "state_since": writing.now, "header_message_id": clipped(place.message_id, LONGEST_MESSAGE_ID),
            "size_bytes": place.size_bytes, "attempts": 0, "received_at": None if twin is None else twin.received_at,
            "sha256": "" if twin is None else twin.sha256, "duplicate_of": None if twin is None else twin.id,
            "next_attempt_at": writing.now if twin is None else None,
        }  # fmt: skip


def _twins(writing: Writing, where: dict[str, Any], places: Sequence[ServerPlace]) -> dict[int, AnyRow]:
    """By UID: the row that has the bytes of this very message from another place."""
    keys = {place.uid: key for place in places if (key := _key(place)) is not None}
    if not keys:
        return {}
    headers = sorted({header for header, _, _ in keys.values()})
    here = (where["folder"], where["uid_validity"])
    rows = writing.run(LOOK_ALIKES, {"box": where["box"], "headers": headers}).all()
    rows = [row for row in rows if (row.folder, row.uid_validity) != here]
    if not rows:
        return {}
    spent = set(
        writing.run(
            RECOGNISED, {"twins": [row.id for row in rows], "folder": here[0], "uid_validity": here[1]}
        ).scalars()
    )
    free: defaultdict[tuple[str, int, datetime], list[AnyRow]] = defaultdict(list)
    for row in rows:  # newest first, so that pop() takes the oldest
        if row.id not in spent:
            free[row.header_message_id, row.size_bytes, row.received_at].append(row)
    return {uid: free[key].pop() for uid, key in keys.items() if free.get(key)}


def _key(place: ServerPlace) -> tuple[str, int, datetime] | None:
    """What makes it this very message; ``None`` when the server does not tell enough."""
    if not place.message_id or place.received_at is None:
        return None
    return place.message_id[:LONGEST_MESSAGE_ID], place.size_bytes, place.received_at


def _folder_and_uid(place: ServerPlace) -> tuple[str, int, int]:
    return place.folder, place.uid_validity, place.uid


def _mark(row: AnyRow) -> FolderMark:
    return FolderMark(**row._mapping)


def _write_mark(writing: Writing, mark: FolderMark) -> None:
    values = {name: getattr(mark, name) for name in _CHANGING}
    if writing.run(CHANGE_MARK, {**values, "box": mark.mailbox, "folder_name": mark.folder}).rowcount == 0:
        writing.run(ADD_MARK, {**values, "mailbox": mark.mailbox, "folder": mark.folder})
