"""The results of a structured laboratory report as lines ``RES|``, all of them or none.

Nothing is rounded, converted or judged: a value, a unit, a bound, a flag is copied as it stands, and one that HPRIM
Médecin cannot say leaves the whole coded part out.

Source rules: folder conventions 1.3 (clinical safety of the lines that we make); CI-SIS CR-BIO and IHE XD-LAB
(laboratory observation 1.3.6.1.4.1.19376.1.3.1.6).
"""

import re
from collections.abc import Iterator, Mapping

from connector.documents.cda.model import CdaDocument
from connector.documents.hprim.model import HprimResult
from connector.documents.xml import SafeElement

__all__ = ["LABORATORY_REPORT", "coded_results"]

LABORATORY_REPORT = "11502-2"
"""LOINC: laboratory report."""

_V3 = "{urn:hl7-org:v3}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_LABORATORY_OBSERVATION = "1.3.6.1.4.1.19376.1.3.1.6"
_CHAPTERS = frozenset({"1.3.6.1.4.1.19376.1.3.3.2.1", "1.3.6.1.4.1.19376.1.3.3.2.2"})
_COPY_SECTION = "1.2.250.1.213.1.1.2.243"
_COPY_CODE = "55108-5"
_LOINC = "2.16.840.1.113883.6.1"
_INTERPRETATIONS = "2.16.840.1.113883.5.83"
_FLAGS = frozenset({"L", "H", "LL", "HH", "N"})
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


class _CannotSay(Exception):
    """HPRIM Médecin has no words for this."""


def coded_results(element: SafeElement, document: CdaDocument) -> tuple[HprimResult, ...]:
    """Every result of the report, in order; nothing when one of them cannot be said.

    Args:
        element: its ``ClinicalDocument``.
        document: its header.
    """
    if document.is_level_1 or document.code.code != LABORATORY_REPORT:
        return ()
    body = element.find(f"{_V3}component/{_V3}structuredBody")
    if body is None or any(map(_is_text_only, body.iter(f"{_V3}section"))):
        return ()
    texts = {text.get("ID", ""): text for text in body.iter() if isinstance(text.tag, str) and text.get("ID")}
    status = _report_status(element, document)
    try:
        return tuple(_result(observation, texts, status) for observation in _observations(body))
    except _CannotSay:
        return ()


def _report_status(element: SafeElement, document: CdaDocument) -> str:
    """C for a report that replaces another one; nothing for one that is not final (XD-LAB); else F."""
    if document.replaces is not None:
        return "C"
    events = element.findall(f"{_V3}documentationOf/{_V3}serviceEvent")
    states = [child.get("code") for event in events for child in event if str(child.tag).endswith("}statusCode")]
    return "" if "active" in states else "F"


def _is_text_only(section: SafeElement) -> bool:
    """True for a chapter of results that only people can read: the coded part would lack it."""
    is_chapter = any(one.get("root") in _CHAPTERS for one in section.iterchildren(f"{_V3}templateId"))
    return is_chapter and section.find(f"{_V3}text") is not None and section.find(f"{_V3}entry") is None


def _observations(body: SafeElement) -> Iterator[SafeElement]:
    """Everything with a value, but for what describes the copy of the report."""
    for observation in body.iter(f"{_V3}observation"):
        has_value = observation.find(f"{_V3}value") is not None
        if (has_value or _is_laboratory(observation)) and not _describes_copy(observation):
            yield observation


def _is_laboratory(observation: SafeElement) -> bool:
    return any(one.get("root") == _LABORATORY_OBSERVATION for one in observation.iterchildren(f"{_V3}templateId"))


def _describes_copy(observation: SafeElement) -> bool:
    section = next(observation.iterancestors(f"{_V3}section"), None)
    if section is None:
        return False
    is_copy = any(one.get("root") == _COPY_SECTION for one in section.iterchildren(f"{_V3}templateId"))
    return is_copy or any(one.get("code") == _COPY_CODE for one in section.iterchildren(f"{_V3}code"))


def _result(observation: SafeElement, texts: Mapping[str, SafeElement], status: str) -> HprimResult:
    values = list(observation.iterchildren(f"{_V3}value"))
    _must(_is_laboratory(observation) and len(values) == 1 and observation.get("negationInd") != "true")
    _must(_there(observation, "statusCode").get("code") == "completed")
    code = _there(observation, "code")
    kind, value, unit = _value(values[0])
    low, high = _bounds(observation, unit)
    return HprimResult(
        label=_said(_label(code, texts)), code=_said(_loinc(code)), kind=kind, value=_said(value), unit=_said(unit),
        low=low, high=high, flag=_flag(observation), status=status,
    )  # fmt: skip


def _must(holds: bool) -> None:
    if not holds:
        raise _CannotSay


def _there(holder: SafeElement, name: str) -> SafeElement:
    found = holder.find(f"{_V3}{name}")
    if found is None:
        raise _CannotSay
    return found


def _said(text: str) -> str:
    """One line without the separator of the format, which has no escape."""
    flat = " ".join(text.split())
    _must("|" not in flat)
    return flat


def _label(code: SafeElement, texts: Mapping[str, SafeElement]) -> str:
    """The words of the report for an analysis, or else the label of its code."""
    original = code.find(f"{_V3}originalText")
    reference = None if original is None else original.find(f"{_V3}reference")
    target = None if reference is None else texts.get(reference.get("value", "").removeprefix("#"))
    words = (
        "".join(target.itertext()) if target is not None else (original.text or "") if original is not None else ""
    )
    label = words.strip() or code.get("displayName", "").strip()
    _must(bool(label))
    return label


def _loinc(code: SafeElement) -> str:
    """The LOINC code, also as a translation; else the laboratory's own."""
    codes = [code, *code.iterchildren(f"{_V3}translation")]
    found = next((one.get("code", "") for one in codes if one.get("codeSystem") == _LOINC), "")
    return found or code.get("code", "")


def _value(value: SafeElement) -> tuple[str, str, str]:
    """Kind, value and unit."""
    _must(value.get("nullFlavor") is None)
    match value.get(_TYPE, "").rpartition(":")[2]:
        case "PQ":
            return "N", _number(value), _unit(value)
        case "INT" | "REAL":
            return "N", _number(value), ""
        case "IVL_PQ":
            return _one_sided(value)
        case "ST":
            return "A", _some("".join(value.itertext())), ""
        case "CD" | "CE" | "CV" | "CO":
            return "A", _some(value.get("displayName", "")), ""
        case _:
            raise _CannotSay


def _number(holder: SafeElement) -> str:
    number = holder.get("value", "").strip()
    _must(bool(_NUMBER.fullmatch(number)) and holder.get("nullFlavor") is None)
    return number


def _unit(holder: SafeElement) -> str:
    """As written; ``1`` says that there is none (UCUM)."""
    unit = holder.get("unit", "").strip()
    return "" if unit == "1" else unit


def _some(text: str) -> str:
    _must(bool(text.strip()))
    return text


def _one_sided(value: SafeElement) -> tuple[str, str, str]:
    """``<0.5``, ``>=100``: an interval with one bound, which says whether it belongs to it."""
    bounds = {name: bound for name in ("low", "high") if (bound := value.find(f"{_V3}{name}")) is not None}
    _must(len(bounds) == 1 and len(value) == 1)
    ((name, bound),) = bounds.items()
    _must(bound.get("inclusive") in {"true", "false"})
    sign = (">" if name == "low" else "<") + ("" if bound.get("inclusive") == "false" else "=")
    return "A", f"{sign}{_number(bound)}", _unit(bound)


def _bounds(observation: SafeElement, unit: str) -> tuple[str, str]:
    """The normal range, when it is one for everybody, in the unit of the value and with its bounds in it."""
    ranges = list(observation.iterchildren(f"{_V3}referenceRange"))
    if not ranges:
        return "", ""
    _must(len(ranges) == 1)
    holder = _there(ranges[0], "observationRange")
    value = _there(holder, "value")
    _must(holder.find(f"{_V3}precondition") is None)
    if value.get("nullFlavor") is not None:
        return "", ""
    _must(value.get(_TYPE, "").rpartition(":")[2] == "IVL_PQ")
    _must(all(str(part.tag) in {f"{_V3}low", f"{_V3}high"} for part in value))
    return _bound(value, "low", unit), _bound(value, "high", unit)


def _bound(interval: SafeElement, name: str, unit: str) -> str:
    bound = interval.find(f"{_V3}{name}")
    if bound is None or bound.get("nullFlavor") is not None:
        return ""
    _must(bound.get("inclusive") != "false" and _unit(bound) == unit)
    return _number(bound)


def _flag(observation: SafeElement) -> str:
    """The laboratory's own, when HPRIM Médecin has it."""
    codes = [one for one in observation.iterchildren(f"{_V3}interpretationCode") if one.get("nullFlavor") is None]
    if not codes:
        return ""
    flag = codes[0].get("code", "").strip().upper()
    _must(len(codes) == 1 and flag in _FLAGS and codes[0].get("codeSystem", _INTERPRETATIONS) == _INTERPRETATIONS)
    return flag
