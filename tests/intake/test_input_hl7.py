"""HL7 v2 of the ANS volets, and the usual ORU of laboratories, from the drop to the finished messages."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.documents.hl7.errors import Hl7Error
from connector.documents.pdf.sheets import text_to_pdf
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.states import OutgoingState as S
from connector.domain.submission import DocumentAction, Submission
from connector.intake.assemble import ClaimedDrop, assemble
from connector.journal.records import SubmissionView
from connector.xdm.package_reader import read_xdm
from tests.hl7.hl7_messages import FLAGS, PATIENT_ADDRESS, PROFESSIONAL_ADDRESS, classic_oru, mdm, n1_and_n3, oru, rct
from tests.intake.test_input_made import Office, part
from tests.xdm.cda_samples import cda, level_1

PDF = text_to_pdf("Bilan", "Bilan")
BODY = level_1(base64.b64encode(PDF).decode())
N1 = cda(body=BODY)
TO_BOTH = {**FLAGS, "INVISIBLE_PATIENT": "N", "DESTMSSANTEPAT": "Y"}


class Laboratory(Office):
    def order(self, *files: tuple[str, bytes]) -> Submission:
        drop = ClaimedDrop(self.scene.ids.ulid(), "M1", files)
        return assemble(drop, self._desk(), Limits())

    def took(self, *files: tuple[str, bytes]) -> SubmissionView:
        deadline = self.scene.clock.now() + timedelta(hours=48)
        taken = self.scene.journal.take(self.order(*files), deadline_at=deadline, duplicate_hours=0)
        self.scene.prepare(mailbox=self.mailbox)
        return self.scene.journal.submission(taken.submission_id)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    made = Laboratory(tmp_path, correspondents={"899700000025": "paul.destinataire@medecin.test.mssante.fr"})
    yield made
    assert made.scene.journal.violations() == []
    made.scene.journal.close()


def refusal(lab: Laboratory, *files: tuple[str, bytes]) -> Any:
    with pytest.raises(InvalidSubmission) as error:
        lab.order(*files)
    return error.value


def test_an_order_for_professionals_leaves_for_them_with_its_document(lab: Laboratory) -> None:
    view = lab.took(("M1.hl7", mdm(document=N1)))
    message = lab.message(view)
    assert [contact.address for contact in message.to] == [PROFESSIONAL_ADDRESS]
    (package,) = read_xdm(part(message, "application/zip"))
    assert package.documents[0].content == N1
    flags = {flag.code for flag in package.documents[0].entry.confidentiality_codes}
    assert "INVISIBLE_PATIENT" in flags
    assert package.submission_set is not None
    assert package.submission_set.authors[0].person.startswith("899700000017^TESTEUR^CLAIRE")
    assert (view.reference, view.hl7 and view.hl7.control_id) == ("MSG0001", "MSG0001")
    assert view.hl7 is not None
    assert (view.hl7.wants_delivery_answer, view.hl7.wants_read_answer) == (True, False)


def test_patient_and_professionals_get_separate_messages_with_their_own_texts(lab: Laboratory) -> None:
    texts = [
        f"OBX|{number}|ED|{code}^Corps^MetaDMPMSS||^TEXT^^Base64^{base64.b64encode(text.encode()).decode()}||||||F"
        for number, (code, text) in enumerate(
            [("CORPSMAIL_PS", "Cher confrère"), ("CORPSMAIL_PATIENT", "Chère Madame")], 12
        )
    ]
    message = mdm(document=N1, flags=TO_BOTH, participants=(rct(), rct(PATIENT_ADDRESS)), more=texts)
    view = lab.took(("M1.hl7", message))
    professional, patient = lab.scene.prepared(view.id)
    assert ([c.address for c in professional.to], professional.body) == ([PROFESSIONAL_ADDRESS], "Cher confrère")
    assert ([c.address for c in patient.to], patient.body) == ([PATIENT_ADDRESS], "Chère Madame")


def test_a_pair_of_n1_and_n3_is_one_archive_with_the_pdf_of_the_n1_for_both(lab: Laboratory) -> None:
    first, second = N1, n1_and_n3()[1]
    message = lab.message(lab.took(("M1.hl7", oru(documents=(first, second)))))
    (package,) = read_xdm(part(message, "application/zip"))
    assert [document.content for document in package.documents] == [first, second]
    assert len(message.mss.document_codes) == 2
    pdfs = [one.content for one in message.parts if one.media_type == "application/pdf"]
    assert len(pdfs) == 2
    assert pdfs[0] == pdfs[1]


def test_a_deletion_carries_the_action_d(lab: Laboratory) -> None:
    view = lab.took(("M1.hl7", mdm(event="T04", document=N1)))
    assert view.action is DocumentAction.DELETE
    (package,) = read_xdm(part(lab.message(view), "application/zip"))
    assert package.documents[0].entry.action == "D"


def test_answers_go_to_the_address_of_reply(lab: Laboratory) -> None:
    message = mdm(document=N1, participants=(rct(), rct("accueil@labo.test.mssante.fr", role="REPLY")))
    opened = lab.message(lab.took(("M1.hl7", message)))
    assert [contact.address for contact in opened.reply_to] == ["accueil@labo.test.mssante.fr"]


def test_the_document_of_another_patient_is_refused_with_every_reason(lab: Laboratory) -> None:
    error = refusal(lab, ("M1.hl7", mdm(replace={"248066319988747": "255069512345651", "19480615": "19550612"})))
    assert isinstance(error, Hl7Error)
    assert {one.location for one in error.problems} >= {"PID^1^3", "PID^1^7"}


def test_flags_that_cannot_be_together_are_refused(lab: Laboratory) -> None:
    assert refusal(lab, ("M1.hl7", mdm(flags={**FLAGS, "MASQUE_PS": "Y"}))).code == "HL7_DOCUMENT_MASQUE"


def test_the_usual_oru_with_a_pdf_becomes_a_document_for_the_known_correspondents(lab: Laboratory) -> None:
    value = f"^application^pdf^Base64^{base64.b64encode(PDF).decode()}"
    view = lab.took(("M1.hl7", classic_oru(value)))
    message = lab.message(view)
    assert [contact.address for contact in message.to] == [PROFESSIONAL_ADDRESS]
    assert part(message, "application/pdf") == PDF
    assert message.subject_display.endswith("EXEMPLE ANNE 15/06/1948")


def test_a_usual_oru_takes_the_pdf_of_the_same_name(lab: Laboratory) -> None:
    value = f"^application^pdf^Base64^{base64.b64encode(PDF).decode()}"
    whole = classic_oru(value)
    start = whole.index(b"OBX|2|ED")
    view = lab.took(("M1.hl7", whole[:start]), ("M1.pdf", PDF))
    assert part(lab.message(view), "application/pdf") == PDF


def test_a_file_that_does_not_belong_to_the_message_refuses_the_drop(lab: Laboratory) -> None:
    assert refusal(lab, ("M1.hl7", mdm(document=N1)), ("N2.pdf", PDF)).code == "FORMAT_INCONNU"


def test_messages_are_prepared_whatever_their_form(lab: Laboratory) -> None:
    for message in (
        mdm(document=N1),
        oru(documents=(N1,)),
        mdm(document=N1, profile="2.0^CISIS_CDA_HL7_V2"),
        mdm(document=N1, charset="8859/15", codec="iso-8859-15"),
    ):
        assert lab.took(("M1.hl7", message)).messages[0].state is S.PREPARED


def test_a_message_that_was_cut_short_of_its_flags_is_never_taken_for_one_without_masks(lab: Laboratory) -> None:
    whole = mdm(document=N1)
    cut = whole[: whole.index(b"OBX|2|CWE|MASQUE_PS")]
    error = refusal(lab, ("M1.hl7", cut))
    assert "HL7_CHAMP_ABSENT" in {one.code for one in error.problems}
