"""Reception over IMAP (RFC 3501, RFC 9051)."""

import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from itertools import groupby
from typing import Any, Self

from imapclient.exceptions import IMAPClientError

from connector.identities.base import Identity
from connector.operators.base import FetchedMessage, Lookup, ServerMessage
from connector.operators.errors import ConnectionFailed, PermanentRefusal, TemporaryRefusal
from connector.operators.resumption import may_try_without
from connector.operators.smtp_imap.idle import idle, pause
from connector.operators.smtp_imap.imap import ImapConnection, failures, open_connection, shut
from connector.operators.tls import TlsPolicy
from connector.operators.trust import Trust
from connector.settings.model import OperatorSettings

__all__ = ["DONE_KEYWORD", "ImapReceiver"]

DONE_KEYWORD = "$MSSConnectorDone"
"""Keyword that says: the connector has delivered this message."""

BATCH_BYTES = 8 * 1024 * 1024
BATCH_MESSAGES = 50
UIDS_PER_COMMAND = 500
GOODBYE_SECONDS = 2.0
_SEEN = rb"\Seen"
_MESSAGE_ID = re.compile(rb"<[^<>\s]+>")


@dataclass(slots=True)
class _View:
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


@dataclass(slots=True)
class ImapReceiver:
    """Implements :class:`connector.operators.base.Receiver`. Blocking; one thread owns it.

    It connects when it is first needed. Any error drops the connection, and the next call connects again: whether
    and when to do so is the caller's decision.
    """

    settings: OperatorSettings
    identity: Identity
    trust: Trust = field(default_factory=Trust.from_files_only)
    tls: TlsPolicy = field(init=False)
    _client: ImapConnection | None = field(default=None, init=False)
    _context: ssl.SSLContext | None = field(default=None, init=False)  # that the connection was made with
    _revision: str = field(default="", init=False)  # of the identity that it was made with
    _view: _View | None = field(default=None, init=False)  # of the selected folder
    _listed: _View | None = field(default=None, init=False)  # at the last list_new

    def __post_init__(self) -> None:
        self.tls = TlsPolicy(self.settings.tls, self.identity, self.trust, self.settings.resume_tls_sessions)

    def list_new(self, folder: str, *, known_after: tuple[int, int] | None) -> Sequence[ServerMessage]:
        r"""What is new; see :class:`connector.operators.base.Receiver`.

        Where the server refuses keywords, ``\Seen`` takes their place. As a person reading the mailbox elsewhere
        sets it too, it is then not asked for beyond ``known_after``.
        """
        with self._talking() as client:
            view = self._listed = self._select(client, folder)
            after = known_after[1] if known_after is not None and known_after[0] == view.validity else 0
            uids = sorted(uid for uid in self._search(client, view, after) if uid > after)  # "9:*" finds 8 too
            return [message for part in _parts(uids) for message in _described(client, view, part)]

    def fetch(self, places: Sequence[ServerMessage]) -> Iterator[FetchedMessage]:
        """Raw bytes in bounded batches; see :class:`connector.operators.base.Receiver`."""
        for folder, validity, group in _by_folder(places):
            for batch in _batches(self._sized(folder, validity, group)):
                yield from self._fetch_batch(folder, validity, batch)

    def mark_done(self, places: Iterable[ServerMessage]) -> None:
        r"""Set ``\Seen`` and our keyword; a message that is gone, or whose UIDVALIDITY is, is left out."""
        for folder, validity, group in _by_folder(places):
            with self._talking() as client:
                view = self._select_again(client, folder)
                if view.validity == validity:
                    for part in _parts([place.uid for place in group]):
                        _flag(client, view, part)

    def find_sent(self, message_id: str) -> Lookup:
        """Look for a Message-ID; see :class:`connector.operators.base.Receiver`."""
        folder = self.settings.sent_folder
        if folder is None:
            return Lookup.CANNOT_TELL
        with self._talking() as client:
            try:
                self._select(client, folder, readonly=True)
            except PermanentRefusal:
                return Lookup.CANNOT_TELL
            self._view = None  # selected for reading only
            if client.search(["HEADER", "Message-ID", message_id]):
                return Lookup.FOUND
        return Lookup.MISSING if self.settings.files_sent_messages else Lookup.CANNOT_TELL

    def wait(self, folder: str, *, seconds: float, stop: Callable[[], bool]) -> bool:
        """Wait for news; see :class:`connector.operators.base.Receiver`. IDLE is renewed after ``idle_seconds``."""

        def told() -> bool:
            return stop() or self._is_stale()

        with self._talking() as client:
            view = self._select(client, folder)  # news since list_new may have come between other commands
            if self._listed is not None and view.is_newer_than(self._listed):
                return True
            if client.has_capability("IDLE"):
                return self._idle(client, seconds, told)
        pause(seconds=seconds, stop=told)
        return False

    def drop_stale(self) -> bool:
        """Log out when the identity has changed; see :class:`connector.operators.base.Receiver`."""
        if self._is_stale():
            self.close()
        return self._client is not None

    def close(self) -> None:
        """Log out; never raises."""
        client, self._client, self._view = self._client, None, None
        if client is not None:
            try:
                client.socket().settimeout(GOODBYE_SECONDS)
                client.logout()
            except (OSError, IMAPClientError):
                shut(client)

    @contextmanager
    def _talking(self) -> Iterator[ImapConnection]:
        """The open connection; dropped when something breaks, kept after a mere refusal."""
        self.drop_stale()
        context = self.tls.context()
        if self._client is not None and self._context is not context:  # other authorities or lists since
            self.close()
        try:
            if self._client is None:
                revision = self.identity.revision()
                self._client = self._open(context)
                self._context, self._revision = context, revision
            with failures():
                yield self._client
        except (PermanentRefusal, TemporaryRefusal):
            raise
        except BaseException:
            client, self._client, self._view = self._client, None, None
            shut(client)
            raise

    def _is_stale(self) -> bool:
        return self._client is not None and self._revision != self.identity.revision()

    def _open(self, context: ssl.SSLContext) -> ImapConnection:
        """A new connection; once more without the remembered TLS session when the server dropped it for that."""
        try:
            return open_connection(self.settings, self.tls, self.identity)
        except ConnectionFailed as failure:
            if not may_try_without(context, self.settings.imap.host, failure):
                raise
        return open_connection(self.settings, self.tls, self.identity)

    def _select(self, client: ImapConnection, folder: str, *, readonly: bool = False) -> _View:
        self._view = None
        with failures():
            self._view = _View.of(folder, client.select_folder(folder, readonly))
        return self._view

    def _select_again(self, client: ImapConnection, folder: str) -> _View:
        if self._view is not None and self._view.folder == folder:
            return self._view
        return self._select(client, folder)

    def _search(self, client: ImapConnection, view: _View, after: int) -> list[int]:
        try:
            with failures():
                return list(client.search(_criteria(view, after)))
        except PermanentRefusal:
            if not view.keywords:
                raise
            view.keywords = False
            return list(client.search(_criteria(view, after)))

    def _idle(self, client: ImapConnection, seconds: float, stop: Callable[[], bool]) -> bool:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            longest = min(left, self.settings.idle_seconds)
            if idle(client, seconds=longest, stop=stop, answer_seconds=self.settings.answer_seconds):
                return True
            if stop():
                break
        return False

    def _sized(self, folder: str, validity: int, group: list[ServerMessage]) -> list[tuple[ServerMessage, int]]:
        """Each place with its size, asked for where it is not known yet."""
        unknown = [place.uid for place in group if not place.size_bytes]
        sizes: dict[int, int] = {}
        if unknown:
            with self._talking() as client:
                if self._select_again(client, folder).validity == validity:
                    for part in _parts(unknown):
                        found = client.fetch(part, ["RFC822.SIZE"])
                        sizes |= {uid: values.get(b"RFC822.SIZE", 0) for uid, values in found.items()}
        return [(place, place.size_bytes or sizes.get(place.uid, 0)) for place in group]

    def _fetch_batch(self, folder: str, validity: int, batch: list[ServerMessage]) -> list[FetchedMessage]:
        with self._talking() as client:
            if self._select_again(client, folder).validity != validity:
                return []
            found = client.fetch([place.uid for place in batch], ["BODY.PEEK[]", "INTERNALDATE"])
        return [
            FetchedMessage(place, values[b"INTERNALDATE"].astimezone(UTC), values[b"BODY[]"])
            for place, values in ((place, found.get(place.uid, {})) for place in batch)
            if values.get(b"BODY[]") is not None  # else it vanished
        ]


def _criteria(view: _View, after: int) -> list[str]:
    range_ = ["UID", f"{after + 1}:*"] if after else []
    if view.keywords:
        return [*range_, "UNKEYWORD", DONE_KEYWORD]
    return range_ or ["UNSEEN"]


def _described(client: ImapConnection, view: _View, uids: list[int]) -> Iterator[ServerMessage]:
    found = client.fetch(uids, ["RFC822.SIZE", "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"])
    for uid in uids:
        values = found.get(uid)
        if values and b"RFC822.SIZE" in values:
            header = next((value for key, value in values.items() if key.startswith(b"BODY[HEADER")), None) or b""
            match = _MESSAGE_ID.search(header)
            message_id = match[0].decode("ascii", "replace") if match else ""
            yield ServerMessage(view.folder, view.validity, uid, int(values[b"RFC822.SIZE"]), message_id)


def _flag(client: ImapConnection, view: _View, uids: list[int]) -> None:
    if view.keywords:
        try:
            with failures():
                client.add_flags(uids, [_SEEN, DONE_KEYWORD.encode()], silent=True)
        except PermanentRefusal:
            view.keywords = False
        else:
            return
    client.add_flags(uids, [_SEEN], silent=True)


def _by_folder(places: Iterable[ServerMessage]) -> Iterator[tuple[str, int, list[ServerMessage]]]:
    ordered = sorted(places)
    for (folder, validity), group in groupby(ordered, key=lambda place: (place.folder, place.uid_validity)):
        yield folder, validity, list(group)


def _parts(uids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(uids), UIDS_PER_COMMAND):
        yield uids[start : start + UIDS_PER_COMMAND]


def _batches(sized: Iterable[tuple[ServerMessage, int]]) -> Iterator[list[ServerMessage]]:
    """Groups that are bounded in number and bytes; a larger message travels alone."""
    batch: list[ServerMessage] = []
    total = 0
    for place, size in sized:
        if batch and (len(batch) >= BATCH_MESSAGES or total + size > BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(place)
        total += size
    if batch:
        yield batch
