"""The verdict on documents by the settings ``[validation]``: errors that refuse, warnings that are told."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from connector.documents.cda.parse import clinical_document
from connector.documents.recognise import is_cda
from connector.documents.xml import DEFAULT_LIMITS, SafeElement
from connector.domain.errors import ConfigurationError, ConnectorError
from connector.domain.finding import Finding, Severity
from connector.domain.limits import Limits
from connector.domain.submission import FileRole, SubmittedFile
from connector.exchange.deep.publication import HEADER, SCHEMA, Publication
from connector.exchange.deep.saxon import Saxon
from connector.exchange.deep.xsd import Schema
from connector.settings.validation import ValidationPolicy, ValidationSettings
from connector.xdm.package_reader import read_xdm

__all__ = ["DeepJudge"]

_CDA = (FileRole.CDA, FileRole.CDA_BUILT)
_SEVERITIES = {ValidationPolicy.WARN: Severity.WARNING, ValidationPolicy.REFUSE: Severity.ERROR}


class DeepJudge:
    """Holds documents against schema and schematrons. Thread-safe; what is compiled is kept.

    Args:
        settings: what is looked at, and what follows.
        limits: bounds of reading.
    """

    def __init__(self, settings: ValidationSettings, limits: Limits = DEFAULT_LIMITS) -> None:
        self._settings = settings
        self._limits = limits
        self._lock = threading.Lock()
        self._publication: Publication | None = None
        self._schema: Schema | None = None
        self._saxon: Saxon | None = None
        self._schematrons: dict[str, Path] = {}

    def prepare(self) -> None:
        """Find and compile everything that the settings name.

        Raises:
            ConfigurationError: ``SCHEMAS_ABSENTS``, ``SCHEMAS_INVALIDES``, ``SCHEMATRON_NON_INSTALLE``.
        """
        if self._settings.xsd is not ValidationPolicy.OFF:
            self._get_schema()
        if self._settings.schematron is not ValidationPolicy.OFF:
            self._get_saxon()
            for name in (HEADER, *self._settings.volets.values()):
                self._get_schematron(name)

    def findings(self, files: Iterable[SubmittedFile]) -> tuple[Finding, ...]:
        """What the documents of a sending break, archives opened; nothing while validation is off.

        Args:
            files: all of them; those that are no documents are passed over.
        """
        if not self._settings.is_on:
            return ()
        return tuple(one for name, root in self._documents(files) for one in self._of(name, root))

    def _documents(self, files: Iterable[SubmittedFile]) -> Iterator[tuple[str, SafeElement]]:
        """Those that can be read; what cannot is refused by whoever reads it next."""
        for name, content in self._contents(files):
            try:
                yield name, clinical_document(content, self._limits)
            except ConnectorError:
                continue

    def _contents(self, files: Iterable[SubmittedFile]) -> Iterator[tuple[str, bytes]]:
        for file in files:
            if file.role in _CDA:
                yield file.name, file.content
            elif file.role is FileRole.XDM:
                try:
                    packages = read_xdm(file.content, self._limits, verify=False)
                except ConnectorError:
                    continue
                documents = (document for package in packages for document in package.documents)
                yield from ((one.name, one.content) for one in documents if is_cda(one.content))

    def _of(self, name: str, root: SafeElement) -> Iterator[Finding]:
        if (severity := _SEVERITIES.get(self._settings.xsd)) is not None:
            yield from self._guarded(severity, name, self._by_schema(root, severity, name))
        if (severity := _SEVERITIES.get(self._settings.schematron)) is not None:
            yield from self._guarded(severity, name, self._by_schematrons(root, severity, name))

    def _guarded(self, severity: Severity, name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
        """What cannot be looked at is told as loudly as what is wrong."""
        try:
            yield from findings
        except ConfigurationError as error:
            yield Finding(severity=severity, code=error.code, file=name, detail=error.detail)

    def _by_schema(self, root: SafeElement, severity: Severity, name: str) -> Iterator[Finding]:
        for line, text in self._get_schema().violations(root):
            yield Finding(severity=severity, code="VALIDATION_XSD", file=name, where=f"line {line}", detail=text)

    def _by_schematrons(self, root: SafeElement, severity: Severity, name: str) -> Iterator[Finding]:
        for schematron in (HEADER, *self._volets(root)):
            path = self._get_schematron(schematron)
            for one in self._get_saxon().failed(path, root):
                yield Finding(
                    severity=severity, code="VALIDATION_SCHEMATRON", file=name, where=one.place, detail=one.text,
                    french=one.text,
                )  # fmt: skip

    def _volets(self, root: SafeElement) -> list[str]:
        models = {element.get("root") for element in root.iterchildren("{urn:hl7-org:v3}templateId")}
        return list(dict.fromkeys(name for model, name in self._settings.volets.items() if model in models))

    def _get_publication(self) -> Publication:
        if self._publication is None:
            if self._settings.schemas is None:
                raise ConfigurationError("SCHEMAS_ABSENTS", "validation.schemas is not set")
            self._publication = Publication(self._settings.schemas)
        return self._publication

    def _get_schema(self) -> Schema:
        with self._lock:
            if self._schema is None:
                self._schema = Schema(self._get_publication().file(SCHEMA))
            return self._schema

    def _get_schematron(self, name: str) -> Path:
        with self._lock:
            if name not in self._schematrons:
                self._schematrons[name] = self._get_publication().file(name)
            return self._schematrons[name]

    def _get_saxon(self) -> Saxon:
        with self._lock:
            if self._saxon is None:
                self._saxon = Saxon()
            return self._saxon
