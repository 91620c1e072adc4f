"""The shelf of bad moods: what an operator can be told to do wrong, from tests and by LPS vendors.

The same moods act in :class:`connector.sandbox.operator.EmbeddedOperator` and in
:class:`connector.testing.operator.FakeOperator`.
"""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["Mood", "MoodKind", "Moods"]


class MoodKind(StrEnum):
    """One way to misbehave. SMTP answers are those that real operators give."""

    REFUSE_RECIPIENT = "refuse_recipient"
    """``550 5.1.1`` to RCPT."""
    DEFER_RECIPIENT = "defer_recipient"
    """``451 4.7.1`` to RCPT (greylisting)."""
    MAILBOX_FULL = "mailbox_full"
    """``452 4.2.2`` to RCPT."""
    REFUSE_CONTENT = "refuse_content"
    """``554 5.6.0`` after the content."""
    DEFER_CONTENT = "defer_content"
    """``451 4.3.0`` after the content."""
    CUT_IN_DATA = "cut_in_data"
    """The connection dies while the content arrives: nothing was accepted."""
    CUT_AFTER_DATA = "cut_after_data"
    """The content is accepted and delivered, but the connection dies before the answer is told."""
    SLOW_ANSWER = "slow_answer"
    """The answer to the content comes after ``seconds``."""
    REFUSE_IDENTITY = "refuse_identity"
    """``535 5.7.8`` to AUTH, ``NO`` to IMAP logins."""
    BOUNCE_LATER = "bounce_later"
    """Accepted with 250, then a DSN ``failed`` comes back for the recipient."""
    NO_RECEIPT = "no_receipt"
    """The delivery receipt that was asked for never comes."""
    NOT_FILED = "not_filed"
    """No copy is filed in the Sent folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """One mood that is on.

    Args:
        kind: what goes wrong.
        address: the recipient, or the mailbox that logs in, that it concerns; empty = all.
        times: how often, then it passes by itself; ``None`` = until :meth:`Moods.calm`.
        seconds: for :attr:`MoodKind.SLOW_ANSWER`.
    """

    kind: MoodKind
    address: str = ""
    times: int | None = None
    seconds: float = 0.0

    def concerns(self, kind: MoodKind, address: str) -> bool:
        """True when this mood acts on such an event."""
        return self.kind is kind and self.address.lower() in ("", address.lower())


class Moods:
    """The moods that are on; safe between threads."""

    def __init__(self) -> None:
        self._on: list[Mood] = []
        self._lock = threading.Lock()

    def put_on(self, mood: Mood) -> None:
        """Switch a mood on, besides those that are on."""
        with self._lock:
            self._on.append(mood)

    def calm(self) -> None:
        """Switch all moods off."""
        with self._lock:
            self._on.clear()

    def take(self, kind: MoodKind, address: str = "") -> Mood | None:
        """The mood that acts on this event, or ``None``; a mood with a count is used up by one."""
        with self._lock:
            for index, mood in enumerate(self._on):
                if mood.concerns(kind, address):
                    self._use_up(index)
                    return mood
        return None

    def _use_up(self, index: int) -> None:
        mood = self._on[index]
        if mood.times is None:
            return
        if mood.times <= 1:
            del self._on[index]
        else:
            self._on[index] = replace(mood, times=mood.times - 1)
