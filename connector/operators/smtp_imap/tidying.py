r"""What becomes of delivered messages on the server: marked, then moved or deleted when that is wanted.

Nothing is ever expunged that was not named: MOVE (RFC 6851), or UID EXPUNGE (UIDPLUS, RFC 4315), never EXPUNGE.

Each name is a crash step; whatever happens in between, the same call again does the rest:

1. ``mark.set`` – the messages have our keyword, so that they are not listed as new wherever they go.
2. ``mark.copied`` – only without MOVE: they are in both folders. Copied again only when they are not in the target.
3. ``mark.tidied`` – they are gone from the folder; the next call does not find them and has nothing to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.domain.ports import reach
from connector.operators.base import ServerMessage
from connector.operators.errors import CannotTidy, PermanentRefusal, TemporaryRefusal
from connector.operators.smtp_imap.folders import FolderNames
from connector.operators.smtp_imap.imap import ImapConnection, failures
from connector.operators.smtp_imap.listing import DONE_KEYWORD, FolderView
from connector.settings.reception import AfterDelivery

__all__ = ["Tidying"]

_SEEN, _FLAGGED, _DELETED = rb"\Seen", rb"\Flagged", rb"\Deleted"
_KEYWORD = DONE_KEYWORD.encode()

Flags = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Tidying:
    """Tidies one selected folder."""

    client: ImapConnection
    view: FolderView
    names: FolderNames

    def mark(self, places: Sequence[ServerMessage], after: AfterDelivery, move_to: str) -> None:
        """Mark messages of the selected folder, and move or delete them if that is wanted.

        Raises:
            CannotTidy: they are marked, and the server offers no safe way to do the rest.
            FolderMissing: they are marked, and the target cannot be made.
        """
        uids = [place.uid for place in places]
        moves = after is AfterDelivery.MOVE and not self.names.is_same(self.client, self.view.folder, move_to)
        before = self.client.get_flags(uids) if moves and not self._offers("MOVE") else {}
        self._flag(uids, _FLAGGED if after is AfterDelivery.FLAG else _SEEN)
        reach("mark.set")
        if after is AfterDelivery.DELETE:
            self._remove(uids, "delete")
        elif moves and self._offers("MOVE"):
            self.client.move(uids, self.names.target(self.client, move_to))
            reach("mark.tidied")
        elif moves:
            self._copy_and_remove(places, self.names.target(self.client, move_to), before)

    def _flag(self, uids: list[int], flag: bytes) -> None:
        if self.view.keywords:
            try:
                with failures():
                    self.client.add_flags(uids, [flag, _KEYWORD], silent=True)
            except PermanentRefusal:
                self.view.keywords = False
            else:
                return
        self.client.add_flags(uids, [flag], silent=True)

    def _copy_and_remove(self, places: Sequence[ServerMessage], target: str, before: Mapping[int, Flags]) -> None:
        self._need_uidplus("move")
        there = self._copied_before(places, target, before)
        left = [place.uid for place in places if place.uid in before and place.uid not in there]
        if left:
            self.client.copy(left, target)
        reach("mark.copied")
        self._remove([place.uid for place in places], "move")

    def _copied_before(
        self, places: Sequence[ServerMessage], target: str, before: Mapping[int, Flags]
    ) -> frozenset[int]:
        r"""What an earlier attempt has copied: it bears our keyword, and ``\Deleted`` or a twin in the target."""
        tried = {uid: has for uid, has in before.items() if _KEYWORD in has or not self.view.keywords}
        there = {uid for uid, has in tried.items() if _DELETED in has}
        doubtful = [p for p in places if p.uid in tried and p.uid not in there and p.message_id]
        if doubtful:
            self.client.select_folder(target, readonly=True)
            there |= {p.uid for p in doubtful if self.client.search(["HEADER", "Message-ID", p.message_id])}
            self._select_again()
        return frozenset(there)

    def _select_again(self) -> None:
        """Back to the folder, whose UIDs must still mean the same messages."""
        now = FolderView.of(self.view.folder, self.names.select(self.client, self.view.folder, readonly=False))
        if now.validity != self.view.validity:
            raise TemporaryRefusal("OPERATEUR_DIFFERE", "the folder was numbered anew while it was tidied")

    def _remove(self, uids: list[int], what: str) -> None:
        self._need_uidplus(what)
        self.client.add_flags(uids, [_DELETED], silent=True)
        self.client.uid_expunge(uids)
        reach("mark.tidied")

    def _need_uidplus(self, what: str) -> None:
        if not self._offers("UIDPLUS"):
            raise CannotTidy(
                f"cannot {what}: the server offers neither {'MOVE nor ' if what == 'move' else ''}UIDPLUS"
            )

    def _offers(self, capability: str) -> bool:
        return bool(self.client.has_capability(capability))
