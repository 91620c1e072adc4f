"""A PDF, an image or a text with its sidecar leaves as a CDA document made by us, through to the finished message."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from connector.documents.cda.parse import open_cda, parse_cda
from connector.documents.pdf import inspect_pdf
from connector.documents.pdf.sheets import text_to_pdf
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.states import OutgoingState as S
from connector.domain.submission import DocumentAction, FileRole, Submission
from connector.intake.assemble import ClaimedDrop, assemble
from connector.journal.records import SubmissionView
from connector.mail.parse import OpenedMessage
from connector.settings.model import MailboxSettings
from connector.xdm.package_reader import read_xdm
from tests.exchange.exchange_scene import ALIX, IDENTITY, LAB, Scene
from tests.intake.bench import desk_for

PDF = text_to_pdf("Compte rendu de Camille TESTUT", "Compte rendu")
_picture = io.BytesIO()
Image.new("RGB", (40, 20), (10, 80, 160)).save(_picture, "PNG")
PNG = _picture.getvalue()
PATIENT = {
    "nom_naissance": "TESTUT", "prenoms": ["Camille"], "naissance": "1999-01-17", "sexe": "F",
    "identifiant": {"valeur": "D-4711"},
}  # fmt: skip
QUALIFIED = {
    **PATIENT, "sexe": "M", "lieu_naissance": "75999",
    "ins": {"valeur": "199017599999849", "oid": "1.2.250.1.213.1.4.10", "qualifiee": True},
}  # fmt: skip


class Office:
    """The laboratory's drops, from their bytes to the message that would leave."""

    def __init__(self, folder: Path, **mailbox: Any) -> None:
        self.scene = Scene(folder)
        self.mailbox = MailboxSettings.model_validate({
            "address": str(LAB), "kind": "ORG", "entity": "Laboratoire des Tilleuls", "operator": "op",
            "identity": IDENTITY, "author": {"rpps": "99700000017", "family": "BIOLOGISTE", "given": "Zoe"},
            "structure": {"finess": "010000017", "name": "Laboratoire des Tilleuls", "facility": "SA25"},
            **mailbox,
        })  # fmt: skip
        self._desk = desk_for(self.mailbox, self.scene.journal, self.scene.clock, self.scene.ids)

    def submission(self, *files: tuple[str, bytes], **sidecar: Any) -> Submission:
        """What a drop means; ``sidecar`` is its JSON."""
        said = {"destinataires": [{"adresse": str(ALIX)}], **sidecar}
        drop = [*files, ("X.mss.json", json.dumps(said).encode())]
        return assemble(ClaimedDrop(self.scene.ids.ulid(), "X", drop), self._desk(), Limits())

    def take(self, *files: tuple[str, bytes], hours: float = 0, **sidecar: Any) -> SubmissionView:
        """Taken and prepared."""
        submission = self.submission(*files, **sidecar)
        deadline = self.scene.clock.now() + timedelta(hours=48)
        taken = self.scene.journal.take(submission, deadline_at=deadline, duplicate_hours=hours)
        self.scene.prepare(mailbox=self.mailbox)
        return self.scene.journal.submission(taken.submission_id)

    def message(self, view: SubmissionView) -> OpenedMessage:
        (message,) = view.messages
        assert (message.state, message.code, message.detail) == (S.PREPARED, None, None)
        (opened,) = self.scene.prepared(view.id)
        return opened


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    assert made.scene.journal.violations() == []
    made.scene.journal.close()


def part(message: OpenedMessage, media_type: str) -> bytes:
    (found,) = [one.content for one in message.parts if one.media_type == media_type]
    return found


def test_a_pdf_leaves_as_a_document_of_level_1_with_itself_as_the_copy(office: Office) -> None:
    files = [{"nom": "X.pdf", "type": "CR-BIO", "titre": "Bilan", "date": "2026-11-20"}]
    message = office.message(office.take(("X.pdf", PDF), patient=PATIENT, fichiers=files))
    (package,) = read_xdm(part(message, "application/zip"))
    document = parse_cda(package.documents[0].content)
    assert document.body is not None
    assert document.body.content == part(message, "application/pdf") == PDF
    assert (document.code.code, document.title) == ("11502-2", "Bilan")
    assert (document.patient.family, document.patient.given) == ("TESTUT", "Camille")
    assert message.subject_display.endswith("TESTUT Camille 17/01/1999")
    assert (message.mss.document_codes, message.mss.qualified_ins) == (("11502-2",), "N")


def test_a_qualified_identity_makes_a_qualified_document_that_may_go_to_the_patient(office: Office) -> None:
    view = office.take(
        ("X.pdf", PDF), patient=QUALIFIED, fichiers=[{"nom": "X.pdf", "type": "CR-BIO"}], patient_mes=True
    )
    professional, patient = office.scene.prepared(view.id)
    assert professional.mss.qualified_ins == patient.mss.qualified_ins == "O"
    assert [contact.address for contact in patient.to] == ["199017599999849@patient.mssante.fr"]


def test_the_matricule_of_an_unqualified_identity_never_leaves(office: Office) -> None:
    patient = {**QUALIFIED, "ins": {**QUALIFIED["ins"], "qualifiee": False}}  # type: ignore[dict-item]
    view = office.take(("X.pdf", PDF), patient=patient, fichiers=[{"nom": "X.pdf", "type": "CR-BIO"}])
    (content,) = office.scene.frozen_bytes(view.id)
    (package,) = read_xdm(part(office.message(view), "application/zip"))
    everything = content + package.documents[0].content + repr(package.metadata).encode()
    assert b"199017599999849" not in everything


@pytest.mark.parametrize(("name", "content"), [("X.png", PNG), ("X.txt", "Résultat : négatif.\r\n".encode("cp1252"))])
def test_an_image_or_a_text_becomes_a_pdf_a(office: Office, name: str, content: bytes) -> None:
    message = office.message(
        office.take((name, content), patient=PATIENT, fichiers=[{"nom": name, "type": "CR-BIO"}])
    )
    assert inspect_pdf(part(message, "application/pdf")).is_pdfa1


def test_the_same_file_again_is_a_duplicate_although_its_document_is_new(office: Office) -> None:
    files = [{"nom": "X.pdf", "type": "CR-BIO"}]
    office.take(("X.pdf", PDF), hours=24, patient=PATIENT, fichiers=files)
    again = office.take(("X.pdf", PDF), hours=24, patient=PATIENT, fichiers=files)
    assert again.messages[0].state is S.DUPLICATE


def test_a_correction_names_its_reference_and_follows_the_first_sending(office: Office) -> None:
    files = [{"nom": "X.pdf", "type": "CR-BIO"}]
    first = office.take(("X.pdf", PDF), patient=PATIENT, fichiers=files, reference="REQ1")
    other = text_to_pdf("Corrigé", "Corrigé")
    second = office.take(
        ("X.pdf", other), patient=PATIENT, fichiers=files, reference="REQ2", options={"remplace": "REQ1"}
    )
    documents = [
        open_cda(office.scene.journal.payload(file.payload_id)).document
        for view in (first, second)
        for file in view.files
        if file.role is FileRole.CDA_BUILT
    ]
    assert [one.version for one in documents] == [1, 2]
    assert documents[0].set_id == documents[1].set_id
    assert documents[1].replaces == documents[0].id
    before, after = office.message(first), office.message(second)
    assert after.in_reply_to == (before.message_id,)
    assert office.scene.journal.submission(first.id).replaced_by == second.id
    (package,) = read_xdm(part(after, "application/zip"))
    assert package.documents[0].entry.action == "C"


def test_what_was_sent_is_withdrawn_by_its_reference(office: Office) -> None:
    files = [{"nom": "X.pdf", "type": "CR-BIO"}]
    first = office.take(("X.pdf", PDF), patient=PATIENT, fichiers=files, reference="REQ1")
    gone = office.take(("X.pdf", PDF), patient=PATIENT, options={"annule": "REQ1"})
    assert gone.action is DocumentAction.DELETE
    (before,), (after,) = ((file for file in one.files if file.role is FileRole.CDA_BUILT) for one in (first, gone))
    assert before.sha256 == after.sha256
    (package,) = read_xdm(part(office.message(gone), "application/zip"))
    assert package.documents[0].entry.action == "D"


def test_a_reference_that_nobody_knows_is_told(office: Office) -> None:
    with pytest.raises(InvalidSubmission) as error:
        office.submission(
            ("X.pdf", PDF), patient=PATIENT, fichiers=[{"nom": "X.pdf", "type": "CR-BIO"}],
            options={"remplace": "REQ9"},
        )  # fmt: skip
    assert error.value.code == "REMPLACE_INCONNU"


@pytest.mark.parametrize(
    ("sidecar", "code"),
    [
        ({}, "PATIENT_INCOMPLET"),
        (
            {"patient": {"nom_naissance": "TESTUT"}, "fichiers": [{"nom": "X.pdf", "type": "CR-BIO"}]},
            "PATIENT_INCOMPLET",
        ),
        ({"patient": PATIENT}, "TYPE_DOCUMENT_ABSENT"),
        ({"patient": PATIENT, "fichiers": [{"nom": "X.pdf", "type": "NAPPE"}]}, "TYPE_DOCUMENT_INCONNU"),
    ],
)
def test_what_is_missing_is_told(office: Office, sidecar: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidSubmission) as error:
        office.submission(("X.pdf", PDF), **sidecar)
    assert error.value.code == code


def test_a_mailbox_that_says_no_author_cannot_make_documents(tmp_path: Path) -> None:
    office = Office(tmp_path, author={})
    with pytest.raises(ConfigurationError) as error:
        office.submission(("X.pdf", PDF), patient=PATIENT, fichiers=[{"nom": "X.pdf", "type": "CR-BIO"}])
    assert error.value.code == "AUTEUR_INCOMPLET"
    office.scene.journal.close()


def test_files_of_any_kind_go_as_they_are_when_the_mailbox_allows_it(tmp_path: Path) -> None:
    office = Office(tmp_path, outbox={"attachments": True})
    message = office.message(office.take(("X.docx", b"\xd0\xcf\x11\xe0"), objet="Courrier"))
    assert [(one.name, one.content) for one in message.parts] == [("X.docx", b"\xd0\xcf\x11\xe0")]
    assert message.subject_raw == "Courrier"
    office.scene.journal.close()
