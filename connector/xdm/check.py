"""What is wrong with an IHE XDM package, ours or anybody's.

An *error* is what a receiver may rightly refuse: damaged integrity, metadata outside the schema, metadata that
contradict the document. A *warning* is what readers get over: missing courtesy files, long names, unknown codes.
Texts name places and attributes and never quote the content, so that they may be logged.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.documents.xml import DEFAULT_LIMITS, parse_xml
from connector.domain.errors import MalformedMessage
from connector.domain.limits import Limits
from connector.xdm.agreement import disagreements
from connector.xdm.archive import Archive, base_name, is_noise
from connector.xdm.codes import class_of, value_set
from connector.xdm.ebrim_schema import violations
from connector.xdm.model import CodedValue, DocumentEntry, XdmPackage
from connector.xdm.package_reader import metadata_names, read_archive
from connector.xdm.vocabulary import METADATA_NAME

__all__ = ["Finding", "Severity", "check_entry", "check_xdm"]

_FILE_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_CODE_SETS = {
    "typeCode": ("type_code", "type_codes"),
    "classCode": ("class_code", "class_codes"),
    "formatCode": ("format_code", "format_codes"),
    "healthcareFacilityTypeCode": ("healthcare_facility_type_code", "facility_types"),
    "practiceSettingCode": ("practice_setting_code", "practice_settings"),
}
_REQUIRED_OF_ENTRY = {
    "creationTime": "creation_time",
    "languageCode": "language_code",
    "serviceStartTime": "service_start_time",
    "legalAuthenticator": "legal_authenticator",
    "sourcePatientId": "source_patient_id",
    "sourcePatientInfo": "source_patient_info",
    "title": "title",
    "author": "authors",
    "confidentialityCode": "confidentiality_codes",
    "patientId": "patient_id",
    "uniqueId": "unique_id",
    "URI": "uri",
    "hash": "hash",
    "size": "size",
} | {name: field for name, (field, _) in _CODE_SETS.items()}
_REQUIRED_OF_SET = {
    "submissionTime": "submission_time",
    "author": "authors",
    "contentTypeCode": "content_type_code",
    "patientId": "patient_id",
    "sourceId": "source_id",
    "uniqueId": "unique_id",
}


class Severity(StrEnum):
    """How bad."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    severity: Severity
    code: str  # stable, upper case
    where: str  # name in the archive, with a line of METADATA.XML where that helps
    text: str  # one English sentence without patient data


def _error(code: str, where: str, text: str) -> Finding:
    return Finding(Severity.ERROR, code, where, text)


def _warning(code: str, where: str, text: str) -> Finding:
    return Finding(Severity.WARNING, code, where, text)


def check_xdm(data: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Finding]:
    """Everything that is wrong with a package; an empty list for a good one.

    Args:
        data: the zip.
        limits: bounds of archive and XML.

    Raises:
        MalformedMessage: when it cannot be opened at all: ``XDM_INVALIDE``, ``ARCHIVE_DANGEREUSE``, ``TROP_GROS``,
            ``XML_INVALIDE``, ``ENCODAGE``.
    """
    archive = Archive(data, limits, error=MalformedMessage)
    findings = [*_names(archive), *_courtesy_files(archive)]
    names = metadata_names(archive)
    if not names:
        findings.append(_error("METADATA_ABSENT", "", "the archive holds no METADATA.XML"))
    for name in names:
        findings += _schema(name, archive.read(name), limits)
    for package in read_archive(archive, limits, error=MalformedMessage, verify=False):
        findings += [] if package.is_degraded else _package(package, archive)
        for document in package.documents:
            findings += [
                Finding(Severity.ERROR if one.is_serious else Severity.WARNING, one.code, document.name, one.text)
                for one in disagreements(document, limits)
            ]
    return findings


# --- the archive --------------------------------------------------------------------------------------------------


def _names(archive: Archive) -> Iterator[Finding]:
    """ISO 9660 level 1 (IHE ITI-32): 8.3 for files, 8 for folders, capitals, digits and underscore, 8 levels."""
    for info in archive.infos:
        name = info.filename
        if is_noise(name):
            continue
        parts = name.rstrip("/").split("/")
        folders, last = (parts, "") if name.endswith("/") else (parts[:-1], parts[-1])
        stem, _, extension = last.partition(".")
        good = all(0 < len(part) <= 8 and set(part) <= _FILE_NAME for part in folders) and len(parts) <= 8
        if last:
            good = good and 0 < len(stem) <= 8 and len(extension) <= 3 and set(stem + extension) <= _FILE_NAME
        if not good:
            yield _warning("NOM_8_3", name, "the name is not one of ISO 9660 level 1 (8.3, capitals)")


def _courtesy_files(archive: Archive) -> Iterator[Finding]:
    if archive.find("INDEX.HTM") is None:
        yield _warning("INDEX_ABSENT", "", "the archive has no INDEX.HTM")
    readme = archive.find("README.TXT")
    if readme is None:
        yield _warning("README_ABSENT", "", "the archive has no README.TXT")
        return
    text = archive.read(readme)
    if not text.isascii():
        yield _warning("README_ASCII", readme, "README.TXT is not 7-bit ASCII")
    if text.count(b"\n") != text.count(b"\r\n"):
        yield _warning("README_CRLF", readme, "the lines of README.TXT do not all end with CR LF")


# --- the metadata -------------------------------------------------------------------------------------------------


def _schema(name: str, metadata: bytes, limits: Limits) -> Iterator[Finding]:
    root = parse_xml(metadata, limits)
    for violation in violations(root):
        yield _error("SCHEMA", f"{name}:{violation.line}", violation.text)
    identifiers = Counter(identifier for element in root.iter() if (identifier := element.get("id")))
    if any(number > 1 for number in identifiers.values()):
        yield _error("ID_REPETE", name, "two objects of the metadata have the same id")


def _package(package: XdmPackage, archive: Archive) -> Iterator[Finding]:
    where = f"{package.folder}{METADATA_NAME}"
    metadata = package.metadata
    if len(metadata.submission_sets) != 1:
        count = len(metadata.submission_sets)
        yield _error("LOT_UNIQUE", where, f"the metadata hold {count} submission sets instead of one")
    yield from _consistency(where, package)
    for submission_set in metadata.submission_sets:
        for name, field in _REQUIRED_OF_SET.items():
            if not getattr(submission_set, field):
                yield _warning("ATTRIBUT_ABSENT", where, f"the submission set has no {name}")
    for entry in metadata.document_entries:
        yield from check_entry(where, entry)
    for _ in package.missing:
        yield _error("FICHIER_ABSENT", where, "the file of a document entry is not in the archive")
    for document in package.documents:
        yield from _integrity(document.name, document.entry, document.content)
        if document.entry.uri and archive.find(document.name) and not document.name.endswith(document.entry.uri):
            yield _warning("URI_CASSE", document.name, "the URI and the name in the archive differ")
    for companion in package.companions:
        if base_name(companion.name).upper() not in {"INDEX.HTM", "README.TXT"}:
            yield _warning("FICHIER_NON_LISTE", companion.name, "no document entry lists this file")


def _consistency(where: str, package: XdmPackage) -> Iterator[Finding]:
    entries = package.metadata.document_entries
    if _repeats([entry.unique_id for entry in entries]):
        yield _error("UNIQUEID_REPETE", where, "two document entries have the same uniqueId")
    if _repeats([entry.uri.casefold() for entry in entries if entry.uri]):
        yield _error("URI_REPETEE", where, "two document entries have the same URI")
    patients = {entry.patient_id for entry in entries} | {one.patient_id for one in package.metadata.submission_sets}
    if len(patients) > 1:
        yield _error("PATIENT_UNIQUE", where, "the entries do not all have the same patientId")
    members = {one.target for one in package.metadata.associations if one.type.endswith("HasMember")}
    if not all(entry.entry_uuid in members for entry in entries):
        yield _warning("HASMEMBER_ABSENT", where, "a document entry is not tied to the submission set")


def _repeats(values: Sequence[str]) -> bool:
    return len(set(values)) < len(values)


def check_entry(where: str, entry: DocumentEntry) -> Iterator[Finding]:
    """What a document entry lacks, and its codes that are not in the value sets of the ANS.

    Args:
        where: its place, for the findings.
        entry: read from metadata, or derived from a document.
    """
    for name, field in _REQUIRED_OF_ENTRY.items():
        if not getattr(entry, field):
            yield _warning("ATTRIBUT_ABSENT", where, f"a document entry has no {name}")
    for name, (field, values) in _CODE_SETS.items():
        code: CodedValue | None = getattr(entry, field)
        if code is not None and code.code not in value_set(values):
            yield _warning("CODE_HORS_JEU", where, f"the {name} is not in the value set of the ANS")
    if any(code.code not in value_set("confidentiality_codes") for code in entry.confidentiality_codes):
        yield _warning("CODE_HORS_JEU", where, "a confidentialityCode is not in the value set of the ANS")
    expected = class_of(entry.type_code.code) if entry.type_code else None
    if expected and entry.class_code and entry.class_code.code != expected.code:
        yield _warning("CLASSE_TYPE", where, "the classCode is not the one that goes with the typeCode")


def _integrity(name: str, entry: DocumentEntry, content: bytes) -> Iterator[Finding]:
    if entry.hash and entry.hash.lower() != hashlib.sha1(content, usedforsecurity=False).hexdigest():
        yield _error("EMPREINTE_FAUSSE", name, "the hash is not that of the document")
    if entry.size and entry.size_in_bytes != len(content):
        yield _error("TAILLE_FAUSSE", name, "the size is not that of the document")
