"""Images: flattened, bounded, lossless where a doctor looks; a bad one is a remark, never a crash."""

import base64
import contextlib
import io
import warnings

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from connector.documents.pdf.blocks import Paragraph, Picture
from connector.documents.pdf.media import MediaIndex
from connector.documents.pdf.picture import MAX_PIXELS, UnreadableImage, pictures_of
from tests.documents.pdf.samples import document, media, png, problems_of_pdfa, rendered, section, text_of


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def pixels(picture: Picture) -> Image.Image:
    """The image inside the SVG."""
    content = picture.svg.split("base64,")[1].split('"')[0]
    return Image.open(io.BytesIO(base64.b64decode(content)))


RED = Image.new("RGB", (8, 6), (200, 10, 10))
GRADIENT = Image.linear_gradient("L").resize((64, 32))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_becomes_grey_or_rgb(mode: str) -> None:
    (picture,) = pictures_of(png(mode) if mode in {"RGBA", "RGB", "LA"} else saved(Image.new(mode, (5, 4)), "PNG"))
    assert pixels(picture).mode in {"L", "RGB"}
    assert problems_of_pdfa(_page_with(base64.b64encode(png("RGBA")).decode())) == []


def test_transparent_parts_become_white() -> None:
    (picture,) = pictures_of(saved(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "PNG"))
    assert pixels(picture).getpixel((1, 1)) == (255, 255, 255)


def test_a_transparent_colour_of_a_gif_becomes_white() -> None:
    gif = saved(Image.new("P", (4, 4), 0), "GIF", transparency=0)
    assert pixels(pictures_of(gif)[0]).getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_keep_their_greys() -> None:
    deep = Image.new("I;16", (3, 3), 0x8000)
    assert pixels(pictures_of(saved(deep, "PNG"))[0]).getpixel((1, 1)) == pytest.approx(128, abs=1)


def test_a_jpeg_is_kept_byte_for_byte() -> None:
    data = saved(RED, "JPEG")
    assert base64.b64encode(data).decode() in pictures_of(data)[0].svg


@pytest.mark.parametrize(
    "data",
    [
        saved(RED.convert("CMYK"), "JPEG"), saved(RED, "JPEG", icc_profile=b"foreign profile"),
        saved(RED, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"),
    ],
    ids=["cmyk", "profile", "turned"],
)  # fmt: skip
def test_a_jpeg_that_pdfa_or_a_reader_would_not_take_is_converted(data: bytes) -> None:
    (picture,) = pictures_of(data)
    assert "image/png" in picture.svg


def test_a_turned_photograph_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (picture,) = pictures_of(saved(RED, "JPEG", exif=exif))
    assert (picture.width_px, picture.height_px) == (6, 8)


def test_every_page_of_a_tiff_is_shown() -> None:
    tiff = saved(RED, "TIFF", save_all=True, append_images=[Image.new("L", (3, 9)), Image.new("1", (5, 5))])
    assert [(each.width_px, each.height_px) for each in pictures_of(tiff)] == [(8, 6), (3, 9), (5, 5)]


def test_a_tiff_of_too_many_pages_is_not_opened() -> None:
    page = Image.new("1", (1, 1))
    with pytest.raises(UnreadableImage, match="pages"):
        pictures_of(saved(page, "TIFF", save_all=True, append_images=[page] * 60))


@pytest.mark.parametrize("side", [6_400, 12_000, 30_000])
def test_a_decompression_bomb_is_not_expanded(side: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        bomb = saved(Image.new("1", (side, side)), "PNG")
    assert side * side > MAX_PIXELS
    with pytest.raises(UnreadableImage):
        pictures_of(bomb)


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", saved(RED, "JPEG")[:200], b"<svg/>", b"%PDF-1.4"]
)
def test_what_is_no_image_is_told(data: bytes) -> None:
    with pytest.raises(UnreadableImage):
        pictures_of(data)


@given(
    data=st.binary(max_size=60), cut=st.integers(0, 60), form=st.sampled_from(["PNG", "GIF", "TIFF", "BMP", "JPEG"])
)
def test_damage_never_escapes_as_another_error(data: bytes, cut: int, form: str) -> None:
    whole = saved(RED, form)
    with contextlib.suppress(UnreadableImage):
        pictures_of(whole[:cut] + data + whole[cut + len(data) :])


def test_a_truncated_picture_is_a_visible_remark() -> None:
    assert "[image illisible : voir le document CDA]" in text_of(
        _page_with(base64.b64encode(saved(GRADIENT, "JPEG")[:300]).decode(), "image/jpeg")
    )


# --- references from the narrative ----------------------------------------------------------------------------------


def _page_with(data: str, media_type: str = "image/png") -> bytes:
    return rendered('<renderMultiMedia referencedObject="I"/>', media("I", data, media_type))


def blocks_of(reference: str, entries: str) -> tuple[object, ...]:
    return MediaIndex(document(section("", more=entries)).element).blocks_of(reference)


def remark(reference: str, entries: str) -> str:
    (block,) = blocks_of(reference, entries)
    assert isinstance(block, Paragraph)
    assert block.is_note
    return block.runs[0].text


OUTSIDE = '<entry><observationMedia ID="I"><value><reference value="http://a.test/x.png"/></value></observationMedia></entry>'


def region(code: str, *values: object, inner: str = media("I", base64.b64encode(png("RGB")).decode())) -> str:
    values_xml = "".join(f'<value value="{value}"/>' for value in values)
    relation = inner.replace("<entry>", "<entryRelationship>").replace("</entry>", "</entryRelationship>")
    return (
        f'<entry><regionOfInterest classCode="ROIOVL" moodCode="EVN" ID="R"><id root="1"/><code code="{code}"/>'
        f"{values_xml}{relation}</regionOfInterest></entry>"
    )


@pytest.mark.parametrize(
    ("code", "values", "shape"),
    [
        ("CIRCLE", (10, 10, 13, 14), '<circle cx="10" cy="10" r="5"/>'),
        ("ELLIPSE", (0, 5, 20, 5, 10, 0, 10, 10), '<ellipse cx="10" cy="5" rx="10" ry="5"/>'),
        ("POINT", (3, 4), '<circle cx="3" cy="4" r="5"/>'),
        ("POLY", (1, 2, 3, 4, 5, 6), '<polyline points="1,2 3,4 5,6"/>'),
    ],
)
def test_a_region_is_drawn_over_its_image(code: str, values: tuple[int, ...], shape: str) -> None:
    (block,) = blocks_of("R", region(code, *values))
    assert isinstance(block, Picture)
    assert shape in block.svg
    assert problems_of_pdfa(rendered('<renderMultiMedia referencedObject="R"/>', region(code, *values))) == []


@pytest.mark.parametrize(
    ("code", "values"), [("CIRCLE", (1, 2)), ("POLY", ("1", "&quot;/&gt;")), ("STAR", (1, 2, 3, 4)), ("POINT", ())]
)
def test_a_region_that_cannot_be_drawn_leaves_the_image(code: str, values: tuple[object, ...]) -> None:
    (block,) = blocks_of("R", region(code, *values))
    assert isinstance(block, Picture)
    assert "<g" not in block.svg


def test_several_references_show_several_images() -> None:
    data = base64.b64encode(png("RGB")).decode()
    assert len(blocks_of("A B", media("A", data) + media("B", data))) == 2


@pytest.mark.parametrize(
    ("reference", "entries", "shown"),
    [
        ("", "", "[image sans référence]"),
        ("Z", "", "[objet « Z » absent du document]"),
        ("R", region("POINT", inner=""), "[région « R » sans image]"),
        ("I", '<entry><observationMedia ID="I"/></entry>', "[image sans contenu]"),
        ("I", OUTSIDE, "[image hors du document : http://a.test/x.png]"),
        ("I", media("I", "A"), "[image illisible : voir le document CDA]"),
        ("I", media("I", "é"), "[image illisible : voir le document CDA]"),
        ("I", media("I", "JVBERi0=", "application/pdf"), "[document PDF joint au document CDA, non reproduit ici]"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_named(reference: str, entries: str, shown: str) -> None:
    assert remark(reference, entries) == shown


def test_the_image_keeps_its_size_on_the_page_up_to_the_width_of_the_page() -> None:
    pdf = _page_with(base64.b64encode(saved(Image.new("L", (3000, 500)), "PNG")).decode())
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert len(opened.pages) == 1
