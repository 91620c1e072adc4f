"""Names from outside become harmless file names."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.platform.names import folded, free_name, safe_name

_FORBIDDEN = set('<>:"/\\|?*') | {chr(code) for code in range(32)}
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{kind}{n}" for kind in ("COM", "LPT") for n in "0123456789¹²³")}


@given(st.text(max_size=300), st.integers(8, 120))
@example("con.txt", 80)
@example("..\\..\\x", 80)
@example("\ud800", 80)
@example("a." + "b" * 200, 8)
@example("é" * 300, 80)
@example("aux .txt", 8)
def test_a_safe_name_is_harmless_everywhere(text: str, max_chars: int) -> None:
    name = safe_name(text, max_chars=max_chars)
    assert 0 < len(name) <= max_chars
    assert len(name.encode()) <= 240
    assert not set(name) & _FORBIDDEN
    assert not name.startswith((".", "-", " ", "~"))
    assert not name.endswith((".", " "))
    assert name.split(".")[0].rstrip(" ").upper() not in _DEVICES
    assert name == unicodedata.normalize("NFC", name)


@given(st.text(max_size=100))
def test_making_it_safe_twice_changes_nothing(text: str) -> None:
    assert safe_name(safe_name(text)) == safe_name(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CR_2026.xml", "CR_2026.xml"), ("Compte rendu é.pdf", "Compte rendu é.pdf"), ("e\u0301.xml", "é.xml"),
        ("../../etc/passwd", "_._etc_passwd"), ("nul", "_nul"), ("COM1.txt", "_COM1.txt"), ("nul .txt", "_nul.txt"),
        ("console.txt", "console.txt"), ("a.txt:secret", "a.txt_secret"), (".hidden", "hidden"), ("trail. ", "trail"),
        ("", "document"), ("...", "document"),
        ("--option", "option"), ("a\u202egpj.exe", "a_gpj.exe"), ("x" * 100 + ".xml", "x" * 76 + ".xml"),
        ("x" * 100 + "." + "y" * 30, "x" * 80),
    ],
)  # fmt: skip
def test_known_cases(text: str, expected: str) -> None:
    assert safe_name(text) == expected


def test_a_taken_name_gets_a_number_before_its_extension(tmp_path: Path) -> None:
    assert free_name(tmp_path, "a.xml").name == "a.xml"
    for expected in ("a-2.xml", "a-3.xml"):
        (tmp_path / "a.xml").touch()
        free = free_name(tmp_path, "a.xml")
        assert free == tmp_path / expected
        free.touch()


def test_names_that_windows_takes_for_one_are_one(tmp_path: Path) -> None:
    (tmp_path / "STRASSE.xml").touch()
    (tmp_path / "e\u0301").touch()
    assert free_name(tmp_path, "straße.XML").name == "straße-2.XML"
    assert free_name(tmp_path, "É").name == "É-2"


def test_a_caller_may_say_what_is_taken(tmp_path: Path) -> None:
    assert free_name(tmp_path / "never listed", "a", taken={folded("A")}).name == "a-2"
