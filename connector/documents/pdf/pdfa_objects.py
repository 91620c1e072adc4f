"""The rules of PDF/A-1b that one object of a PDF can break by itself (ISO 19005-1, 6.1.7 to 6.9)."""

from collections.abc import Callable, Iterator

import pikepdf

__all__ = ["findings_of_objects"]

_MOST_OBJECTS = 500_000
_STANDARD_CMAPS = frozenset({"/Identity-H", "/Identity-V"})
_OPAQUE = frozenset({"/Normal", "/Compatible"})
_ANNOTATIONS = frozenset({
    "/Text", "/Link", "/FreeText", "/Line", "/Square", "/Circle", "/Highlight", "/Underline", "/Squiggly",
    "/StrikeOut", "/Stamp", "/Ink", "/Popup", "/Widget", "/PrinterMark", "/TrapNet",
})  # fmt: skip
_ACTIONS = frozenset({"/GoTo", "/GoToR", "/Thread", "/URI", "/Named", "/SubmitForm"})
_ALL_ACTIONS = _ACTIONS | {
    "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/JavaScript", "/Hide", "/SetOCGState", "/Rendition",
    "/Trans", "/GoTo3DView", "/GoToE", "/SetState", "/NOP", "/RichMediaExecute",
}  # fmt: skip
_NAMED = frozenset({"/NextPage", "/PrevPage", "/FirstPage", "/LastPage"})
_HIDDEN = 1 | 2 | 32  # flags Invisible, Hidden, NoView
_PRINTED = 4

_Holder = pikepdf.Dictionary | pikepdf.Stream
_Rule = Callable[[_Holder], Iterator[str]]


def findings_of_objects(pdf: pikepdf.Pdf) -> Iterator[tuple[str, str]]:
    """Code and place of everything that an object of the document breaks; a code may come more than once.

    Only what the document refers to is looked at: leftovers of earlier versions of the file are never shown.
    """
    yield from ((code, "") for code in _document(pdf.Root))
    number = 0
    for number, (holder, place) in enumerate(_walk(pdf)):
        if number >= _MOST_OBJECTS:
            yield "TROP_D_OBJETS", ""
            return
        for rule in _RULES:
            for code in rule(holder):
                yield code, place


def _walk(pdf: pikepdf.Pdf) -> Iterator[tuple[_Holder, str]]:
    """Every dictionary and stream that can be reached, once, with the number of the object that holds it."""
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[object, str]] = [(pdf.Root, "")]
    while waiting:
        item, place = waiting.pop()
        if not isinstance(item, pikepdf.Array | pikepdf.Dictionary | pikepdf.Stream):
            continue
        if item.is_indirect:
            if item.objgen in seen:
                continue
            seen.add(item.objgen)
            place = f"object {item.objgen[0]}"
        if isinstance(item, pikepdf.Array):
            waiting.extend((child, place) for child in item)
        else:
            yield item, place
            waiting.extend((child, place) for _, child in item.items())


def _document(root: pikepdf.Object) -> Iterator[str]:
    if "/OCProperties" in root:
        yield "CONTENU_OPTIONNEL"
    intents = [one for one in root.get("/OutputIntents", []) if isinstance(one, pikepdf.Dictionary)]
    if not any(_name(one, "/S") == "/GTS_PDFA1" and "/DestOutputProfile" in one for one in intents):
        yield "INTENTION_ABSENTE"
    form = root.get("/AcroForm")
    if isinstance(form, pikepdf.Dictionary) and ("/XFA" in form or form.get("/NeedAppearances", False)):
        yield "FORMULAIRE"
    names = root.get("/Names")
    if isinstance(names, pikepdf.Dictionary):
        if "/EmbeddedFiles" in names:
            yield "FICHIER_EMBARQUE"
        if "/JavaScript" in names:
            yield "JAVASCRIPT"


def _name(holder: _Holder, key: str) -> str:
    value = holder.get(key)
    return str(value) if isinstance(value, pikepdf.Name) else ""


def _stream(holder: _Holder) -> Iterator[str]:
    if not isinstance(holder, pikepdf.Stream):
        return
    filters: object = holder.get("/Filter", pikepdf.Array())
    names = {str(one) for one in (filters if isinstance(filters, pikepdf.Array) else [filters])}
    if names & {"/LZWDecode", "/LZW"}:
        yield "LZW"
    if "/F" in holder or "/FFilter" in holder or "/FDecodeParms" in holder:
        yield "FLUX_EXTERNE"


def _x_object(holder: _Holder) -> Iterator[str]:
    subtype = _name(holder, "/Subtype") if isinstance(holder, pikepdf.Stream) else ""
    if subtype == "/PS" or (subtype == "/Form" and ("/PS" in holder or _name(holder, "/Subtype2") == "/PS")):
        yield "POSTSCRIPT"
    if subtype == "/Form" and "/Ref" in holder:
        yield "REFERENCE"
    if subtype in {"/Form", "/Image"} and "/OPI" in holder:
        yield "IMAGE"
    if subtype == "/Image":
        if "/Alternates" in holder or bool(holder.get("/Interpolate", False)):
            yield "IMAGE"
        if isinstance(holder.get("/SMask"), pikepdf.Stream) or int(holder.get("/SMaskInData", 0)):
            yield "TRANSPARENCE"


def _transparency(holder: _Holder) -> Iterator[str]:
    group = holder.get("/Group")
    if isinstance(group, pikepdf.Dictionary) and _name(group, "/S") == "/Transparency":
        yield "TRANSPARENCE"


def _graphics_state(holder: _Holder) -> Iterator[str]:
    """Known by its entries: the type of a graphics state is optional."""
    is_state = _name(holder, "/Type") == "/ExtGState" or (
        "/Type" not in holder and bool({"/ca", "/BM"} & _keys(holder))
    )
    if not is_state:
        return
    modes = holder.get("/BM", pikepdf.Name.Normal)
    used = {str(mode) for mode in (modes if isinstance(modes, pikepdf.Array) else [modes])}
    alphas = (holder.get(key, 1) for key in ("/CA", "/ca"))
    if not used <= _OPAQUE or any(float(alpha) != 1 for alpha in alphas) or _masks(holder):
        yield "TRANSPARENCE"
    if "/TR" in holder or _name(holder, "/TR2") not in {"", "/Default"}:
        yield "TRANSFERT"


def _keys(holder: _Holder) -> set[str]:
    return {str(key) for key in holder.keys()}  # noqa: SIM118 - iterating a stream gives nothing


def _masks(holder: _Holder) -> bool:
    return "/SMask" in holder and _name(holder, "/SMask") != "/None"


def _font(holder: _Holder) -> Iterator[str]:
    if _name(holder, "/Type") != "/Font":
        return
    subtype = _name(holder, "/Subtype")
    if subtype == "/Type0":
        encoding = holder.get("/Encoding")
        if not isinstance(encoding, pikepdf.Stream) and _name(holder, "/Encoding") not in _STANDARD_CMAPS:
            yield "POLICE_COMPOSITE"
    elif subtype != "/Type3":
        descriptor = holder.get("/FontDescriptor")
        files = {"/FontFile", "/FontFile2", "/FontFile3"}
        if not isinstance(descriptor, pikepdf.Dictionary) or not files & _keys(descriptor):
            yield "POLICE_NON_EMBARQUEE"
        elif subtype == "/CIDFontType2" and "/CIDToGIDMap" not in holder:
            yield "POLICE_COMPOSITE"


def _annotation(holder: _Holder) -> Iterator[str]:
    subtype = _name(holder, "/Subtype")
    if "/Rect" not in holder or not subtype or isinstance(holder, pikepdf.Stream):
        return
    flags = int(holder.get("/F", 0))
    is_shown = flags & _PRINTED and not flags & _HIDDEN
    if subtype not in _ANNOTATIONS or (subtype != "/Popup" and not is_shown):
        yield "ANNOTATION"
    if float(holder.get("/CA", 1)) != 1:
        yield "TRANSPARENCE"
    if subtype == "/Widget" and "/A" in holder:
        yield "ACTION"


def _action(holder: _Holder) -> Iterator[str]:
    kind = _name(holder, "/S")
    if kind == "/JavaScript":
        yield "JAVASCRIPT"
    elif kind in _ALL_ACTIONS - _ACTIONS or (kind == "/Named" and _name(holder, "/N") not in _NAMED):
        yield "ACTION"
    if "/AA" in holder:
        yield "ACTION_AUTOMATIQUE"


def _file_specification(holder: _Holder) -> Iterator[str]:
    if "/EF" in holder:
        yield "FICHIER_EMBARQUE"


_RULES: tuple[_Rule, ...] = (
    _stream, _x_object, _transparency, _graphics_state, _font, _annotation, _action, _file_specification,
)  # fmt: skip
