"""Reception over IMAP (RFC 3501, RFC 9051)."""

import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, islice

from imapclient.exceptions import IMAPClientError

from connector.identities.base import Identity
from connector.operators.base import FetchedMessage, FolderSurvey, Lookup, ServerMessage
from connector.operators.errors import ConnectionFailed, PermanentRefusal, TemporaryRefusal
from connector.operators.resumption import may_try_without
from connector.operators.smtp_imap.folders import FolderNames
from connector.operators.smtp_imap.idle import idle, pause
from connector.operators.smtp_imap.imap import ImapConnection, failures, open_connection, shut
from connector.operators.smtp_imap.listing import UIDS_PER_COMMAND, FolderView, Wanted, listed, parts, surveyed
from connector.operators.smtp_imap.tidying import Tidying
from connector.operators.tls import TlsPolicy
from connector.operators.trust import Trust
from connector.settings.model import OperatorSettings
from connector.settings.reception import AfterDelivery

__all__ = ["ImapReceiver"]

BATCH_BYTES = 8 * 1024 * 1024
BATCH_MESSAGES = 50
GOODBYE_SECONDS = 2.0


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
    _view: FolderView | None = field(default=None, init=False)  # of the selected folder
    _listed: dict[str, FolderView] = field(default_factory=dict, init=False)  # when new mail was last asked for
    _names: FolderNames = field(default_factory=FolderNames, init=False)

    def __post_init__(self) -> None:
        self.tls = TlsPolicy(self.settings.tls, self.identity, self.trust, self.settings.resume_tls_sessions)

    def survey(self, folder: str, *, since: datetime | None = None) -> FolderSurvey:
        """Count a folder; see :class:`connector.operators.base.Receiver`."""
        with self._talking() as client:
            return surveyed(client, self._select(client, folder), since)

    def list_new(
        self, folder: str, *, known_after: tuple[int, int] | None, through: int | None = None,
        since: datetime | None = None, limit: int | None = None,
    ) -> Sequence[ServerMessage]:  # fmt: skip
        r"""What is new; see :class:`connector.operators.base.Receiver`.

        Where the server refuses keywords, ``\Seen`` takes their place. As a person reading the mailbox elsewhere
        sets it too, it is then not asked for beyond ``known_after``.
        """
        with self._talking() as client:
            view = self._select(client, folder)
            if through is None:
                self._listed[folder] = view
            wanted = Wanted(since=since)
            if known_after is not None and known_after[0] == view.validity:
                wanted = Wanted(known_after[1], through, since)
            at_once = min(limit or UIDS_PER_COMMAND, UIDS_PER_COMMAND)
            return list(islice(listed(client, view, wanted, at_once=at_once), limit))

    def fetch(self, places: Sequence[ServerMessage]) -> Iterator[FetchedMessage]:
        """Raw bytes in bounded batches; see :class:`connector.operators.base.Receiver`."""
        for folder, validity, group in _by_folder(places):
            for batch in _batches(self._sized(folder, validity, group)):
                yield from self._fetch_batch(folder, validity, batch)

    def mark_done(
        self, places: Iterable[ServerMessage], *, after: AfterDelivery = AfterDelivery.SEEN, move_to: str = ""
    ) -> None:
        """Mark them, move or delete them; see :class:`connector.operators.base.Receiver`."""
        for folder, validity, group in _by_folder(places):
            with self._talking() as client:
                view = self._select_again(client, folder)
                if view.validity == validity:
                    tidying = Tidying(client, view, self._names)
                    for part in parts(group):
                        tidying.mark(part, after, move_to)

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
            before = self._listed.get(folder)
            if before is not None and view.is_newer_than(before):
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
            self._view = None  # what is selected now is not certain
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

    def _select(self, client: ImapConnection, folder: str, *, readonly: bool = False) -> FolderView:
        self._view = None
        self._view = FolderView.of(folder, self._names.select(client, folder, readonly=readonly))
        return self._view

    def _select_again(self, client: ImapConnection, folder: str) -> FolderView:
        if self._view is not None and self._view.folder == folder:
            return self._view
        return self._select(client, folder)

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
                    for part in parts(unknown):
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


def _by_folder(places: Iterable[ServerMessage]) -> Iterator[tuple[str, int, list[ServerMessage]]]:
    ordered = sorted(places)
    for (folder, validity), group in groupby(ordered, key=lambda place: (place.folder, place.uid_validity)):
        yield folder, validity, list(group)


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
