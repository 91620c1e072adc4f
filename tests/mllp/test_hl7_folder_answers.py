"""HL7 v2 orders that come as files: ACK and ZAM beside the status files, and the same order twice is one sending."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.documents.hl7.answer import ZamKind, read_ack, read_zam
from connector.domain.address import MailboxAddress
from connector.domain.ports import watch_steps
from connector.domain.states import OutgoingEvent, RecipientState
from connector.intake.zam import ZamFiles
from connector.journal.receipts import ReceiptNews
from connector.journal.records import RecipientChange
from tests.hl7.hl7_messages import FLAGS, PROFESSIONAL_ADDRESS, mdm, rct
from tests.intake.bench import Bench
from tests.intake.conftest import MakeBench

PAUL = MailboxAddress.parse(PROFESSIONAL_ADDRESS)
WANTS_BOTH = {**FLAGS, "ACK_LECTURE_MSS": "Y"}
NAMED = rct().replace("participation|", "participation|899700000025^DESTINATAIRE^PAUL", 1)


class Killed(BaseException):
    """The process dies here."""


def die_at(step: str) -> Callable[[str], None]:
    def watch(reached: str) -> None:
        if reached == step:
            raise Killed

    return watch


@pytest.fixture
def make_bench(tmp_path: Path) -> MakeBench:
    return lambda **outbox: Bench.make(tmp_path, **{"hl7_answers": True, **outbox})


@pytest.fixture
def bench(make_bench: MakeBench) -> Iterator[Bench]:
    made = make_bench()
    yield made
    assert made.journal.violations() == []
    made.journal.close()


def zam_files(bench: Bench) -> ZamFiles:
    return ZamFiles(bench.mailbox.address, bench.layout, journal=bench.journal, application="CONNECTEUR")


def answers(bench: Bench, suffix: str) -> list[str]:
    return [name for name in bench.names("STATUTS") if name.endswith(suffix)]


def content(bench: Bench, name: str) -> bytes:
    return (bench.layout.statuses / name).read_bytes()


def taken(bench: Bench, message: bytes, name: str = "CR1.hl7") -> None:
    bench.drop(name, message)
    bench.settle()
    bench.reporter.run_once()


def test_an_order_that_was_taken_is_answered_by_a_file(bench: Bench) -> None:
    taken(bench, mdm())
    assert answers(bench, ".ack") == ["CR1.ack"]
    ack = read_ack(content(bench, "CR1.ack"))
    assert (ack.code, ack.control_id, ack.problems) == ("AA", "MSG0001", ())
    assert b"|CONNECTEUR|CABINET-EX|LPS-EX|CABINET-EX|" in content(bench, "CR1.ack")


def test_it_is_written_once_so_that_the_software_may_take_it_away(bench: Bench) -> None:
    taken(bench, mdm())
    (bench.layout.statuses / "CR1.ack").unlink()
    bench.send()
    assert bench.reporter.run_once() == 1
    assert answers(bench, ".ack") == []


def test_a_refused_order_is_answered_with_everything_that_is_wrong(bench: Bench) -> None:
    taken(bench, mdm(flags={**FLAGS, "MASQUE_PS": "Y"}, replace={"19480615": "1948-99-99"}))
    assert bench.submissions() == []
    assert "CR1.hl7" in bench.names("ERREURS")
    ack = read_ack(content(bench, "CR1.ack"))
    assert (ack.code, ack.control_id) == ("AE", "MSG0001")
    assert ack.problems
    assert all(problem.severity == "E" for problem in ack.problems)


@pytest.mark.parametrize("step", ["claim.refused", "claim.filed"])
def test_a_refusal_that_was_interrupted_is_answered_all_the_same(bench: Bench, step: str) -> None:
    bench.drop("CR1.hl7", mdm(flags={**FLAGS, "MASQUE_PS": "Y"}))
    bench.scan()
    watch_steps(die_at(step))
    try:
        with pytest.raises(Killed):
            bench.scan(after=2.0)
    finally:
        watch_steps(None)
    bench.again().outbox.recover()
    assert answers(bench, ".ack") == ["CR1.ack"]
    assert read_ack(content(bench, "CR1.ack")).code == "AE"


def test_nothing_is_answered_unless_the_settings_say_so(make_bench: MakeBench) -> None:
    bench = make_bench(hl7_answers=False)
    taken(bench, mdm())
    taken(bench, b"MSH|garbage", "BAD.hl7")
    assert answers(bench, ".ack") == []
    bench.journal.close()


def test_the_same_order_dropped_twice_is_one_sending_with_the_same_answer(make_bench: MakeBench) -> None:
    bench = make_bench(duplicate_hours=0)
    taken(bench, mdm())
    bench.send()
    taken(bench, mdm(replace={"|20260310151500||MDM": "|20260310170000||MDM"}), "ENCORE.hl7")
    assert len(bench.submissions()) == 1
    (refused,) = bench.journal.refused_drops()
    assert refused.code == "DOUBLON"
    assert bench.only().id[-6:] in refused.sentence
    first, second = (read_ack(content(bench, name)) for name in ("CR1.ack", "ENCORE.ack"))
    assert (first.code, first.control_id) == (second.code, second.control_id) == ("AA", "MSG0001")
    assert [(problem.application_code, problem.severity) for problem in second.problems] == [("", "I")]
    bench.journal.close()


def test_another_order_under_the_same_number_is_refused(bench: Bench) -> None:
    taken(bench, mdm())
    taken(bench, mdm(replace={"ANNE MARIE": "ANNE LOUISE"}), "AUTRE.hl7")
    assert len(bench.submissions()) == 1
    ack = read_ack(content(bench, "AUTRE.ack"))
    assert (ack.code, [problem.code for problem in ack.problems]) == ("AE", ["205"])
    assert [drop.code for drop in bench.journal.refused_drops()] == ["HL7_NUMERO_REUTILISE"]


def delivered(bench: Bench, state: RecipientState = RecipientState.DELIVERED, text: str = "") -> str:
    message = bench.send(changes=(RecipientChange(PAUL, RecipientState.ACCEPTED, 250, "ok"),))
    events = {
        RecipientState.DELIVERED: OutgoingEvent.RECEIPT_DELIVERED, RecipientState.READ: OutgoingEvent.RECEIPT_READ,
        RecipientState.BOUNCED: OutgoingEvent.RECEIPT_FAILED,
    }  # fmt: skip
    code = 550 if state is RecipientState.BOUNCED else 0
    bench.journal.record(message.id, events[state], recipients=(RecipientChange(PAUL, state, code, text),))
    return message.id


def test_a_delivery_is_told_once_with_the_person_of_the_order(bench: Bench) -> None:
    taken(bench, mdm(participants=(NAMED,)))
    assert zam_files(bench).run_once() == 0, "nothing is known yet"
    delivered(bench)
    assert (zam_files(bench).run_once(), zam_files(bench).run_once()) == (1, 0)
    assert answers(bench, ".zam.hl7") == ["CR1.1.zam.hl7"]
    zam = read_zam(content(bench, "CR1.1.zam.hl7"))
    assert (zam.kind, zam.is_positive, zam.original_control_id) == (ZamKind.Z02, True, "MSG0001")
    assert (zam.address, zam.person_id) == (PROFESSIONAL_ADDRESS, "899700000025")


def test_a_failure_says_why_in_the_codes_of_smtp(bench: Bench) -> None:
    taken(bench, mdm())
    delivered(bench, RecipientState.BOUNCED, "550 5.1.1 no such mailbox")
    zam_files(bench).run_once()
    zam = read_zam(content(bench, "CR1.1.zam.hl7"))
    assert (zam.is_positive, zam.error and zam.error.code) == (False, "550")
    assert zam.error is not None
    assert (zam.error.label, zam.error.coding_system) == ("550 5.1.1 no such mailbox", "SMTPERRORCODE")


def test_what_never_left_is_told_for_each_recipient(bench: Bench) -> None:
    taken(bench, mdm())
    bench.freeze()
    (message,) = bench.only().messages
    bench.journal.record(message.id, OutgoingEvent.CANCEL)
    zam_files(bench).run_once()
    zam = read_zam(content(bench, "CR1.1.zam.hl7"))
    assert (zam.is_positive, zam.error and zam.error.code) == (False, "554")


def test_a_reading_brings_both_answers_when_both_were_asked_for(bench: Bench) -> None:
    taken(bench, mdm(flags=WANTS_BOTH))
    delivered(bench, RecipientState.READ)
    assert zam_files(bench).run_once() == 2
    kinds = [read_zam(content(bench, name)).kind for name in answers(bench, ".zam.hl7")]
    assert kinds == [ZamKind.Z02, ZamKind.Z03]


def test_a_software_that_could_not_integrate_it_is_a_negative_reading(bench: Bench) -> None:
    taken(bench, mdm(flags=WANTS_BOTH))
    message_id = delivered(bench)
    news = ReceiptNews(
        named=PROFESSIONAL_ADDRESS, recipient=PAUL, kind="integration_failed", form="mdn", integration_code="902",
        text="patient inconnu",
    )  # fmt: skip
    bench.journal.add_receipts(message_id, bench.ids.ulid(), [news])
    bench.journal.record(
        message_id, OutgoingEvent.RECEIPT_FAILED, recipients=(RecipientChange(PAUL, RecipientState.BOUNCED, 0, ""),)
    )
    zam_files(bench).run_once()
    found = [read_zam(content(bench, name)) for name in answers(bench, ".zam.hl7")]
    (negative,) = [zam for zam in found if zam.kind is ZamKind.Z03]
    assert negative.error is not None
    assert (negative.error.code, negative.error.coding_system) == ("902", "applicationErrorCondition")


def test_who_asked_for_no_answer_gets_none(bench: Bench) -> None:
    taken(bench, mdm(flags={**FLAGS, "ACK_RECEPTION": "N"}))
    delivered(bench)
    assert zam_files(bench).run_once() == 0
    assert bench.journal.answers_news(bench.mailbox.address) == []
    assert answers(bench, ".zam.hl7") == []


@pytest.mark.parametrize("step", ["journal.answers_noted", "answer.written", "journal.answer_settled"])
def test_after_a_crash_the_same_answer_stands_under_the_same_name(bench: Bench, step: str) -> None:
    taken(bench, mdm(flags=WANTS_BOTH))
    delivered(bench, RecipientState.READ)
    watch_steps(die_at(step))
    try:
        with pytest.raises(Killed):
            zam_files(bench).run_once()
    finally:
        watch_steps(None)
    before = {name: content(bench, name) for name in answers(bench, ".zam.hl7")}
    bench.clock.advance(3600)
    zam_files(bench).run_once()
    after = {name: content(bench, name) for name in answers(bench, ".zam.hl7")}
    assert sorted(after) == ["CR1.1.zam.hl7", "CR1.2.zam.hl7"]
    assert before.items() <= after.items()
    assert bench.journal.hl7_answers_due(bench.mailbox.address) == []
    assert [answer.outcome for answer in bench.journal.hl7_answers(bench.only().id)] == ["written", "written"]
