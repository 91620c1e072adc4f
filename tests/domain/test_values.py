"""Addresses, matricules and the catalogue: wrong ones cannot be built, right ones keep their meaning."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.address import PATIENT_DOMAIN, MailboxAddress
from connector.domain.catalogue import CATALOGUE, UNKNOWN_CODE, explain
from connector.domain.errors import InvalidSubmission, NeedsPerson, Retry, Unavailable
from connector.domain.patient import INS_NIR, INS_NIR_TEST, MatriculeINS, PatientIdentifier, key_of
from connector.domain.ports import reach, watch_steps
from connector.domain.submission import SourceKind, Submission

SOURCE = Path(__file__).resolve().parents[2] / "connector"
CODE = re.compile(r"[A-Z][A-Z0-9_]{2,40}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dr.modele@exemple.mssante.fr", "dr.modele@exemple.mssante.fr"),
        ("  mailto:dr.modele@EXEMPLE.mssante.fr ", "dr.modele@exemple.mssante.fr"),
        ("o'neil+bio@labo.mssante.fr", "o'neil+bio@labo.mssante.fr"),
        ("a@hôpital.mssante.fr", "a@xn--hpital-ixa.mssante.fr"),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, expected: str) -> None:
    assert str(MailboxAddress.parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "sans-arobase", "@exemple.fr", "a@", "a@local", "a b@exemple.fr", "a@exemple..fr", "a@-x.fr", ".a@x.fr",
     "a@x.fr, b@x.fr", "a@x.fr\nBcc: b@x.fr", "x" * 65 + "@x.fr", "a@" + "x." * 130 + "fr", "a@" + "é" * 70 + ".fr"],
)  # fmt: skip
def test_what_is_not_one_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidSubmission, match="DESTINATAIRE_INVALIDE"):
        MailboxAddress.parse(text)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_clear_refusal(text: str) -> None:
    try:
        address = MailboxAddress.parse(text)
    except InvalidSubmission:
        return
    assert MailboxAddress.parse(str(address)) == address


def test_only_the_exact_domain_is_a_patient() -> None:
    assert MailboxAddress("1", PATIENT_DOMAIN).is_patient
    assert not MailboxAddress("1", "x." + PATIENT_DOMAIN).is_patient


@pytest.mark.parametrize("value", ["146026322000196", "2 79 03 51 215189 89", "199017599999849"])
def test_a_matricule_with_a_right_key_is_accepted(value: str) -> None:
    assert MatriculeINS.parse(value, INS_NIR_TEST).is_test
    assert not MatriculeINS.parse(value, INS_NIR).is_test


def test_corsica_counts_as_19_and_18() -> None:
    value = "199012A999998"
    assert MatriculeINS.parse(f"{value}{key_of(value):02}", INS_NIR).value.startswith(value)
    assert key_of("199012A999998") != key_of("199012B999998")


@pytest.mark.parametrize(
    ("value", "oid"),
    [("288091234567823", INS_NIR), ("14602632200019", INS_NIR), ("146026322000196", "1.2.3"), ("", INS_NIR),
     ("046026322000196", INS_NIR)],
)  # fmt: skip
def test_a_wrong_matricule_is_refused_without_repeating_it(value: str, oid: str) -> None:
    with pytest.raises(InvalidSubmission, match="INS_INVALIDE") as refusal:
        MatriculeINS.parse(value, oid)
    assert not value or value not in str(refusal.value)


@given(st.from_regex(r"[1-478][0-9]{2}(0[1-9]|1[0-2])[0-9]{8}", fullmatch=True))
def test_every_number_with_its_computed_key_is_accepted(first: str) -> None:
    assert MatriculeINS.parse(f"{first}{key_of(first):02}", INS_NIR).value[:13] == first


def test_an_identifier_knows_whether_it_is_an_ins() -> None:
    assert PatientIdentifier(INS_NIR, "1").is_ins
    assert not PatientIdentifier("1.2.250.1.213.1.4.2", "1").is_ins


def test_a_submission_has_a_short_name_for_people(submission: Submission) -> None:
    assert submission.short_id == submission.id[-6:]
    assert submission.source is SourceKind.FOLDER


def test_the_crash_harness_hears_every_step_and_only_while_it_listens() -> None:
    heard: list[str] = []
    watch_steps(heard.append)
    reach("claim.renamed")
    watch_steps(None)
    reach("claim.taken")
    assert heard == ["claim.renamed"]


def test_waiting_for_a_person_is_a_passing_condition() -> None:
    assert NeedsPerson("PIN", "x").retry is Retry.AFTER_PERSON
    assert Unavailable("DISQUE_PLEIN", "x").retry is Retry.LATER
    assert isinstance(NeedsPerson("PIN", "x"), Unavailable)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_code_says_what_happened_and_what_to_do_in_both_languages(code: str) -> None:
    texts = CATALOGUE[code]
    assert CODE.fullmatch(code)
    for text in (texts.title_fr, texts.cure_fr, texts.title_en, texts.cure_en):
        assert text.strip() == text
        assert text.endswith((".", "!", "?"))
        assert len(text) < 250


def test_an_unknown_code_still_has_a_sentence() -> None:
    assert explain("NEVER_SEEN") is UNKNOWN_CODE


def codes_in_source() -> set[str]:
    """First arguments of everything that is raised, and ``code=`` keywords."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            arguments = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
            for argument in arguments:
                value = argument.value if isinstance(argument, ast.Constant) else None
                if isinstance(value, str) and CODE.fullmatch(value) and _is_error_call(node):
                    found.add(value)
    return found


def _is_error_call(node: ast.Call) -> bool:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    raising = ("Invalid", "Malformed", "Configuration", "Unavailable", "Needs", "Refus", "Failed", "Unknown",
               "Illegal", "Untrusted", "Problem", "Altered", "Broken", "Running")  # fmt: skip
    return any(word in name for word in raising) or any(keyword.arg == "code" for keyword in node.keywords)


def test_every_code_that_the_source_raises_is_in_the_catalogue() -> None:
    assert codes_in_source() - set(CATALOGUE) == set()
