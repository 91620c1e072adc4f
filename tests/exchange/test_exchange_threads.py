"""What the opening of a message leaves in the journal for lists and threads, through real reception and sending."""

from email.message import EmailMessage

import pytest

from connector.documents.xml import DEFAULT_LIMITS
from connector.exchange.identity import FoundPatient, IdentitySource, IdentityState, identity_state
from connector.exchange.replies import answered, reply_subject
from connector.journal.threads import ReceivedFacts
from connector.mail.parse import open_message
from connector.sandbox.samples import sample
from tests.exchange.exchange_scene import ALIX, LAB, Scene
from tests.receipts.notice_scene import Killed, dying_at

N3 = sample("cr-biologie-v1.xml")
URGENT = N3.replace(b'<interpretationCode code="H"', b'<interpretationCode code="HH"')


def mail(*attachments: tuple[str, bytes], references: str = "", answers: str = "", number: int = 1) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = str(ALIX), str(LAB), "CR"
    message["Message-ID"], message["Date"] = f"<{number}@x.fr>", "Fri, 20 Nov 2026 09:00:00 +0100"
    for name, value in (("References", references), ("In-Reply-To", answers)):
        if value:
            message[name] = value
    message.set_content("Bonjour.")
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def arrived(scene: Scene, raw: bytes) -> str:
    before = {row.id for row in scene.incoming()}
    scene.operator.deliver(LAB, raw)
    scene.receive()
    (new,) = {row.id for row in scene.incoming()} - before
    return new


def test_alerts_doubts_and_patient_are_kept_when_a_message_is_opened(scene: Scene) -> None:
    assert URGENT != N3
    urgent = arrived(scene, mail(("cr.xml", URGENT)))
    words = arrived(scene, mail(number=2))
    facts = scene.journal.facts_of([urgent, words])
    assert facts[urgent] == ReceivedFacts(alerts=("HH",), identity="qualified")
    assert facts[words] == ReceivedFacts(identity="none")


@pytest.mark.parametrize("header", ["answers", "references"])
def test_an_answer_to_what_was_sent_is_tied_to_it(scene: Scene, header: str) -> None:
    message_id = scene.frozen()
    sent = scene.journal.outgoing(message_id)
    ours = sent.header_message_id or ""
    row = arrived(scene, mail(**{header: f"<older@x.fr> {ours} <theirs@x.fr>"}))  # type: ignore[arg-type]
    assert scene.journal.answered([row]) == {row: sent.submission_id}
    members = scene.journal.thread(row)
    assert (members.received, members.sent, members.is_whole) == ((row,), (sent.submission_id,), True)


def test_the_nearest_of_ours_is_the_one_that_is_answered(scene: Scene) -> None:
    first, second = (scene.journal.outgoing(scene.frozen()) for _ in range(2))
    row = arrived(scene, mail(references=f"{first.header_message_id} {second.header_message_id}"))
    assert scene.journal.answered([row]) == {row: second.submission_id}


def test_a_message_with_very_many_references_is_read_up_to_a_bound(scene: Scene) -> None:
    ours = scene.journal.outgoing(scene.frozen()).header_message_id
    row = arrived(scene, mail(references=" ".join([str(ours), *(f"<{n}@x.fr>" for n in range(90))])))
    assert scene.journal.answered([row]) == {}


@pytest.mark.parametrize("step", ["journal.opened", "journal.delivered"])
def test_a_message_that_is_opened_again_after_a_crash_is_tied_once(scene: Scene, step: str) -> None:
    ours = scene.journal.outgoing(scene.frozen())
    scene.operator.deliver(LAB, mail(("cr.xml", URGENT), answers=str(ours.header_message_id)))
    with dying_at(step), pytest.raises(Killed):
        scene.receive()
    scene.clock.advance(3600)  # what the dead one had claimed is free again
    scene.receive()
    (row,) = scene.incoming()
    assert scene.journal.answered([row.id]) == {row.id: ours.submission_id}
    assert scene.journal.facts_of([row.id])[row.id].alerts == ("HH",)
    assert [entry.action for entry in scene.journal.trace(subject_id=row.id)].count("alert") == 1


def found(*, qualified: bool) -> FoundPatient:
    return FoundPatient(source=IdentitySource.CDA, families=("TESTUT",), is_qualified=qualified)


@pytest.mark.parametrize(
    ("patients", "warnings", "state"),
    [
        ([], (), IdentityState.NONE),
        ([found(qualified=True)], (), IdentityState.QUALIFIED),
        ([found(qualified=False)], ("INS_RECU_NON_QUALIFIE",), IdentityState.UNQUALIFIED),
        ([found(qualified=True)], ("INS_RECU_DE_TEST",), IdentityState.DOUBTFUL),
        ([found(qualified=True)] * 2, ("PLUSIEURS_PATIENTS", "INS_RECU_CLE_FAUSSE"), IdentityState.SEVERAL),
        ([found(qualified=True)], ("PATIENT_INCOHERENT", "PLUSIEURS_PATIENTS"), IdentityState.MISMATCH),
    ],
)
def test_how_sure_it_is_whom_a_message_is_about(
    patients: list[FoundPatient], warnings: tuple[str, ...], state: IdentityState
) -> None:
    assert identity_state(patients, warnings) is state


@pytest.mark.parametrize(
    ("subject", "reply"),
    [
        ("Question", "Re: Question"),
        ("RE : Question", "Re: Question"),
        ("Rép: Question", "Re: Question"),
        ("XDM/1.0/DDM+CR VIAL Paul", "Re: CR VIAL Paul"),
        ("Re: XDM/1.0/DDM+CR VIAL Paul", "Re: CR VIAL Paul"),
        ("[FIN]", "Re: [FIN]"),
        ("", "Re:"),
        ("x" * 400, "Re: " + "x" * 196),
        ("Recherche de toxiques", "Re: Recherche de toxiques"),
    ],
)
def test_the_subject_of_a_reply(subject: str, reply: str) -> None:
    raw = f"From: <{ALIX}>\r\nMessage-ID: <1@x.fr>\r\nSubject: {subject}\r\n\r\nx\r\n".encode()
    assert reply_subject(open_message(raw, DEFAULT_LIMITS)) == reply


def test_of_very_many_references_the_first_and_the_last_are_answered() -> None:
    ids = [f"<{number}@x.fr>" for number in range(60)]
    raw = f"From: <{ALIX}>\r\nMessage-ID: <m@x.fr>\r\nReferences: {' '.join(ids)}\r\n\r\nx\r\n".encode()
    kept = answered("01A", open_message(raw, DEFAULT_LIMITS)).references
    assert kept == (ids[0], *ids[-19:])
