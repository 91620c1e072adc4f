"""Preparing: what the LPS gave becomes the right messages, or is refused with a reason before anything leaves."""

import hashlib
import io
import zipfile
from datetime import UTC, datetime

import pikepdf
import pytest

from connector.documents.cda.parse import embedded_pdf_copy, open_cda
from connector.documents.pdf import inspect_pdf, render_cda_pdf
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError, Unavailable
from connector.domain.states import OutgoingState as S
from connector.domain.submission import FileRole, SendOptions, SubmittedFile
from connector.exchange import person, prepare
from connector.exchange.plan import PATIENT_MAX_BYTES, plan_messages
from connector.exchange.prepare import Preparer, where_it_broke
from connector.mail.parse import OpenedMessage
from connector.sandbox.samples import sample
from connector.settings.model import MailboxSettings, MessageSettings, SoftwareSettings
from connector.testing.clock import CountingIds
from connector.xdm.pack import pack
from connector.xdm.package_reader import read_xdm
from tests.exchange.exchange_scene import (
    ALIX,
    BEA,
    IDENTITY,
    LAB,
    LAB_PATIENT,
    OPTIONS,
    PATIENT,
    SOFTWARE,
    Scene,
    disk_full,
    file,
    sample_file,
)

N1 = "cr-consultation-n1.xml"
N3 = "cr-biologie-v1.xml"
INS = b'root="1.2.250.1.213.1.4.10" extension="251033306312374"'


def changed(name: str, before: bytes, after: bytes) -> bytes:
    content = sample(name)
    assert before in content
    return content.replace(before, after)


def archive_of(*contents: bytes) -> bytes:
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    return pack(list(contents), now=now, ids=CountingIds(500), sender=SOFTWARE).content


def part(message: OpenedMessage, number: int = 0, media_type: str = "application/pdf") -> bytes:
    return [p.content for p in message.parts if p.media_type == media_type][number]


def one(scene: Scene, *files: SubmittedFile, **how: object) -> OpenedMessage:
    """Prepare a submission that becomes one message."""
    submission = scene.take(*files, **how)  # type: ignore[arg-type]
    assert scene.prepare() == 1
    (message,) = scene.journal.submission(submission).messages
    assert (message.state, message.code, message.detail) == (S.PREPARED, None, None)
    (opened,) = scene.prepared(submission)
    return opened


def refused(scene: Scene, *files: SubmittedFile, rules: dict[str, object] | None = None, **how: object) -> str:
    """Prepare a submission that is refused; gives back the code."""
    submission = scene.take(*files, **how)  # type: ignore[arg-type]
    assert scene.prepare(**(rules or {})) == 1
    (message,) = scene.journal.submission(submission).messages
    assert message.state is S.REJECTED
    assert scene.frozen_bytes(submission) == []
    assert scene.send_later() == 0, "nothing else was prepared, so nothing may leave"
    return message.code or ""


# --- the PDF copy ---


def test_the_pdf_of_a_level_1_document_is_attached_unchanged(scene: Scene) -> None:
    body = open_cda(sample(N1)).document.body
    assert body is not None
    assert part(one(scene, sample_file(N1))) == body.content


def test_the_copy_inside_a_level_3_document_is_attached_unchanged(scene: Scene) -> None:
    copy = embedded_pdf_copy(open_cda(sample(N3)).element)
    assert part(one(scene, sample_file(N3))) == copy


def test_a_level_3_document_without_copy_is_rendered_to_pdf_a(scene: Scene) -> None:
    facts = inspect_pdf(part(one(scene, sample_file("lot-2-synthese.xml"))))
    assert (facts.pdfa_part, facts.pdfa_conformance) == (1, "B")


def test_a_damaged_copy_inside_a_document_is_replaced_by_a_rendering(scene: Scene) -> None:
    whole = sample(N3)
    at = whole.index(b'mediaType="application/pdf"')
    start = whole.index(b">", at) + 1
    damaged = whole[:start] + b"JVBERi0xLjQK" + whole[whole.index(b"<", start) :]
    assert inspect_pdf(part(one(scene, file("cr.xml", damaged)))).is_pdfa1


def test_a_level_1_document_that_holds_a_text_is_rendered(scene: Scene) -> None:
    whole = sample(N1)
    at = whole.index(b'mediaType="application/pdf"')
    start = whole.index(b">", at) + 1
    text = (
        whole[:at] + b'mediaType="text/plain" representation="B64">Qm9uam91cg==' + whole[whole.index(b"<", start) :]
    )
    assert inspect_pdf(part(one(scene, file("cr.xml", text)))).is_pdfa1


def test_a_pdf_given_beside_the_document_is_the_one_that_is_attached(scene: Scene) -> None:
    opened = open_cda(sample(N3))
    given = render_cda_pdf(opened.element, opened.document)
    message = one(scene, sample_file(N3), file("CR-Biologie-V1.PDF", given))
    assert part(message) == given


def test_a_pdf_that_is_the_copy_of_no_document_never_stays_behind_unseen(scene: Scene) -> None:
    opened = open_cda(sample(N3))
    given = render_cda_pdf(opened.element, opened.document)
    assert refused(scene, sample_file(N3), file("autre.pdf", given)) == "PDF_SANS_DOCUMENT"


def test_a_level_1_document_leaves_with_its_own_pdf_whatever_lies_beside_it(scene: Scene) -> None:
    opened, other = open_cda(sample(N1)), open_cda(sample(N3))
    given = render_cda_pdf(other.element, other.document)
    submission = scene.take(sample_file(N1), file(N1.replace(".xml", ".pdf"), given))
    scene.prepare()

    (message,) = scene.journal.submission(submission).messages
    warnings = [e.outcome for e in scene.journal.trace(subject_id=message.id) if e.action == "warn"]
    assert opened.document.body is not None
    (sent,) = scene.prepared(submission)
    assert (part(sent), warnings) == (opened.document.body.content, ["PDF_NON_IDENTIQUE"])


def test_a_pdf_beside_the_document_that_cannot_be_opened_is_refused(scene: Scene) -> None:
    assert refused(scene, sample_file(N3), file("cr-biologie-v1.pdf", b"%PDF-1.4 broken")) == "PDF_INVALIDE"


def test_a_level_1_pdf_that_cannot_be_opened_is_refused(scene: Scene) -> None:
    whole = sample(N1)
    start = whole.index(b">", whole.index(b'mediaType="application/pdf"')) + 1
    broken = whole[:start] + b"JVBERi0xLjQK" + whole[whole.index(b"<", start) :]
    assert refused(scene, file("cr.xml", broken)) == "PDF_INVALIDE"


def test_a_pdf_that_is_not_pdf_a_leaves_with_a_warning(scene: Scene) -> None:
    target = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(target)
    submission = scene.take(sample_file(N3), file("cr-biologie-v1.pdf", target.getvalue()))
    scene.prepare()

    (message,) = scene.journal.submission(submission).messages
    warnings = [e.outcome for e in scene.journal.trace(subject_id=message.id) if e.action == "warn"]
    assert (message.state, warnings) == (S.PREPARED, ["PDF_NON_CONFORME"])


# --- the archive ---


def test_the_documents_travel_unchanged_in_one_archive(scene: Scene) -> None:
    files = [sample_file("lot-1-ordonnance.xml"), sample_file("lot-2-synthese.xml")]
    message = one(scene, *files)

    (package,) = read_xdm(part(message, media_type="application/zip"))
    assert [d.content for d in package.documents] == [f.content for f in files]
    assert [p.name for p in message.parts].count("IHE_XDM.zip") == 1
    assert len([p for p in message.parts if p.media_type == "application/pdf"]) == 2
    assert message.subject_raw.startswith("XDM/1.0/DDM+2 documents ")


def test_a_ready_made_archive_leaves_unchanged_and_gets_its_pdf(scene: Scene) -> None:
    archive = archive_of(sample(N1))
    message = one(scene, file("IHE_XDM.zip", archive))

    body = open_cda(sample(N1)).document.body
    assert part(message, media_type="application/zip") == archive
    assert body is not None
    assert part(message) == body.content


def test_a_pdf_beside_a_ready_made_archive_of_one_document_is_its_copy(scene: Scene) -> None:
    opened = open_cda(sample(N3))
    given = render_cda_pdf(opened.element, opened.document)
    message = one(scene, file("IHE_XDM.zip", archive_of(sample(N3))), file("ihe_xdm.pdf", given))
    assert part(message) == given


def test_a_pdf_beside_an_archive_of_several_documents_is_nobodys_copy(scene: Scene) -> None:
    opened = open_cda(sample(N3))
    given = render_cda_pdf(opened.element, opened.document)
    archive = archive_of(sample("lot-1-ordonnance.xml"), sample("lot-2-synthese.xml"))
    assert refused(scene, file("IHE_XDM.zip", archive), file("IHE_XDM.pdf", given)) == "PDF_SANS_DOCUMENT"


@pytest.mark.parametrize(
    ("build", "code"),
    [
        ("_without_metadata", "XDM_INVALIDE"),
        ("_with_one_byte_changed", "EMPREINTE_FAUSSE"),
        ("_of_two_patients", "PATIENTS_MULTIPLES"),
        ("_without_document", "XDM_INVALIDE"),
        ("_twice", "XDM_INVALIDE"),
        ("_of_somebody_else", "PATIENT_INCOHERENT"),
    ],
    ids=["no-metadata", "wrong-hash", "two-patients", "no-document", "two-sets", "metadata-of-another"],
)
def test_a_ready_made_archive_that_is_wrong_is_refused(scene: Scene, build: str, code: str) -> None:
    assert refused(scene, file("IHE_XDM.zip", globals()[build](), FileRole.XDM)) == code


def _entries(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}


def _written(entries: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return target.getvalue()


def _document_name(entries: dict[str, bytes]) -> str:
    return next(name for name, content in entries.items() if b"<ClinicalDocument" in content)


def _without_metadata() -> bytes:
    entries = _entries(archive_of(sample(N1)))
    return _written({name: content for name, content in entries.items() if not name.endswith("METADATA.XML")})


def _with_one_byte_changed() -> bytes:
    entries = _entries(archive_of(sample(N1)))
    name = _document_name(entries)
    return _written({**entries, name: entries[name].replace(b"Compte rendu", b"Compte Rendu")})


def _without_document() -> bytes:
    entries = _entries(archive_of(sample(N1)))
    del entries[_document_name(entries)]
    return _written(entries)


def _twice() -> bytes:
    second = {f"B/{name}": content for name, content in _entries(archive_of(sample(N3))).items()}
    return _written({**_entries(archive_of(sample(N1))), **second})


def _of_two_patients() -> bytes:
    """As a careless LPS would write it: each entry fits its document, and they are about two patients."""
    other = changed("lot-1-ordonnance.xml", b"251033306312374", b"199017599999849")
    entries = _entries(archive_of(sample("lot-1-ordonnance.xml"), sample("lot-2-synthese.xml")))
    name = _document_name(entries)
    old = entries[name]
    metadata = next(n for n in entries if n.endswith("METADATA.XML"))
    before, after = (hashlib.sha1(c, usedforsecurity=False).hexdigest().upper().encode() for c in (old, other))
    told = entries[metadata].replace(before, after)
    start, end = told.index(b"<ExtrinsicObject"), told.index(b"</ExtrinsicObject>")  # the entry of the first document
    fitting = told[:start] + told[start:end].replace(b"251033306312374", b"199017599999849") + told[end:]
    return _written({**entries, name: other, metadata: fitting})


def _of_somebody_else() -> bytes:
    entries = _entries(archive_of(sample(N1)))
    metadata = next(n for n in entries if n.endswith("METADATA.XML"))
    return _written({**entries, metadata: entries[metadata].replace(b"251033306312374", b"199017599999849")})


# --- what is refused ---


def test_documents_of_two_patients_are_refused(scene: Scene) -> None:
    assert refused(scene, sample_file(N1), sample_file(N3)) == "PATIENTS_MULTIPLES"


def test_a_document_about_two_patients_is_refused(scene: Scene) -> None:
    whole = sample(N1)
    start, end = whole.index(b"<recordTarget>"), whole.index(b"</recordTarget>") + len(b"</recordTarget>")
    twice = whole[:end] + whole[start:end] + whole[end:]
    assert refused(scene, file("cr.xml", twice)) == "PATIENTS_MULTIPLES"


def test_a_file_of_no_known_format_is_refused(scene: Scene) -> None:
    assert refused(scene, sample_file(N1), file("autre.dat", b"?", FileRole.UNKNOWN)) == "FORMAT_NON_PRIS_EN_CHARGE"


def test_a_drop_without_document_or_with_an_archive_and_a_document_is_refused(scene: Scene) -> None:
    assert refused(scene, file("seul.pdf", b"%PDF-1.4", FileRole.PDF)) == "FORMAT_INCONNU"
    assert refused(scene, sample_file(N1), file("IHE_XDM.zip", archive_of(sample(N1)))) == "FORMAT_INCONNU"


def test_what_is_not_a_document_is_refused(scene: Scene) -> None:
    assert refused(scene, file("cr.xml", b"<autre/>", FileRole.CDA)) == "CDA_INVALIDE"


def test_a_submission_to_nobody_is_refused(scene: Scene) -> None:
    assert refused(scene, sample_file(N1), to=()) == "SANS_DESTINATAIRE"


def test_a_test_identity_never_leaves_in_production(scene: Scene) -> None:
    rules = {"software": SoftwareSettings(product_reference="X1", environment="production")}
    assert refused(scene, sample_file(N1), rules=dict(rules)) == "INS_ENVIRONNEMENT"


def test_a_real_identity_never_leaves_in_test(scene: Scene) -> None:
    real = changed(N1, b"1.2.250.1.213.1.4.10", b"1.2.250.1.213.1.4.8")
    assert refused(scene, file("cr.xml", real)) == "INS_ENVIRONNEMENT"


def test_a_real_identity_leaves_in_production(scene: Scene) -> None:
    real = changed(N1, b"1.2.250.1.213.1.4.10", b"1.2.250.1.213.1.4.8")
    submission = scene.take(file("cr.xml", real))
    scene.prepare(software=SoftwareSettings(product_reference="X1", environment="production"))
    assert [m.state for m in scene.journal.submission(submission).messages] == [S.PREPARED]


def test_a_document_without_ins_leaves_to_a_professional_as_not_qualified(scene: Scene) -> None:
    message = one(scene, file("cr.xml", changed(N1, INS, b'root="1.2.250.1.999.9.1.1" extension="X1"')))
    assert message.mss.qualified_ins == "N"


def test_without_product_reference_nothing_leaves_and_the_code_says_why(scene: Scene) -> None:
    rules: dict[str, object] = {"software": SoftwareSettings(environment="test")}
    assert refused(scene, sample_file(N1), rules=rules) == "REFERENCE_PRODUIT_ABSENTE"


def test_a_message_larger_than_the_operator_takes_is_refused_as_sent(scene: Scene) -> None:
    size = len(scene.frozen_bytes(_prepared(scene))[0])
    scene.send()
    assert refused(scene, sample_file(N1), rules={"max_message_bytes": size - 1}) == "TROP_GROS"


def _prepared(scene: Scene) -> str:
    submission = scene.take(sample_file(N1))
    scene.prepare()
    return submission


# --- patients ---


def test_professionals_and_patient_get_a_message_each_with_their_own_headers(scene: Scene) -> None:
    options = SendOptions(no_reply_from_patient=True, read_receipt=True, urgent=True, allow_duplicate=True)
    submission = scene.take(sample_file(N1), to=(ALIX, PATIENT), copies=(BEA,), options=options)
    scene.prepare()

    professional, patient = scene.prepared(submission)
    assert [c.address for c in (*professional.to, *professional.cc)] == [str(ALIX), str(BEA)]
    assert [c.address for c in (*patient.to, *patient.cc)] == [str(PATIENT)]
    assert (professional.mss.no_reply, patient.mss.no_reply) == ("", "FIN")
    assert professional.message_id != patient.message_id
    sets = [
        read_xdm(part(m, media_type="application/zip"))[0].metadata.submission_sets[0]
        for m in (professional, patient)
    ]
    assert sets[0].unique_id != sets[1].unique_id
    assert [m.code for m in scene.journal.submission(submission).messages] == [None, None]


def test_every_message_carries_product_codes_and_quality_of_the_identity(scene: Scene) -> None:
    message = one(scene, sample_file("lot-1-ordonnance.xml"), sample_file("lot-2-synthese.xml"), body=" \n")
    assert message.mss.product_reference == "DEV0417"
    assert message.mss.document_codes[0] == "57833-6"
    assert len(message.mss.document_codes) == 2
    assert message.mss.qualified_ins == "O"
    assert message.sender.name == "Laboratoire des Tilleuls"
    assert "Ordonnance, " in message.body


def test_a_message_for_copies_only_still_has_somebody_in_to(scene: Scene) -> None:
    message = one(scene, sample_file(N1), to=(), copies=(ALIX,))
    assert ([c.address for c in message.to], message.cc) == ([str(ALIX)], ())


def test_a_message_to_both_is_possible_when_the_settings_say_so(scene: Scene) -> None:
    submission = scene.take(sample_file(N1), to=(ALIX, PATIENT))
    scene.prepare(message=MessageSettings(split_patients_and_professionals=False))
    (message,) = scene.prepared(submission)
    assert {c.address for c in message.to} == {str(ALIX), str(PATIENT)}


def test_the_address_of_another_patient_is_refused(scene: Scene) -> None:
    assert refused(scene, sample_file(N1), to=(LAB_PATIENT,)) == "PATIENT_DESTINATAIRE"


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (INS, b'root="1.2.250.1.999.9.1.1" extension="X1"', "INS_NON_QUALIFIEE"),
        (b'<birthTime value="19510312"/>', b"", "INS_SANS_TRAITS"),
    ],
    ids=["no-ins", "no-birth-date"],
)
def test_a_patient_whose_identity_is_not_qualified_gets_nothing(
    scene: Scene, before: bytes, after: bytes, code: str
) -> None:
    assert refused(scene, file("cr.xml", changed(N1, before, after)), to=(PATIENT,)) == code


def test_a_matricule_with_a_wrong_key_is_refused(scene: Scene) -> None:
    wrong = changed(N1, b"251033306312374", b"251033306312375")
    patient = MailboxAddress.parse("251033306312375@patient.mssante.fr")
    assert refused(scene, file("cr.xml", wrong), to=(patient,)) == "INS_INVALIDE"


def test_a_hidden_document_goes_to_nobody_from_whom_it_is_hidden(scene: Scene) -> None:
    from_patient = SendOptions(hide_from_patient=True, allow_duplicate=True)
    from_professionals = SendOptions(hide_from_professionals=True, allow_duplicate=True)
    assert refused(scene, sample_file(N1), to=(ALIX, PATIENT), options=from_patient) == "DOCUMENT_MASQUE"
    assert refused(scene, sample_file(N1), to=(ALIX,), options=from_professionals) == "DOCUMENT_MASQUE"


def test_a_document_hidden_from_the_patient_says_so_to_the_professional(scene: Scene) -> None:
    message = one(scene, sample_file(N1), options=SendOptions(hide_from_patient=True, allow_duplicate=True))
    assert b"INVISIBLE_PATIENT" in _entries(part(message, media_type="application/zip"))[_metadata(message)]


def _metadata(message: OpenedMessage) -> str:
    return next(n for n in _entries(part(message, media_type="application/zip")) if n.endswith("METADATA.XML"))


def test_a_document_hidden_from_professionals_may_go_to_the_patient(scene: Scene) -> None:
    options = SendOptions(hide_from_professionals=True, allow_duplicate=True)
    assert [c.address for c in one(scene, sample_file(N1), to=(PATIENT,), options=options).to] == [str(PATIENT)]


def test_mon_espace_sante_takes_25_mb_whatever_the_operator_takes(scene: Scene) -> None:
    big = file("cr-biologie-v1.pdf", _big_pdf(19_000_000))
    rules: dict[str, object] = {"max_message_bytes": 60_000_000}
    patient = MailboxAddress("199017599999849", PATIENT.domain)  # of this sample
    assert refused(scene, sample_file(N3), big, to=(patient,), rules=rules) == "TROP_GROS"

    submission = scene.take(sample_file(N3), big)
    scene.prepare(**rules)
    (content,) = scene.frozen_bytes(submission)
    assert len(content) > PATIENT_MAX_BYTES


def _big_pdf(size: int) -> bytes:
    target = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.Root.Filler = pdf.make_stream(hashlib.shake_256(b"x").digest(size))
        pdf.save(target, compress_streams=False)
    return target.getvalue()


# --- replacement, body, addresses ---


def test_a_replacement_follows_the_message_of_the_earlier_version_and_says_so(scene: Scene) -> None:
    first = one(scene, sample_file(N3), body="Voici.")
    scene.send()
    second = one(scene, sample_file("cr-biologie-v2.xml"), body="Voici.")

    assert second.in_reply_to == second.references == (first.message_id,)
    assert "annule et remplace" in second.body.lower()
    assert "[Annule et remplace]" in second.subject_raw
    assert "annule et remplace" not in first.body.lower()


def test_a_replacement_of_what_never_left_from_here_follows_nothing(scene: Scene) -> None:
    message = one(scene, sample_file("cr-biologie-v2.xml"))
    assert message.in_reply_to == ()
    assert "annule et remplace" in message.body.lower()


def test_the_body_is_what_the_lps_wrote_else_the_default_with_titles_and_sender(scene: Scene) -> None:
    assert one(scene, sample_file(N1), body="Cher confrère,\nvoici.").body == "Cher confrère,\nvoici."
    default = one(scene, sample_file(N1)).body
    assert "Compte rendu de consultation" in default
    assert "Laboratoire des Tilleuls" in default


def test_a_document_without_title_is_named_by_its_type(scene: Scene) -> None:
    untitled = changed(N1, b"<title>Compte rendu de consultation</title>", b"<title/>")
    assert "CR ou fiche de consultation" in one(scene, file("cr.xml", untitled)).body


def test_a_personal_mailbox_signs_with_its_owner(scene: Scene) -> None:
    mailbox = MailboxSettings.model_validate(
        {
            "address": str(LAB), "operator": "op", "identity": IDENTITY, "title": "Dr", "given": "Alix",
            "family": "Exemple", "reply_to": "secretariat@labo.mssante.fr",
        }
    )  # fmt: skip
    submission = scene.take(sample_file(N1))
    scene.prepare(mailbox=mailbox)
    (message,) = scene.prepared(submission)
    assert message.body.endswith("Dr Alix Exemple")
    assert [c.address for c in message.reply_to] == ["secretariat@labo.mssante.fr"]
    assert message.sender.name == "Dr_Alix_EXEMPLE"


def test_the_file_number_is_in_the_name_of_the_pdf(scene: Scene) -> None:
    message = one(scene, sample_file(N3), options=SendOptions(file_number="PRESC 7", allow_duplicate=True))
    assert [p.name for p in message.parts if p.name.endswith("_PRESC 7.pdf")]


def test_the_journal_knows_what_is_inside(scene: Scene) -> None:
    submission = scene.take(sample_file(N3))
    scene.prepare()
    (message,) = scene.journal.submission(submission).messages
    assert message.document_codes == ("11502-2",)
    assert scene.journal.earlier_message_for_document("1.2.250.1.999.9.2.1.1", message.mailbox) == message


# --- what goes wrong on our side ---


def test_an_unforeseen_error_rejects_one_submission_and_quotes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fine = scene.take(sample_file(N3)), scene.take(sample_file(N1))
    plan = plan_messages

    def surprising(view: object, files: list[SubmittedFile], rules: object) -> object:
        if files[0].name == N3:
            raise ZeroDivisionError("TESTUT CAMILLE 199017599999849")
        return plan(view, files, rules)  # type: ignore[arg-type]

    monkeypatch.setattr(prepare, "plan_messages", surprising)
    assert scene.prepare() == 2

    ((bad,), (good,)) = [scene.journal.submission(s).messages for s in (broken, fine)]
    assert (bad.state, bad.code, good.state) == (S.REJECTED, "INTERNE", S.PREPARED)
    assert (bad.detail or "").startswith("ZeroDivisionError at test_exchange_prepare.py:")
    assert "TESTUT" not in (bad.detail or "")


def test_an_error_without_a_place_is_told_as_such() -> None:
    assert where_it_broke(ValueError("x")) == "unknown place"


def test_a_mailbox_that_is_no_longer_in_the_settings_rejects_with_its_code(scene: Scene) -> None:
    submission = scene.take(sample_file(N1))

    def rules(_: MailboxAddress) -> None:
        raise ConfigurationError("REGLAGE_INVALIDE", "gone")

    Preparer(scene.journal, rules, "test").run_once()  # type: ignore[arg-type]  # it only ever raises
    assert [m.code for m in scene.journal.submission(submission).messages] == ["REGLAGE_INVALIDE"]


@pytest.mark.parametrize("method", ["payload", "freeze"])
def test_a_full_disk_gives_everything_back_to_be_prepared_at_once_when_there_is_room(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    submissions = [scene.take(sample_file(N1)) for _ in range(3)]

    def full(*_: object, **__: object) -> None:
        raise disk_full()

    with monkeypatch.context() as broken:
        broken.setattr(scene.journal, method, full)
        with pytest.raises(Unavailable):
            scene.prepare()

    assert scene.prepare() == 3
    assert [m.state for s in submissions for m in scene.journal.submission(s).messages] == [S.PREPARED] * 3


def test_what_is_cancelled_while_it_is_prepared_stays_cancelled_and_holds_up_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled, other = scene.take(sample_file(N1)), scene.take(sample_file(N1))
    plan = plan_messages

    def slowly(view: object, files: list[SubmittedFile], rules: object) -> object:
        if scene.journal.submission(cancelled).messages[0].state is S.RECEIVED:
            person.cancel(scene.journal, scene.clock, cancelled, actor="person")
        return plan(view, files, rules)  # type: ignore[arg-type]

    monkeypatch.setattr(prepare, "plan_messages", slowly)
    assert scene.prepare() == 2

    states = [m.state for s in (cancelled, other) for m in scene.journal.submission(s).messages]
    assert states == [S.CANCELLED, S.PREPARED]


def test_a_crash_before_the_bytes_are_frozen_prepares_again_from_the_originals(scene: Scene) -> None:
    submission = scene.take(sample_file(N1), options=OPTIONS)
    scene.journal.claim_received(owner="dead")
    assert scene.prepare() == 0

    scene.journal.recover(owner="dead")

    assert scene.prepare() == 1
    assert [m.state for m in scene.journal.submission(submission).messages] == [S.PREPARED]
