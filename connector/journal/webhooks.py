"""Up to where each webhook's receiver has been told: the number of the last entry of the trace that it accepted.

Moving a mark leaves no trace: it would itself be something new to tell.
"""

from sqlalchemy import bindparam, insert, select, update

from connector.journal.schema import webhook_marks
from connector.journal.store import JournalPart

__all__ = ["WebhookMarks"]

_c = webhook_marks.c
_ADD = insert(webhook_marks)
_ONE = select(_c.number).where(_c.name == bindparam("called"))
_MOVE = update(webhook_marks).where(_c.name == bindparam("called"))


class WebhookMarks(JournalPart):
    """The marks, by the name of the webhook in the settings."""

    def webhook_mark(self, name: str) -> int | None:
        """Number of the last event that was accepted; ``None`` when this webhook is new."""
        with self._store.read() as connection:
            return connection.execute(_ONE, {"called": name}).scalar()

    def move_webhook_mark(self, name: str, number: int) -> None:
        """Everything up to this event was accepted, for good.

        Args:
            name: of the webhook.
            number: of the event.
        """
        with self._store.write() as writing:
            moved = writing.run(_MOVE, {"called": name, "number": number, "at": writing.now})
            if not moved.rowcount:
                writing.run(_ADD, {"name": name, "number": number, "at": writing.now})
