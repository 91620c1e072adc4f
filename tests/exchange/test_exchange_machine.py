"""Whatever the operator does, whenever we are killed, and whatever people decide: nobody gets it twice unasked."""

import contextlib
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connector.domain.address import MailboxAddress
from connector.domain.errors import IllegalTransition
from connector.domain.ports import watch_steps
from connector.domain.states import OutgoingState as S
from connector.domain.states import RecipientState as R
from connector.domain.submission import SendOptions
from connector.exchange import person
from connector.operators.errors import OperatorError
from connector.sandbox.moods import MoodKind
from tests.exchange.exchange_scene import ALIX, BEA, LAB, NOBODY, Scene

PEOPLE = (ALIX, BEA)
MOODS = (
    MoodKind.REFUSE_RECIPIENT, MoodKind.DEFER_RECIPIENT, MoodKind.MAILBOX_FULL, MoodKind.REFUSE_CONTENT,
    MoodKind.DEFER_CONTENT, MoodKind.CUT_IN_DATA, MoodKind.CUT_AFTER_DATA, MoodKind.REFUSE_IDENTITY,
    MoodKind.BOUNCE_LATER, MoodKind.NO_RECEIPT,
)  # fmt: skip
STEPS = (
    "journal.claimed", "send.connected", "send.recipients_accepted", "journal.data_begun", "send.data_begun",
    "send.content_given", "send.accepted", "journal.recorded",
)  # fmt: skip
RECEIVED = (R.DELIVERED, R.READ)
LEFT = (R.ACCEPTED, R.BOUNCED, *RECEIVED)


class Killed(BaseException):
    """The process dies here."""


class Exchange(RuleBasedStateMachine):
    """Dispatcher, inquirer and receipts against a moody operator."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="exchange-"))
        self.scene = Scene(self.folder)
        self.rows: list[str] = []
        self.released: Counter[str] = Counter()
        self.read: set[tuple[str, MailboxAddress]] = set()

    def teardown(self) -> None:
        watch_steps(None)
        self.scene.journal.verify_trace()
        self.scene.journal.close()
        shutil.rmtree(self.folder)

    # --- what comes in ---

    @initialize(to=st.sampled_from([(ALIX,), (ALIX, BEA)]))
    def something_is_there(self, to: tuple[MailboxAddress, ...]) -> None:
        self.submit(to, receipt=True)

    @rule(to=st.sampled_from([(ALIX,), (ALIX, BEA), (ALIX, NOBODY), (NOBODY,)]), receipt=st.booleans())
    def submit(self, to: tuple[MailboxAddress, ...], receipt: bool) -> None:
        if len(self.rows) < 4:
            options = SendOptions(delivery_receipt=receipt, allow_duplicate=True)
            self.rows.append(self.scene.frozen(*to, options=options))

    # --- the world ---

    @rule(kind=st.sampled_from(MOODS), address=st.sampled_from(["", *map(str, PEOPLE)]), times=st.integers(1, 2))
    def the_operator_is_moody(self, kind: MoodKind, address: str, times: int) -> None:
        about_login = kind is MoodKind.REFUSE_IDENTITY
        self.scene.operator.mood(kind, address="" if about_login else address, times=times)

    @rule()
    def the_operator_is_calm(self) -> None:
        self.scene.operator.calm()
        self.scene.operator.online = True

    @rule()
    def the_line_is_cut(self) -> None:
        self.scene.operator.online = False

    @rule(seconds=st.sampled_from([1, 30, 130, 3_600, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.scene.clock.advance(seconds)
        self.scene.journal.expire(self.scene.clock.now())

    @rule(who=st.sampled_from(PEOPLE), data=st.data())
    def somebody_reads(self, who: MailboxAddress, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.rows))
        if self.scene.copies(who, row) and (row, who) not in self.read:
            self.read.add((row, who))
            self.scene.operator.deliver(LAB, self._read_receipt(row, who))

    def _read_receipt(self, row: str, reader: MailboxAddress) -> bytes:
        header = self.scene.message(row).header_message_id
        return (
            f"From: <{reader}>\r\nTo: <{LAB}>\r\nMessage-ID: <lu-{row}-{reader.local_part}@x.fr>\r\nSubject: Lu\r\n"
            'MIME-Version: 1.0\r\nContent-Type: multipart/report; boundary="r"\r\n\r\n'
            "--r\r\nContent-Type: message/disposition-notification\r\n\r\n"
            f"Final-Recipient: rfc822; {reader}\r\nOriginal-Message-ID: {header}\r\n"
            "Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--r--\r\n"
        ).encode()

    # --- what we do ---

    @rule()
    def we_send(self) -> None:
        self.scene.send()

    @rule(step=st.sampled_from(STEPS))
    def we_are_killed_while_sending(self, step: str) -> None:
        def die(reached: str) -> None:
            if reached == step:
                raise Killed

        watch_steps(die)
        with contextlib.suppress(Killed):
            self.scene.send()
        watch_steps(None)
        self.scene.dispatcher = self.scene.new_dispatcher()

    @rule()
    def we_restart(self) -> None:
        self.scene.dispatcher = self.scene.new_dispatcher()

    @rule()
    def we_look_up(self) -> None:
        with contextlib.suppress(OperatorError):
            self.scene.inquire()

    @rule()
    def we_receive(self) -> None:
        with contextlib.suppress(OperatorError):
            self.scene.receive()

    # --- what people decide ---

    @rule(data=st.data(), what=st.sampled_from(["retry", "cancel", "release"]))
    def a_person_decides(self, data: st.DataObject, what: str) -> None:
        row = data.draw(st.sampled_from(self.rows))
        submission = self.scene.submission_of(row)
        with contextlib.suppress(IllegalTransition):
            getattr(person, what)(self.scene.journal, self.scene.clock, submission, actor="person")
            self.released[row] += what == "release"

    # --- what must always be true ---

    @invariant()
    def the_journal_is_sound(self) -> None:
        assert self.scene.journal.violations() == []

    @invariant()
    def nobody_gets_a_second_copy_unless_a_person_released_it(self) -> None:
        for row in self.rows:
            for who in PEOPLE:
                copies = self.scene.copies(who, row)
                assert len(copies) <= 1 + self.released[row]
                assert len(set(copies)) <= 1, "every copy has the same bytes"

    @invariant()
    def whoever_is_said_to_have_received_it_holds_it(self) -> None:
        for row in self.rows:
            told = [who for who, state in self.scene.people(row).items() if state in RECEIVED]
            assert all(self.scene.copies(who, row) for who in told)

    @invariant()
    def what_left_is_not_reported_failed_without_telling_who_has_it(self) -> None:
        for row in self.rows:
            if self.scene.state(row) is S.FAILED and not self.released[row]:
                people = self.scene.people(row)
                holders = [who for who in people if who in PEOPLE and self.scene.copies(who, row)]
                assert all(people[who] in LEFT for who in holders)

    @invariant()
    def what_has_left_for_nobody_is_not_said_to_be_sent(self) -> None:
        headers = {envelope.message_id for envelope in self.scene.operator.accepted}
        for row in self.rows:
            if self.scene.state(row) in (S.SENT, S.DELIVERED, S.READ, S.BOUNCED):
                assert self.scene.message(row).header_message_id in headers


TestExchange = Exchange.TestCase
TestExchange.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
