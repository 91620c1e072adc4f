"""Which messages of a folder are to be fetched: what arrives, and what was there before the first connection.

What was there before is decided once for each folder and kept in the journal, so that neither a restart nor a new
numbering (UIDVALIDITY) decides again. After a new numbering everything is looked at again, as a history of its own:
what is known is recognised by its header (:mod:`connector.journal.listed`), and what was left alone before is older
than :attr:`FolderMark.since <connector.journal.listed.FolderMark>`.

What arrives goes first. The history comes in slices, the oldest message first, so that a correction comes after what
it corrects; between two slices the folder is asked for what has arrived. It waits while the LPS's folder is behind,
so that neither the journal nor the queue before new mail grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connector.domain.address import MailboxAddress
from connector.domain.ports import Clock
from connector.journal.journal import Journal
from connector.journal.listed import FolderMark
from connector.operators.base import FolderSurvey, Receiver, ServerMessage
from connector.operators.errors import FolderMissing, PermanentRefusal
from connector.settings.reception import FirstConnection, ReceptionSettings

__all__ = ["Lister"]

SLICE_MESSAGES = 200
SLICE_BYTES = 64_000_000
LONG_AGO = timedelta(days=1)  # more than clocks differ
BACKLOG_MESSAGES = 200  # so many may wait to be delivered before the history pauses


@dataclass(frozen=True, slots=True)
class Lister:
    """Lists the folders of one mailbox, in the thread that owns the receiver.

    Attributes:
        refused: folders that could not be opened when they were last tried, and why.
    """

    mailbox: MailboxAddress
    journal: Journal
    reception: ReceptionSettings
    clock: Clock
    refused: dict[str, PermanentRefusal] = field(default_factory=dict)

    def note_arrivals(self, receiver: Receiver, folder: str) -> int:
        """Note a slice of what has arrived in a folder.

        Returns:
            How many messages were listed; 0 when there is nothing more, or the folder is not there.

        Raises:
            OperatorError: the connection broke.
        """
        try:
            mark = self.journal.folder_mark(self.mailbox, folder) or self._first(receiver, folder)
            known = (mark.uid_validity, mark.listed_uid)
            places = receiver.list_new(folder, known_after=known, limit=SLICE_MESSAGES)
        except FolderMissing as missing:
            self.refused[folder] = missing
            return 0
        self.refused.pop(folder, None)
        if places and places[0].uid_validity != mark.uid_validity:
            self._renumbered(receiver, mark)
            return 0
        if places:
            self.journal.note_seen(self.mailbox, places, mark=replace(mark, listed_uid=places[-1].uid))
        return len(places)

    def note_history(self, receiver: Receiver) -> bool:
        """Note a slice of the history of each folder, unless the LPS's folder is behind.

        Returns:
            True when something was looked at.
        """
        marks = self._unfinished()
        if not marks or self._is_behind():
            return False
        for mark in marks:
            self._slice(receiver, mark)
        return True

    def goes_on(self) -> bool:
        """True while another slice of history can be asked for at once."""
        return bool(self._unfinished()) and not self._is_behind()

    def progress(self) -> str:
        """How far the histories are, in English; empty when there is none left."""
        return ", ".join(f"history of {m.folder}: {m.looked} of {m.total}" for m in self._unfinished())

    def _first(self, receiver: Receiver, folder: str) -> FolderMark:
        """Decide what is fetched of a folder that was never met."""
        rule = self.reception.first_connection
        since = None
        if rule is FirstConnection.DAYS:
            since = self.clock.now() - timedelta(days=self.reception.first_days)
        survey = receiver.survey(folder, since=since)
        mark = self._history(folder, survey, since)
        if rule is FirstConnection.NEW:
            mark = replace(mark, history_uid=mark.history_end, since=self._from_now(survey.newest), total=0)
        self.journal.set_folder_mark(mark, why=f"first connection, {rule}")
        return mark

    def _from_now(self, newest: datetime | None) -> datetime | None:
        """What tells new messages from old ones once their UIDs mean nothing any more: the server's own dates.

        In the second of the newest message another one may just have arrived; when in doubt, it is fetched.
        """
        if newest is not None and self.clock.now() - newest >= LONG_AGO:
            return newest + timedelta(seconds=1)
        return newest

    def _renumbered(self, receiver: Receiver, before: FolderMark) -> None:
        survey = receiver.survey(before.folder, since=before.since)
        self.journal.set_folder_mark(self._history(before.folder, survey, before.since), why="numbered anew")

    def _history(self, folder: str, survey: FolderSurvey, since: datetime | None) -> FolderMark:
        """All that is there now is history, from a moment on."""
        end = survey.uid_next - 1
        return FolderMark(
            mailbox=self.mailbox, folder=folder, uid_validity=survey.uid_validity, listed_uid=end,
            history_uid=0, history_end=end, since=since, total=survey.count,
        )  # fmt: skip

    def _slice(self, receiver: Receiver, mark: FolderMark) -> None:
        places = receiver.list_new(
            mark.folder, known_after=(mark.uid_validity, mark.history_uid), through=mark.history_end,
            since=mark.since, limit=SLICE_MESSAGES,
        )  # fmt: skip
        if places and places[0].uid_validity != mark.uid_validity:
            self._renumbered(receiver, mark)
            return
        taken = _bounded(places)
        is_last = len(places) < SLICE_MESSAGES and len(taken) == len(places)
        looked_up_to = mark.history_end if is_last else taken[-1].uid
        self.journal.note_seen(
            self.mailbox, taken, mark=replace(mark, history_uid=looked_up_to, looked=mark.looked + len(taken))
        )

    def _unfinished(self) -> list[FolderMark]:
        """Of the folders that can be opened, those whose history is not finished."""
        there = (folder for folder in self.reception.folders if folder not in self.refused)
        marks = (self.journal.folder_mark(self.mailbox, folder) for folder in there)
        return [mark for mark in marks if mark is not None and mark.has_history_left]

    def _is_behind(self) -> bool:
        return self.journal.backlog(self.mailbox, limit=BACKLOG_MESSAGES) >= BACKLOG_MESSAGES


def _bounded(places: Sequence[ServerMessage]) -> Sequence[ServerMessage]:
    """The first of them, together not much larger than a slice may be; one at least."""
    total = 0
    for number, place in enumerate(places):
        total += place.size_bytes
        if total > SLICE_BYTES and number:
            return places[:number]
    return places
