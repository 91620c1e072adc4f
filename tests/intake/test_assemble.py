"""For whom a drop is, and which drops are never sent."""

import io
import re
import zipfile
from typing import Any

import pytest

from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.submission import FileRole, RecipientKind, Submission
from connector.intake.assemble import ClaimedDrop, assemble
from tests.intake.bench import CDA, MODELE, N1, loose_desk, mailbox_settings

PDF = b"%PDF-1.4\n%%EOF\n"


def made(*files: tuple[str, bytes], **outbox: Any) -> Submission:
    drop = ClaimedDrop("01TEST00000000000000000001", "X", files)
    return assemble(drop, loose_desk(mailbox_settings(**outbox)), Limits())


def refused(*files: tuple[str, bytes], **outbox: Any) -> str:
    with pytest.raises(InvalidSubmission) as error:
        made(*files, **outbox)
    return error.value.code


def xdm() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("IHE_XDM/SUBSET01/METADATA.XML", "<x/>")
    return buffer.getvalue()


def sidecar(text: str) -> tuple[str, bytes]:
    return "X.mss.json", text.encode()


def addresses(submission: Submission) -> list[tuple[str, RecipientKind]]:
    return [(str(r.address), r.kind) for r in submission.recipients]


class TestRecipients:
    def test_the_sidecar_comes_first(self) -> None:
        found = made(
            ("X.xml", CDA),
            sidecar('{"destinataires": ["a@test.mssante.example", "a@test.mssante.example"],'
                    ' "copie": ["b@test.mssante.example", "a@test.mssante.example"]}'),
            recipients_from_document=True,
        )  # fmt: skip
        assert addresses(found) == [
            ("a@test.mssante.example", RecipientKind.TO), ("b@test.mssante.example", RecipientKind.CC),
        ]  # fmt: skip

    def test_then_the_document_when_the_folder_says_so(self) -> None:
        document = _with_recipient(CDA, "mailto:doc@test.mssante.example")
        assert addresses(made(("X.xml", document), recipients_from_document=True))[0][0] == "doc@test.mssante.example"
        assert addresses(made(("X.xml", document)))[0][0] == str(MODELE)

    def test_then_the_default_of_the_folder(self) -> None:
        assert addresses(made(("X.xml", CDA))) == [(str(MODELE), RecipientKind.TO)]

    def test_else_it_is_refused(self) -> None:
        assert refused(("X.xml", CDA), default_recipients=[]) == "DESTINATAIRE_INCONNU"

    def test_a_recipient_by_number_only_is_refused_until_there_is_a_directory(self) -> None:
        assert refused(("X.xml", CDA), sidecar('{"destinataires": ["99999999995"]}')) == "DESTINATAIRE_INCONNU"

    def test_the_patients_own_mailbox_is_made_from_the_document(self) -> None:
        found = made(("X.xml", CDA), sidecar('{"patient_mes": true}'))
        ((address, _),) = addresses(found)
        assert re.fullmatch(r"\d{15}@patient\.mssante\.fr", address)

    def test_the_patients_own_mailbox_needs_a_qualified_ins(self) -> None:
        unqualified = CDA.replace(b"1.2.250.1.213.1.4.10", b"1.2.3.4")
        assert refused(("X.xml", unqualified), sidecar('{"patient_mes": true}')) == "INS_NON_QUALIFIEE"
        assert refused(("X.zip", xdm()), sidecar('{"patient_mes": true}')) == "INS_NON_QUALIFIEE"


def _with_recipient(document: bytes, telecom: str) -> bytes:
    block = (
        '<informationRecipient><intendedRecipient><telecom value="fax:1"/>'
        f'<telecom value="{telecom}"/></intendedRecipient></informationRecipient>'
    )
    cleaned = re.sub(rb"<informationRecipient>.*?</informationRecipient>", b"", document, flags=re.DOTALL)
    return cleaned.replace(b"</custodian>", b"</custodian>" + block.encode(), 1)


class TestFormats:
    def test_roles_come_from_content(self) -> None:
        found = made(("X.txt", CDA), ("X.pdf", PDF), sidecar("{}"), ("X.ok", b""))
        assert [f.role for f in found.files] == [FileRole.CDA, FileRole.PDF, FileRole.SIDECAR, FileRole.FLAG]

    def test_an_archive_alone_is_taken(self) -> None:
        assert [f.role for f in made(("X.zip", xdm())).files] == [FileRole.XDM]

    @pytest.mark.parametrize(
        ("files", "code"),
        [
            ([("X.zip", xdm()), ("X.xml", CDA)], "FORMAT_NON_PRIS_EN_CHARGE"),
            ([("X.xml", CDA), ("Y.pdf", PDF)], "FORMAT_INCONNU"),
            ([("X.xml", CDA), ("X.jpg", b"\xff\xd8\xff")], "FORMAT_INCONNU"),
            ([("X.zip", b"PK\x05\x06" + bytes(18))], "FORMAT_INCONNU"),
            ([("X.ok", b"")], "INCOMPLET"),
            ([("X.xml", CDA), ("X.mss.json", b"{}"), ("X.mss.ini", b"")], "SIDECAR_INVALIDE"),
            ([("X.xml", CDA), ("X.mss.json", b'{"expediteur": "x@y.example"}')], "SIDECAR_INVALIDE"),
            ([("X.xml", CDA), ("X.mss.json", b'{"sha256": {"X.xml": "' + b"0" * 64 + b'"}}')], "INCOMPLET"),
        ],
    )
    def test_combinations_that_are_refused(self, files: list[tuple[str, bytes]], code: str) -> None:
        assert refused(*files) == code

    def test_a_sidecar_about_another_patient_is_refused(self) -> None:
        other = '{"patient": {"ins": {"valeur": "255069512345651", "oid": "1.2.250.1.213.1.4.10"}}}'
        key = 97 - int("2550695123456") % 97
        other = other.replace("255069512345651", f"2550695123456{key:02}")
        assert refused(("X.xml", N1), sidecar(other)) == "PATIENT_DIFFERENT"

    def test_what_the_sidecar_says_reaches_the_submission(self) -> None:
        found = made(("X.xml", CDA), sidecar('{"reference": "R1", "corps": "a", "objet": "b", "inconnu": 1,'
                                             ' "options": {"urgent": true, "remplace": "1.2"}}'))  # fmt: skip
        assert (found.reference, found.body, found.subject, found.options.urgent) == ("R1", "a", "b", True)
        assert found.warnings == ("SIDECAR_CLE_INCONNUE", "SIDECAR_CLE_IGNOREE")
