"""One message's story as a person follows it: taken, wrapped, sent, delivered, read. Pure.

When a step happened is told by the trace; where the message stands, by its state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.domain.states import OutgoingState, RecipientState
from connector.domain.text import Text
from connector.journal.records import OutgoingMessage, TraceEntry

__all__ = ["Progress", "Step", "StepName", "summary_of", "timeline"]

_O = OutgoingState


class StepName(StrEnum):
    """The five steps."""

    TAKEN = "taken"
    WRAPPED = "wrapped"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


class Progress(StrEnum):
    """How far a step is; each has a sign and a word besides its colour."""

    DONE = "done"
    NOW = "now"  # being done
    HELD = "held"  # waits for somebody or something
    FAILED = "failed"
    UNKNOWN = "unknown"  # the answer was lost
    STOPPED = "stopped"  # a person gave it up, or has to decide
    TODO = "todo"


STEP_WORDS: Mapping[StepName, Text] = {
    StepName.TAKEN: Text("Pris en charge", "Taken"),
    StepName.WRAPPED: Text("Emballé", "Wrapped"),
    StepName.SENT: Text("Envoyé", "Sent"),
    StepName.DELIVERED: Text("Remis", "Delivered"),
    StepName.READ: Text("Lu", "Read"),
}

PROGRESS_WORDS: Mapping[Progress, Text] = {
    Progress.DONE: Text("fait", "done"),
    Progress.NOW: Text("en cours", "under way"),
    Progress.HELD: Text("en attente", "waiting"),
    Progress.FAILED: Text("échec", "failed"),
    Progress.UNKNOWN: Text("issue inconnue", "outcome unknown"),
    Progress.STOPPED: Text("arrêté", "stopped"),
    Progress.TODO: Text("à venir", "to come"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one message."""

    name: StepName
    progress: Progress
    at: datetime | None = None  # when it was done, as far as it is known

    @property
    def label(self) -> Text:
        """The step in words."""
        return STEP_WORDS[self.name]

    @property
    def word(self) -> Text:
        """How far it is, in words."""
        return PROGRESS_WORDS[self.progress]


_STANDING: Mapping[OutgoingState, tuple[StepName, Progress]] = {
    _O.RECEIVED: (StepName.WRAPPED, Progress.NOW),
    _O.DUPLICATE: (StepName.WRAPPED, Progress.STOPPED),
    _O.PREPARED: (StepName.SENT, Progress.NOW),
    _O.SENDING: (StepName.SENT, Progress.NOW),
    _O.WAITING: (StepName.SENT, Progress.HELD),
    _O.OUTCOME_UNKNOWN: (StepName.SENT, Progress.UNKNOWN),
    _O.SENT: (StepName.DELIVERED, Progress.TODO),
    _O.DELIVERED: (StepName.READ, Progress.TODO),
    _O.READ: (StepName.READ, Progress.DONE),
    _O.BOUNCED: (StepName.DELIVERED, Progress.FAILED),
    _O.REJECTED: (StepName.WRAPPED, Progress.FAILED),
    _O.FAILED: (StepName.SENT, Progress.FAILED),
}
"""The step at which a message stands, and how; everything before it is done, everything after it to come."""


def timeline(message: OutgoingMessage, trace: Sequence[TraceEntry], *, read_receipt: bool) -> tuple[Step, ...]:
    """The steps of one message.

    Args:
        message: as it is.
        trace: of its submission, oldest first.
        read_receipt: whether the LPS asked to hear when it is read; without it that step is left out unless it came.

    Returns:
        The steps in order; where it failed or was given up, the story ends.
    """
    at, how = _STANDING.get(message.state) or _given_up(message)
    times, order = _times(message, trace), list(StepName)
    reached = order.index(at)
    steps = [
        *(Step(name, Progress.DONE, times.get(name)) for name in order[:reached]),
        Step(at, how, times.get(at) if how is Progress.DONE else None),
    ]
    if how not in (Progress.FAILED, Progress.STOPPED):
        steps += [Step(name, Progress.TODO) for name in order[reached + 1 :]]
    wants_read = read_receipt or StepName.READ in times
    return tuple(step for step in steps if step.name is not StepName.READ or wants_read)


def _given_up(message: OutgoingMessage) -> tuple[StepName, Progress]:
    """A cancelled message stopped where it was."""
    return (StepName.SENT if message.header_message_id else StepName.WRAPPED, Progress.STOPPED)


def _times(message: OutgoingMessage, trace: Sequence[TraceEntry]) -> dict[StepName, datetime]:
    """When each step was done last: a message that was sent again counts from then."""
    found: dict[StepName, datetime] = {}
    for entry in trace:
        if entry.subject_id not in (message.id, message.submission_id):
            continue
        step = _step_of(entry)
        if step is not None:
            found[step] = entry.at
    return found


def _step_of(entry: TraceEntry) -> StepName | None:
    state = entry.outcome.partition(" ")[0]
    match entry.action, state:
        case "take", _:
            return StepName.TAKEN
        case "freeze", _:
            return StepName.WRAPPED
        case "send" | "lookup", _O.SENT:
            return StepName.SENT
        case "receipt", _O.DELIVERED:
            return StepName.DELIVERED
        case "receipt", _O.READ:
            return StepName.READ
        case _:
            return None


_MOST_TELLING = (
    _O.OUTCOME_UNKNOWN, _O.FAILED, _O.REJECTED, _O.BOUNCED, _O.DUPLICATE, _O.WAITING, _O.SENDING, _O.PREPARED,
    _O.RECEIVED, _O.SENT, _O.DELIVERED, _O.READ, _O.CANCELLED,
)  # fmt: skip
_LOST = (RecipientState.REFUSED, RecipientState.BOUNCED)


def summary_of(messages: Sequence[OutgoingMessage]) -> tuple[OutgoingState, bool]:
    """What a list shows of a submission: its most telling state, and whether somebody did not get it all the same."""
    states = {message.state for message in messages}
    state = next((state for state in _MOST_TELLING if state in states), _O.RECEIVED)
    is_partial = state in (_O.SENT, _O.DELIVERED, _O.READ) and any(
        recipient.state in _LOST for message in messages for recipient in message.recipients
    )
    return state, is_partial
