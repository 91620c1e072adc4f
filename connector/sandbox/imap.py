"""IMAP as MSSanté operators offer it: STARTTLS first, client certificate, SASL EXTERNAL, PLAIN or LOGIN, IDLE.

pymap speaks IMAP. Its TLS context asks for the client certificate during STARTTLS, so that one can be demanded
here as on SMTP; pymap has no use for it, so EXTERNAL is added here. Its in-memory store is kept on disk too.
"""

import asyncio
import json
import ssl
from argparse import Namespace
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, closing, suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from proxyprotocol.sock import SocketInfoLocal
from pymap.backend.dict import Config, Identity, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet, Message
from pymap.concurrent import Subsystem
from pymap.context import connection_exit, socket_info
from pymap.exceptions import InvalidAuth
from pymap.flags import FlagOp
from pymap.imap import IMAPConnection
from pymap.imap.state import ConnectionState
from pymap.interfaces.login import IdentityInterface
from pymap.interfaces.message import CachedMessage
from pymap.parsing.message import AppendMessage
from pymap.parsing.response import CommandResponse, Response, ResponseOk
from pymap.parsing.specials import Flag, ObjectId
from pymap.parsing.specials.flag import Wildcard
from pymap.user import UserMetadata
from pysasl import SASLAuth
from pysasl.creds.external import ExternalCredentials
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import Cleartext

from connector.sandbox.certificates import certificate_mailboxes
from connector.sandbox.moods import MoodKind, Moods

__all__ = ["INBOX", "SENT", "FolderMailbox", "ImapServer"]

INBOX = "INBOX"
SENT = "Sent"


class FolderMailbox(MailboxData):
    """A mailbox of pymap that also writes each message, its flags and its UIDs into a directory.

    Args:
        caches: the two caches that pymap shares between the mailboxes of one user.
        directory: where; made when it is not there.
    """

    def __init__(self, caches: tuple[Any, Any], directory: Path) -> None:
        super().__init__(*caches)
        self.contents: dict[int, bytes] = {}
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        r"""Keywords are kept too (``\\*`` in PERMANENTFLAGS)."""
        return super().permanent_flags | {Wildcard}

    async def load(self) -> None:
        """Read what an earlier run left: same UIDVALIDITY, UIDs, flags and dates."""
        numbering = self._directory / "uids.json"
        if numbering.exists():
            values = json.loads(numbering.read_text("utf-8"))
            self._uid_validity = values["uid_validity"]
            for path in sorted(self._directory.glob("*.eml")):
                await self._load_message(path)
            self._max_uid = max(self._max_uid, values["max_uid"])
        self._save_numbering()

    def renumber(self) -> None:
        """Forget the numbering: a new UIDVALIDITY, as after a restore at the operator's."""
        self._uid_validity += 1
        self._save_numbering()

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        """Add a message, on disk first."""
        when = append_msg.when or datetime.now(UTC)
        dated = AppendMessage(append_msg.literal, when, append_msg.flag_set, append_msg.options)
        message = await super().append(dated, recent=recent)
        self._keep(message, bytes(append_msg.literal))
        return message

    async def copy(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        """Copy a message to another mailbox."""
        content = self.contents.get(uid)
        new_uid = await super().copy(uid, destination, recent=recent)
        _keep_copy(destination, new_uid, content)
        return new_uid

    async def move(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        """Move a message to another mailbox."""
        content = self.contents.get(uid)
        new_uid = await super().move(uid, destination, recent=recent)
        _keep_copy(destination, new_uid, content)
        self._forget([uid])
        return new_uid

    async def update(self, uid: int, cached_msg: CachedMessage, flag_set: frozenset[Flag], mode: FlagOp) -> Message:
        """Change the flags of a message."""
        message = await super().update(uid, cached_msg, flag_set, mode)
        if uid in self.contents:
            self._save_facts(message)
        return message

    async def delete(self, uids: Iterable[int]) -> None:
        """Expunge messages."""
        gone = list(uids)
        await super().delete(gone)
        self._forget(gone)

    def _keep(self, message: Message, content: bytes) -> None:
        self.contents[message.uid] = content
        self._save_facts(message)
        self._path(message.uid, "eml").write_bytes(content)
        self._save_numbering()

    def _forget(self, uids: Iterable[int]) -> None:
        for uid in uids:
            self.contents.pop(uid, None)
            self._path(uid, "eml").unlink(missing_ok=True)
            self._path(uid, "json").unlink(missing_ok=True)

    def _save_facts(self, message: Message) -> None:
        flags = sorted(bytes(flag).decode("ascii") for flag in message.permanent_flags)
        facts = {"received": message.internal_date.isoformat(), "flags": flags}
        self._path(message.uid, "json").write_text(json.dumps(facts), "utf-8")

    def _save_numbering(self) -> None:
        values = {"uid_validity": self._uid_validity, "max_uid": self._max_uid}
        (self._directory / "uids.json").write_text(json.dumps(values), "utf-8")

    async def _load_message(self, path: Path) -> None:
        self._max_uid = int(path.stem) - 1
        await self.append(_read_message(path))

    def _path(self, uid: int, suffix: str) -> Path:
        return self._directory / f"{uid:08d}.{suffix}"


def _read_message(path: Path) -> AppendMessage:
    facts = json.loads(path.with_suffix(".json").read_text("utf-8"))
    flags = frozenset(Flag(flag.encode("ascii")) for flag in facts["flags"])
    return AppendMessage(path.read_bytes(), datetime.fromisoformat(facts["received"]), flags)


def _keep_copy(destination: MailboxData, uid: int | None, content: bytes | None) -> None:
    if isinstance(destination, FolderMailbox) and uid is not None and content is not None:
        destination._keep(destination._messages[uid], content)  # same class


class _FolderMailboxSet(MailboxSet):
    """All mailboxes of one user, in directories named by number (names from outside never become paths)."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        index = directory / "folders.json"
        self._names: list[str] = json.loads(index.read_text("utf-8")) if index.exists() else []
        self._inbox: FolderMailbox = self._new(INBOX)

    async def load(self) -> None:
        """Read what an earlier run left, and make the Sent folder."""
        await self._inbox.load()
        for name in dict.fromkeys([*self._names[1:], SENT]):
            await self.add_mailbox(name)

    def _new(self, name: str) -> FolderMailbox:
        names = self._names
        if name not in names:
            names.append(name)
            (self._directory / "folders.json").write_text(json.dumps(names), "utf-8")
        caches = (self._content_cache, self._thread_cache)
        return FolderMailbox(caches, self._directory / f"{names.index(name):03d}")

    async def add_mailbox(self, name: str) -> ObjectId:
        """Make a mailbox, or find what an earlier run left of it."""
        if name in self._set:
            raise ValueError(name)
        mailbox = self._set[name] = self._new(name)
        await mailbox.load()
        return mailbox.mailbox_id


class _Login(Login):
    """Passwords as pymap checks them, and SASL EXTERNAL by the certificate of the connection."""

    moods: Moods
    holders: Mapping[str, str]  # of cards

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        if isinstance(credentials, ExternalCredentials):
            mailboxes = certificate_mailboxes(socket_info.get().peercert, self.holders)
            name = credentials.authzid.lower() or next(iter(mailboxes), "")
            identity = Identity(name, self, None, frozenset())
            if name not in mailboxes or name not in self.users_dict:
                raise InvalidAuth
        else:
            identity = await super().authenticate(credentials)
        if self.moods.take(MoodKind.REFUSE_IDENTITY, identity.name):
            raise InvalidAuth
        return identity

    async def authorize(self, authenticated: IdentityInterface, authzid: str) -> Identity:
        return await super().authorize(authenticated, authzid.lower() or authenticated.name)


class _Config(Config):
    """No plain-text log-in, not even from the same machine."""

    @property
    def initial_auth(self) -> SASLAuth:
        return SASLAuth([])

    @property
    def tls_auth(self) -> SASLAuth:
        return SASLAuth.named([b"EXTERNAL", b"PLAIN", b"LOGIN"])

    @property
    def greeting(self) -> bytes:
        return b"Bac a sable MSSante"


class _State(ConnectionState):
    """pymap trusts connections from localhost; we do not."""

    async def do_greeting(self) -> CommandResponse:
        self.auth = self.config.initial_auth
        return ResponseOk(b"*", self.config.greeting, self.capability)


class _Connection(IMAPConnection):
    """pymap writes answers in crumbs, each a TLS record of its own; real servers send whole lines."""

    async def write_response(self, resp: Response) -> None:
        whole = BytesIO()
        await resp.async_write(whole)
        with suppress(ConnectionError):  # the read that follows ends the connection
            self.writer.write(whole.getvalue())
            await self.writer.drain()


class ImapServer:
    """The IMAP side of the sandbox operator. One event loop owns it.

    Args:
        tls: server context; it decides whether a client certificate is demanded.
        directory: where the mail is kept.
        moods: what goes wrong.
        idle: announce IDLE.
        holders: of cards: national identifier to address.
    """

    def __init__(
        self, tls: ssl.SSLContext, directory: Path, moods: Moods, *, idle: bool = True,
        holders: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._config = _Config(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=None,
            port=0,
            ssl_context=tls,
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
            invalid_user_sleep=0.0,
            disable_idle=not idle,
            demo_data=False,
            demo_user="",
            demo_password="",
        )
        self._login = _Login(self._config)
        self._login.moods = moods
        self._login.holders = holders or {}
        self._directory = directory
        self._connections: set[asyncio.StreamWriter] = set()

    async def add_user(self, address: str, password: str) -> None:
        """Open a mailbox with an INBOX and a Sent folder.

        Args:
            address: lower case; the log-in name.
            password: clear.
        """
        name = "".join(char if char.isalnum() or char in "-_.@" else "_" for char in address).lstrip(".")
        mailboxes = _FolderMailboxSet(self._directory / name)
        await mailboxes.load()
        self._config.set_cache[address] = (mailboxes, FilterSet())
        self._login.users_dict[address] = UserMetadata(self._config, address, password=password)

    async def mailbox(self, address: str, folder: str) -> FolderMailbox:
        """One folder of a mailbox.

        Raises:
            KeyError: no such mailbox or folder.
        """
        mailboxes, _ = self._config.set_cache[address.lower()]
        mailbox = await mailboxes.get_mailbox(folder)
        if not isinstance(mailbox, FolderMailbox):
            raise KeyError(folder)
        return mailbox

    async def deliver(self, address: str, folder: str, content: bytes) -> None:
        r"""Add a message: new in the INBOX, ``\Seen`` elsewhere; IDLE clients hear of it."""
        mailbox = await self.mailbox(address, folder)
        flags = frozenset() if folder == INBOX else frozenset([Flag(b"\\Seen")])
        await mailbox.append(AppendMessage(content, datetime.now(UTC), flags), recent=True)

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listen."""
        return await asyncio.start_server(self._connected, host, port)

    def drop_connections(self) -> None:
        """Cut every connection without a word."""
        for writer in tuple(self._connections):
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = SocketInfoLocal(writer, unique_id=uuid4().bytes)
        connection = _Connection(self._config.commands, self._config, reader, writer, info)
        self._connections.add(writer)
        try:
            async with AsyncExitStack() as stack:
                connection_exit.set(stack)
                stack.enter_context(closing(connection))
                await connection.run(_State(self._login, self._config))
        except (OSError, EOFError):  # the client went away, or TLS failed: nobody to tell
            writer.transport.abort()
        finally:
            self._connections.discard(writer)
