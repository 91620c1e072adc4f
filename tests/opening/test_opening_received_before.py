"""Documents that came before: recognised, told in journal and events, and delivered with what they are."""

from pathlib import Path

import pytest

from connector.domain.ports import watch_steps
from connector.domain.states import IncomingState as I
from connector.domain.submission import DocumentAction
from connector.exchange.arrival import Arrival
from connector.journal.documents import DocumentRelation, ReceivedDocument, ReceivedMessage, RelationKind
from connector.sandbox.samples import sample
from tests.exchange.exchange_scene import ALIX, LAB, Scene
from tests.opening.opened import N1, N3, attached, hprim, message, xdm
from tests.opening.test_opening_archives import with_action

V2 = sample("cr-biologie-v2.xml")
K = RelationKind


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def come(scene: Scene, *contents: bytes, subject: str) -> Arrival:
    """A message with these files arrives, and is delivered."""
    files = [attached(f"piece{number}", content) for number, content in enumerate(contents)]
    scene.operator.deliver(LAB, message(*files, subject=subject))
    known = set(scene.inbox.delivered)
    scene.receive()
    assert scene.inbox.quarantined == {}
    (fresh,) = set(scene.inbox.delivered) - known
    return scene.inbox.delivered[fresh]


def relations(arrival: Arrival) -> list[DocumentRelation | None]:
    return [document.relation for document in arrival.documents]


def told(scene: Scene, incoming_id: str) -> list[tuple[str, str]]:
    entries = scene.journal.trace(subject_id=incoming_id)
    return [(one.action, one.outcome) for one in entries if one.action in {"relate", "alert"}]


def test_the_same_document_in_another_message_is_delivered_and_marked(scene: Scene) -> None:
    first = come(scene, xdm(N1), subject="un")
    again = come(scene, xdm(N1, first_id=50), subject="deux")
    assert relations(first) == [None]
    assert relations(again) == [DocumentRelation(K.DUPLICATE, first.incoming_id)]
    assert told(scene, again.incoming_id) == [("relate", f"doublon_de {first.incoming_id}")]
    assert told(scene, first.incoming_id) == []
    assert scene.journal.related_to(first.incoming_id) == (DocumentRelation(K.DUPLICATE, again.incoming_id),)
    assert scene.incoming_states() == [I.ACKNOWLEDGED, I.ACKNOWLEDGED]


def test_the_same_message_in_two_places_is_delivered_once(scene: Scene) -> None:
    raw = message(attached("cr.xml", N1), subject="un")
    for _ in range(2):
        scene.operator.deliver(LAB, raw)
    scene.receive()
    assert len(scene.inbox.delivered) == 1


def test_another_content_under_the_same_id_is_a_conflict(scene: Scene) -> None:
    first = come(scene, N1, subject="un")
    other = come(scene, N1.replace(b"Compte rendu de", b"Compte rendu DE"), subject="deux")
    assert relations(other) == [DocumentRelation(K.CONFLICT, first.incoming_id)]


def test_a_later_version_replaces_and_both_messages_are_told(scene: Scene) -> None:
    first, second = come(scene, N3, subject="un"), come(scene, V2, subject="deux")
    assert relations(second) == [DocumentRelation(K.REPLACES, first.incoming_id)]
    assert told(scene, first.incoming_id) == [("relate", f"remplace_par {second.incoming_id}")]


def test_an_earlier_version_that_comes_late_is_told_to_be_replaced(scene: Scene) -> None:
    second, first = come(scene, V2, subject="deux"), come(scene, N3, subject="un")
    assert relations(first) == [DocumentRelation(K.REPLACED_BY, second.incoming_id)]


def test_a_later_version_of_the_set_replaces_without_naming_it(scene: Scene) -> None:
    silent = V2.replace(b"<relatedDocument", b"<x").replace(b"</relatedDocument>", b"</x>")
    first = come(scene, N3, subject="un")
    assert relations(come(scene, silent, subject="deux")) == [DocumentRelation(K.REPLACES, first.incoming_id)]


def test_a_named_predecessor_without_set_is_found(scene: Scene) -> None:
    start, end = V2.index(b"<setId"), V2.index(b"/>", V2.index(b"<setId")) + 2
    first = come(scene, N3, subject="un")
    found = come(scene, V2[:start] + V2[end:], subject="deux")
    assert relations(found) == [DocumentRelation(K.REPLACES, first.incoming_id)]


def test_the_same_version_under_another_id_is_told(scene: Scene) -> None:
    first = come(scene, N1, subject="un")
    other = N1.replace(b"1.2.250.1.999.9.2.2.1", b"1.2.250.1.999.9.2.2.77")
    assert relations(come(scene, other, subject="deux")) == [DocumentRelation(K.SAME_VERSION, first.incoming_id)]


def test_a_withdrawal_names_what_it_withdraws(scene: Scene) -> None:
    first = come(scene, xdm(N1), subject="un")
    withdrawn = come(scene, with_action(xdm(N1, first_id=50), b"D"), subject="deux")
    assert withdrawn.documents[0].action is DocumentAction.DELETE
    assert relations(withdrawn) == [DocumentRelation(K.WITHDRAWS, first.incoming_id)]
    assert told(scene, first.incoming_id) == [("relate", f"retire_par {withdrawn.incoming_id}")]


def test_a_withdrawal_of_what_never_came_stands_alone(scene: Scene) -> None:
    come(scene, N3, subject="un")
    assert relations(come(scene, with_action(xdm(N1), b"D"), subject="deux")) == [None]


def test_documents_of_one_message_are_not_compared_with_each_other(scene: Scene) -> None:
    assert relations(come(scene, N3, V2, subject="un")) == [None, None]


def test_messages_that_are_opened_together_are_compared(scene: Scene) -> None:
    for subject, content in (("un", N3), ("deux", V2)):
        scene.operator.deliver(LAB, message(attached("a", content), subject=subject))
    scene.receive()
    first, second = scene.inbox.delivered.values()
    assert relations(second) == [DocumentRelation(K.REPLACES, first.incoming_id)]


def test_alerts_are_told_once_with_and_without_document(scene: Scene) -> None:
    content = N3.replace(b'<interpretationCode code="H"', b'<interpretationCode code="HH"')
    first = come(scene, content, subject="un")
    result = come(scene, hprim(coded=b"RES|K|K|N|6.9|||5.0|LL|F"), subject="deux")
    assert told(scene, first.incoming_id) == [("alert", "HH")]
    assert told(scene, result.incoming_id) == [("alert", "LL")]


def test_killed_before_the_delivery_the_same_is_told_once(scene: Scene) -> None:
    first = come(scene, N3, subject="un")
    scene.operator.deliver(LAB, message(attached("a", V2), subject="deux"))
    scene.collect()

    class Killed(BaseException):
        pass

    def die(reached: str) -> None:
        if reached == "journal.delivered":
            raise Killed

    watch_steps(die)
    try:
        with pytest.raises(Killed):
            scene.open_mail()
    finally:
        watch_steps(None)
    scene.journal.recover(owner="test")
    scene.open_mail()
    second = scene.incoming()[-1].id
    assert relations(scene.inbox.delivered[second]) == [DocumentRelation(K.REPLACES, first.incoming_id)]
    assert len(told(scene, second)) == 1
    assert scene.journal.relations_of(second) == (DocumentRelation(K.REPLACES, first.incoming_id),)


def test_mailboxes_do_not_know_of_each_other(scene: Scene) -> None:
    document = ReceivedDocument(document_id="1.2", sha256="a")
    for mailbox, incoming_id in ((LAB, "01A"), (ALIX, "01B")):
        item = ReceivedMessage(incoming_id=incoming_id, documents=(document,))
        assert scene.journal.note_received(mailbox, [item]) == {incoming_id: (None,)}


def test_a_message_that_is_read_otherwise_later_is_told_what_was_known(scene: Scene) -> None:
    one, two = (ReceivedDocument(document_id=f"1.{n}", sha256="a") for n in range(2))
    scene.journal.note_received(LAB, [ReceivedMessage(incoming_id="01A", documents=(one,))])
    again = ReceivedMessage(incoming_id="01A", documents=(one, two))
    assert scene.journal.note_received(LAB, [again]) == {"01A": (None, None)}
