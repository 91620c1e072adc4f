"""A document against the CDA schema; the findings name elements and attributes and never quote a value."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from connector.documents.xml import SafeElement
from connector.domain.errors import ConfigurationError
from connector.exchange.deep.publication import parser

__all__ = ["Schema", "without_values"]

_NAMESPACE = re.compile(r"\{(?:urn|https?):[^}]*\}")
_VALUE = re.compile(r"([Vv]alue) '.*'(?= (?:is|has|does) )", re.DOTALL)
_BARE_VALUE = re.compile(r": '.*' (?=is not a valid value)", re.DOTALL)
_OTHER_QUOTE = re.compile(
    r"(?<!Element )(?<!attribute )(?<!facet )(?<!type )(?<!pattern )(?<!type is )(?<=[ (\[])'[^']*'"
)
_MOST_CHARS = 300
_MOST = 100


class Schema:
    """A compiled schema. Thread-safe.

    Args:
        path: the schema, with everything that it includes.

    Raises:
        ConfigurationError: ``SCHEMAS_INVALIDES``.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._schema = etree.XMLSchema(etree.parse(str(path), parser()))
        except (etree.XMLSchemaParseError, etree.XMLSyntaxError, OSError) as error:
            raise ConfigurationError("SCHEMAS_INVALIDES", f"{path.name} is no usable schema") from error
        self._lock = threading.Lock()  # the error log belongs to the schema

    def violations(self, document: SafeElement) -> tuple[tuple[int, str], ...]:
        """Line and sentence of what a document breaks, at most a hundred.

        Args:
            document: a ``ClinicalDocument``.
        """
        with self._lock:
            if self._schema.validate(document):
                return ()
            return tuple(_told(self._schema.error_log))


def _told(log: etree._ListErrorLog) -> Iterator[tuple[int, str]]:
    for number, entry in enumerate(log):
        if number == _MOST:
            return
        yield entry.line, without_values(entry.message)


def without_values(message: str) -> str:
    """A sentence of libxml2 without the values of the document."""
    text = _NAMESPACE.sub("", message)
    text = _BARE_VALUE.sub(": the value ", _VALUE.sub(r"\1", text))
    text = _OTHER_QUOTE.sub("'…'", text)
    return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…"
