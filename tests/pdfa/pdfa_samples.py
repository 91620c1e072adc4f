"""PDF files made for the tests: one good PDF/A-1b, and the ways to spoil it one rule at a time."""

import io
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image, ImageDraw

from connector.documents.pdf.sheets import text_to_pdf

__all__ = ["ORDINARY", "SPOILED", "compressed_by_lzw", "good", "locked", "picture", "signed", "spoiled"]


def good(text: str = "Sodium 140 mmol/l") -> bytes:
    return text_to_pdf(text, "Biologie")


def spoiled(change: Callable[[Pdf], None], base: bytes | None = None, **save: Any) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(base or good())) as pdf:
        change(pdf)
        pdf.save(out, fix_metadata_version=False, **save)
    return out.getvalue()


def _ordinary() -> bytes:
    """What many programs make: a standard font that is not embedded, no metadata, no output intent."""
    pdf = Pdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
    page = pdf.pages[0]
    page.Resources = Dictionary(Font=Dictionary(F1=pdf.make_indirect(font)))
    lines = b" T* ".join(b"(Sodium %d mmol/l, resultat normal) Tj" % value for value in range(135, 146))
    page.Contents = pdf.make_stream(b"BT /F1 11 Tf 14 TL 60 760 Td " + lines + b" ET 60 400 200 80 re S")
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


ORDINARY = _ordinary()


def picture(size: tuple[int, int] = (413, 585), form: str = "PNG", mode: str = "RGB") -> bytes:
    image = Image.new(mode, size, "white" if mode != "RGBA" else (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, size[0] - 21, size[1] - 21), outline="black", width=6)
    draw.line((0, 0, *size), fill="black", width=4)
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def locked(user: str = "", base: bytes = ORDINARY) -> bytes:
    encryption = pikepdf.Encryption(owner="proprietaire", user=user)
    return spoiled(lambda pdf: None, base, encryption=encryption)


def signed(base: bytes = ORDINARY) -> bytes:
    """Says that it is signed; the signature itself is of no interest here."""

    def change(pdf: Pdf) -> None:
        pdf.Root.AcroForm = Dictionary(SigFlags=3, Fields=Array())

    return spoiled(change, base)


def _embedded(pdf: Pdf) -> None:
    pdf.attachments["x.txt"] = b"x"


def _slashed(entries: dict[str, object]) -> dict[str, Any]:
    """Names of a PDF, and values that belong to no file yet."""
    return {f"/{key}": _fresh(value) for key, value in entries.items()}


def _fresh(value: object) -> object:
    return pikepdf.Object.parse(value.unparse()) if isinstance(value, Dictionary | Array) else value


def _action(kind: Name, **more: object) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        pdf.Root.OpenAction = Dictionary({"/Type": Name.Action, "/S": kind} | _slashed(more))

    return change


def _annotation(**entries: object) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        usual = {"/Type": Name.Annot, "/Subtype": Name.Text, "/Rect": Array([0, 0, 9, 9]), "/F": 4}
        note = Dictionary(usual | _slashed(entries))
        placed = pdf.make_indirect(note)
        pdf.pages[0].Annots = Array([placed])
        if placed.Subtype == Name.Widget:
            pdf.Root.AcroForm = Dictionary(Fields=Array([placed]))

    return change


def _form_object(**entries: object) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        drawn = Stream(pdf, b"", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 1, 1]), **entries)
        pdf.pages[0].Resources.XObject = Dictionary(X=pdf.make_indirect(drawn))

    return change


def _image(**entries: object) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        given = {key: Stream(pdf, b"\0") if value == "stream" else value for key, value in entries.items()}
        drawn = Stream(
            pdf, b"\0", Type=Name.XObject, Subtype=Name.Image, Width=1, Height=1, BitsPerComponent=8,
            ColorSpace=Name.DeviceGray, **given,
        )  # fmt: skip
        pdf.pages[0].Resources.XObject = Dictionary(X=pdf.make_indirect(drawn))

    return change


def _state(**entries: object) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        pdf.pages[0].Resources.ExtGState = Dictionary(G=Dictionary({"/Type": Name.ExtGState} | _slashed(entries)))

    return change


def _font(change_font: Callable[[pikepdf.Object], None]) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        for font in pdf.pages[0].Resources.Font.as_dict().values():
            change_font(font)

    return change


def _without_file(font: pikepdf.Object) -> None:
    descriptor = font.DescendantFonts[0].FontDescriptor
    for key in ("/FontFile", "/FontFile2", "/FontFile3"):
        if key in descriptor:
            del descriptor[key]


def _without_map(font: pikepdf.Object) -> None:
    glyphs = font.DescendantFonts[0]
    glyphs.Subtype = Name.CIDFontType2
    if "/CIDToGIDMap" in glyphs:
        del glyphs["/CIDToGIDMap"]


def _set(font: pikepdf.Object, key: str, value: object) -> None:
    font[key] = value


def _page(**entries: object) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        for key, value in entries.items():
            pdf.pages[0].obj[f"/{key}"] = value

    return change


def _root(**entries: object) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        for key, value in entries.items():
            pdf.Root[f"/{key}"] = value

    return change


def _drop(key: str) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        del pdf.Root[key]

    return change


def _retitled(pdf: Pdf) -> None:
    pdf.docinfo["/Title"] = "Autre titre"


def _marked(part: str) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
            metadata["{http://www.aiim.org/pdfa/ns/id/}part"] = part

    return change


def compressed_by_lzw() -> bytes:
    def change(pdf: Pdf) -> None:
        _image()(pdf)
        pdf.pages[0].Resources.XObject.X.write(b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01", filter=Name.LZWDecode)

    none = pikepdf.StreamDecodeLevel.none
    return spoiled(change, compress_streams=False, stream_decode_level=none)


SPOILED: dict[str, list[Callable[[Pdf], None]]] = {
    "FICHIER_EMBARQUE": [_embedded],
    "CONTENU_OPTIONNEL": [_root(OCProperties=Dictionary(OCGs=Array()))],
    "INTENTION_ABSENTE": [_drop("/OutputIntents"), _root(OutputIntents=Array([Dictionary(S=Name.GTS_PDFX)]))],
    "FORMULAIRE": [_root(AcroForm=Dictionary(NeedAppearances=True, Fields=Array())),
                   _root(AcroForm=Dictionary(XFA=Array(), Fields=Array()))],
    "JAVASCRIPT": [_action(Name.JavaScript, JS="1"), _root(Names=Dictionary(JavaScript=Dictionary(Names=Array())))],
    "ACTION": [_action(Name.Launch, F="x"), _action(Name.Named, N=Name.Print), _action(Name.ResetForm),
               _annotation(Subtype=Name.Widget, A=Dictionary(S=Name.GoTo))],
    "ACTION_AUTOMATIQUE": [_page(AA=Dictionary(O=Dictionary(S=Name.GoTo))), _root(AA=Dictionary())],
    "ANNOTATION": [_annotation(Subtype=Name.FileAttachment), _annotation(F=0), _annotation(F=4 | 2),
                   _annotation(Subtype=Name.Movie)],
    "TRANSPARENCE": [
        _page(Group=Dictionary(S=Name.Transparency)), _form_object(Group=Dictionary(S=Name.Transparency)),
        _image(SMask="stream"), _state(ca=0.5), _state(CA=0.5), _state(BM=Name.Multiply),
        _state(SMask=Dictionary(S=Name.Alpha)), _annotation(CA=0.5),
    ],
    "TRANSFERT": [_state(TR=Name.Identity), _state(TR2=Name.Identity)],
    "POSTSCRIPT": [_form_object(Subtype2=Name.PS)],
    "REFERENCE": [_form_object(Ref=Dictionary())],
    "IMAGE": [_image(Interpolate=True), _image(Alternates=Array()), _image(OPI=Dictionary())],
    "FLUX_EXTERNE": [_image(F="ailleurs.bin")],
    "POLICE_NON_EMBARQUEE": [_font(_without_file)],
    "POLICE_COMPOSITE": [_font(lambda font: _set(font, "/Encoding", Name("/90ms-RKSJ-H"))), _font(_without_map)],
    "METADONNEES": [_drop("/Metadata")],
    "MARQUEUR": [_marked("2")],
    "METADONNEES_INCOHERENTES": [_retitled],
}  # fmt: skip
"""What breaks each rule, and the code that must tell."""
