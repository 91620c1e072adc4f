"""What happened, as a stream."""

from datetime import datetime

from pydantic import ConfigDict

from connector.client.models.base import Answer, example

__all__ = ["EventModel"]


class EventModel(Answer):
    """Data of one event; its number is the ``id`` of the event."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "number": 4711,
                "at": "2026-11-20T09:02:11Z",
                "kind": "message",
                "subject_id": "01KAGY6R8ZQ4M1T7C3H5E9V0XA",
                "mailbox": "dr.modele@exemple.mssante.fr",
                "action": "send",
                "outcome": "sent",
            }
        )
    )

    number: int
    at: datetime
    kind: str
    """``message`` (ask ``/messages/{subject_id}``), ``inbox`` (ask ``/inbox/{subject_id}``) or ``connector``
    (with ``action`` ``refuse`` or ``see``: ask ``/refusals/{subject_id}``)."""
    subject_id: str = ""
    mailbox: str = ""
    action: str
    """As in the timeline: ``take``, ``freeze``, ``send``, ``receipt``, ``deliver`` …"""
    outcome: str = ""
    """New state, perhaps followed by a code."""
