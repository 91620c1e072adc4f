"""Folders of mailboxes in memory, with UIDs as IMAP gives them."""

import re
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["DONE_FLAGS", "KEYWORD", "FakeFolder", "StoredMessage"]

KEYWORD = "$MSSConnectorDone"
DONE_FLAGS = frozenset({"\\Seen", KEYWORD})
_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True)
class StoredMessage:
    """One message in a folder."""

    uid: int
    content: bytes = field(repr=False)
    received_at: datetime
    flags: set[str] = field(default_factory=set)

    @property
    def message_id(self) -> str:
        """As in the header, with angle brackets; empty when there is none."""
        match = _MESSAGE_ID.search(self.content.partition(b"\r\n\r\n")[0] + b"\r\n")
        return match[1].decode("ascii", "replace") if match else ""


@dataclass(slots=True)
class FakeFolder:
    """One folder; its UIDs only grow."""

    uid_validity: int
    messages: list[StoredMessage] = field(default_factory=list)
    next_uid: int = 1

    def add(self, content: bytes, received_at: datetime, flags: set[str] | None = None) -> StoredMessage:
        """Put a message at the end."""
        message = StoredMessage(self.next_uid, content, received_at, flags or set())
        self.next_uid += 1
        self.messages.append(message)
        return message

    def remove(self, uid: int) -> None:
        """Take a message away, if it is there."""
        self.messages = [message for message in self.messages if message.uid != uid]
