"""The few words that people use for the many states of the machines."""

from dataclasses import dataclass

from connector.domain.states import IncomingState, OutgoingState

__all__ = ["PERSON_STATES", "PersonState"]

_O, _I = OutgoingState, IncomingState


@dataclass(frozen=True, slots=True)
class PersonState:
    """One group of states: its words, and the journal's counters behind it."""

    fr: str
    en: str
    keys: tuple[str, ...]
    command: str = ""  # what shows them one by one, when a person must look


def _out(*states: OutgoingState) -> tuple[str, ...]:
    return tuple(f"out:{state.value}" for state in states)


def _in(*states: IncomingState) -> tuple[str, ...]:
    return tuple(f"in:{state.value}" for state in states)


PERSON_STATES = (
    PersonState("partis", "left", _out(_O.SENT, _O.DELIVERED, _O.READ)),
    PersonState("en cours", "on their way", _out(_O.RECEIVED, _O.PREPARED, _O.SENDING)),
    PersonState(
        "vous attendent",
        "waiting for you",
        _out(_O.WAITING, _O.OUTCOME_UNKNOWN, _O.DUPLICATE),
        "mss-connector queue list --state waiting --state outcome_unknown --state duplicate",
    ),
    PersonState(
        "en échec",
        "failed",
        _out(_O.REJECTED, _O.FAILED, _O.BOUNCED),
        "mss-connector queue list --state rejected --state failed --state bounced",
    ),
    PersonState("arrivés", "arrived", _in(_I.DELIVERED, _I.ACKNOWLEDGED)),
    PersonState("à ouvrir", "being opened", _in(_I.SEEN, _I.STORED, _I.OPENED)),
    PersonState("mis à l'écart", "set aside", _in(_I.QUARANTINED)),
)
