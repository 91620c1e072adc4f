"""The table of allowed combinations, over every combination there is."""

from collections.abc import Mapping
from dataclasses import fields
from itertools import product

import pytest

from connector.documents.hl7.errors import Err3, Findings, Hl7Error
from connector.documents.hl7.flags import Destinations, Flag, Flags, destinations, flag_of, read_flags
from connector.documents.hl7.message import Message, Segment
from tests.hl7.hl7_messages import FLAGS, flag_rows, problems_of

NAMES = [field.name for field in fields(Flags) if field.name != "present"]
DECIDING = ("destmssanteps", "destmssantepat", "masque_ps", "invisible_patient", "invisible_rep_legaux",
            "connexion_secrete", "destdmp")  # fmt: skip

# PS, PAT, MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REP_LEGAUX, CONNEXION_SECRETE, DESTDMP; * is Y or N.
ALLOWED = ("YYNNN**", "YNNYN**", "NY*N*NN")
TOLERATED = ("YNNNN**", "YNNYY**", "YNNNY**")


def flags_of(values: Mapping[str, bool]) -> Flags:
    present = frozenset(Flag(name.upper()) for name in values)
    return Flags(present=present, **{name: values[name] for name in values})


def matches(row: str, values: tuple[bool, ...]) -> bool:
    return all(mark == "*" or (mark == "Y") == value for mark, value in zip(row, values, strict=True))


@pytest.mark.parametrize("values", list(product((False, True), repeat=len(DECIDING))))
def test_every_combination_goes_where_the_table_says_or_nowhere(values: tuple[bool, ...]) -> None:
    given = dict(zip(DECIDING, values, strict=True))
    for free in product((False, True), repeat=3):
        rest = dict(zip(("modif_conf_code", "ack_reception", "ack_lecture_mss"), free, strict=True))
        flags = flags_of(given | rest)
        is_allowed = any(matches(row, values) for row in ALLOWED)
        if is_allowed or any(matches(row, values) for row in TOLERATED):
            found = destinations(flags)
            assert (found.professionals, found.patient) == values[:2]
            assert ("HL7_DRAPEAUX_TOLERES" in found.warnings) == (not is_allowed)
            assert ("HL7_DMP_IGNORE" in found.warnings) == given["destdmp"]
        else:
            with pytest.raises(Hl7Error) as refused:
                destinations(flags)
            assert refused.value.err3 is Err3.APPLICATION


@pytest.mark.parametrize("values", list(product((False, True), repeat=len(DECIDING))))
def test_nothing_hidden_from_someone_is_ever_sent_to_him(values: tuple[bool, ...]) -> None:
    flags = flags_of(dict(zip(DECIDING, values, strict=True)))
    try:
        found = destinations(flags)
    except Hl7Error:
        found = Destinations(professionals=False, patient=False)
    assert not (found.patient and flags.invisible_patient)
    assert not (found.professionals and flags.masque_ps)


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (Flags(destdmp=True), "HL7_DMP_SEUL"),
        (Flags(), "HL7_SANS_DESTINATION"),
        (Flags(destmssanteps=True, masque_ps=True), "HL7_DOCUMENT_MASQUE"),
        (Flags(destmssantepat=True, invisible_patient=True), "HL7_DOCUMENT_MASQUE"),
        (Flags(destmssanteps=True, destmssantepat=True, invisible_rep_legaux=True), "HL7_DOCUMENT_MASQUE"),
        (Flags(destmssantepat=True, destdmp=True), "HL7_DRAPEAUX_INCOHERENTS"),
        (Flags(destmssantepat=True, connexion_secrete=True), "HL7_DRAPEAUX_INCOHERENTS"),
    ],
)
def test_a_refusal_says_which_rule(flags: Flags, code: str) -> None:
    with pytest.raises(Hl7Error) as refused:
        destinations(flags)
    assert refused.value.code == code


def rows(*lines: str) -> tuple[Segment, ...]:
    return Message.parse("MSH|^~\\&\r" + "\r".join(lines)).all("OBX")


def test_every_row_is_read() -> None:
    findings = Findings()
    for name in NAMES:
        values = dict.fromkeys(FLAGS, "N") | {name.upper(): "Y"}
        flags = read_flags(rows(*flag_rows(values)), findings)
        assert {one: getattr(flags, one) for one in NAMES} == {one: one == name for one in NAMES}
        assert flags.present == set(Flag)
    assert (findings.problems, findings.warnings) == ([], ())


def test_the_names_of_volet_1_are_understood() -> None:
    found = rows("OBX|1|CE|INVISIBLE_REPRESENTANTS_LEGAUX||Y", "OBX|2|CE|MODIF_CONFIDENTIALITYCODE||Y",
                 "OBX|3|CE|ACK_LECTURE||Y", "OBX|4|CE|COMP_LOT||1.2")  # fmt: skip
    assert [flag_of(row) for row in found] == [
        Flag.INVISIBLE_REP_LEGAUX, Flag.MODIF_CONF_CODE, Flag.ACK_LECTURE_MSS, None,
    ]  # fmt: skip


def test_what_is_wrong_with_the_rows_is_told_all_at_once() -> None:
    values = {"MASQUE_PS": "N", "INVISIBLE_PATIENT": "OUI", "DESTMSSANTEPS": "Y"}
    findings = Findings()
    flags = read_flags(rows(*flag_rows(values), "OBX|9|CE|MASQUE_PS||Y"), findings)
    assert problems_of(findings) == [
        ("HL7_CODE_INCONNU", 103, "OBX^2^5"),
        ("HL7_CARDINALITE", 198, "OBX^4^3"),
        ("HL7_CHAMP_ABSENT", 101, "OBX^1^3"),
    ]
    assert findings.warnings == ("HL7_DRAPEAU_ABSENT",)
    assert (flags.destmssanteps, flags.masque_ps) == (True, False)


def test_a_message_without_rows_has_no_flags() -> None:
    findings = Findings()
    assert read_flags(rows("OBX|1|NM|GLU||1"), findings) == Flags()
    assert (findings.problems, findings.warnings) == ([], ())
