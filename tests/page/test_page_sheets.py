"""The sheets of the page: what they show, what their forms do."""

import io
import threading
import zipfile
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.api.checkup import Checkup
from connector.api.page import PageOptions
from connector.domain.errors import ConnectorError, InvalidSubmission, MalformedMessage, NeedsPerson, Unavailable
from connector.domain.scopes import Scope
from connector.domain.states import OutgoingEvent, OutgoingState
from connector.domain.text import Text
from connector.identities.card.status import Presence
from connector.identities.code import CodeState, CodeStatus
from connector.sandbox.samples import sample
from connector.settings.model import MailboxSettings
from connector.support.doctor import Check, Finding, Gives, Group, Severity
from connector.support.doctor.check import once
from connector.support.health import Component, Condition
from tests.api.api_scene import PIN, FakeCards, card_token, settings_of
from tests.documents.pdf.samples import png
from tests.page.page_scene import MARTIN, RIGHT, WRONG, PageScene
from tests.support.doctor_scene import Practice

CDA = ("cr.xml", sample("cr-biologie-v2.xml"))


def state(scene: PageScene, submission: str) -> OutgoingState:
    return scene.journal.submission(submission).messages[0].state


# --- home ---


def test_the_first_sheet_says_what_is_needed_and_counts_the_day(scene: PageScene) -> None:
    scene.read()
    scene.held()
    scene.sent(WRONG, refused=(WRONG,))
    scene.arrive("CR-BIO MODELE")
    text = scene.visitor().text()
    assert "Saisissez le code de la carte. 1 message attend." in text
    assert "corrigez le destinataire" in text
    assert "CR-BIO MODELE" in text
    assert "dr.martin@hopital.mssante.fr" in text


def test_a_fresh_connector_is_calm(scene: PageScene) -> None:
    scene.cards = None
    text = scene.visitor().text()
    assert "Tout va bien : rien à faire." in text
    assert "Rien n’a encore été envoyé" in text


def test_what_stops_everything_brings_its_cure(scene: PageScene) -> None:
    scene.tree = Component("connector", parts=(Component("journal", Condition.ERROR, "DISQUE_PLEIN"),))
    text = scene.visitor().text()
    assert "Urgent" in text
    assert "Libérez" in text


def test_the_numbers_of_the_chart_are_in_a_table_too(scene: PageScene) -> None:
    scene.sent()
    text = scene.visitor().text()
    assert '<th scope="row">20/11/2026</th><td>1</td>' in text


def test_a_fragment_is_only_the_content(scene: PageScene) -> None:
    scene.sent()
    visitor = scene.visitor()
    text = visitor.text("/", **{"X-Fragment": "1"})
    assert "<nav" not in text
    assert 'id="need"' in text


@pytest.mark.parametrize(
    ("header", "lang", "word"), [("fr-FR", "fr", "Envois"), ("en-GB,en;q=0.9", "en", "Sent"), ("de", "fr", "Envois")]
)
def test_the_browser_chooses_the_language(scene: PageScene, header: str, lang: str, word: str) -> None:
    visitor = scene.visitor(**{"Accept-Language": header})
    answer = visitor.get()
    assert f'<html lang="{lang}">' in answer.text
    assert word in answer.text
    assert answer.headers["content-language"] == lang


# --- what is sent ---


def test_the_list_is_searched_filtered_and_paged(scene: PageScene) -> None:
    for number in range(27):
        scene.sent(name=f"N{number:02d}")
    scene.held(name="ATTEND")
    visitor = scene.visitor()
    first = visitor.text("/outgoing")
    assert "ATTEND" in first
    assert "N00" not in first
    after = first.partition("after=")[2][:26]
    assert "N00" in visitor.text(f"/outgoing?after={after}")
    assert "N05" in visitor.text("/outgoing?q=n05")
    assert "N06" not in visitor.text("/outgoing?q=n05")
    waiting = visitor.text("/outgoing?state=waiting")
    assert "ATTEND" in waiting
    assert "N26" not in waiting
    assert "ATTEND" not in visitor.text("/outgoing?box=psc@exemple.mssante.fr")
    assert "Rien ne correspond" in visitor.text("/outgoing?q=inconnu")


def test_an_unknown_mailbox_or_submission_is_a_page_too(scene: PageScene) -> None:
    visitor = scene.visitor()
    for path, code in (("/outgoing?box=x", "BOITE_INCONNUE"), ("/outgoing/01NOBODY", "INTROUVABLE")):
        answer = visitor.get(path)
        assert answer.status_code == 404
        assert code in answer.text


def test_the_story_tells_cause_cure_answer_and_trace(scene: PageScene) -> None:
    text = scene.visitor().text(f"/outgoing/{scene.submission(scene.sent(WRONG, MARTIN, refused=(WRONG,)))}")
    for told in ("envoyé, mais pas à tous", "550 5.1.1 boîte inconnue", "Pris en charge", "smtp.test:465",
                 "250 2.0.0 queued as 4F2A", "OPERATEUR_REFUS"):  # fmt: skip
        assert told in text


def test_a_failed_message_is_corrected_and_sent_again(scene: PageScene) -> None:
    visitor, old = scene.visitor(), scene.submission(scene.sent(WRONG, refused=(WRONG,), files=(CDA,)))
    assert f'value="{WRONG}"' in visitor.text(f"/outgoing/{old}")
    answer = visitor.post(f"/outgoing/{old}/correct", address=str(RIGHT), kind="to")
    assert answer.status_code == 303
    new = answer.headers["location"].rpartition("/")[2]
    view = scene.journal.submission(new)
    assert [str(r.address) for r in view.messages[0].recipients] == [str(RIGHT)]
    assert (view.corrects, scene.decisions) == (old, 1)
    text = visitor.text(f"/outgoing/{new}")
    assert "envoyé au destinataire corrigé" in text
    assert f"/outgoing/{old}" in text
    again = visitor.text(f"/outgoing/{old}")
    assert f"/outgoing/{new}" in again
    assert "Corriger le destinataire et envoyer" not in again


def test_a_mistyped_address_is_shown_again_with_what_is_wrong(scene: PageScene) -> None:
    visitor, old = scene.visitor(), scene.submission(scene.sent(WRONG, refused=(WRONG,)))
    answer = visitor.post(f"/outgoing/{old}/correct", address=["pas une adresse", ""], kind=["cc"])
    assert answer.status_code == 422
    assert 'value="pas une adresse"' in answer.text
    assert "adresse d&#39;un destinataire" in answer.text
    assert scene.journal.find().items[0].id == old


def test_a_correction_without_anybody_is_refused(scene: PageScene) -> None:
    visitor, old = scene.visitor(), scene.submission(scene.sent(WRONG, refused=(WRONG,)))
    assert visitor.post(f"/outgoing/{old}/correct", address="").status_code == 422


def test_whoever_has_it_cannot_be_named_again(scene: PageScene) -> None:
    visitor, old = scene.visitor(), scene.submission(scene.sent(WRONG, MARTIN, refused=(WRONG,)))
    assert visitor.post(f"/outgoing/{old}/correct", address=str(MARTIN)).status_code == 409


def test_a_person_sends_again_gives_up_and_lets_leave(scene: PageScene) -> None:
    visitor = scene.visitor()
    failed, waiting = scene.submission(scene.sent(WRONG, refused=(WRONG,))), scene.submission(scene.held())
    scene.take(files=(("same.xml", b"<same/>"),))
    twin = scene.submission(scene.take(files=(("same.xml", b"<same/>"),)))
    for submission, decision, after in (
        (failed, "retry", OutgoingState.PREPARED), (waiting, "cancel", OutgoingState.CANCELLED),
        (twin, "release", OutgoingState.RECEIVED),
    ):  # fmt: skip
        assert visitor.post(f"/outgoing/{submission}/{decision}").status_code == 303
        assert state(scene, submission) is after
    assert scene.decisions == 3
    assert scene.journal.trace(subject_id=failed)[-1].actor == "person at the page"


def test_a_decision_that_comes_too_late_is_told(scene: PageScene) -> None:
    visitor, sent = scene.visitor(), scene.submission(scene.sent())
    assert visitor.post(f"/outgoing/{sent}/cancel").status_code == 303
    assert 'role="alert"' in visitor.text(f"/outgoing/{sent}")
    assert 'role="alert"' not in visitor.text(f"/outgoing/{sent}")
    assert scene.decisions == 0
    assert visitor.post(f"/outgoing/{sent}/burn").status_code == 422


def test_only_what_is_possible_is_offered(scene: PageScene) -> None:
    visitor = scene.visitor()
    sent = visitor.text(f"/outgoing/{scene.submission(scene.sent())}")
    assert "Décider" not in sent
    assert "Corriger le destinataire" not in sent
    lost = scene.prepared()
    scene.claim(lost)
    scene.journal.record(lost, OutgoingEvent.LOSE, code="ISSUE_INCONNUE")
    text = visitor.text(f"/outgoing/{scene.submission(lost)}")
    assert "le recevrait deux fois" in text


def test_a_rejected_submission_without_recipient_can_get_one(scene: PageScene) -> None:
    visitor, message_id = scene.visitor(), scene.take(recipients=())
    scene.journal.record(message_id, OutgoingEvent.REJECT, code="SANS_DESTINATAIRE")
    text = visitor.text(f"/outgoing/{scene.submission(message_id)}")
    assert "Corriger le destinataire" in text
    assert "Aucun destinataire." in text


# --- what arrived ---


def test_a_received_message_shows_patient_text_and_documents(scene: PageScene) -> None:
    incoming = scene.arrive("CR-BIO", files=(CDA, ("note.txt", b"n")), body="Cordialement <b>")
    visitor = scene.visitor()
    text = visitor.text(f"/received/{incoming}")
    for told in ("TESTUT CAMILLE", "Cordialement &lt;b&gt;", "cr.xml", "note.txt", "Marquer comme traité"):
        assert told in text
    assert "CR-BIO" in visitor.text("/received?q=labo")
    assert "Rien ne correspond" in visitor.text("/received?state=aside")


def test_a_message_is_marked_once_for_all(scene: PageScene) -> None:
    incoming, visitor = scene.arrive(), scene.visitor()
    assert visitor.post(f"/received/{incoming}/taken").status_code == 303
    text = visitor.text(f"/received/{incoming}")
    assert "par vous" in text
    assert "Marquer comme traité" not in text
    assert "traité" in visitor.text("/received")


def test_a_message_that_was_set_aside_is_not_opened(scene: PageScene) -> None:
    visitor, aside = scene.visitor(), scene.set_aside()
    text = visitor.text(f"/received/{aside}")
    assert "ARCHIVE_DANGEREUSE" in text
    assert "Documents" not in text
    assert "mis à l&#39;écart" in visitor.text("/received?state=aside")


def test_a_message_whose_bytes_are_gone_says_so(scene: PageScene) -> None:
    incoming = scene.arrive()
    scene.clock.advance(by=timedelta(days=1))
    scene.journal.purge(payload_before=scene.clock.now(), trace_before=scene.clock.now() - timedelta(days=9))
    assert "PAYLOAD_ABSENT" in scene.visitor().text(f"/received/{incoming}")


@pytest.mark.parametrize("error", [InvalidSubmission("TROP_GROS", "x"), MalformedMessage("PATIENT_INCOHERENT", "x")])
def test_a_message_that_cannot_be_opened_any_more_says_why(
    scene: PageScene, monkeypatch: pytest.MonkeyPatch, error: ConnectorError
) -> None:
    incoming, visitor = scene.arrive(), scene.visitor()

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr("connector.api.page.desk.arrival_of", refuse)
    assert error.code in visitor.text(f"/received/{incoming}")


def test_only_the_last_messages_are_kept_open(scene: PageScene) -> None:
    visitor = scene.visitor()
    ids = [scene.arrive(f"n{number}") for number in range(5)]
    for incoming in (*ids, *ids):
        assert visitor.get(f"/received/{incoming}").status_code == 200


# --- documents ---


def test_a_document_is_looked_at_as_html_pictures_and_pages(scene: PageScene) -> None:
    visitor, incoming = scene.visitor(), scene.arrive(files=(CDA,))
    at = f"/received/{incoming}/pieces/0"
    text = visitor.text(at)
    assert '<article class="cda"' in text
    assert f'src="{visitor.root}{at}/images/0"' in text
    assert "PDF contenu dans le document" in text
    image, page = visitor.get(f"{at}/images/0"), visitor.get(f"{at}/pages/0")
    assert (image.headers["content-type"], page.headers["content-type"]) == ("image/svg+xml", "image/png")
    assert image.headers["content-security-policy"] == "default-src 'none'; img-src data:; sandbox"
    assert page.content.startswith(b"\x89PNG")


def test_a_file_is_saved_as_it_is_and_never_shown_by_the_browser(scene: PageScene) -> None:
    visitor = scene.visitor()
    content = b"<html><script>alert(1)</script>"
    incoming = scene.arrive(files=(('é";x.html', content),))
    answer = visitor.get(f"/received/{incoming}/pieces/0/file")
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%C3%A9")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [("a.txt", b"du texte <b>", "du texte &lt;b&gt;"), ("a.png", png("RGB"), "/images/0"),
     ("a.bin", b"\x00\x01", "ne peut pas être affiché"),
     ("a.pdf", b"%PDF-1.4 x", "ne peut pas être affiché")],
)  # fmt: skip
def test_each_kind_of_file_is_shown_in_its_way(scene: PageScene, name: str, content: bytes, told: str) -> None:
    visitor, incoming = scene.visitor(), scene.arrive(files=((name, content),))
    assert told in visitor.text(f"/received/{incoming}/pieces/0")


def test_what_is_not_there_is_said_not_to_be(scene: PageScene) -> None:
    visitor, incoming = scene.visitor(), scene.arrive(files=(CDA,))
    for path, status in (
        ("pieces/7", 404),
        ("pieces/0/images/9", 404),
        ("pieces/0/pages/30", 422),
        ("pieces/x", 422),
    ):
        assert visitor.get(f"/received/{incoming}/{path}").status_code == status, path


def test_the_originals_of_what_was_sent_can_be_looked_at(scene: PageScene) -> None:
    visitor = scene.visitor()
    submission = scene.submission(scene.sent(files=(CDA, ("cr.mss.json", b"{}"))))
    assert '<article class="cda"' in visitor.text(f"/outgoing/{submission}/pieces/0")


def test_a_busy_drawing_is_not_blamed_on_the_document(scene: PageScene, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor, incoming = scene.visitor(), scene.arrive(files=(CDA,))

    def busy(*_: object) -> int:
        raise Unavailable("API_OCCUPEE", "others")

    monkeypatch.setattr("connector.api.pdf_pages.PdfPages.count", busy)
    assert visitor.get(f"/received/{incoming}/pieces/0").status_code == 503


# --- card ---


def test_the_pin_is_given_once_to_the_card_that_was_meant(scene: PageScene) -> None:
    visitor, cards = scene.visitor(), scene.cards
    assert cards is not None
    text = visitor.text("/card")
    assert 'type="password"' in text
    assert 'autocomplete="off"' in text
    assert visitor.post("/card/unlock", pin=PIN, serial="2800001234").headers["location"] == f"{visitor.root}/card"
    assert cards.given == [(PIN, "2800001234", False)]
    assert "La carte est ouverte." in visitor.text("/card")
    assert scene.decisions == 1


def test_a_wrong_pin_is_told_and_stands_nowhere(scene: PageScene) -> None:
    visitor = scene.visitor()
    visitor.post("/card/unlock", pin="9173", serial="")
    text = visitor.text("/card")
    assert 'role="alert"' in text
    assert "9173" not in text
    assert scene.decisions == 0


def test_the_last_try_needs_the_word_of_the_person(scene: PageScene) -> None:
    token = card_token(Presence.LAST_TRY)
    scene.cards = FakeCards(Presence.LAST_TRY, (token,))
    visitor = scene.visitor()
    assert 'name="accept_last_try" required' in visitor.text("/card")
    visitor.post("/card/unlock", pin=PIN, needs_word="1")
    assert scene.cards.given == []
    assert "Il manque votre confirmation" in visitor.text("/card")
    visitor.post("/card/unlock", pin=PIN, needs_word="1", accept_last_try="on")
    assert scene.cards.given == [(PIN, "", True)]


def test_at_a_reader_with_its_own_pad_no_pin_is_typed_here(scene: PageScene) -> None:
    scene.cards = FakeCards(tokens=(card_token(pin_pad=True),))
    visitor = scene.visitor()
    text = visitor.text("/card")
    assert 'type="password"' not in text
    assert "clavier du lecteur" in text
    visitor.post("/card/unlock", pad="1", pin="0000")
    assert scene.cards.given == [(None, "", False)]


def test_an_open_card_can_be_locked_and_tried(scene: PageScene) -> None:
    scene.cards = FakeCards(Presence.OPEN, (card_token(Presence.OPEN),), code="")
    visitor = scene.visitor()
    assert "Verrouiller" in visitor.text("/card")
    visitor.post("/card/test", serial="2800001234")
    assert "La carte signe correctement." in visitor.text("/card")
    visitor.post("/card/lock")
    assert "La carte est verrouillée." in visitor.text("/card")
    assert scene.cards.presence is Presence.LOCKED


@pytest.mark.parametrize("presence", Presence)
def test_every_state_of_the_card_is_shown(scene: PageScene, presence: Presence) -> None:
    has_card = presence not in (Presence.NO_CARD, Presence.NO_READER, Presence.NO_MIDDLEWARE)
    tokens = (card_token(presence, tries_left_low=True, certificate=None),) if has_card else ()
    scene.cards = FakeCards(presence, tokens, code="CARTE_ABSENTE")
    assert scene.visitor().get("/card").status_code == 200


def test_mailboxes_tell_what_hinders_them(scene: PageScene) -> None:
    scene.held()
    part = Component("send", Condition.WAITING, "PIN", "2026-11-20T09:00:00+00:00")
    scene.tree = Component("connector", parts=(Component("dr-modele", parts=(part,)),))
    text = scene.visitor().text("/card")
    assert "1 message attend le code PIN" in text
    assert "en attente" in text


@dataclass
class FakeCodes:
    """Sessions that open with a one-time code."""

    state: CodeState = CodeState.NEEDS_START
    calls: list[tuple[str, ...]] = field(default_factory=list)
    expires_at: datetime | None = None
    code: str = ""

    def status(self, mailbox: MailboxSettings) -> CodeStatus:
        if not self.calls and self.code == "none":
            raise InvalidSubmission("CODE_SANS_OPERATEUR", "no codes here")
        return CodeStatus(self.state, self.expires_at, "06 ** 12", None, self.code)

    def start(self, mailbox: MailboxSettings) -> CodeStatus:
        self.calls.append(("start", mailbox.folder))
        self.state = CodeState.CODE_EXPECTED
        return self.status(mailbox)

    def give(self, mailbox: MailboxSettings, code: str) -> CodeStatus:
        self.calls.append(("give", code))
        if code != "123456":
            raise NeedsPerson("CODE_REFUSE", "wrong")
        self.state = CodeState.OPEN
        return self.status(mailbox)

    def unlock(self, mailbox: MailboxSettings) -> CodeStatus:
        self.calls.append(("unlock",))
        self.state = CodeState.NEEDS_START
        return self.status(mailbox)


def with_codes(scene: PageScene, **changes: Any) -> FakeCodes:
    mailbox = {
        "address": "otp@exemple.mssante.fr", "operator": "op", "given": "Ana", "family": "MODELE",
        "identity": {"auth": "code", "password": {"env": "X"}},
    }  # fmt: skip
    before = settings_of().model_dump(mode="json", exclude_unset=True)
    scene.settings = settings_of(mailboxes=[*before["mailboxes"], mailbox])
    scene.codes = codes = FakeCodes(**changes)
    return codes


def test_a_one_time_code_is_asked_for_and_given(scene: PageScene) -> None:
    codes = with_codes(scene)
    visitor = scene.visitor()
    assert "Recevoir un code" in visitor.text("/card")
    visitor.post("/mailboxes/otp/code/start")
    codes.expires_at = scene.clock.now()
    text = visitor.text("/card")
    assert "06 ** 12" in text
    visitor.post("/mailboxes/otp/code/give", code="000000")
    assert 'role="alert"' in visitor.text("/card")
    visitor.post("/mailboxes/otp/code/give", code="123456")
    assert "Session ouverte" in visitor.text("/card")
    assert codes.calls == [("start", "otp"), ("give", "000000"), ("give", "123456")]


def test_a_locked_session_is_unlocked_by_the_word_of_the_person(scene: PageScene) -> None:
    codes = with_codes(scene, state=CodeState.LOCKED, code="CODE_VERROUILLE")
    visitor = scene.visitor()
    assert "compte débloqué" in visitor.text("/card")
    visitor.post("/mailboxes/otp/code/unlock")
    assert codes.calls == [("unlock",)]
    assert visitor.post("/mailboxes/otp/code/nothing").status_code == 303
    assert visitor.post("/mailboxes/dr-modele/code/start").status_code == 409


def test_a_mailbox_whose_operator_sends_no_codes_is_shown_without(scene: PageScene) -> None:
    with_codes(scene, code="none")
    assert "Recevoir un code" not in scene.visitor().text("/card")


# --- checks ---


def checkup(folder: Path, *findings: Finding) -> Checkup:
    check = Check(
        name="c", group=Group.MACHINE, title=Text("c", "c"), parts=once(lambda _: findings),
        gives=Gives(), needs=frozenset(),
    )  # fmt: skip
    return Checkup(lambda: Practice(folder).world(), [check])


def test_findings_are_shown_with_their_cures(scene: PageScene, tmp_path: Path) -> None:
    doctor = checkup(
        tmp_path, Finding("PIN", Severity.WARNING, "lecteur", "2 tries", "2 essais"),
        Finding("DISQUE_PLEIN", Severity.ERROR, "/data"), Finding("CERTIFICAT_OK", Severity.OK, "carte"),
    )  # fmt: skip
    scene.options = replace(scene.options, checkup=doctor)
    visitor = scene.visitor()
    assert "Rien n’a encore été examiné" in visitor.text("/checks")
    assert visitor.post("/checks/run").status_code == 303
    for thread in threading.enumerate():
        if thread.name == "checkup":
            thread.join(10)
    text = visitor.text("/checks")
    for told in ("Cette machine", "2 essais", "/data", "panne", "bien"):
        assert told in text
    assert visitor.get("/checks", Cookie="other=1").status_code == 401


def test_a_check_that_has_nothing_to_say_is_not_shown(scene: PageScene, tmp_path: Path) -> None:
    scene.options = replace(scene.options, checkup=checkup(tmp_path))
    visitor = scene.visitor()
    visitor.post("/checks/run")
    for thread in threading.enumerate():
        if thread.name == "checkup":
            thread.join(10)
    text = visitor.text("/checks")
    assert "Examiné" in text
    assert "Cette machine" not in text


def test_a_run_under_way_shows_how_far_it_is(scene: PageScene, tmp_path: Path) -> None:
    doctor = checkup(tmp_path)
    doctor._tell(is_running=True, number=4, done=1)
    scene.options = replace(scene.options, checkup=doctor)
    assert "1 / 4" in scene.visitor().text("/checks")


def test_the_support_bundle_is_saved(scene: PageScene, tmp_path: Path) -> None:
    scene.options = replace(scene.options, checkup=checkup(tmp_path))
    visitor = scene.visitor()
    answer = visitor.post("/checks/bundle")
    assert answer.headers["content-type"] == "application/zip"
    assert "mssante-support-" in answer.headers["content-disposition"]
    assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None


def test_without_a_doctor_the_command_is_named(scene: PageScene) -> None:
    visitor = scene.visitor()
    assert "mss-connector doctor" in visitor.text("/checks")
    assert visitor.post("/checks/run").status_code in (404, 405)
    assert PageOptions().checkup is None


# --- applications ---


def test_an_application_asks_the_person_decides_it_fetches_its_token(scene: PageScene) -> None:
    visitor = scene.visitor()
    asked = visitor.program.post("/api/v1/pairing", json={"name": " LPS ", "scopes": ["messages:read", "card:use"]})
    assert asked.status_code == 202
    request = asked.json()
    text = visitor.text("/applications")
    assert request["code"] in text
    assert "LPS demande l’accès" in text
    assert "Une application demande" in visitor.text()
    waiting = visitor.program.get(f"/api/v1/pairing/{request['id']}").json()
    assert (waiting["status"], waiting["token"], waiting["seconds_left"]) == ("pending", "", 300)
    visitor.post("/applications/accept", code=request["code"], scope=["messages:read", "nonsense"], days="30")
    answer = visitor.program.get(f"/api/v1/pairing/{request['id']}").json()
    assert (answer["status"], answer["scopes"]) == ("accepted", ["messages:read"])
    bearer = {"Authorization": f"Bearer {answer['token']}"}
    assert visitor.program.get("/api/v1/mailboxes", headers=bearer).status_code == 403
    (client,) = scene.journal.clients()
    assert (client.name, list(client.scopes)) == ("LPS", [Scope.MESSAGES_READ])
    assert visitor.program.get(f"/api/v1/pairing/{request['id']}").status_code == 404
    assert answer["token"] not in visitor.text("/applications")


def test_a_refused_application_gets_nothing(scene: PageScene) -> None:
    visitor = scene.visitor()
    request = visitor.program.post("/api/v1/pairing", json={"name": "LPS", "scopes": ["messages:read"]}).json()
    visitor.post("/applications/refuse", code=request["code"])
    answer = visitor.program.get(f"/api/v1/pairing/{request['id']}").json()
    assert (answer["status"], answer["token"]) == ("refused", "")
    visitor.post("/applications/refuse", code=request["code"])
    assert 'role="alert"' in visitor.text("/applications")


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\nb", "\x07"])
def test_an_application_must_have_a_name_that_can_be_shown(scene: PageScene, name: str) -> None:
    answer = scene.visitor().program.post("/api/v1/pairing", json={"name": name, "scopes": ["messages:read"]})
    assert answer.status_code == 422


def test_an_access_is_revoked_on_the_page(scene: PageScene) -> None:
    token = scene.client_token(Scope.STATUS_READ, name="Logiciel")
    scene.client_token(Scope.STATUS_READ, name="Ancien", days=-1)
    visitor = scene.visitor()
    text = visitor.text("/applications")
    assert text.index("Logiciel") < text.index("Ancien")
    assert "expiré" in text
    (client,) = [each for each in scene.journal.clients() if each.name == "Logiciel"]
    visitor.post("/applications/revoke", client=client.id)
    answer = visitor.program.get("/api/v1/mailboxes", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert "révoqué" in visitor.text("/applications")
