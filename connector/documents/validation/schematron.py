"""A schematron (query binding XSLT 2) as a style sheet: each rule a template, each failed assertion an element.

A pattern becomes a mode and the order of its rules their priority, so that as in schematron the first rule that
matches a node is the only one of its pattern. The report says nothing but the texts of the schematron and the places.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from connector.documents.xml import SafeElement, parse_xml
from connector.domain.errors import MalformedMessage
from connector.domain.limits import Limits

__all__ = ["Failed", "failed_assertions", "style_sheet"]

_SCH = "{http://purl.oclc.org/dsdl/schematron}"
_MOST_CHARS = 300
_PLACE = "{replace(path(), 'Q\\{[^}]*\\}', '')}"


@dataclass(frozen=True, slots=True)
class Failed:
    """One assertion that a document breaks."""

    place: str  # XPath without namespaces
    text: str  # as the schematron says it


def style_sheet(schematron: SafeElement, base: str) -> str:
    """The style sheet of a schematron.

    Args:
        schematron: with its includes in place and its abstract rules expanded.
        base: URL of the schematron; its rules name value sets beside it.
    """
    names = " ".join(
        f"xmlns:{ns.get('prefix')}={quoteattr(ns.get('uri', ''))}" for ns in schematron.iter(f"{_SCH}ns")
    )
    patterns = _active(schematron)
    calls = "".join(f'<xsl:apply-templates select="." mode="m{number}"/>' for number in range(len(patterns)))
    rules = "".join(_pattern(pattern, f"m{number}") for number, pattern in enumerate(patterns))
    return (
        f'<xsl:stylesheet version="2.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xml:base={quoteattr(base)} '
        f'{names}>{_variables(schematron, *patterns)}<xsl:template match="/"><report><xsl:try>{calls}<xsl:catch>'
        f"<broken/></xsl:catch></xsl:try></report></xsl:template>{rules}</xsl:stylesheet>"
    )


def failed_assertions(report: str) -> Iterator[Failed]:
    """What the style sheet reported of one document.

    Raises:
        MalformedMessage: ``SCHEMAS_INVALIDES``: one of its rules could not be evaluated.
    """
    root = parse_xml(report.encode("utf-8"), Limits(), error=MalformedMessage)
    if root.find("broken") is not None:
        raise MalformedMessage("SCHEMAS_INVALIDES", "a rule of the schematron cannot be evaluated")
    for one in root.iterchildren("failed"):
        text = one.text or ""
        yield Failed(one.get("place", ""), text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…")


def _active(root: SafeElement) -> list[SafeElement]:
    """The patterns of the default phase, or all."""
    patterns = list(root.iter(f"{_SCH}pattern"))
    phase = next((one for one in root.findall(f"{_SCH}phase") if one.get("id") == root.get("defaultPhase")), None)
    if phase is None:
        return patterns
    wanted = {active.get("pattern") for active in phase.findall(f"{_SCH}active")}
    return [pattern for pattern in patterns if pattern.get("id") in wanted]


def _variables(*parents: SafeElement) -> str:
    """Those of the schematron and of its patterns hold everywhere, as in the skeleton of ISO; the first of a name."""
    found: dict[str, str] = {}
    for let in (let for parent in parents for let in parent.iterchildren(f"{_SCH}let")):
        found.setdefault(let.get("name", ""), let.get("value", ""))
    return "".join(
        f"<xsl:variable name={quoteattr(name)} select={quoteattr(value)}/>" for name, value in found.items()
    )


def _pattern(pattern: SafeElement, mode: str) -> str:
    onward = f'<xsl:apply-templates mode="{mode}" select="*|@*"/>'
    found = [rule for rule in pattern.findall(f"{_SCH}rule") if rule.get("context")]
    rules = "".join(
        f"<xsl:template match={quoteattr(rule.get('context', ''))} mode='{mode}' priority='{2000 - number}'>"
        f"{_variables(rule)}{_assertions(rule)}{onward}</xsl:template>"
        for number, rule in enumerate(found)
    )
    return (
        f'{rules}<xsl:template match="text()|@*" mode="{mode}" priority="-1"/>'
        f'<xsl:template match="*|/" mode="{mode}" priority="-2">{onward}</xsl:template>'
    )


def _assertions(rule: SafeElement) -> str:
    return "".join(
        f"<xsl:if test={quoteattr(test)}><failed place={quoteattr(_PLACE)}>{escape(text)}</failed></xsl:if>"
        for test, text in _tests(rule)
    )


def _tests(rule: SafeElement) -> Iterator[tuple[str, str]]:
    """When an assertion fails, or a report speaks, and what is said then."""
    for one in rule.iterchildren(f"{_SCH}assert", f"{_SCH}report"):
        test = one.get("test", "")
        said = " ".join("".join(one.itertext()).split())
        yield (f"not({test})" if one.tag == f"{_SCH}assert" else test), said
