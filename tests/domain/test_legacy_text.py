"""Text for old software: signs come as near as the code page allows, and never as another value."""

import pytest

from connector.domain.legacy_text import encode_text


def written(text: str, encoding: str = "cp1252") -> str:
    content, used = encode_text(text, encoding)
    assert used == encoding
    return content.decode(encoding)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4,5 10⁹/L", "4,5 10^9/L"),
        ("4,5 10¹²/L", "4,5 10¹²/L"),
        ("10¹⁰", "10^10"),
        ("10⁻³", "10^-3"),
        ("Ca²⁺ Na⁺", "Ca2+ Na+"),
        ("m² cm⁴", "m² cm4"),
        ("CO₂", "CO2"),
        ("β-HCG, α1-globulines", "beta-HCG, alpha1-globulines"),
        ("HCO3\u2212 : \u22122", "HCO3- : -2"),
        ("37 ℃", "37 °C"),
        ("Łódź", "Lódz"),
        ("L’œuf – 5 €", "L’œuf – 5 €"),
    ],
)
def test_signs_that_windows_lacks(text: str, expected: str) -> None:
    assert written(text) == expected


def test_what_windows_has_and_dos_lacks() -> None:
    assert written("10¹² L’œuf", "cp437") == "10^12 L'oeuf"
    assert written("10¹² m²", "ascii") == "10^12 m2"


@pytest.mark.parametrize("text", ["a ≠ b", "≮ 3", "2⅓", "↑ 12", "☃"])
def test_a_sign_without_a_neighbour_of_the_same_meaning_is_kept_in_utf_8(text: str) -> None:
    content, used = encode_text(text, "cp1252")
    assert (content.decode("utf-8-sig"), used) == (text, "utf-8-sig")
