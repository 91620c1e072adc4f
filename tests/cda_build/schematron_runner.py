"""Runs an official schematron (query binding XSLT 2) over a document, where one lies beside the checkout.

Each rule becomes a template of a style sheet that Saxon compiles: a mode for each pattern, priority by order, so that
as in schematron the first rule that matches a node is the only one of its pattern.
"""

import shutil
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import lxml.isoschematron
from lxml import etree

__all__ = ["Schematron"]

_SCH = "{http://purl.oclc.org/dsdl/schematron}"
_STEPS = Path(lxml.isoschematron.__file__).parent / "resources" / "xsl" / "iso-schematron-xslt1"


class Schematron:
    """One compiled schematron.

    Args:
        processor: of saxonche; must live as long as this object.
        path: the ``.sch`` file.
        folder: for a copy of its folder with the style sheet, which reads value sets beside it.
    """

    def __init__(self, processor: Any, path: Path, folder: Path) -> None:
        home = folder / path.parent.parent.name
        shutil.copytree(path.parent.parent, home)
        sheet = home / path.parent.name / "rules.xsl"
        sheet.write_text(_style_sheet(path), encoding="utf-8")
        self._document = folder / "document.xml"
        self._executable = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(sheet))

    def run(self, document: bytes) -> tuple[int, list[str]]:
        """How many rules had something to look at, and the texts of the assertions that failed."""
        self._document.write_bytes(document)
        report = etree.fromstring(self._executable.transform_to_string(source_file=str(self._document)).encode())
        return len(report.findall("fired")), [failed.text or "" for failed in report.findall("failed")]


def _style_sheet(path: Path) -> str:
    included = etree.XSLT(etree.parse(str(_STEPS / "iso_dsdl_include.xsl")))(etree.parse(str(path)))
    root = etree.XSLT(etree.parse(str(_STEPS / "iso_abstract_expand.xsl")))(included).getroot()
    names = " ".join(f"xmlns:{ns.get('prefix')}={quoteattr(ns.get('uri', ''))}" for ns in root.iter(f"{_SCH}ns"))
    patterns = _active(root)
    calls = "".join(f'<xsl:apply-templates select="." mode="m{number}"/>' for number in range(len(patterns)))
    rules = "".join(_pattern(pattern, f"m{number}") for number, pattern in enumerate(patterns))
    return (
        f'<xsl:stylesheet version="2.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" {names}>{_variables(root)}'
        f'<xsl:template match="/"><report>{calls}</report></xsl:template>{rules}</xsl:stylesheet>'
    )


def _active(root: etree._Element) -> list[etree._Element]:
    """The patterns of the default phase, or all."""
    patterns = list(root.iter(f"{_SCH}pattern"))
    phase = next((one for one in root.findall(f"{_SCH}phase") if one.get("id") == root.get("defaultPhase")), None)
    if phase is None:
        return patterns
    wanted = {active.get("pattern") for active in phase.findall(f"{_SCH}active")}
    return [pattern for pattern in patterns if pattern.get("id") in wanted]


def _variables(parent: etree._Element) -> str:
    return "".join(
        f"<xsl:variable name={quoteattr(let.get('name', ''))} select={quoteattr(let.get('value', ''))}/>"
        for let in parent.findall(f"{_SCH}let")
    )


def _pattern(pattern: etree._Element, mode: str) -> str:
    onward = f'<xsl:apply-templates mode="{mode}" select="*|@*"/>'
    found = [rule for rule in pattern.findall(f"{_SCH}rule") if rule.get("context")]
    rules = "".join(
        f"<xsl:template match={quoteattr(rule.get('context', ''))} mode='{mode}' priority='{2000 - number}'>"
        f"{_variables(pattern)}<fired/>{_variables(rule)}{_assertions(rule)}{onward}</xsl:template>"
        for number, rule in enumerate(found)
    )
    return (
        f'{rules}<xsl:template match="text()|@*" mode="{mode}" priority="-1"/>'
        f'<xsl:template match="*|/" mode="{mode}" priority="-2">{onward}</xsl:template>'
    )


def _assertions(rule: etree._Element) -> str:
    tests = (
        (f"not({one.get('test')})", " ".join("".join(one.itertext()).split()))
        for one in rule.findall(f"{_SCH}assert")
    )
    return "".join(f"<xsl:if test={quoteattr(test)}><failed>{escape(text)}</failed></xsl:if>" for test, text in tests)
