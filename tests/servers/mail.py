"""Messages to send, and a loop to send them on."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

from connector.domain.address import MailboxAddress
from connector.operators.base import Acceptance, OutgoingEnvelope, Sender

__all__ = ["Submitter", "envelope_for", "message"]

_Result = TypeVar("_Result")


def message(sender: MailboxAddress, *, message_id: str | None = None, body: bytes = b"Bonjour\r\n") -> bytes:
    """A small complete message with CRLF."""
    lines = (
        f"From: <{sender}>", "To: undisclosed-recipients:;", "Date: Fri, 20 Nov 2026 10:15:32 +0100",
        f"Message-ID: {message_id or f'<{uuid4()}@test>'}", "Subject: XDM/1.0/DDM",
    )  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def envelope_for(
    sender: MailboxAddress, *recipients: MailboxAddress, body: bytes = b"Bonjour\r\n", **changes: Any
) -> OutgoingEnvelope:
    """An envelope with a message of its own."""
    message_id = f"<{uuid4()}@test>"
    content = message(sender, message_id=message_id, body=body)
    values: dict[str, Any] = {
        "sender": sender,
        "recipients": recipients,
        "message_id": message_id,
        "content": content,
    } | changes
    return OutgoingEnvelope(**values)


def _nothing() -> None:
    pass


@dataclass
class Submitter:
    """Owns a sender and its loop for the length of a ``with`` block."""

    sender: Sender
    _runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self.sender.close())
        self._runner.close()

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return self._runner.run(work)

    def submit(self, envelope: OutgoingEnvelope, on_data: Callable[[], None] = _nothing) -> Acceptance:
        return self.run(self.sender.submit(envelope, on_data=on_data))
