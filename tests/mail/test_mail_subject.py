"""Subjects and PDF names, with the literal examples of Ref#2."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.cda.model import (
    CdaDocument,
    Code,
    InstanceId,
    ParentDocument,
    PatientRole,
    ServiceEvent,
)
from connector.domain.errors import InvalidSubmission
from connector.domain.patient import PatientIdentifier
from connector.mail.pdf_name import act_date, pdf_names
from connector.mail.subject import (
    ReplaceTag,
    SubjectFacts,
    document_label,
    document_subject,
    free_subject,
    parse_subject,
)

PAUL = PatientRole(
    ids=(PatientIdentifier("1.2.250.1.213.1.4.10", "178112600000163"),),
    birth_family="Vial",
    all_given="Paul Jean",
    gender="M",
    birth_time="19781126",
)

LETTER = "Lettre de liaison à la sortie d’un établissement de soins"


def cda(
    label: str = "CR d'examens biologiques", *, patient: PatientRole = PAUL, low: str = "20150802"
) -> CdaDocument:
    return CdaDocument(
        id=InstanceId("1.2.250.1.213.9", "1"),
        code=Code("11502-2", "2.16.840.1.113883.6.1", label),
        title="Compte rendu",
        effective_time="20150803101500+0200",
        confidentiality=Code("N"),
        language="fr-FR",
        set_id=None,
        version=1,
        template_ids=(),
        patient=patient,
        patients_count=1,
        authors=(),
        custodian=None,
        legal_authenticator=None,
        service_events=(ServiceEvent(low=low),),
        encounter_code=None,
        facility=None,
        orders=(),
        parent=None,
    )


def replacing(document: CdaDocument) -> CdaDocument:
    return replace(document, parent=ParentDocument("RPLC", InstanceId("1.2.250.1.213.9", "0")))


@pytest.mark.parametrize(
    ("documents", "subject"),
    [
        pytest.param([cda()], "XDM/1.0/DDM+CR d'examens biologiques VIAL Paul 26/11/1978", id="one"),
        pytest.param(
            [cda(LETTER)],
            "XDM/1.0/DDM+Lettre de liaison a la sortie d'un etabl VIAL Paul 26/11/1978",
            id="cut at 40 characters",
        ),
        pytest.param([cda(), cda(LETTER)], "XDM/1.0/DDM+2 documents VIAL Paul 26/11/1978", id="several"),
    ],
)
def test_subjects_of_the_reference(documents: list[CdaDocument], subject: str) -> None:
    assert document_subject(documents) == subject


@pytest.mark.parametrize(
    ("tag", "start"),
    [
        (ReplaceTag.NONE, "XDM/1.0/DDM+CR d'examens"),
        (ReplaceTag.AFTER_MARKER, "XDM/1.0/DDM+[Annule et remplace] CR d'examens"),
        (ReplaceTag.BEFORE_MARKER, "[Annule et remplace] XDM/1.0/DDM+CR d'examens"),
    ],
)
def test_a_replacement_says_so_where_the_setting_wants_it(tag: ReplaceTag, start: str) -> None:
    assert document_subject([replacing(cda())], replace_tag=tag).startswith(start)


def test_the_tag_does_not_shorten_the_label() -> None:
    subject = document_subject([replacing(cda(LETTER))])
    assert subject == "XDM/1.0/DDM+[Annule et remplace] Lettre de liaison a la sortie d'un etabl VIAL Paul 26/11/1978"


def test_a_first_version_is_never_tagged() -> None:
    assert "Annule" not in document_subject([cda()], replace_tag=ReplaceTag.BEFORE_MARKER)


def test_one_replacement_among_several_documents_is_said() -> None:
    assert document_subject([cda(), replacing(cda())]).startswith("XDM/1.0/DDM+[Annule et remplace] 2 documents ")


def test_the_birth_date_can_be_left_out() -> None:
    assert document_subject([cda()], birth_date=False) == "XDM/1.0/DDM+CR d'examens biologiques VIAL Paul"


@pytest.mark.parametrize("birth_time", ["", "1978", "197811"])
def test_a_partial_birth_date_is_left_out(birth_time: str) -> None:
    patient = replace(PAUL, birth_time=birth_time)
    assert document_subject([cda(patient=patient)]).endswith(" VIAL Paul")


def test_a_lunar_birth_date_is_kept_as_it_is() -> None:
    patient = replace(PAUL, birth_time="19780230")
    assert document_subject([cda(patient=patient)]).endswith(" 30/02/1978")


def test_accents_and_ligatures_are_folded_in_names() -> None:
    patient = replace(PAUL, birth_family="Lœb-Ñuñez", all_given="Anaïs")
    assert document_subject([cda(patient=patient)], birth_date=False).endswith(" LOEB-NUNEZ Anais")


def test_the_label_falls_back_on_title_then_code() -> None:
    assert document_label(cda("")) == "Compte rendu"
    assert document_label(replace(cda(""), title="")) == "11502-2"
    assert document_label(replace(cda("文書"), title="文", code=Code("文", "", "文書"))) == "Document"


def test_no_trailing_space_when_the_cut_falls_on_a_space() -> None:
    assert document_label(cda("a" * 39 + " b")) == "a" * 39


@pytest.mark.parametrize("patient", [replace(PAUL, birth_family=""), replace(PAUL, all_given="")])
def test_a_document_without_a_name_is_refused(patient: PatientRole) -> None:
    with pytest.raises(InvalidSubmission) as caught:
        document_subject([cda(patient=patient)])
    assert caught.value.code == "CDA_INVALIDE"


@given(label=st.text(max_size=120), family=st.text(max_size=300), given_name=st.text(max_size=300))
def test_a_subject_is_one_ascii_line_whatever_the_document_says(label: str, family: str, given_name: str) -> None:
    patient = replace(PAUL, birth_family="V" + family, all_given="P" + given_name)
    subject = document_subject([replacing(cda(label, patient=patient))])
    assert re.fullmatch(r"XDM/1\.0/DDM\+[ -~]{1,400}", subject)
    assert "  " not in subject


def test_the_reserved_subject_needs_an_explicit_wish() -> None:
    for text in ("[FIN]", "  [FIN]\r\n", "[FIN]\u200b"):
        with pytest.raises(InvalidSubmission) as caught:
            free_subject(text)
        assert caught.value.code == "OBJET_RESERVE"
    assert free_subject("Suite", end_exchange=True) == "[FIN]"
    assert free_subject("[fin]") == "[fin]"


def test_a_free_subject_cannot_announce_an_archive() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        free_subject("xdm/1.0/ddm+CR VIAL Paul")
    assert caught.value.code == "OBJET_RESERVE"


def test_an_endless_free_subject_is_refused() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        free_subject("a" * 901)
    assert caught.value.code == "OBJET_TROP_LONG"


def test_a_free_subject_is_put_on_one_line() -> None:
    assert free_subject("Demande d'avis\r\nBcc: x@y.fr") == "Demande d'avis Bcc: x@y.fr"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(
            "XDM/1.0/DDM+CR d'examens VIAL Paul",
            SubjectFacts(display="CR d'examens VIAL Paul", has_marker=True),
            id="plain",
        ),
        pytest.param(
            "=?utf-8?q?XDM/1=2E0/DDM+=C3=89chographie_VIAL_Paul?=",
            SubjectFacts(display="Échographie VIAL Paul", has_marker=True),
            id="marker inside an encoded word",
        ),
        pytest.param(
            "Re: xdm/1.0/ddm CR VIAL Paul",
            SubjectFacts(display="Re: CR VIAL Paul", has_marker=True),
            id="reply, lower case, no plus",
        ),
        pytest.param(
            "[KO Intégration système !][902] XDM/1.0/DDM+CR VIAL Paul",
            SubjectFacts(
                display="[KO Intégration système !][902] CR VIAL Paul",
                has_marker=True,
                is_integration_failure=True,
                integration_code="902",
            ),
            id="KO",
        ),
        pytest.param(
            "[KO Intégration système ! ] XDM/1.0/DDM+CR VIAL Paul",
            SubjectFacts(
                display="[KO Intégration système ! ] CR VIAL Paul", has_marker=True, is_integration_failure=True
            ),
            id="KO, other spacing, no code",
        ),
        pytest.param(
            "[Erreur d'intégration !][904]",
            SubjectFacts(
                display="[Erreur d'intégration !][904]",
                has_marker=False,
                is_integration_failure=True,
                integration_code="904",
            ),
            id="KO of the ordinary mail",
        ),
        pytest.param(
            "[Annule et remplace] XDM/1.0/DDM+CR VIAL Paul",
            SubjectFacts(display="[Annule et remplace] CR VIAL Paul", has_marker=True, tags=("Annule et remplace",)),
            id="replacement",
        ),
    ],
)
def test_what_a_received_subject_says(raw: str, expected: SubjectFacts) -> None:
    assert parse_subject(raw) == expected


@pytest.mark.parametrize("raw", ["", "Demande d'avis", "Re: [KO Intégration système !][902] suite"])
def test_a_free_subject_says_nothing(raw: str) -> None:
    assert parse_subject(raw) is None


@pytest.mark.parametrize("tag", [ReplaceTag.AFTER_MARKER, ReplaceTag.BEFORE_MARKER])
def test_our_own_subject_reads_back(tag: ReplaceTag) -> None:
    facts = parse_subject(document_subject([replacing(cda())], replace_tag=tag))
    assert facts is not None
    assert facts.is_replacement
    assert facts.display == "[Annule et remplace] CR d'examens biologiques VIAL Paul 26/11/1978"


@given(st.text())
def test_any_received_subject_is_read_without_error(raw: str) -> None:
    facts = parse_subject(raw)
    assert facts is None or "\n" not in facts.display


def test_pdf_names_of_the_reference() -> None:
    assert pdf_names([cda()], file_number="12150302014578") == (
        "20150802_CR d'examens biologiques_VIAL_Paul_12150302014578.pdf",
    )
    assert pdf_names([cda(LETTER)]) == ("20150802_Lettre de liaison a la sortie d'un etabl_VIAL_Paul.pdf",)


def test_equal_pdf_names_are_numbered_in_the_place_of_the_file_number() -> None:
    assert pdf_names([cda("CR"), cda("cr"), cda("CR")]) == (
        "20150802_CR_VIAL_Paul.pdf",
        "20150802_cr_VIAL_Paul_2.pdf",
        "20150802_CR_VIAL_Paul_3.pdf",
    )


def test_equal_pdf_names_with_a_file_number_are_numbered_behind_it() -> None:
    assert pdf_names([cda("CR"), cda("CR")], file_number="42") == (
        "20150802_CR_VIAL_Paul_42.pdf",
        "20150802_CR_VIAL_Paul_42-2.pdf",
    )


def test_the_date_falls_back_on_the_document() -> None:
    assert act_date(cda(low="")) == "20150803"
    assert act_date(cda(low="2015")) == "20150803"
    assert act_date(replace(cda(), service_events=())) == "20150803"


def test_a_document_without_any_date_is_refused() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        act_date(replace(cda(low=""), effective_time="2015"))
    assert caught.value.code == "CDA_INVALIDE"


def test_separators_and_forbidden_characters_leave_the_fields() -> None:
    assert pdf_names([cda('A/B\\C:D*E?F"G<H>I|J_K')], file_number="../../x") == (
        "20150802_A-B-C-D-E-F-G-H-I-J-K_VIAL_Paul_-..-x.pdf",
    )


def test_a_field_of_nothing_but_dots_does_not_leave_a_gap() -> None:
    patient = replace(PAUL, birth_family="..", all_given=".")
    assert pdf_names([cda("...", patient=patient)]) == ("20150802_Document_X_X.pdf",)


@given(
    label=st.text(max_size=80),
    family=st.text(max_size=200),
    number=st.text(max_size=100),
    count=st.integers(min_value=1, max_value=12),
)
def test_pdf_names_are_safe_bounded_and_distinct(label: str, family: str, number: str, count: int) -> None:
    patient = replace(PAUL, birth_family="V" + family)
    names = pdf_names([cda(label, patient=patient)] * count, file_number=number)
    assert len({name.lower() for name in names}) == count
    for name in names:
        assert re.fullmatch(r"\d{8}_[^_/\\:*?\"<>|]+_[^_]+_Paul(_[^_/\\]+)?\.pdf", name)
        assert len(name) <= 210
        assert name.isascii()
