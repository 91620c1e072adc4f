"""Answering on the page: what asks for a decision, what a form does, once, and what the sheet then tells."""

import re
from typing import Any

import pytest

from connector.api.page.entry import LONGEST_PASSAGE
from connector.domain.states import IncomingState
from connector.domain.submission import SourceKind
from connector.journal.documents import ReceivedDocument, ReceivedMessage
from connector.journal.receipts import ReceiptNews
from connector.settings.model import Settings
from tests.api.answer_scene import ASKED, CITIZEN, LAB, frozen, given, with_policy
from tests.api.test_api_inbox import CDA
from tests.page.page_scene import BOX, PageScene, Visitor

_KEY = re.compile(r'name="key" value="([0-9A-Z]{26})"')
OTHER = "autre@autre.mssante.fr"


def received(scene: PageScene, *files: tuple[str, bytes], uid: int = 1, **how: Any) -> str:
    scene.clock.advance(1)  # ids are in the order of time
    return given(scene, *files, uid=uid, **how)


@pytest.fixture
def asking(scene: PageScene) -> str:
    """A colleague asks for a read receipt."""
    scene.cards = None
    with_policy(scene)
    return received(scene, ("cr.xml", CDA), asks=LAB)


def act(visitor: Visitor, row: str, action: str, **fields: Any) -> str:
    """Send a form; what the next sheet says."""
    answer = visitor.post(f"/received/{row}/{action}", **fields)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{visitor.root}/received/{row}")
    return visitor.text(f"/received/{row}")


# --- what asks for a decision ---


def test_the_first_sheet_asks_and_leads_to_the_message(scene: PageScene, asking: str) -> None:
    visitor = scene.visitor()
    text = visitor.text()
    assert "Un expéditeur demande un accusé de lecture : faut-il l&#39;envoyer ?" in text
    assert f'<a class="button" href="{visitor.root}/received/{asking}#answers">Décider</a>' in text
    assert "Attend votre réponse" in text
    received(scene, uid=2, asks=LAB)
    assert "2 expéditeurs demandent un accusé de lecture" in visitor.text()
    assert f'href="{visitor.root}/received?state=answer">Décider</a>' in visitor.text()
    english = scene.visitor(**{"Accept-Language": "en"}).text()
    assert "2 senders ask for a read receipt" in english


@pytest.mark.parametrize("send", ["yes", "no"])
def test_yes_and_no_settle_it(scene: PageScene, asking: str, send: str) -> None:
    visitor = scene.visitor()
    text = act(visitor, asking, "read-receipt", send=send)
    assert ("C&#39;est envoyé à l&#39;expéditeur." if send == "yes" else "C&#39;est noté : rien") in text
    assert "Tout va bien" in visitor.text()
    assert "Attend votre réponse" not in visitor.text("/received")
    (notice,) = scene.journal.notices([asking])[asking]
    assert (notice.message_id is not None, notice.actor) == (send == "yes", "person at the page")
    if send == "no":
        assert "Oui, envoyer" in text  # the person may change her mind
        assert ">Non<" not in text
        assert "C&#39;est envoyé" in act(visitor, asking, "read-receipt", send="yes")
    assert "Envoyer l’accusé de lecture ?" not in visitor.text(f"/received/{asking}")
    assert "Une réponse a déjà été envoyée" in act(visitor, asking, "read-receipt", send="yes")


def test_a_failed_integration_is_asked_about_before_the_receipt(scene: PageScene, asking: str) -> None:
    stranger = received(scene, uid=2, asks=OTHER)
    visitor = scene.visitor()
    text = act(visitor, stranger, "not-integrated", code="902", detail="patient inconnu")
    assert "C&#39;est noté : le message n&#39;a pas été intégré." in text
    assert "Prévenir l’expéditeur que le message n’a pas été intégré ?" in text
    assert "Un message n&#39;a pas été intégré : faut-il prévenir l&#39;expéditeur ?" in visitor.text()
    text = act(visitor, stranger, "failure-notice", send="yes")
    assert "C&#39;est envoyé" in text
    notices = {each.slot.value: each for each in scene.journal.notices([stranger])[stranger]}
    assert notices["failure"].codes == ("902",)
    assert "Refusé par le logiciel" in visitor.text("/received")
    assert frozen(scene, notices["failure"].submission_id or "")["To"] == OTHER
    assert "Signaler" not in text


def test_the_codes_are_offered_in_words(scene: PageScene, asking: str) -> None:
    text = scene.visitor().text(f"/received/{asking}")
    for code in range(900, 907):
        assert f'<option value="{code}"' in text
    assert "Le patient du document est inconnu du logiciel. (902)" in text
    assert "[KO_CODE_INCONNU]" not in text
    wrong = act(scene.visitor(), asking, "not-integrated", code="999")
    assert "Le code d&#39;échec d&#39;intégration n&#39;est pas un de ceux de la norme." in wrong
    assert scene.journal.notices([asking])[asking][0].codes == ()


def test_the_list_of_those_that_wait(scene: PageScene, asking: str) -> None:
    settled = received(scene, uid=2)
    visitor = scene.visitor()
    waiting = visitor.text("/received?state=answer")
    assert f"/received/{asking}" in waiting
    assert f"/received/{settled}" not in waiting
    assert 'aria-current="true">Attendent votre réponse' in waiting
    act(visitor, asking, "read-receipt", send="no")
    assert "Rien ne correspond." in visitor.text("/received?state=answer")


# --- writing back ---


def test_a_reply_leaves_in_the_thread_once(scene: PageScene, asking: str) -> None:
    visitor = scene.visitor()
    found = _KEY.search(visitor.text(f"/received/{asking}"))
    assert found
    words = "Bien reçu.\r\n\r\nMerci."
    text = act(visitor, asking, "reply", body=words, key=found[1], read_receipt="on")
    assert "Votre réponse part." in text
    act(visitor, asking, "reply", body=words, key=found[1], read_receipt="on")
    (view,) = [each for each in scene.journal.submissions() if each.source is SourceKind.PAGE]
    assert (view.body, view.options.read_receipt, view.messages[0].state) == (
        "Bien reçu.\n\nMerci.",
        True,
        "received",
    )
    mail = frozen(scene, view.id)
    assert (mail["In-Reply-To"], mail["To"]) == (ASKED, LAB)
    again = visitor.text(f"/received/{asking}")
    for told in ("Échanges liés", "Re: Examens TESTUT", f"/outgoing/{view.id}", "répond à", "Répondu", "ce message"):
        assert told in again
    assert _KEY.search(again) != found
    story = visitor.text(f"/outgoing/{view.id}")
    assert "Échanges liés" in story
    assert f'href="{visitor.root}/received/{asking}">Examens TESTUT</a>' in story


@pytest.mark.parametrize("body", ["", "   ", "x" * (LONGEST_PASSAGE + 1)])
def test_an_answer_without_words_or_with_too_many_is_not_sent(scene: PageScene, asking: str, body: str) -> None:
    text = act(scene.visitor(), asking, "reply", body=body)
    assert "message-problem" in text
    assert scene.journal.submissions() == []


def test_an_exchange_is_ended_with_a_patient_only(scene: PageScene, asking: str) -> None:
    patient = received(scene, uid=2, sender=CITIZEN)
    visitor = scene.visitor()
    assert "Terminer l’échange avec le patient" not in visitor.text(f"/received/{asking}")
    assert "Terminer l’échange avec le patient" in visitor.text(f"/received/{patient}")
    assert "aucun destinataire n&#39;est un patient" in act(visitor, asking, "end-exchange")
    assert "L&#39;échange est terminé" in act(visitor, patient, "end-exchange", body="Au revoir.", earlier_too="on")
    (view,) = scene.journal.submissions()
    mail = frozen(scene, view.id)
    assert (mail["X-MSS-MES"], mail["Subject"]) == ("FIN", "[FIN]")


def without_sending(settings: Settings) -> Settings:
    first, *others = settings.mailboxes
    return settings.model_copy(update={"mailboxes": (first.model_copy(update={"send": False}), *others)})


def test_a_mailbox_that_does_not_send_offers_no_answer(scene: PageScene, asking: str) -> None:
    scene.settings = without_sending(scene.settings)
    visitor = scene.visitor()
    assert "Envoyer la réponse" not in visitor.text(f"/received/{asking}")
    assert "message-problem" in act(visitor, asking, "reply", body="x")


# --- once more, and dealt with ---


def test_a_message_is_given_once_more(scene: PageScene) -> None:
    scene.cards = None
    row = received(by_policy(scene), done=True)
    visitor = scene.visitor()
    assert "Oui, remettre" in visitor.text(f"/received/{row}")
    text = act(visitor, row, "requeue")
    assert "Le message sera remis de nouveau au logiciel." in text
    assert "Oui, remettre" not in text
    assert scene.journal.incoming(row).state is IncomingState.STORED
    assert scene.journal.trace()[-1].actor == "person at the page"


def by_policy(scene: PageScene, policy: str = "taken") -> PageScene:
    with_policy(scene, policy)
    return scene


def test_marking_as_dealt_with_tells_the_sender_when_the_policy_says_so(scene: PageScene) -> None:
    scene.cards = None
    row = received(by_policy(scene), asks=LAB)
    act(scene.visitor(), row, "taken")
    (notice,) = scene.journal.notices([row])[row]
    assert (notice.kind.value, notice.message_id is not None) == ("processed", True)


@pytest.mark.parametrize(
    "action", ["taken", "read-receipt", "failure-notice", "not-integrated", "reply", "end-exchange", "requeue"]
)
def test_a_form_from_elsewhere_answers_nothing(scene: PageScene, asking: str, action: str) -> None:
    before = scene.journal.last_number()
    fields = {"send": "yes", "body": "x", "code": "902"}
    assert scene.visitor().post(f"/received/{asking}/{action}", token="foreign", **fields).status_code == 403
    assert scene.journal.last_number() == before


# --- signs ---


def test_lists_and_sheet_say_in_words_what_must_not_be_overlooked(scene: PageScene) -> None:
    scene.cards = None
    with_policy(scene)
    first, second = received(scene, ("a.xml", CDA)), received(scene, uid=2)
    old = ReceivedDocument(document_id="2.25.1", sha256="0" * 64, set_id="2.25.9", version=1)
    new = ReceivedDocument(document_id="2.25.2", sha256="1" * 64, set_id="2.25.9", version=2)
    scene.journal.note_received(BOX, [ReceivedMessage(incoming_id=first, documents=(old,), alerts=("AA", "LL"))])
    scene.journal.note_received(BOX, [ReceivedMessage(incoming_id=second, documents=(new,), identity="doubtful")])
    visitor = scene.visitor()
    for path in ("/", "/received"):
        text = visitor.text(path)
        for told in ("Valeur critique", "Valeur critique basse", "Remplacé", "Remplace", "Identité douteuse"):
            assert f"<span>{told}</span>" in text
    sheet = visitor.text(f"/received/{first}")
    for told in ("Valeur critique basse", "remplacé par", f'href="{visitor.root}/received/{second}"',
                 "identité qualifiée"):  # fmt: skip
        assert told in sheet
    english = scene.visitor(**{"Accept-Language": "en"}).text(f"/received/{second}")
    for told in ("Doubtful identity", "replaces", "What belongs together"):
        assert told in english


def test_the_thread_tells_what_was_not_sent_and_what_a_recipient_said(scene: PageScene, asking: str) -> None:
    visitor = scene.visitor()
    assert "rien n&#39;est envoyé" in visitor.text(f"/received/{asking}")
    act(visitor, asking, "read-receipt", send="yes")
    act(visitor, asking, "reply", body="Merci.")
    (view,) = [each for each in scene.journal.submissions() if each.source is SourceKind.PAGE]
    frozen(scene, view.id)
    message = scene.journal.submission(view.id).messages[0]
    news = ReceiptNews(
        named=LAB, recipient=message.recipients[0].address, kind="integration_failed", form="mdn",
        integration_code="902", text="patient inconnu",
    )  # fmt: skip
    scene.journal.add_receipts(message.id, "01RECEIPT", [news])
    text = visitor.text(f"/received/{asking}")
    assert "rien n&#39;est envoyé" not in text
    for told in ("Votre réponse à l&#39;expéditeur", "vous, sur cette page", "Accusé du destinataire",
                 "non intégré par le logiciel du destinataire", "Le patient du document est inconnu du logiciel.",
                 "patient inconnu"):  # fmt: skip
        assert told in text


def test_what_a_server_or_a_name_says_stays_text(scene: PageScene, asking: str) -> None:
    hostile = received(scene, uid=2, head={"Reply-To": "x@autre.mssante.fr"})
    act(scene.visitor(), hostile, "reply", body="<script>alert(1)</script>")
    assert "<script>alert" not in scene.visitor().text(f"/received/{hostile}")


def test_what_the_software_leaves_in_its_folder_is_asked_for_until_it_is_taken(scene: PageScene) -> None:
    row, _ = scene.arrive("Résultats"), scene.arrive("Lettre de liaison")
    scene.journal.note_overdue([row])
    visitor = scene.visitor()
    home = visitor.text()
    assert "Un message reçu n&#39;a pas été intégré par votre logiciel." in home
    assert f'href="{visitor.root}/received?state=untaken"' in home
    listed = visitor.text("/received?state=untaken")
    assert ("Résultats" in listed, "Lettre de liaison" in listed) == (True, False)
    assert "Non intégré" in visitor.text("/received")
    assert "Refusé par le logiciel" not in visitor.text("/received")
    scene.journal.mark_taken(row, by="RECUS")
    assert "Rien ne correspond." in visitor.text("/received?state=untaken")
    assert "intégré par votre logiciel" not in visitor.text()
