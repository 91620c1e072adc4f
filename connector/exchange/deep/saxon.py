"""Schematrons through Saxon (the extra ``schematron``), in one thread of their own, which its engine is bound to."""

import importlib.util
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lxml.isoschematron
from lxml import etree

from connector.documents.validation.schematron import Failed, failed_assertions, style_sheet
from connector.documents.xml import SafeElement
from connector.domain.errors import ConfigurationError, MalformedMessage
from connector.exchange.deep.publication import parser

__all__ = ["Saxon", "is_installed"]

_STEPS = Path(lxml.isoschematron.__file__).parent / "resources" / "xsl" / "iso-schematron-xslt1"
_ONLY_FILES = ("http://saxon.sf.net/feature/allowedProtocols", "file")
_NO_WRITING = etree.XSLTAccessControl(read_network=False, write_network=False, write_file=False, create_dir=False)
_MOST = 100


def is_installed() -> bool:
    """True when schematrons can be run here."""
    return importlib.util.find_spec("saxonche") is not None


class Saxon:
    """Runs schematrons; each is compiled once and kept. Thread-safe, one document at a time."""

    def __init__(self) -> None:
        if not is_installed():
            raise ConfigurationError("SCHEMATRON_NON_INSTALLE", "saxonche is not installed")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="schematron")
        self._processor: Any = None
        self._sheets: dict[Path, Any] = {}

    def failed(self, path: Path, document: SafeElement) -> tuple[Failed, ...]:
        """What a document breaks of one schematron, at most a hundred assertions.

        Args:
            path: the schematron, with everything that it includes.
            document: a ``ClinicalDocument``.

        Raises:
            ConfigurationError: ``SCHEMAS_INVALIDES``: it cannot be compiled or run.
        """
        text = etree.tostring(document, encoding="unicode", with_tail=False)
        return self._thread.submit(self._run, path, text).result()

    def _run(self, path: Path, text: str) -> tuple[Failed, ...]:
        import saxonche  # noqa: PLC0415 - an extra

        try:
            if self._processor is None:
                self._processor = saxonche.PySaxonProcessor(license=False)
                self._processor.set_configuration_property(*_ONLY_FILES)
            if path not in self._sheets:
                sheet = style_sheet(_flat(path), path.as_uri())
                self._sheets[path] = self._processor.new_xslt30_processor().compile_stylesheet(stylesheet_text=sheet)
            report = self._sheets[path].transform_to_string(xdm_node=self._processor.parse_xml(xml_text=text))
            return tuple(failed_assertions(report))[:_MOST]
        except (saxonche.PySaxonApiError, MalformedMessage, etree.LxmlError, OSError) as error:
            detail = f"{path.name} cannot be run ({type(error).__name__})"  # its own sentence may quote the document
            raise ConfigurationError("SCHEMAS_INVALIDES", detail) from None


def _flat(path: Path) -> SafeElement:
    """With its includes in place and its abstract rules expanded (ISO/IEC 19757-3, steps 1 and 2)."""
    included = _step("iso_dsdl_include.xsl")(etree.parse(str(path), parser()))
    return _step("iso_abstract_expand.xsl")(included).getroot()


def _step(name: str) -> Callable[[etree._ElementTree], etree._XSLTResultTree]:
    return etree.XSLT(etree.parse(str(_STEPS / name)), access_control=_NO_WRITING)
