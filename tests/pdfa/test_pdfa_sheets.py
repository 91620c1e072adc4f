"""Images and texts become PDF/A-1b that shows all of them."""

import io
import re
import subprocess

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from connector.documents.pdf.colour import srgb_profile
from connector.documents.pdf.looks import COMPARED_DPI, same_look
from connector.documents.pdf.pdfa import check_pdfa_1b
from connector.documents.pdf.picture import pictures_of
from connector.documents.pdf.sheets import Sheet, image_to_pdf, sheets_to_pdf, text_to_pdf
from connector.domain.errors import InvalidSubmission
from connector.platform.raster import draw_pages
from tests.pdfa.pdfa_samples import picture

A4 = (595, 842)


def sizes(pdf: bytes) -> list[tuple[int, int]]:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        boxes = [page.mediabox for page in opened.pages]
        return [(round(float(box[2])), round(float(box[3]))) for box in boxes]


def text_of(pdf: bytes) -> str:
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode("utf-8")


def places(pdf: bytes, word: str) -> list[float]:
    """How far from the left each ``word`` begins, in points."""
    done = subprocess.run(["pdftotext", "-bbox", "-", "-"], input=pdf, capture_output=True, check=True)
    return [float(place) for place in re.findall(rf'xMin="([\d.]+)"[^>]*>{re.escape(word)}<', done.stdout.decode())]


def drawn(pdf: bytes) -> list[Image.Image]:
    pages = draw_pages(pdf, dpi=72)
    assert pages
    return [Image.open(io.BytesIO(page.png)).convert("L") for page in pages]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "GIF", "BMP"])
def test_an_image_becomes_a_page(form: str) -> None:
    pdf = image_to_pdf([picture(form=form)], "Photo")
    assert check_pdfa_1b(pdf) == ()
    assert sizes(pdf) == [A4]


def test_each_image_has_its_page_turned_as_the_image_is() -> None:
    assert sizes(image_to_pdf([picture(), picture((900, 500)), picture((100, 100))], "")) == [A4, A4[::-1], A4]


def test_every_page_of_a_tiff_is_a_page() -> None:
    out = io.BytesIO()
    frames = [Image.new("1", (200, 280), 1) for _ in range(3)]
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:])
    assert sizes(image_to_pdf([out.getvalue()], "")) == [A4] * 3


def test_a_scan_of_a_page_fills_it_and_other_images_keep_their_shape() -> None:
    scan, photo = drawn(image_to_pdf([picture((1654, 2339)), picture((300, 300))], ""))
    assert scan.getpixel((8, 300)) == 0  # the frame of the scan, 20 dots of 1654 from its border
    box = Image.eval(photo, lambda value: 255 - value).getbbox()
    assert box
    assert abs((box[2] - box[0]) - (box[3] - box[1])) <= 2


def test_transparent_parts_are_white() -> None:
    (page,) = drawn(image_to_pdf([picture(mode="RGBA")], ""))
    assert page.getpixel((100, 400)) == 255


@pytest.mark.parametrize("data", [b"", b"GIF89a", picture()[:200]])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidSubmission, match="IMAGE_ILLISIBLE"):
        image_to_pdf([data], "")


def test_no_image_is_refused() -> None:
    with pytest.raises(InvalidSubmission, match="IMAGE_ILLISIBLE"):
        sheets_to_pdf([], "")


def test_pages_beyond_measure_are_refused() -> None:
    (drawing,) = pictures_of(picture((60, 60)))
    with pytest.raises(InvalidSubmission, match="TROP_GROS"):
        sheets_to_pdf([Sheet(drawing, 100, 100)] * 301, "")


def test_a_text_keeps_its_columns_and_lines() -> None:
    lines = ["SODIUM        140 mmol/l   (135 - 145)", "", "    K+        4,1 mmol/l   (3,5 - 5,0)"]
    pdf = text_to_pdf("\r\n".join(lines), "Résultats de biologie")
    assert check_pdfa_1b(pdf) == ()
    assert len(set(places(pdf, "mmol/l"))) == 1
    assert places(pdf, "K+")[0] > places(pdf, "SODIUM")[0]
    assert "Résultats de biologie" in text_of(pdf)


def test_tabs_stand_every_eight_columns() -> None:
    assert places(text_to_pdf("a\tb", ""), "b") == places(text_to_pdf("1234567 b", ""), "b")


def test_a_form_feed_begins_a_page() -> None:
    assert len(sizes(text_to_pdf("un\fdeux\f", ""))) == 2


def test_a_long_text_has_many_pages_and_loses_no_line() -> None:
    pdf = text_to_pdf("\n".join(f"ligne {number:04}" for number in range(300)), "")
    assert all(f"ligne {number:04}" in text_of(pdf) for number in (0, 68, 69, 150, 299))


def test_letters_get_smaller_before_lines_are_wrapped() -> None:
    assert "x" * 110 in text_of(text_to_pdf("x" * 110, ""))
    assert text_of(text_to_pdf("x" * 400, "")).count("x") == 400


def test_what_no_font_has_is_shown_by_its_number() -> None:
    assert "[U+1F600]" in text_of(text_to_pdf("\U0001f600", ""))


def test_control_characters_do_not_reach_the_page() -> None:
    assert "AB" in text_of(text_to_pdf("A\x00\x1b\x9fB", ""))


def test_a_text_beyond_measure_is_refused() -> None:
    with pytest.raises(InvalidSubmission, match="TROP_GROS"):
        text_to_pdf("\n" * 20_001, "")


def test_the_same_input_gives_the_same_bytes() -> None:
    assert text_to_pdf("a", "b") == text_to_pdf("a", "b")
    assert image_to_pdf([picture()], "b") == image_to_pdf([picture()], "b")


@given(st.text(max_size=300), st.text(max_size=40))
@settings(max_examples=40, deadline=None)
def test_any_text_becomes_a_conforming_file(text: str, title: str) -> None:
    assert check_pdfa_1b(text_to_pdf(text, title)) == ()


def test_the_colour_profile_is_one_that_pdfa_1_takes() -> None:
    profile = srgb_profile()
    assert profile[36:40] == b"acsp"
    assert profile[16:20] == b"RGB "
    assert profile[8] == 2


# --- the look -----------------------------------------------------------------------------------------------------


def look(text: str) -> list[bytes]:
    pages = draw_pages(text_to_pdf(text, "x"), dpi=COMPARED_DPI)
    assert pages
    return [page.png for page in pages]


RESULT = "\n".join("NA 140 mmol/l (135-145) normal" for _ in range(30))


def test_the_same_page_looks_the_same() -> None:
    assert same_look(look(RESULT), look(RESULT))


@pytest.mark.parametrize("word", ["NA", "140", "m", "1", "(135-145)"])
def test_one_word_less_is_seen(word: str) -> None:
    assert not same_look(look(RESULT), look(RESULT.replace(word, " " * len(word), 1)))


def test_another_number_of_pages_or_another_size_is_seen() -> None:
    assert not same_look(look(RESULT), look(f"{RESULT}\fx"))
    small, large = picture((100, 100)), picture((120, 100))
    assert not same_look([small], [large])
