"""Whatever happens in whatever order, nothing that must not be true ever is."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from connector.domain.errors import IllegalTransition
from connector.domain.states import OUTGOING, OutgoingEvent, OutgoingState, RecipientState, WaitingFor
from connector.journal.records import RecipientChange
from connector.testing.clock import FakeClock
from tests.journal.journal_builders import BOX, CC, TO, Scene, file_of, frozen, open_journal, submission

_OWN_QUESTION = {OutgoingEvent.FREEZE, OutgoingEvent.CLAIM}
_RECORDED = sorted(set(OutgoingEvent) - _OWN_QUESTION)


class OutgoingMachine(RuleBasedStateMachine):
    """The outgoing questions of the journal, beside a model that only knows the table of states."""

    messages: Bundle[str] = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FakeClock()
        self.journal = open_journal(self.folder, self.clock)
        self.scene = Scene(self.journal, self.clock, self.folder)
        self.model: dict[str, OutgoingState] = {}
        self.ever_frozen: set[str] = set()
        self.headers = 0

    def teardown(self) -> None:
        assert self.journal.verify_trace() > 0
        self.journal.close()
        shutil.rmtree(self.folder)

    @rule(target=messages, same=st.integers(0, 2))
    def take(self, same: int) -> str:
        self.scene.number += 1
        given = submission(self.scene.number, files=(file_of(b"%d" % same),))
        taken = self.journal.take(given, deadline_at=self.scene.deadline(), duplicate_hours=24)
        self.model[taken.message_id] = taken.state
        return taken.message_id

    @rule(target=messages, message_id=messages, split=st.booleans())
    def freeze(self, message_id: str, split: bool) -> Any:
        self.headers += 2
        parts = [frozen(self.headers, (TO,)), frozen(self.headers + 1, (CC,))] if split else [frozen(self.headers)]
        people = {r.address for r in self.journal.outgoing(message_id).recipients}
        legal = self.model[message_id] is OutgoingState.RECEIVED and people == {TO, CC}
        try:
            ids = self.journal.freeze(message_id, parts)
        except IllegalTransition:
            assert not legal
            return multiple()
        assert legal
        self.model.update(dict.fromkeys(ids, OutgoingState.PREPARED))
        self.ever_frozen.update(ids)
        return multiple(*ids[1:])

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        for message in self.journal.claim_due(BOX, owner="o", limit=limit):
            assert self.model[message.id] is OutgoingState.PREPARED
            self.model[message.id] = OutgoingState.SENDING

    @rule(message_id=messages)
    def data(self, message_id: str) -> None:
        try:
            self.journal.data_begun(message_id)
        except IllegalTransition:
            assert self.model[message_id] is not OutgoingState.SENDING

    @rule(
        message_id=messages, event=st.sampled_from(_RECORDED), minutes=st.none() | st.integers(-5, 60),
        news=st.sampled_from(RecipientState),
    )  # fmt: skip
    def record(self, message_id: str, event: OutgoingEvent, minutes: int | None, news: RecipientState) -> None:
        wanted = OUTGOING[self.model[message_id]].get(event)
        again = None if minutes is None else self.clock.now() + timedelta(minutes=minutes)
        try:
            state = self.journal.record(
                message_id, event, next_attempt_at=again, answer="250 ok" if event is OutgoingEvent.ACCEPT else None,
                waiting_for=WaitingFor.PIN if event is OutgoingEvent.HOLD else None,
                recipients=[RecipientChange(TO, news)],
            )  # fmt: skip
        except IllegalTransition:
            assert wanted is None or message_id not in self.ever_frozen
            return
        assert state is wanted
        self.model[message_id] = state

    @rule()
    def lease(self) -> None:
        self.journal.claim_received(owner="o", limit=2)

    @rule(hours=st.integers(0, 30))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(by=timedelta(hours=hours))
        late = self.clock.now()
        self.journal.expire(late)
        for message_id, state in self.model.items():
            deadline = self.journal.outgoing(message_id).deadline_at
            if state in (OutgoingState.PREPARED, OutgoingState.WAITING) and deadline is not None and deadline <= late:
                self.model[message_id] = OutgoingState.FAILED

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.journal = self.scene.journal = open_journal(self.folder, self.clock, self.journal._store.ids)  # type: ignore[arg-type] # the counting ids go on
        unsure = {
            m for m, s in self.model.items() if s is OutgoingState.SENDING and self.journal.outgoing(m).data_begun
        }
        self.journal.recover(owner="o")
        for message_id, state in self.model.items():
            if state is OutgoingState.SENDING:
                self.model[message_id] = (
                    OutgoingState.OUTCOME_UNKNOWN if message_id in unsure else OutgoingState.PREPARED
                )

    @rule(message_id=consumes(messages))
    def report(self, message_id: str) -> None:
        view = self.journal.submission(self.journal.outgoing(message_id).submission_id)
        self.journal.mark_reported(view.id, view.revision)
        assert view.id not in [v.id for v in self.journal.unreported(BOX, limit=1000)]

    @invariant()
    def nothing_untrue(self) -> None:
        assert self.journal.violations() == []
        for message_id, state in self.model.items():
            assert self.journal.outgoing(message_id).state is state

    @invariant()
    def what_is_counted_is_there(self) -> None:
        counted = self.journal.counts().get(str(BOX), {})
        assert sum(counted.values()) == len(self.model)


TestOutgoingMachine = OutgoingMachine.TestCase
TestOutgoingMachine.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
