"""The transition tables are complete, closed, and lead somewhere from everywhere."""

from collections.abc import Iterable

import pytest

from connector.domain.errors import IllegalTransition
from connector.domain.states import (
    INCOMING,
    INCOMING_FINAL,
    OUTGOING,
    OUTGOING_FINAL,
    IncomingEvent,
    IncomingState,
    OutgoingEvent,
    OutgoingState,
    next_incoming,
    next_outgoing,
)

OUT = [(state, event) for state in OutgoingState for event in OutgoingEvent]
IN = [(state, event) for state in IncomingState for event in IncomingEvent]


def reachable(start: OutgoingState) -> set[OutgoingState]:
    found, waiting = {start}, [start]
    while waiting:
        new = set(OUTGOING[waiting.pop()].values()) - found
        found |= new
        waiting.extend(new)
    return found


def test_every_state_has_a_row() -> None:
    assert set(OUTGOING) == set(OutgoingState)
    assert set(INCOMING) == set(IncomingState)


@pytest.mark.parametrize(("state", "event"), OUT, ids=str)
def test_an_outgoing_event_leads_where_the_table_says_or_is_refused(
    state: OutgoingState, event: OutgoingEvent
) -> None:
    if event in OUTGOING[state]:
        assert next_outgoing(state, event) is OUTGOING[state][event]
    else:
        with pytest.raises(IllegalTransition, match=f"{event.value} is not allowed in state {state.value}"):
            next_outgoing(state, event)


@pytest.mark.parametrize(("state", "event"), IN, ids=str)
def test_an_incoming_event_leads_where_the_table_says_or_is_refused(
    state: IncomingState, event: IncomingEvent
) -> None:
    if event in INCOMING[state]:
        assert next_incoming(state, event) is INCOMING[state][event]
    else:
        with pytest.raises(IllegalTransition):
            next_incoming(state, event)


def test_from_a_new_message_every_state_but_duplicate_can_be_reached() -> None:
    assert reachable(OutgoingState.RECEIVED) == set(OutgoingState) - {OutgoingState.DUPLICATE}


def test_from_every_state_that_is_not_final_a_final_one_can_be_reached() -> None:
    for state in set(OutgoingState) - OUTGOING_FINAL:
        assert reachable(state) & OUTGOING_FINAL, state


def test_an_unknown_outcome_is_left_only_by_a_look_a_receipt_or_a_person() -> None:
    allowed: Iterable[OutgoingEvent] = OUTGOING[OutgoingState.OUTCOME_UNKNOWN]
    assert OutgoingEvent.CLAIM not in allowed
    assert OutgoingEvent.DEFER not in allowed
    assert OutgoingEvent.EXPIRE not in allowed


def test_only_a_prepared_message_can_be_sent() -> None:
    assert [state for state in OutgoingState if OutgoingEvent.CLAIM in OUTGOING[state]] == [OutgoingState.PREPARED]


def test_what_left_never_becomes_prepared_again_without_a_person() -> None:
    left = (OutgoingState.SENT, OutgoingState.DELIVERED, OutgoingState.READ, OutgoingState.BOUNCED)
    for state in left:
        back = [event for event, after in OUTGOING[state].items() if after is OutgoingState.PREPARED]
        assert set(back) <= {OutgoingEvent.RETRY}


def test_nothing_is_acknowledged_on_the_server_before_it_is_delivered() -> None:
    before = [state for state in IncomingState if IncomingEvent.ACKNOWLEDGE in INCOMING[state]]
    assert before == [IncomingState.DELIVERED, IncomingState.RECEIPT, IncomingState.DUPLICATE]


def test_a_quarantined_message_can_be_opened_again_on_demand() -> None:
    assert next_incoming(IncomingState.QUARANTINED, IncomingEvent.REQUEUE) is IncomingState.STORED
    assert IncomingState.QUARANTINED in INCOMING_FINAL
