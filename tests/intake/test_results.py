"""What the LPS and the secretary read."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingEvent, OutgoingState, RecipientState, WaitingFor
from connector.domain.submission import FileRole, RecipientKind, SendOptions, SourceKind
from connector.intake.status import Etat, describe, status_json, status_note, status_txt
from connector.journal.records import JournalFile, MessageRecipient, OutgoingMessage, RecipientChange, SubmissionView
from tests.intake.bench import CDA, MODELE, OWNER, PARIS, Bench
from tests.intake.conftest import MakeBench

NOON = datetime(2026, 11, 20, 9, 15, 32, tzinfo=UTC)
OTHER = MailboxAddress.parse("autre@test.mssante.example")
ULID = "01JD3M0000000000000K3QF2XY"


def message(state: OutgoingState, **facts: object) -> OutgoingMessage:
    values: dict[str, object] = {
        "id": "01JD3M0000000000000000000M", "submission_id": ULID, "mailbox": MODELE, "state": state,
        "state_since": NOON, "revision": 1, "attempts": 0, "next_attempt_at": None, "deadline_at": None,
        "waiting_for": None, "data_begun": False, "header_message_id": "<a@b>", "payload_id": None,
        "size_bytes": None, "code": None, "detail": None, "answer": None,
        "recipients": (MessageRecipient(MODELE, RecipientKind.TO, RecipientState.PENDING),), **facts,
    }  # fmt: skip
    return OutgoingMessage(**values)  # type: ignore[arg-type] # a table of test values


def view(*messages: OutgoingMessage, **facts: object) -> SubmissionView:
    values: dict[str, object] = {
        "id": ULID, "mailbox": MODELE, "source": SourceKind.FOLDER, "source_name": "REQ0417", "reference": "REQ0417",
        "created_at": NOON, "subject": None, "body": None, "options": SendOptions(), "warnings": (),
        "duplicate_of": None, "files": (JournalFile("REQ0417.xml", FileRole.CDA, "0" * 64, 10, "p"),),
        "messages": messages, "revision": 1, "reported_revision": 0, **facts,
    }  # fmt: skip
    return SubmissionView(**values)  # type: ignore[arg-type] # a table of test values


class TestWords:
    @pytest.mark.parametrize(
        ("state", "facts", "word"),
        [
            (OutgoingState.RECEIVED, {}, "pris"),
            (OutgoingState.DUPLICATE, {}, "doublon"),
            (OutgoingState.PREPARED, {}, "en_file"),
            (OutgoingState.PREPARED, {"attempts": 2}, "differe"),
            (OutgoingState.SENDING, {}, "en_file"),
            (OutgoingState.WAITING, {"waiting_for": WaitingFor.PIN}, "attente_carte"),
            (OutgoingState.WAITING, {"waiting_for": WaitingFor.CARD}, "attente_carte"),
            (OutgoingState.WAITING, {"waiting_for": WaitingFor.NETWORK}, "differe"),
            (OutgoingState.OUTCOME_UNKNOWN, {}, "a_verifier"),
            (OutgoingState.SENT, {}, "envoye"),
            (OutgoingState.DELIVERED, {}, "remis"),
            (OutgoingState.READ, {}, "lu"),
            (OutgoingState.BOUNCED, {}, "erreur"),
            (OutgoingState.REJECTED, {}, "erreur"),
            (OutgoingState.FAILED, {}, "erreur"),
            (OutgoingState.CANCELLED, {}, "annule"),
        ],
    )
    def test_each_state_has_its_word(self, state: OutgoingState, facts: dict[str, object], word: str) -> None:
        assert describe(view(message(state, **facts))).etat.value == word

    def test_every_state_of_the_machine_is_covered(self) -> None:
        assert all(describe(view(message(state))).etat in Etat for state in OutgoingState)

    def test_the_worst_news_of_several_messages_counts(self) -> None:
        status = describe(view(message(OutgoingState.READ), message(OutgoingState.SENT)))
        assert status.etat is Etat.ENVOYE

    def test_one_refused_recipient_shows_first_and_in_the_state(self) -> None:
        recipients = (
            MessageRecipient(MODELE, RecipientKind.TO, RecipientState.ACCEPTED, 250, "ok"),
            MessageRecipient(OTHER, RecipientKind.TO, RecipientState.REFUSED, 550, "unknown user"),
        )
        status = describe(view(message(OutgoingState.SENT, recipients=recipients)))
        assert status.etat is Etat.ERREUR
        assert [(r.address, r.etat.value, r.code) for r in status.recipients] == [
            (str(OTHER), "erreur", 550), (str(MODELE), "envoye", 250),
        ]  # fmt: skip
        assert [problem.code for problem in status.problems] == ["OPERATEUR_REFUS"]


class TestTextForms:
    def test_the_text_form_is_what_the_contract_shows(self) -> None:
        text = status_txt(describe(view(message(OutgoingState.SENT))), PARIS)
        assert text == b"ETAT=ENVOYE\r\nREFERENCE=REQ0417\r\nDATE=20/11/2026 10:15:32\r\nID=3QF2XY\r\n"

    def test_lines_stay_within_80_columns_and_in_the_code_page(self) -> None:
        failed = message(OutgoingState.FAILED, code="OPERATEUR_INJOIGNABLE", next_attempt_at=NOON)
        text = status_txt(describe(view(failed, reference="œ" * 90)), PARIS)
        lines = text.decode("cp1252").split("\r\n")
        assert max(map(len, lines)) <= 80
        assert lines[1].startswith("REFERENCE=œœ")
        assert "CODE=OPERATEUR_INJOIGNABLE" in lines

    def test_the_next_attempt_is_told(self) -> None:
        waiting = message(OutgoingState.PREPARED, attempts=1, next_attempt_at=NOON + timedelta(minutes=5))
        text = status_txt(describe(view(waiting)), PARIS)
        assert b"PROCHAIN_ESSAI=20/11/2026 10:20:32\r\n" in text

    def test_the_json_form(self) -> None:
        values = json.loads(status_json(describe(view(message(OutgoingState.SENT), warnings=("PDF_NON_CONFORME",)))))
        assert {key: values[key] for key in ("version", "id", "reference", "fichiers", "etat", "depuis")} == {
            "version": 1, "id": ULID, "reference": "REQ0417", "fichiers": ["REQ0417.xml"], "etat": "envoye",
            "depuis": "2026-11-20T09:15:32+00:00",
        }  # fmt: skip
        assert values["message_id"] == "<a@b>"
        assert values["prochain_essai"] is None
        assert values["destinataires"] == [{"adresse": str(MODELE), "etat": "envoye", "code": None, "texte": None}]
        assert values["erreurs"] == []
        assert values["avertissements"][0]["code"] == "PDF_NON_CONFORME"

    def test_the_note_says_what_happened_and_what_to_do(self) -> None:
        failed = message(OutgoingState.FAILED, code="DELAI_DEPASSE")
        text = status_note(describe(view(failed)), PARIS, left=False)
        assert text.decode("cp1252").replace("\r\n", "\n") == (
            "Ce dépôt n'a pas été envoyé.\n\n"
            "Fichier(s) : REQ0417.xml\nRéférence  : REQ0417\n"
            "Date       : 20/11/2026 10:15:32\nNuméro     : 3QF2XY\n\n"
            "Ce qui s'est passé\n  Le message n'a pas pu partir dans le délai prévu.\n\n"
            "Destinataires\n  dr.modele@test.mssante.example : erreur\n\n"
            "Que faire\n"
            "  Prévenez le destinataire par une autre voie, ou relancez : mss-connector queue\n  retry.\n\n"
            "Code : DELAI_DEPASSE\n"
        )
        assert max(map(len, text.decode("cp1252").split("\r\n"))) <= 80


class TestFiling:
    def test_a_drop_passes_from_taken_to_sent(self, bench: Bench) -> None:
        bench.drop("REQ0417.xml")
        bench.settle()
        assert bench.reporter.run_once() == 1
        assert "ETAT=PRIS" in bench.text("STATUTS", "REQ0417.statut.txt")
        assert bench.reporter.run_once() == 0
        bench.send()
        assert bench.reporter.run_once() == 1
        assert "ETAT=ENVOYE" in bench.text("STATUTS", "REQ0417.statut.txt")
        month = bench.clock.now().astimezone(PARIS).strftime("%Y-%m")
        assert bench.names("ENVOYES") == [f"{month}/REQ0417.xml"]
        status = json.loads(bench.text("STATUTS", "REQ0417.statut.json"))
        assert status["emplacement"] == f"ENVOYES/{month}"
        assert bench.work() == []

    def test_a_receipt_after_filing_rewrites_the_same_status_file(self, bench: Bench) -> None:
        bench.drop("X.xml")
        bench.settle()
        sent = bench.send()
        bench.reporter.run_once()
        change = RecipientChange(MODELE, RecipientState.DELIVERED)
        bench.journal.record(sent.id, OutgoingEvent.RECEIPT_DELIVERED, recipients=[change])
        assert bench.again().reporter.run_once() == 1
        assert bench.names("STATUTS") == ["X.statut.json", "X.statut.txt"]
        assert "ETAT=REMIS" in bench.text("STATUTS", "X.statut.txt")

    def test_a_bounce_shows_a_note_while_the_originals_stay_with_what_was_sent(self, bench: Bench) -> None:
        bench.drop("X.xml")
        bench.settle()
        sent = bench.send()
        bench.reporter.run_once()
        change = RecipientChange(MODELE, RecipientState.BOUNCED, 550, "5.1.1 unknown")
        bench.journal.record(sent.id, OutgoingEvent.RECEIPT_FAILED, recipients=[change], code="REMISE_ECHEC")
        bench.reporter.run_once()
        assert bench.names("ERREURS") == ["X.erreur.txt"]
        assert "5.1.1 unknown" in bench.text("ERREURS", "X.erreur.txt")
        assert len(bench.names("ENVOYES")) == 1

    def test_two_drops_of_one_name_have_two_status_files(self, make_bench: MakeBench) -> None:
        bench = make_bench(duplicate_hours=0)
        for _ in range(2):
            bench.drop("X.xml")
            bench.settle()
            bench.send()
            bench.reporter.run_once()
        assert bench.names("STATUTS") == ["X-2.statut.json", "X-2.statut.txt", "X.statut.json", "X.statut.txt"]
        assert [name[8:] for name in bench.names("ENVOYES")] == ["X-2.xml", "X.xml"]

    def test_a_duplicate_is_set_aside_visibly_and_moves_on_when_it_is_released(self, bench: Bench) -> None:
        bench.drop("X.xml")
        bench.settle()
        bench.send()
        bench.drop("Y.xml")
        bench.settle()
        bench.reporter.run_once()
        assert bench.names("ERREURS") == ["Y.erreur.txt", "Y.xml"]
        assert "ETAT=DOUBLON" in bench.text("STATUTS", "Y.statut.txt")
        note = bench.text("ERREURS", "Y.erreur.txt")
        assert "queue release" in note
        assert "doublon_autorise" in note
        duplicate = next(v for v in bench.submissions() if v.source_name == "Y")
        bench.journal.record(duplicate.messages[0].id, OutgoingEvent.RELEASE)
        bench.send()
        bench.again().reporter.run_once()
        assert bench.names("ERREURS") == []
        assert [name[8:] for name in bench.names("ENVOYES")] == ["X.xml", "Y.xml"]

    def test_the_sidecar_option_lets_a_duplicate_through(self, bench: Bench) -> None:
        bench.drop("X.xml")
        bench.settle()
        bench.drop("Y.xml")
        bench.drop("Y.mss.json", b'{"options": {"doublon_autorise": true}}')
        bench.settle()
        assert {m.state for v in bench.submissions() for m in v.messages} == {OutgoingState.RECEIVED}

    def test_a_rejected_drop_goes_to_the_errors_with_its_reason(self, bench: Bench) -> None:
        bench.drop("X.xml")
        bench.settle()
        (row,) = bench.journal.claim_received(owner=OWNER)
        bench.journal.record(row.id, OutgoingEvent.REJECT, code="CDA_INVALIDE", detail="no id")
        bench.reporter.run_once()
        assert bench.names("ERREURS") == ["X.erreur.txt", "X.xml"]
        assert "Code : CDA_INVALIDE" in bench.text("ERREURS", "X.erreur.txt")

    def test_markers_for_software_that_can_only_test_a_name(self, make_bench: MakeBench) -> None:
        bench = make_bench(markers=True, status_json=False, status_txt=False)
        bench.drop("good.xml")
        bench.settle()
        bench.send()
        bench.drop("bad.doc", b"\xd0\xcf\x11\xe0")
        bench.settle()
        bench.reporter.run_once()
        assert bench.names("STATUTS") == ["bad.erreur", "good.envoye"]
        assert (bench.layout.statuses / "bad.erreur").read_bytes().startswith(b"Le format du fichier")

    def test_a_file_in_errors_is_never_overwritten(self, bench: Bench) -> None:
        (bench.layout.errors / "X.xml").write_bytes(b"older")
        bench.drop("X.xml")
        bench.settle()
        (row,) = bench.journal.claim_received(owner=OWNER)
        bench.journal.record(row.id, OutgoingEvent.REJECT, code="CDA_INVALIDE")
        bench.reporter.run_once()
        assert (bench.layout.errors / "X.xml").read_bytes() == b"older"
        assert (bench.layout.errors / "X-2.xml").read_bytes() == CDA
        assert "X-2.erreur.txt" in bench.names("ERREURS")
