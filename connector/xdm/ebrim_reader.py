"""METADATA.XML to metadata, tolerant of every variant met in real packages.

Elements are matched by local name (ebRIM 3.0 and 2.1, any prefix), attributes by scheme UUID, and ownership by
nesting: names, ``classifiedObject`` and ``registryObject`` are wrong in many files. Nothing is validated here; what
is wrong is the business of :mod:`connector.xdm.check`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.documents.xml import DEFAULT_LIMITS, SafeElement, local_name, parse_xml
from connector.domain.errors import ConnectorError, MalformedMessage
from connector.domain.limits import Limits
from connector.xdm.model import (
    Association,
    AuthorEntry,
    CodedValue,
    DocumentEntry,
    ExtraSlot,
    Metadata,
    SubmissionSet,
)
from connector.xdm.vocabulary import ACTION_SLOT, ENTRY_CODES, Scheme

__all__ = ["read_metadata", "read_metadata_element"]

_Slots = dict[str, tuple[str, ...]]

_ENTRY_SLOTS = {
    "hash": "hash",
    "size": "size",
    "creationTime": "creation_time",
    "languageCode": "language_code",
    "serviceStartTime": "service_start_time",
    "serviceStopTime": "service_stop_time",
    "legalAuthenticator": "legal_authenticator",
    "sourcePatientId": "source_patient_id",
    "repositoryUniqueId": "repository_unique_id",
    ACTION_SLOT: "action",
}
_ENTRY_LISTS = {
    "sourcePatientInfo": "source_patient_info",
    "urn:ihe:iti:xds:2013:referenceIdList": "reference_id_list",
    "referenceIdList": "reference_id_list",
}
_FOLDER_SCHEMES = {Scheme.FOLDER_NODE, Scheme.FOLDER_CODES, Scheme.FOLDER_PATIENT_ID, Scheme.FOLDER_UNIQUE_ID}
_SET_SCHEMES = {
    Scheme.SET_NODE, Scheme.SET_AUTHOR, Scheme.SET_CONTENT_TYPE, Scheme.SET_PATIENT_ID, Scheme.SET_UNIQUE_ID,
    Scheme.SET_SOURCE_ID,
}  # fmt: skip


def read_metadata(
    data: bytes, limits: Limits = DEFAULT_LIMITS, *, error: type[ConnectorError] = MalformedMessage
) -> Metadata:
    """Read the bytes of a METADATA.XML.

    Raises:
        ConnectorError: ``error`` with ``XDM_INVALIDE`` (no XDS object in it), ``XML_INVALIDE``, ``ENCODAGE`` or
            ``TROP_GROS``.
    """
    return read_metadata_element(parse_xml(data, limits, error=error), error=error)


def read_metadata_element(root: SafeElement, *, error: type[ConnectorError] = MalformedMessage) -> Metadata:
    """The same for a file that is already parsed.

    Raises:
        ConnectorError: ``error`` with ``XDM_INVALIDE`` when it holds no XDS object.
    """
    objects: dict[str, list[SafeElement]] = {"ExtrinsicObject": [], "RegistryPackage": [], "Association": []}
    loose_nodes: dict[str, str] = {}
    for element in root.iter():
        name = local_name(element)
        if name in objects:
            objects[name].append(element)
        elif name == "Classification" and (node := _scheme(element.get("classificationNode"))):
            loose_nodes.setdefault(_attribute(element, "classifiedObject"), node)
    if not objects["ExtrinsicObject"] and not objects["RegistryPackage"]:
        raise error("XDM_INVALIDE", "the metadata hold neither a document entry nor a submission set")
    packages = [element for element in objects["RegistryPackage"] if _is_submission_set(element, loose_nodes)]
    return Metadata(
        submission_sets=tuple(_submission_set(element) for element in packages),
        document_entries=tuple(_document_entry(element) for element in objects["ExtrinsicObject"]),
        associations=tuple(_association(element) for element in objects["Association"]),
    )


# --- pieces of ebRIM ----------------------------------------------------------------------------------------------


def _attribute(element: SafeElement, name: str) -> str:
    return _clean(element.get(name) or "")


def _clean(text: str) -> str:
    """Trimmed, and unescaped once more where a sender escaped twice."""
    text = text.strip()
    return text.replace("&amp;", "&") if "&amp;" in text else text


def _scheme(value: str | None) -> str:
    """A scheme in the form of :class:`Scheme`: lower case, with its prefix."""
    bare = (value or "").strip().lower()
    return bare if not bare or bare.startswith("urn:uuid:") else f"urn:uuid:{bare}"


def _named(element: SafeElement, name: str) -> Iterator[SafeElement]:
    return (child for child in element if local_name(child) == name)


def _localized(element: SafeElement, name: str) -> str:
    """The first text of Name or Description that is not empty."""
    texts = (
        _attribute(text, "value") for holder in _named(element, name) for text in _named(holder, "LocalizedString")
    )
    return next((text for text in texts if text), "")


def _slots(element: SafeElement) -> _Slots:
    slots: _Slots = {}
    for slot in _named(element, "Slot"):
        values = (
            _clean(value.text or "") for holder in _named(slot, "ValueList") for value in _named(holder, "Value")
        )
        name = _attribute(slot, "name")
        slots[name] = slots.get(name, ()) + tuple(value for value in values if value)
    return slots


def _coded(classification: SafeElement) -> CodedValue:
    scheme = _slots(classification).get("codingScheme", ())
    return CodedValue(
        _attribute(classification, "nodeRepresentation"),
        scheme[0] if scheme else "",
        _localized(classification, "Name"),
    )


def _author(classification: SafeElement) -> AuthorEntry:
    slots = _slots(classification)
    return AuthorEntry(
        person=next(iter(slots.get("authorPerson", ())), ""),
        institutions=slots.get("authorInstitution", ()),
        roles=slots.get("authorRole", ()),
        specialties=slots.get("authorSpecialty", ()),
        telecommunications=slots.get("authorTelecommunication", ()),
    )


class _Parts:
    """The classifications and identifiers nested in one object, by scheme."""

    def __init__(self, element: SafeElement) -> None:
        self._classifications = [
            (_scheme(child.get("classificationScheme")), child) for child in _named(element, "Classification")
        ]
        self._identifiers = {
            _scheme(child.get("identificationScheme")): _attribute(child, "value")
            for child in _named(element, "ExternalIdentifier")
        }

    def authors(self, scheme: Scheme) -> tuple[AuthorEntry, ...]:
        return tuple(_author(child) for found, child in self._classifications if found == scheme)

    def codes(self, scheme: Scheme) -> tuple[CodedValue, ...]:
        return tuple(_coded(child) for found, child in self._classifications if found == scheme)

    def code(self, scheme: Scheme) -> CodedValue | None:
        return next(iter(self.codes(scheme)), None)

    def identifier(self, scheme: Scheme) -> str:
        return self._identifiers.get(scheme, "")


# --- objects ------------------------------------------------------------------------------------------------------


def _is_submission_set(package: SafeElement, loose_nodes: Mapping[str, str]) -> bool:
    """By the node that classifies it; without one, by the schemes it uses. An unmarked package counts as a set."""
    node = next(
        (found for child in _named(package, "Classification") if (found := _scheme(child.get("classificationNode")))),
        loose_nodes.get(_attribute(package, "id"), ""),
    )
    if node:
        return node == Scheme.SET_NODE
    schemes = {
        _scheme(child.get("classificationScheme") or child.get("identificationScheme"))
        for child in package
        if local_name(child) in {"Classification", "ExternalIdentifier"}
    }
    return bool(schemes & _SET_SCHEMES) or not schemes & _FOLDER_SCHEMES


def _submission_set(element: SafeElement) -> SubmissionSet:
    slots, parts = _slots(element), _Parts(element)
    return SubmissionSet(
        entry_uuid=_attribute(element, "id"),
        unique_id=parts.identifier(Scheme.SET_UNIQUE_ID),
        availability_status=_attribute(element, "status"),
        submission_time=next(iter(slots.pop("submissionTime", ())), ""),
        title=_localized(element, "Name"),
        comments=_localized(element, "Description"),
        authors=parts.authors(Scheme.SET_AUTHOR),
        content_type_code=parts.code(Scheme.SET_CONTENT_TYPE),
        patient_id=parts.identifier(Scheme.SET_PATIENT_ID),
        source_id=parts.identifier(Scheme.SET_SOURCE_ID),
        intended_recipients=slots.pop("intendedRecipient", ()),
        extra_slots=_extra(slots),
    )


def _document_entry(element: SafeElement) -> DocumentEntry:
    slots, parts = _slots(element), _Parts(element)
    fields: dict[str, Any] = {field: next(iter(slots.pop(name, ())), "") for name, field in _ENTRY_SLOTS.items()}
    for name, field in _ENTRY_LISTS.items():
        fields[field] = fields.get(field, ()) + slots.pop(name, ())
    fields |= {field: parts.code(scheme) for scheme, field in ENTRY_CODES.items()}
    return DocumentEntry(
        entry_uuid=_attribute(element, "id"),
        unique_id=parts.identifier(Scheme.ENTRY_UNIQUE_ID),
        mime_type=_attribute(element, "mimeType"),
        availability_status=_attribute(element, "status"),
        uri=_uri(slots.pop("URI", ())),
        title=_localized(element, "Name"),
        comments=_localized(element, "Description"),
        authors=parts.authors(Scheme.ENTRY_AUTHOR),
        confidentiality_codes=parts.codes(Scheme.ENTRY_CONFIDENTIALITY),
        event_code_list=parts.codes(Scheme.ENTRY_EVENT),
        patient_id=parts.identifier(Scheme.ENTRY_PATIENT_ID),
        extra_slots=_extra(slots),
        **fields,
    )


def _association(element: SafeElement) -> Association:
    return Association(
        _attribute(element, "associationType"),
        _attribute(element, "sourceObject"),
        _attribute(element, "targetObject"),
        _attribute(element, "id"),
    )


def _extra(slots: _Slots) -> tuple[ExtraSlot, ...]:
    return tuple((name, values) for name, values in slots.items() if values)


def _uri(values: tuple[str, ...]) -> str:
    """One value, or the numbered pieces of a long one put together (IHE ITI TF-3 4.2.3.2.27)."""
    pieces = [value.partition("|") for value in values]
    if not pieces or not all(bar and number.isascii() and number.isdigit() for number, bar, _ in pieces):
        return values[0] if values else ""
    return "".join(text for _, _, text in sorted(pieces, key=lambda piece: int(piece[0][:9])))
