"""Names of folders: as a person writes them in the settings, and as this server has them.

imapclient writes modified UTF-7 (RFC 3501 5.1.3). Between the levels a person writes ``/``; servers have ``.`` too,
and some keep everything below a prefix (``INBOX.``, RFC 2342).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from connector.operators.errors import FolderMissing, PermanentRefusal
from connector.operators.smtp_imap.imap import ImapConnection, failures

__all__ = ["FolderNames", "spellings"]


def spellings(folder: str, *, delimiter: str, prefix: str) -> Iterator[str]:
    """The names under which a server may have a folder, each once, the likeliest first.

    Args:
        folder: as a person wrote it.
        delimiter: what separates levels on the server; empty = it has no levels.
        prefix: below which a person's own folders are; may be empty.
    """
    own = folder.replace("/", delimiter) if delimiter else folder
    below = own if own.casefold().startswith(prefix.casefold()) else prefix + own
    yield from dict.fromkeys([folder, own, below])


@dataclass(slots=True)
class FolderNames:
    """What the folders of one mailbox are called on the server; remembered once it is known."""

    _known: dict[str, str] = field(default_factory=dict)

    def select(self, client: ImapConnection, folder: str, *, readonly: bool) -> dict[bytes, Any]:
        """Select a folder under the name that the server knows.

        Returns:
            The answer to SELECT.

        Raises:
            FolderMissing: it has none of that name that we may open.
        """
        answer = _selected(client, self._known.get(folder, folder), readonly=readonly)
        if isinstance(answer, PermanentRefusal):
            first = answer
            for name in _candidates(client, folder):
                answer = _selected(client, name, readonly=readonly)
                if not isinstance(answer, PermanentRefusal):
                    self._known[folder] = name
                    return answer
            raise FolderMissing(folder, answer=first.answer) from first
        return answer

    def target(self, client: ImapConnection, folder: str) -> str:
        """The server's name of a folder that messages are put into; made when it is not there.

        Raises:
            FolderMissing: it is not there and cannot be made.
        """
        if folder not in self._known:
            names = list(_candidates(client, folder))
            self._known[folder] = next(filter(client.folder_exists, names), "") or _made(client, folder, names[-1])
        return self._known[folder]

    def is_same(self, client: ImapConnection, folder: str, target: str) -> bool:
        """True when two names of ours mean one folder of the server, of which the first has been selected."""
        if folder == target:
            return True
        name = self._known.get(folder, folder)
        return name == self.target(client, target) or {name.upper(), target.upper()} == {"INBOX"}


def _selected(client: ImapConnection, name: str, *, readonly: bool) -> dict[bytes, Any] | PermanentRefusal:
    try:
        with failures():
            answer: dict[bytes, Any] = client.select_folder(name, readonly)
    except PermanentRefusal as refusal:
        return refusal
    return answer


def _candidates(client: ImapConnection, folder: str) -> Iterator[str]:
    """Every spelling, with what the server says of its delimiter and prefix."""
    with failures():
        listed = client.list_folders("", "")
        personal = client.namespace().personal if client.has_capability("NAMESPACE") else None
    delimiter = next((part.decode("ascii", "replace") for _, part, _ in listed if part), "")
    prefix = str(personal[0][0]) if personal else ""
    return spellings(folder, delimiter=delimiter, prefix=prefix)


def _made(client: ImapConnection, folder: str, name: str) -> str:
    try:
        with failures():
            client.create_folder(name)
    except PermanentRefusal as refusal:
        raise FolderMissing(folder, answer=refusal.answer) from refusal
    return name
