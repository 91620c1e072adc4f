"""What leaves: the header lines and the whole message, read back with the standard library's parser."""

import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents.cda.model import CdaDocument, Code, InstanceId, PatientRole
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.patient import PatientIdentifier
from connector.mail.compose import MessageSpec, PdfCopy, compose
from connector.mail.headers import (
    SenderKind,
    SenderLabel,
    addresses_header,
    codes_header,
    date_header,
    from_header,
    ids_header,
    ins_header,
    message_id,
    text_header,
)
from connector.mail.parse import open_message

LAB = MailboxAddress.parse("resultats-bio@labo-exemple.mssante.fr")
SECRETARY = MailboxAddress.parse("secretariat-bio@labo-exemple.mssante.fr")
DOCTOR = MailboxAddress.parse("dr.marie.martin@cabinet-exemple.mssante.fr")
PATIENT = MailboxAddress.parse("279035121518989@patient.mssante.fr")
LABEL = SenderLabel(kind=SenderKind.APP, entity="Laboratoire Exemple")
PER = SenderLabel(kind=SenderKind.PER, title="Dr", given="Marie", family="Martin", entity="Cabinet Medical")
NAME = "20240602_CR d'examens biologiques_VIAL_Paul_12150302014578.pdf"


def cda(code: str = "11502-2", *, qualified: bool = True) -> CdaDocument:
    authority = "1.2.250.1.213.1.4.10" if qualified else "1.2.3"
    return CdaDocument(
        id=InstanceId("1.2.250.1.213.9", "1"),
        code=Code(code, "2.16.840.1.113883.6.1", "CR d'examens biologiques"),
        title="Compte rendu",
        effective_time="20240602101500+0200",
        confidentiality=Code("N"),
        language="fr-FR",
        set_id=None,
        version=1,
        template_ids=(),
        patient=PatientRole(
            ids=(PatientIdentifier(authority, "178112600000163"),),
            birth_family="VIAL",
            birth_given="Paul",
            gender="M",
            birth_time="19781126",
        ),
        patients_count=1,
        authors=(),
        custodian=None,
        legal_authenticator=None,
        service_events=(),
        encounter_code=None,
        facility=None,
        orders=(),
        parent=None,
    )


FREE = MessageSpec(
    message_id="<20240603101502.4f2c9e@labo-exemple.mssante.fr>",
    date=datetime(2024, 6, 3, 10, 15, 2, tzinfo=timezone(timedelta(hours=2))),
    sender=LAB,
    label=LABEL,
    product_reference="DEV000000",
    to=(DOCTOR,),
    subject="Demande d'avis",
    body="Bonjour,\n\nà bientôt.\n",
)
WITH_DOCUMENT = replace(
    FREE,
    reply_to=SECRETARY,
    documents=(cda(),),
    archive=b"PK\x03\x04 archive",
    pdfs=(PdfCopy(NAME, b"%PDF-1.4 copy"),),
    body="Veuillez trouver ci-joint un compte rendu d'examens biologiques.",
)


def read(content: bytes) -> EmailMessage:
    return BytesParser(policy=email.policy.default).parsebytes(content)


def head(content: bytes) -> list[str]:
    return content.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")


def test_the_worked_example_of_the_reference() -> None:
    assert head(compose(WITH_DOCUMENT))[:11] == [
        "Date: Mon, 03 Jun 2024 10:15:02 +0200",
        "From: Laboratoire Exemple",
        " <resultats-bio@labo-exemple.mssante.fr>",
        "Reply-To: secretariat-bio@labo-exemple.mssante.fr",
        "To: dr.marie.martin@cabinet-exemple.mssante.fr",
        "Message-ID: <20240603101502.4f2c9e@labo-exemple.mssante.fr>",
        "Subject: XDM/1.0/DDM+CR d'examens biologiques VIAL Paul 26/11/1978",
        "X-MSS-NIL: DEV000000",
        "X-MSS-CODECDA: 11502-2",
        "X-MSS-INS: O",
        "MIME-Version: 1.0",
    ]


def test_text_then_archive_then_pdf() -> None:
    message = read(compose(WITH_DOCUMENT))
    assert message.get_content_type() == "multipart/mixed"
    text, archive, pdf = cast("list[EmailMessage]", list(message.iter_parts()))
    assert (text.get_content_type(), text.get_content_charset()) == ("text/plain", "utf-8")
    assert text.get_content().strip() == WITH_DOCUMENT.body
    assert (archive.get_content_type(), archive.get_filename()) == ("application/zip", "IHE_XDM.zip")
    assert archive.get_content_disposition() == "attachment"
    assert archive.get_content() == b"PK\x03\x04 archive"
    assert (pdf.get_content_type(), pdf.get_filename()) == ("application/pdf", NAME)
    assert pdf.get_content() == b"%PDF-1.4 copy"


def test_a_free_message_carries_the_product_reference_only() -> None:
    message = read(compose(FREE))
    assert message["Subject"] == "Demande d'avis"
    assert message["X-MSS-NIL"] == "DEV000000"
    assert [name for name in message if name.startswith("X-MSS")] == ["X-MSS-NIL"]


def test_two_documents_without_qualified_ins() -> None:
    spec = replace(
        WITH_DOCUMENT,
        documents=(cda(qualified=False), cda("34112-3", qualified=False)),
        pdfs=(PdfCopy("a.pdf", b"a"), PdfCopy("b.pdf", b"b")),
    )
    message = read(compose(spec))
    assert message["Subject"] == "XDM/1.0/DDM+2 documents VIAL Paul 26/11/1978"
    assert message["X-MSS-CODECDA"] == "11502-2,34112-3"
    assert message["X-MSS-INS"] == "N"


def test_one_qualified_ins_among_several_documents_counts() -> None:
    assert ins_header([cda(qualified=False), cda()]) == "X-MSS-INS: O\r\n"
    assert ins_header([cda(), cda(qualified=False)]) == "X-MSS-INS: O\r\n"


def test_equal_codes_are_repeated() -> None:
    assert codes_header([cda(), cda()]) == "X-MSS-CODECDA: 11502-2,11502-2\r\n"


def test_the_same_message_always_has_the_same_bytes() -> None:
    assert compose(WITH_DOCUMENT) == compose(replace(WITH_DOCUMENT))


def test_no_answer_from_a_patient() -> None:
    spec = replace(WITH_DOCUMENT, to=(PATIENT,), no_reply_from_patient=True)
    assert "X-MSS-MES: FIN" in head(compose(spec))


def test_nothing_is_said_to_the_patient_without_being_asked() -> None:
    assert read(compose(replace(WITH_DOCUMENT, to=(PATIENT,))))["X-MSS-MES"] is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"no_reply_from_patient": True}, "FIN_SANS_PATIENT", id="no reply, no patient"),
        pytest.param(
            {"to": (PATIENT,), "cc": (DOCTOR,), "no_reply_from_patient": True, "mixed_recipients": True},
            "DESTINATAIRES_MELANGES",
            id="no reply, mixed",
        ),
        pytest.param({"cc": (PATIENT,)}, "DESTINATAIRES_MELANGES", id="mixed"),
        pytest.param({"to": ()}, "SANS_DESTINATAIRE", id="nobody"),
        pytest.param({"archive": None}, "PIECES_INCOHERENTES", id="documents without archive"),
        pytest.param({"documents": ()}, "PIECES_INCOHERENTES", id="archive without documents"),
        pytest.param({"pdfs": ()}, "PDF_ABSENT", id="no copy"),
        pytest.param({"documents": (cda("évil\r\nBcc: x"),)}, "ENTETE_INVALIDE", id="hostile code"),
        pytest.param({"documents": (cda(""),)}, "ENTETE_INVALIDE", id="no code"),
        pytest.param(
            {"documents": (cda("x" * 50),) * 20, "pdfs": (PdfCopy("a.pdf", b""),) * 20},
            "TROP_DE_DOCUMENTS",
            id="too many codes for a line",
        ),
        pytest.param({"to": (MailboxAddress("a\r\nBcc: x", "y.fr"),)}, "DESTINATAIRE_INVALIDE", id="hostile address"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidSubmission) as caught:
        compose(replace(WITH_DOCUMENT, **changes))
    assert caught.value.code == code


def test_mixed_recipients_on_explicit_setting() -> None:
    content = compose(replace(WITH_DOCUMENT, cc=(PATIENT,), mixed_recipients=True))
    assert read(content)["Cc"] == str(PATIENT)


@pytest.mark.parametrize("reference", ["", "a b", "x" * 51, "DEV\r\nBcc: x"])
def test_without_product_reference_nothing_is_made(reference: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compose(replace(FREE, product_reference=reference))
    assert caught.value.code == "REFERENCE_PRODUIT_ABSENTE"


def test_the_end_of_an_exchange_only_on_request() -> None:
    assert read(compose(replace(FREE, to=(PATIENT,), end_exchange=True)))["Subject"] == "[FIN]"
    with pytest.raises(InvalidSubmission, match="OBJET_RESERVE"):
        compose(replace(FREE, subject="[FIN]"))


def test_a_disguised_end_of_exchange_stays_what_it_looks_like() -> None:
    message = read(compose(replace(FREE, subject="=?utf-8?q?=5BFIN=5D?=")))
    assert message["Subject"] == "=?utf-8?q?=5BFIN=5D?="


def test_receipts_priority_and_automatic_origin_are_asked_for() -> None:
    content = compose(replace(FREE, delivery_receipt=True, read_receipt=True, urgent=True, auto_submitted=True))
    message = read(content)
    assert message["Return-Receipt-To"] == str(LAB)
    assert message["Disposition-Notification-To"] == str(LAB)
    assert message["Importance"] == "high"
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_reply_is_threaded() -> None:
    message = read(compose(replace(FREE, in_reply_to="<p@x.fr>", references=("<g@x.fr>", "<p@x.fr>"))))
    assert message["In-Reply-To"] == "<p@x.fr>"
    assert message["References"].split() == ["<g@x.fr>", "<p@x.fr>"]


def test_a_reply_without_references_refers_to_its_parent() -> None:
    assert read(compose(replace(FREE, in_reply_to="<p@x.fr>")))["References"] == "<p@x.fr>"


def test_hostile_ids_are_left_out() -> None:
    assert ids_header("References", ["<a@b>\r\nBcc: x", "junk", "<é@b>", "<a@b>"]) == "References: <a@b>\r\n"
    assert ids_header("In-Reply-To", ["nothing"]) == ""


def test_a_long_thread_keeps_its_first_and_last_ids() -> None:
    kept = ids_header("References", [f"<{number}@x>" for number in range(50)]).split()
    assert len(kept) == 21
    assert kept[1:3] == ["<0@x>", "<31@x>"]


def test_our_message_id() -> None:
    assert message_id("01JDFZ0000000000000000ABCD", "x.mssante.fr") == "<01JDFZ0000000000000000ABCD@x.mssante.fr>"
    for unique, domain in (("a b", "x.fr"), ("a", "x.fr\r\n"), ("", "x.fr")):
        with pytest.raises(ValueError, match="Message-ID"):
            message_id(unique, domain)


def test_our_own_mistakes_are_not_sent() -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        compose(replace(FREE, message_id="no id"))
    with pytest.raises(ValueError, match="zone"):
        date_header(datetime(2024, 6, 3))  # noqa: DTZ001 - the mistake under test


@pytest.mark.parametrize(
    ("label", "line"),
    [
        (PER, "From: Dr_Marie_MARTIN_Cabinet Medical\r\n <{}>\r\n"),
        (replace(PER, title="", entity=""), "From: Marie_MARTIN\r\n <{}>\r\n"),
        (replace(PER, title="Dr.", given="Marie_Anne"), 'From: "Dr._Marie Anne_MARTIN_Cabinet Medical"\r\n <{}>\r\n'),
        (
            SenderLabel(kind=SenderKind.ORG, entity="Hopital C – Biologie"),
            "From: =?utf-8?q?Hopital_C_=E2=80=93_Biologie?=\r\n <{}>\r\n",
        ),
        (SenderLabel(kind=SenderKind.APP, entity='A <b>\r\nBcc: "x"'), 'From: "A b Bcc: x"\r\n <{}>\r\n'),
    ],
)
def test_the_from_label_of_each_kind_of_mailbox(label: SenderLabel, line: str) -> None:
    assert from_header(label, LAB) == line.format(LAB)


@pytest.mark.parametrize(
    "label",
    [replace(PER, given=" "), replace(PER, family='"'), SenderLabel(kind=SenderKind.ORG, entity="")],
)
def test_an_incomplete_label_is_a_setting_to_correct(label: SenderLabel) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_header(label, LAB)
    assert caught.value.code == "LIBELLE_EXPEDITEUR_ABSENT"


def test_many_recipients_stand_one_a_line() -> None:
    assert addresses_header("To", [DOCTOR, LAB]) == f"To: {DOCTOR},\r\n {LAB}\r\n"


def test_an_accented_pdf_name_survives() -> None:
    name = "20220531_CR d'imagerie médicale_CORSE_FIGATELLIX.pdf"
    content = compose(replace(WITH_DOCUMENT, pdfs=(PdfCopy(name, b"x"),)))
    assert [part.get_filename() for part in read(content).iter_attachments()] == ["IHE_XDM.zip", name]
    assert [part.name for part in open_message(content, Limits()).parts] == ["IHE_XDM.zip", name]


def test_a_pdf_name_is_never_a_path() -> None:
    content = compose(replace(WITH_DOCUMENT, pdfs=(PdfCopy("../a\\b.pdf", b"x"),)))
    assert [part.get_filename() for part in read(content).iter_attachments()][1] == "..-a-b.pdf"


LINES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200)


@given(text=LINES, name=st.sampled_from(["Subject", "X-Test"]))
def test_a_text_can_never_start_another_header(text: str, name: str) -> None:
    lines = text_header(name, text + "\r\nBcc: x").split("\r\n")
    assert lines[0].startswith(f"{name}: ")
    assert all(line.startswith(" ") for line in lines[1:-1])
    assert lines[-1] == ""
    assert not any("\n" in line or "\r" in line for line in lines)


@settings(max_examples=60)
@given(
    body=LINES,
    archive=st.binary(min_size=1, max_size=300),
    pdfs=st.lists(st.tuples(LINES, st.binary(max_size=300)), min_size=1, max_size=4),
    entity=LINES,
)
def test_parts_come_back_byte_for_byte(body: str, archive: bytes, pdfs: list[tuple[str, bytes]], entity: str) -> None:
    spec = replace(
        WITH_DOCUMENT,
        label=replace(LABEL, entity="E" + entity),
        archive=archive,
        pdfs=tuple(PdfCopy(f"{name}.pdf", content) for name, content in pdfs),
        body=body,
    )
    content = compose(spec)
    assert content.isascii()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")
    expected = [archive, *(data for _name, data in pdfs)]
    attached = cast("list[EmailMessage]", list(read(content).iter_attachments()))
    assert [part.get_content() for part in attached] == expected
    assert [part.content for part in open_message(content, Limits()).parts] == expected


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=400))
def test_the_body_comes_back(body: str) -> None:
    opened = open_message(compose(replace(FREE, body=f"début\n{body}\n.\nFrom fin")), Limits())
    assert opened.body == f"début\n{body}\n.\nFrom fin"


def test_controls_do_not_leave_in_the_body() -> None:
    opened = open_message(compose(replace(FREE, body="a\x00\x07b\r\nc\rd\x85e")), Limits())
    assert opened.body == "ab\nc\nd\ne"


def test_a_large_message_is_composed_whole() -> None:
    archive = bytes(range(256)) * 4096
    content = compose(replace(WITH_DOCUMENT, archive=archive))
    assert open_message(content, Limits()).parts[0].content == archive


def test_date_in_utc() -> None:
    assert date_header(datetime(2026, 11, 20, 9, tzinfo=UTC)) == "Date: Fri, 20 Nov 2026 09:00:00 +0000\r\n"
