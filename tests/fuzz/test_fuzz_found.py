"""What fuzzing found once, said as a rule."""

from connector.documents.hprim.sante import read_sante

HEADER = b"H|~^\\&|f||A|B||ORU||x||P|H2.1|C\r"


def test_a_message_without_patient_is_read() -> None:
    assert read_sante(HEADER + b"L|1\r").patients == ()
    assert read_sante(HEADER).patients == ()


def test_a_patient_behind_an_early_end_is_not_lost() -> None:
    assert len(read_sante(HEADER + b"P|1|1\rL|1\rP|2|2\r").patients) == 2
