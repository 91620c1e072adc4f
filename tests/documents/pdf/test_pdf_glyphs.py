"""Characters: what the bundled fonts have is drawn, the rest is shown as its code point."""

import json

import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.pdf.glyphs import is_covered, must_be_upright, printable

COVERED = [chr(each) for each in range(0x20, 0x110000) if not 0xD800 <= each < 0xE000 and is_covered(chr(each))]
FONTS = typst.Fonts(include_system_fonts=False)


@pytest.mark.parametrize(
    "style", ["(:)", '(weight: "bold")', '(style: "italic")', '(weight: "bold", style: "italic")']
)
def test_every_covered_character_has_a_glyph_in_every_style(style: str) -> None:
    wanted = [each for each in COVERED if "italic" not in style or not must_be_upright(each)]
    # PDF/A-2 refuses text without a glyph and typst checks it, which it does not for PDF/A-1.
    source = (
        '#set text(font: ("Libertinus Serif", "DejaVu Sans Mono", "New Computer Modern", '
        '"New Computer Modern Math"))\n'
        f"#for c in json(bytes(sys.inputs.data)) {{ text(..{style}, c); [ ] }}"
    )
    pdf = typst.compile(
        source.encode(), font_paths=FONTS, ignore_system_fonts=True, pdf_standards=["a-2b"], format="pdf",
        sys_inputs={"data": json.dumps(wanted)},
    )  # fmt: skip
    assert pdf.startswith(b"%PDF")


def test_what_a_french_clinical_document_needs_is_covered() -> None:
    needed = (
        "àâäçéèêëîïôöùûüÿœæÀÂÇÉÈÊËÎÏÔÖÙÛÜŸŒÆ«»‹›“”‘’–—…•·°²³¹½¼¾µμ±×÷"
        "≤≥≠≈∞√∆∅→←↑↓↔€£§¶†‡‰™®©αβγδΔΩωσ♀♂☐☑☒✓✗₂₃⁺⁻\u00a0\u202f"
    )
    assert [each for each in needed if not is_covered(each)] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\U0001f600", "[U+1F600]"), ("中", "[U+4E2D]"), ("a\x07b", "a[U+0007]b"), ("\ue000", "[U+E000]"),
        ("\U0001f600\ufe0f", "[U+1F600]"), ("a\u2028b\u2029c", "a b c"), ("a\tb", "a b"),
        ("a\u202eb\u202c", "ab"), ("\u0600", "[U+0600]"),
        ("\U000e0041", ""),
    ],
)  # fmt: skip
def test_what_has_no_glyph_is_shown_by_its_code_point(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(text=st.text())
def test_printable_text_needs_no_second_pass(text: str) -> None:
    assert printable(printable(text)) == printable(text)
