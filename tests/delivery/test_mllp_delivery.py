"""Documents given to a software that listens: until it answers, once, and its sender hears what became of them."""

import json

import pytest

from connector.documents.hl7.header import peek_header
from connector.documents.hl7.message import Message
from connector.documents.hl7.text import decode
from connector.domain.errors import Unavailable
from connector.domain.states import IncomingState
from connector.journal.notices import NoticeKind
from tests.delivery.place_scene import LISTENS, PlaceScene, answer
from tests.mllp.test_mllp_answers import Software as Listener
from tests.opening.opened import N1, N3, attached, text
from tests.receipts.notice_scene import Killed, dying_at

UNKNOWN = "902^Identifiant de patient inconnu^applicationErrorCode"
DOCUMENT = attached("a.xml", N1)


def deliver(scene: PlaceScene) -> int:
    return scene.opening(scene.target(**LISTENS)).run_once()


def test_a_document_is_taken_and_its_sender_hears_that_it_was_processed(scene: PlaceScene) -> None:
    row = scene.arrives(text("Bonjour."), DOCUMENT)
    assert deliver(scene) == 1
    (message,) = scene.software.got
    header = peek_header(message)
    assert header is not None
    assert (header.type, header.event, header.receiving_application) == ("MDM", "T02", "")
    assert len(header.control_id) <= 20
    assert scene.journal.incoming(row).state is IncomingState.DELIVERED
    assert [notice.kind for notice in scene.told(row)] == [NoticeKind.PROCESSED]
    assert scene.files() == []


def test_a_refused_document_is_told_to_its_sender_and_lies_where_a_person_looks(scene: PlaceScene) -> None:
    scene.software.says = lambda message: answer(message, "AE", UNKNOWN)
    row = scene.arrives(text("Bonjour."), DOCUMENT)
    assert deliver(scene) == 1
    assert scene.journal.incoming(row).state is IncomingState.DELIVERED
    (notice,) = {told.kind for told in scene.told(row)}
    assert notice is NoticeKind.FAILED
    assert b"902" in scene.mail_of(row)
    files = scene.files()
    assert [name.rpartition(".")[2] for name in files] == ["json", "txt", "xml"]
    assert all(name.startswith("AUTRES/") for name in files)
    index = json.loads((scene.received / files[0]).read_text("utf-8"))
    assert "RECU_REFUSE_PAR_LOGICIEL" in [warning["code"] for warning in index["avertissements"]]


@pytest.mark.parametrize("code", ["AE", "AR", "CE", "CR"])
@pytest.mark.parametrize("errors", [[], ["ZZZ^Autre^L"], ["^^"]])
def test_a_refusal_without_a_code_of_the_volet_is_another_error(
    scene: PlaceScene, code: str, errors: list[str]
) -> None:
    scene.software.says = lambda message: answer(message, code, *errors)
    row = scene.arrives(DOCUMENT)
    deliver(scene)
    assert {told.codes for told in scene.told(row)} == {("906",)}


def test_of_several_documents_all_are_answered_and_the_sender_hears_once(scene: PlaceScene) -> None:
    def says(message: bytes) -> bytes:
        return answer(message, "AA") if len(scene.software.got) == 1 else answer(message, "AE", UNKNOWN, "903^INS^x")

    scene.software.says = says
    row = scene.arrives(attached("a.xml", N1), attached("b.xml", N1.replace(b"\n", b"\n\n", 1)))
    deliver(scene)
    controls = [header.control_id for message in scene.software.got if (header := peek_header(message))]
    assert len(set(controls)) == 2
    assert {told.codes for told in scene.told(row)} == {("902",)}


def test_a_software_that_is_away_gets_the_same_bytes_when_it_is_back(scene: PlaceScene) -> None:
    row = scene.arrives(text("Bonjour."), DOCUMENT, attached("photo.jpg", b"\xff\xd8\xff\xe0"))
    scene.software.is_away = True
    with pytest.raises(Unavailable, match="MLLP_INJOIGNABLE"):
        deliver(scene)
    assert scene.journal.incoming(row).code == "MLLP_INJOIGNABLE"
    assert any(name.endswith("photo.jpg") for name in scene.files()), "what lies in folders does not wait"
    frozen = next((scene.received.parent / ".travail").rglob("*.hl7")).read_bytes()
    scene.software.is_away = False
    scene.clock.advance(10)
    assert deliver(scene) == 1
    assert scene.software.got == [frozen]
    assert list((scene.received.parent / ".travail").rglob("*.hl7")) == []


@pytest.mark.parametrize("says", [b"", b"nonsense", answer(b"MSH|^~\\&|||||||MDM^T02|OTHER|P|2.6\r", "AA")])
def test_what_is_no_answer_to_it_does_not_count(scene: PlaceScene, says: bytes) -> None:
    scene.software.says = lambda _: says
    row = scene.arrives(DOCUMENT)
    with pytest.raises(Unavailable, match="MLLP_INJOIGNABLE"):
        deliver(scene)
    assert scene.journal.incoming(row).state is IncomingState.OPENED


def test_many_messages_do_not_each_wait_for_a_software_that_is_away(scene: PlaceScene) -> None:
    for _ in range(5):
        scene.arrives(DOCUMENT)
    scene.software.is_away = True
    target = scene.target(**LISTENS)
    with pytest.raises(Unavailable):
        scene.opening(target).run_once()
    assert scene.software.asked == 1
    scene.software.is_away = False
    scene.clock.advance(20)
    assert scene.opening(target).run_once() == 5


STEPS = [
    "deliver.files_written", "deliver.data_renamed", "deliver.message_answered", "journal.notice_kept",
    "journal.delivered",
]  # fmt: skip


@pytest.mark.parametrize("code", ["AA", "AE"])
@pytest.mark.parametrize("step", STEPS)
def test_after_a_crash_nothing_that_was_answered_is_sent_again(scene: PlaceScene, step: str, code: str) -> None:
    scene.software.says = lambda message: answer(message, code)
    row = scene.arrives(text("Bonjour."), DOCUMENT)
    with dying_at(step), pytest.raises(Killed):
        deliver(scene)
    scene.clock.advance(3600)
    deliver(scene)
    assert len(scene.software.got) == 1
    assert scene.journal.incoming(row).state is IncomingState.DELIVERED
    assert len({told.message_id for told in scene.told(row)}) == 1
    assert len(scene.files()) == (0 if code == "AA" else 3)


def test_a_crash_before_the_answer_was_kept_sends_the_same_bytes(scene: PlaceScene) -> None:
    def dies(message: bytes) -> bytes:
        raise Killed

    scene.arrives(DOCUMENT)
    scene.software.says = dies
    with pytest.raises(Killed):
        deliver(scene)
    scene.software.says = lambda message: answer(message, "AA")
    scene.clock.advance(3600)
    deliver(scene)
    first, second = scene.software.got
    assert first == second


def test_an_oru_for_software_that_knows_nothing_else(scene: PlaceScene) -> None:
    options = {"hl7": {"forme": "oru", "jeu_de_caracteres": "8859/1", "application_lps": "VIEUX LPS"}}
    scene.arrives(text("Bonjour."), attached("b.xml", N3))
    scene.opening(scene.target(**LISTENS, options=options)).run_once()
    parsed = Message.parse(decode(scene.software.got[0]).text)
    msh = parsed.segments[0]
    assert (msh.value(9), msh.value(12), msh.value(5)) == ("ORU", "2.5", "VIEUX LPS")
    assert [row.value(5, 3) for row in parsed.all("OBX")][:2] == ["XML", "pdf"]


def test_the_same_messages_as_files(scene: PlaceScene) -> None:
    scene.arrives(text("Bonjour."), DOCUMENT)
    scene.opening(scene.target(profile="hl7")).run_once()
    (name,) = scene.files()
    assert (scene.received / name).read_bytes().startswith(b"MSH|^~\\&|CONNECTEUR|Labo des Tilleuls|")
    assert scene.software.asked == 0


def test_over_a_real_connection(scene: PlaceScene) -> None:
    scene.software.is_in_memory = False
    listener = Listener()
    row = scene.arrives(text("Bonjour."), DOCUMENT)
    with listener.listening() as port:
        scene.opening(scene.target(profile="hl7", mllp={"port": port})).run_once()
    assert [header.event for message in listener.got if (header := peek_header(message))] == ["T02"]
    assert scene.journal.incoming(row).state is IncomingState.DELIVERED
