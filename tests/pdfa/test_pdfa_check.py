"""A file that breaks a rule of PDF/A-1b is told by that rule; our own files break none."""

from collections.abc import Callable

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents.pdf.pdfa import CHECKED, NOT_CHECKED, PdfA, check_pdfa_1b, claims_pdfa, is_signed
from tests.pdfa.pdfa_samples import ORDINARY, SPOILED, compressed_by_lzw, good, locked, signed, spoiled

GOOD = good()
CASES = [(code, change) for code, changes in SPOILED.items() for change in changes]


def codes(pdf: bytes) -> set[str]:
    return {finding.code for finding in check_pdfa_1b(pdf)}


def nothing(pdf: pikepdf.Pdf) -> None:
    """The base of every case: saving by itself breaks no rule."""


def test_our_own_file_breaks_no_rule() -> None:
    assert check_pdfa_1b(GOOD) == ()
    assert claims_pdfa(GOOD) == PdfA(1, "B")


def test_saving_again_breaks_no_rule() -> None:
    assert codes(spoiled(nothing)) == set()


@pytest.mark.parametrize(("code", "change"), CASES)
def test_each_broken_rule_is_told(code: str, change: Callable[[pikepdf.Pdf], None]) -> None:
    assert code in codes(spoiled(change))


@pytest.mark.parametrize(("code", "change"), CASES)
def test_a_broken_rule_is_not_told_of_others(code: str, change: Callable[[pikepdf.Pdf], None]) -> None:
    others = {"METADONNEES": {"MARQUEUR"}, "ANNOTATION": {"ACTION"}, "ACTION": {"ANNOTATION"}}
    assert codes(spoiled(change)) - others.get(code, set()) == {code}


def test_a_finding_says_where() -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].Resources.ExtGState = pikepdf.Dictionary(G=pdf.make_indirect(pikepdf.Dictionary(ca=0.5)))

    (finding,) = check_pdfa_1b(spoiled(change))
    assert finding.where.startswith("object ")
    assert "6.4" in finding.text


def test_leftovers_that_nothing_refers_to_do_not_count() -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.ExtGState, ca=0.5))

    assert codes(spoiled(change)) == set()


def test_an_ordinary_file_breaks_the_usual_rules() -> None:
    assert codes(ORDINARY) == {"METADONNEES", "MARQUEUR", "INTENTION_ABSENTE", "POLICE_NON_EMBARQUEE"}
    assert claims_pdfa(ORDINARY) is None


def test_a_protected_file_is_told() -> None:
    assert "CHIFFREMENT" in codes(locked())
    assert codes(locked(user="secret")) == {"CHIFFREMENT"}


def test_lzw_is_told() -> None:
    assert codes(compressed_by_lzw()) == {"LZW"}


def test_object_streams_are_told() -> None:
    mode = pikepdf.ObjectStreamMode.generate
    assert "FLUX_DE_REFERENCES" in codes(spoiled(nothing, object_stream_mode=mode))


@pytest.mark.parametrize(
    ("pdf", "code"),
    [(b"\n" + GOOD, "ENTETE"), (GOOD + b"x", "FIN"), (b"%PDF-1.4\n", "ILLISIBLE"), (b"", "ILLISIBLE")],
)
def test_damage_around_the_file_is_told(pdf: bytes, code: str) -> None:
    assert code in codes(pdf)


def test_a_signature_is_seen() -> None:
    assert is_signed(signed())
    assert not is_signed(ORDINARY)
    assert not is_signed(b"nothing")


def test_a_file_of_too_many_objects_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.documents.pdf.pdfa_objects._MOST_OBJECTS", 3)
    assert codes(GOOD) == {"TROP_D_OBJETS"}


@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=40))
@settings(deadline=None)
def test_damage_never_raises(place: int, noise: bytes) -> None:
    damaged = GOOD[:place] + noise + GOOD[place + len(noise) :]
    assert isinstance(check_pdfa_1b(damaged), tuple)


@given(st.integers(0, len(ORDINARY) - 1))
@settings(deadline=None)
def test_a_truncated_file_never_raises(length: int) -> None:
    assert check_pdfa_1b(ORDINARY[:length]) != ()


def test_what_was_looked_at_is_said() -> None:
    assert all("6." in rule for rule in (*CHECKED, *NOT_CHECKED))
