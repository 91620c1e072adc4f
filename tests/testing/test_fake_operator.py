"""The operator in memory keeps the promises of the ports; the contract suite says the rest."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.ports import watch_steps
from connector.operators.base import Acceptance, Lookup, OutgoingEnvelope, Receiver, Sender
from connector.operators.errors import (
    AuthenticationRefused,
    ConnectionFailed,
    OperatorError,
    OutcomeUnknown,
    PermanentRefusal,
    TemporaryRefusal,
)
from connector.sandbox.moods import MoodKind
from connector.testing.clock import FakeClock
from connector.testing.operator import FakeOperator, FakeSender

LAB = MailboxAddress.parse("labo@test.mssante.example")
DOCTOR = MailboxAddress.parse("dr.modele@test.mssante.example")
COLLEAGUE = MailboxAddress.parse("dr.exemple@test.mssante.example")
STRANGER = MailboxAddress.parse("personne@ailleurs.example")
CONTENT = b"Subject: essai\r\nMessage-ID: <1@test>\r\n\r\nbonjour\r\n"
ENVELOPE = OutgoingEnvelope(
    sender=LAB, recipients=(DOCTOR,), message_id="<1@test>", content=CONTENT, envelope_id="01TEST"
)
TO_BOTH = replace(ENVELOPE, recipients=(DOCTOR, COLLEAGUE))


@pytest.fixture
def operator() -> FakeOperator:
    return FakeOperator([LAB, DOCTOR, str(COLLEAGUE)])


@pytest.fixture
def steps() -> Iterator[list[str]]:
    reached: list[str] = []
    watch_steps(reached.append)
    yield reached
    watch_steps(None)


def submit(
    operator: FakeOperator, envelope: OutgoingEnvelope = ENVELOPE, *, on_data: Any = lambda: None
) -> Acceptance:
    sender: Sender = operator.sender(LAB)
    return asyncio.run(sender.submit(envelope, on_data=on_data))


def refused(operator: FakeOperator, envelope: OutgoingEnvelope = ENVELOPE) -> OperatorError:
    began: list[bool] = []
    with pytest.raises(OperatorError) as failure:
        submit(operator, envelope, on_data=lambda: began.append(True))
    assert not began or isinstance(failure.value, OutcomeUnknown) or failure.value.answer
    return failure.value


class TestSender:
    def test_what_is_accepted_is_delivered_and_filed_byte_for_byte(self, operator: FakeOperator) -> None:
        acceptance = submit(operator, TO_BOTH)

        assert acceptance.code == 250
        assert [answer.accepted for answer in acceptance.recipients] == [True, True]
        assert operator.messages(DOCTOR) == operator.messages(COLLEAGUE) == [CONTENT]
        assert operator.messages(LAB, "Sent") == [CONTENT]
        assert operator.accepted == [TO_BOTH]

    def test_it_passes_the_steps_of_the_real_one(self, operator: FakeOperator, steps: list[str]) -> None:
        submit(operator, on_data=lambda: steps.append("on_data"))

        assert steps == [
            "send.connected", "send.recipients_accepted", "on_data", "send.data_begun", "send.content_given",
            "send.accepted",
        ]  # fmt: skip

    def test_nothing_is_sent_when_the_commit_before_data_fails(self, operator: FakeOperator) -> None:
        def fails() -> None:
            raise KeyError("journal")

        with pytest.raises(KeyError):
            submit(operator, on_data=fails)

        assert operator.messages(DOCTOR) == []

    def test_one_refused_recipient_does_not_sink_the_other(self, operator: FakeOperator) -> None:
        acceptance = submit(operator, replace(ENVELOPE, recipients=(DOCTOR, STRANGER)))

        assert [answer.code for answer in acceptance.recipients] == [250, 550]
        assert operator.messages(DOCTOR) == [CONTENT]

    def test_a_recipient_that_may_come_later_keeps_the_message_alive(self, operator: FakeOperator) -> None:
        operator.mood(MoodKind.MAILBOX_FULL, address=str(DOCTOR))

        error = refused(operator, replace(ENVELOPE, recipients=(STRANGER, DOCTOR)))

        assert isinstance(error, TemporaryRefusal)
        assert error.answer.startswith("452")

    def test_nobody_but_strangers_is_a_final_refusal(self, operator: FakeOperator) -> None:
        error = refused(operator, replace(ENVELOPE, recipients=(STRANGER,)))

        assert isinstance(error, PermanentRefusal)
        assert error.answer.startswith("550")

    @pytest.mark.parametrize(
        ("mood", "kind", "delivered"),
        [
            pytest.param(MoodKind.REFUSE_RECIPIENT, PermanentRefusal, 0, id="recipient-refused"),
            pytest.param(MoodKind.DEFER_RECIPIENT, TemporaryRefusal, 0, id="recipient-deferred"),
            pytest.param(MoodKind.REFUSE_CONTENT, PermanentRefusal, 0, id="content-refused"),
            pytest.param(MoodKind.DEFER_CONTENT, TemporaryRefusal, 0, id="content-deferred"),
            pytest.param(MoodKind.REFUSE_IDENTITY, AuthenticationRefused, 0, id="identity-refused"),
            pytest.param(MoodKind.CUT_IN_DATA, OutcomeUnknown, 0, id="cut-before-the-end"),
            pytest.param(MoodKind.CUT_AFTER_DATA, OutcomeUnknown, 1, id="cut-before-the-answer"),
        ],
    )
    def test_each_mood_has_its_error_once(
        self, operator: FakeOperator, mood: MoodKind, kind: type[OperatorError], delivered: int
    ) -> None:
        operator.mood(mood, times=1)

        assert isinstance(refused(operator), kind)
        assert len(operator.messages(DOCTOR)) == delivered
        assert submit(operator).code == 250

    def test_calm_ends_every_mood(self, operator: FakeOperator) -> None:
        operator.mood("refuse_content")
        operator.calm()

        assert submit(operator).code == 250

    def test_a_slow_answer_waits_as_long_as_told(self, operator: FakeOperator) -> None:
        clock = FakeClock()
        operator.mood(MoodKind.SLOW_ANSWER, seconds=90)
        before = clock.monotonic()

        async def sleep(seconds: float) -> None:
            clock.advance(seconds)

        asyncio.run(FakeSender(operator, str(LAB), sleep=sleep).submit(ENVELOPE, on_data=lambda: None))

        assert clock.monotonic() - before == 90

    def test_what_is_too_large_does_not_leave(self) -> None:
        small = FakeOperator([LAB, DOCTOR], max_bytes=len(CONTENT) - 1)

        assert refused(small).code == "TROP_GROS"

    def test_a_server_without_size_takes_everything(self) -> None:
        assert submit(FakeOperator([LAB, DOCTOR], max_bytes=None)).code == 250

    @pytest.mark.parametrize("content", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\nb", b"a\0\r\n"])
    def test_what_is_not_crlf_text_does_not_leave(self, operator: FakeOperator, content: bytes) -> None:
        assert refused(operator, replace(ENVELOPE, content=content)).code == "MESSAGE_MALFORME"

    def test_a_mailbox_sends_for_itself_only(self, operator: FakeOperator) -> None:
        assert refused(operator, replace(ENVELOPE, sender=DOCTOR)).answer.startswith("553")

    def test_offline_is_a_failed_connection(self, operator: FakeOperator) -> None:
        operator.online = False

        assert isinstance(refused(operator), ConnectionFailed)

    def test_the_limits_are_those_of_the_operator(self, operator: FakeOperator) -> None:
        sender = operator.sender(LAB)

        limits = asyncio.run(sender.limits())
        asyncio.run(sender.close())

        assert (limits.max_bytes, limits.offers_dsn, sender.closed) == (26_214_400, True, True)


class TestReceipts:
    def test_a_receipt_comes_back_with_the_envelope_id(self, operator: FakeOperator) -> None:
        submit(operator)

        report: Any = message_from_bytes(operator.messages(LAB)[0])
        assert report.get_payload()[1].get_payload()[0]["Original-Envelope-Id"] == "01TEST"

    def test_a_receipt_comes_only_when_asked_for_and_offered(self) -> None:
        silent = FakeOperator([LAB, DOCTOR], offers_dsn=False)
        asked_not = FakeOperator([LAB, DOCTOR])

        submit(silent)
        submit(asked_not, replace(ENVELOPE, delivery_receipt=False))

        assert silent.messages(LAB) == asked_not.messages(LAB) == []

    def test_a_bounce_comes_back_instead_of_a_delivery(self, operator: FakeOperator) -> None:
        operator.mood(MoodKind.BOUNCE_LATER, address=str(DOCTOR))

        submit(operator)

        assert b"Action: failed" in operator.messages(LAB)[0]
        assert operator.messages(DOCTOR) == []

    def test_a_receipt_may_get_lost(self, operator: FakeOperator) -> None:
        operator.mood(MoodKind.NO_RECEIPT)

        submit(operator)

        assert operator.messages(LAB) == []


class TestReceiver:
    def test_new_messages_are_listed_fetched_and_marked(self, operator: FakeOperator) -> None:
        receiver: Receiver = operator.receiver(DOCTOR)
        uid = operator.deliver(DOCTOR, CONTENT)

        (place,) = receiver.list_new("INBOX", known_after=None)
        (fetched,) = receiver.fetch([place])
        receiver.mark_done([place])

        assert (place.uid, place.message_id, place.size_bytes) == (uid, "<1@test>", len(CONTENT))
        assert fetched.content == CONTENT
        assert fetched.received_at == operator.clock.now()
        assert receiver.list_new("INBOX", known_after=None) == []

    def test_what_is_known_is_not_listed_again(self, operator: FakeOperator) -> None:
        receiver = operator.receiver(DOCTOR)
        operator.deliver(DOCTOR, CONTENT)
        (first,) = receiver.list_new("INBOX", known_after=None)
        second = operator.deliver(DOCTOR, b"\r\n")

        listed = receiver.list_new("INBOX", known_after=(first.uid_validity, first.uid))

        assert [(place.uid, place.message_id) for place in listed] == [(second, "")]

    def test_after_a_renumbering_everything_is_new_and_old_places_lead_nowhere(self, operator: FakeOperator) -> None:
        receiver = operator.receiver(DOCTOR)
        operator.deliver(DOCTOR, CONTENT)
        (old,) = receiver.list_new("INBOX", known_after=None)

        operator.renumber(DOCTOR)

        assert len(receiver.list_new("INBOX", known_after=(old.uid_validity, 99))) == 1
        assert list(receiver.fetch([old])) == []

    def test_a_vanished_message_is_left_out(self, operator: FakeOperator) -> None:
        receiver = operator.receiver(DOCTOR)
        operator.deliver(DOCTOR, CONTENT)
        operator.deliver(DOCTOR, CONTENT)
        gone, kept = receiver.list_new("INBOX", known_after=None)

        operator.expunge(DOCTOR, gone.uid)
        receiver.mark_done([gone])

        assert [message.place for message in receiver.fetch([kept, gone])] == [kept]

    def test_the_sent_folder_tells_what_left(self, operator: FakeOperator) -> None:
        submit(operator)

        assert operator.receiver(LAB).find_sent("<1@test>") is Lookup.FOUND
        assert operator.receiver(LAB).find_sent("<2@test>") is Lookup.MISSING

    def test_without_a_sent_folder_nothing_can_be_told(self) -> None:
        operator = FakeOperator([LAB, DOCTOR], files_sent=False)
        submit(operator)

        assert operator.receiver(LAB).find_sent("<1@test>") is Lookup.CANNOT_TELL

    def test_a_copy_may_be_missing(self, operator: FakeOperator) -> None:
        operator.mood(MoodKind.NOT_FILED)
        submit(operator)

        assert operator.receiver(LAB).find_sent("<1@test>") is Lookup.MISSING

    def test_waiting_ends_with_news_from_another_thread(self, operator: FakeOperator) -> None:
        receiver = operator.receiver(DOCTOR)
        receiver.list_new("INBOX", known_after=None)
        postman = threading.Timer(0.01, operator.deliver, args=(DOCTOR, CONTENT))
        postman.start()

        assert receiver.wait("INBOX", seconds=30, stop=lambda: False)
        postman.join()

    def test_news_since_the_listing_is_not_missed(self, operator: FakeOperator) -> None:
        receiver = operator.receiver(DOCTOR)
        receiver.list_new("INBOX", known_after=None)
        operator.deliver(DOCTOR, CONTENT)

        assert receiver.wait("INBOX", seconds=0, stop=lambda: False)

    def test_waiting_ends_when_it_is_told_to_or_when_time_is_up(self, operator: FakeOperator) -> None:
        receiver = operator.receiver(DOCTOR)
        answers = iter([False, True])

        assert not receiver.wait("INBOX", seconds=30, stop=lambda: next(answers))
        assert not receiver.wait("INBOX", seconds=0, stop=lambda: False)

    def test_losing_the_line_while_waiting_is_an_error(self, operator: FakeOperator) -> None:
        receiver = operator.receiver(DOCTOR)

        def unplug() -> bool:
            operator.online = False
            return False

        with pytest.raises(ConnectionFailed):
            receiver.wait("INBOX", seconds=30, stop=unplug)

    def test_an_unknown_folder_is_refused_and_close_never_raises(self, operator: FakeOperator) -> None:
        receiver = operator.receiver(DOCTOR)

        with pytest.raises(PermanentRefusal):
            receiver.list_new("Nulle part", known_after=None)
        operator.online = False
        receiver.close()
        assert receiver.closed
