"""From a CDA header to a document entry, and from the entries to a submission set.

Source rules: CI-SIS mapping from the CDA header to the XDM metadata; the official packages of the ANS show how it is
applied (``docs/conformity-xdm.md`` lists where we differ and why). Nothing is parsed here: the header comes as
values, time and identifiers are passed in.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connector.documents.cda.model import Author, CdaDocument, Code, PatientRole
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.domain.patient import INS_OIDS, PatientIdentifier
from connector.domain.ports import IdSource
from connector.xdm import codes
from connector.xdm.hl7_values import (
    author_person,
    escape,
    institution,
    patient_identifier,
    person,
    reference_identifier,
    to_utc,
    utc_time,
)
from connector.xdm.model import AuthorEntry, CodedValue, DocumentEntry, SubmissionSet
from connector.xdm.vocabulary import APPROVED

__all__ = ["derive_entry", "derive_submission_set", "master_patient_id", "new_oid", "with_masks"]

_INS_C = "1.2.250.1.213.1.4.2"  # obsolete: neither an INS nor a local identifier
_INS_ORDER = ("1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11")
_DEFAULT_CLASS = "10"  # for a type that is in no table yet; check_xdm warns
_MAX_OID = 64
_MAX_TITLE = 1024  # ebRIM FreeFormText
_MAX_VALUE = 256  # ebRIM LongName
_MAX_LABEL = 160


def derive_entry(
    document: CdaDocument, content: bytes, *, entry_uuid: str, uri: str, patient_id: str = ""
) -> DocumentEntry:
    """The metadata of one CDA document.

    Args:
        document: its header.
        content: its bytes, as they will stand in the package.
        entry_uuid: ``urn:uuid:…``, new for each sending.
        uri: name of the file relative to METADATA.XML.
        patient_id: the one of the package, when another document of it knows the patient better.

    Returns:
        The entry. Attributes that the header does not determine are empty: an older document may lack some that
        the profile requires.
    """
    act = document.main_act
    organization = act.performer.organization if act and act.performer else None
    authenticator = document.legal_authenticator
    return DocumentEntry(
        entry_uuid=entry_uuid,
        unique_id=document.id.unique_id,
        mime_type="text/xml",
        availability_status=APPROVED,
        uri=uri,
        hash=hashlib.sha1(content, usedforsecurity=False).hexdigest().upper(),
        size=str(len(content)),
        creation_time=to_utc(document.effective_time),
        language_code=document.language,
        service_start_time=to_utc(act.low) if act else "",
        service_stop_time=to_utc(act.high) if act else "",
        legal_authenticator=person(authenticator) if authenticator else "",
        source_patient_id=_source_patient_id(document.patient),
        source_patient_info=_source_patient_info(document.patient),
        reference_id_list=tuple(reference_identifier(identifier, kind) for identifier, kind in document.orders),
        title=document.title.strip()[:_MAX_TITLE],
        authors=tuple(_author(author) for author in document.authors),
        class_code=codes.class_of(document.code.code) or codes.value_set("class_codes")[_DEFAULT_CLASS],
        confidentiality_codes=_confidentiality(document.confidentiality),
        event_code_list=_event_codes(document),
        format_code=_format(document),
        healthcare_facility_type_code=_coded(document.facility),
        practice_setting_code=_coded(organization.standard_industry_class if organization else None),
        type_code=_type(document.code),
        patient_id=patient_id or master_patient_id(document.patient),
        action=_action(document),
    )


def derive_submission_set(
    entries: Sequence[DocumentEntry],
    documents: Sequence[CdaDocument],
    *,
    now: datetime,
    ids: IdSource,
    oid_root: str = "",
) -> SubmissionSet:
    """The sending that holds ``entries``, all of one patient.

    Author and content type are those of the first document; the content type repeats its facility type, as all
    official packages do. The source is the custodian (``root.extension``).

    Args:
        entries: at least one.
        documents: their headers, in the same order.
        now: aware time of the sending.
        ids: for entryUUID and uniqueId.
        oid_root: an OID that the sender owns; without one, OIDs are made from UUIDs (``2.25.…``).
    """
    first = entries[0]
    titles = {entry.title for entry in entries}
    return SubmissionSet(
        entry_uuid=f"urn:uuid:{ids.uuid()}",
        unique_id=new_oid(ids, oid_root),
        availability_status=APPROVED,
        submission_time=utc_time(now),
        title=first.title if len(titles) == 1 else f"{len(entries)} documents",
        authors=first.authors,
        content_type_code=first.healthcare_facility_type_code,
        patient_id=first.patient_id,
        source_id=_source_id(documents[0]) or oid_root or new_oid(ids, ""),
    )


def new_oid(ids: IdSource, root: str) -> str:
    """A new OID: ``<root>.<UUID as a number>``, shortened to fit 64 characters, or ``2.25.<UUID as a number>``.

    Raises:
        ConfigurationError: ``REGLAGE_INVALIDE`` when the root leaves no room for a number.
    """
    number = ids.uuid().int
    room = _MAX_OID - len(root) - 1
    if not root:
        return f"2.25.{number}"
    if room < 12:
        raise ConfigurationError("REGLAGE_INVALIDE", "the OID root is too long for identifiers of 64 characters")
    return f"{root}.{number % 10**room}"


def master_patient_id(patient: PatientRole) -> str:
    """patientId: the matricule INS (production authorities before test ones), else the first identifier.

    Raises:
        InvalidSubmission: ``CDA_INVALIDE`` when the patient has no identifier with a value.
    """
    usable = [identifier for identifier in patient.ids if identifier.extension]
    if not usable:
        raise InvalidSubmission("CDA_INVALIDE", "the patient of the document has no identifier")
    return patient_identifier(_ins(usable) or usable[0])


def _ins(identifiers: Sequence[PatientIdentifier]) -> PatientIdentifier | None:
    by_root = {identifier.root: identifier for identifier in reversed(identifiers)}
    return next((by_root[root] for root in _INS_ORDER if root in by_root), None)


def _local_ids(patient: PatientRole) -> list[PatientIdentifier]:
    return [one for one in patient.ids if one.extension and one.root not in INS_OIDS and one.root != _INS_C]


def _source_patient_id(patient: PatientRole) -> str:
    local = _local_ids(patient)
    return patient_identifier(local[0]) if local else master_patient_id(patient)


def _source_patient_info(patient: PatientRole) -> tuple[str, ...]:
    """PID lines in the order of the official packages: names, further identifiers, birth, gender, birth place."""
    birth_family = patient.birth_family or patient.unqualified_family
    first = patient.birth_given or patient.all_given
    lines = []
    if birth_family:
        lines.append(f"PID-5|{escape(birth_family)}^{escape(first)}^{escape(patient.all_given)}^^^^L")
    if patient.used_family:
        lines.append(f"PID-5|{escape(patient.used_family)}^{escape(patient.used_given or first)}^^^^^D")
    lines += [f"PID-3|{patient_identifier(identifier)}" for identifier in _local_ids(patient)[1:]]
    if patient.birth_time:
        lines.append(f"PID-7|{escape(patient.birth_time)}")
    if patient.gender:
        lines.append(f"PID-8|{'U' if patient.gender == 'UN' else escape(patient.gender)}")
    if patient.birth_place:
        lines.append(f"PID-11|^^^^^^BDL^^{escape(patient.birth_place)}")
    return tuple(lines)


def _author(author: Author) -> AuthorEntry:
    entity = author.entity
    organization = institution(entity.organization)
    specialty = entity.code
    function = author.function.display_name if author.function else ""
    return AuthorEntry(
        person=author_person(author),
        institutions=(organization,) if organization else (),
        roles=(function[:_MAX_VALUE],) if function else (),
        specialties=(_specialty(specialty),) if specialty else (),
    )


def _specialty(code: Code) -> str:
    return f"{code.code}^{code.display_name[:_MAX_LABEL]}^{code.code_system}"


def _coded(code: Code | None) -> CodedValue | None:
    return CodedValue(code.code, code.code_system, code.display_name.strip()[:_MAX_TITLE]) if code else None


def _type(code: Code) -> CodedValue:
    """The type, with the label of the value set: documents write it in many ways."""
    return CodedValue(
        code.code, code.code_system, codes.label_of_type(code.code) or code.display_name.strip()[:_MAX_TITLE]
    )


def _confidentiality(code: Code) -> tuple[CodedValue, ...]:
    coded = _coded(code) if code.code else None
    return (coded,) if coded else ()


def _event_codes(document: CdaDocument) -> tuple[CodedValue, ...]:
    """The code of each act, each followed by its translations (imaging: CCAM act, modality, anatomy)."""
    acts = (code for event in document.service_events for code in (event.code, *event.translations))
    return tuple(coded for code in acts if (coded := _coded(code)))


def _format(document: CdaDocument) -> CodedValue:
    if document.body is not None:
        return codes.format_of_media_type(document.body.media_type)
    return codes.format_of_models(document.template_ids)


def _action(document: CdaDocument) -> str:
    """``C`` for what replaces an earlier document: a later version, or one that says what it replaces."""
    return "C" if (document.version or 1) > 1 or document.replaces else ""


def _source_id(document: CdaDocument) -> str:
    """The custodian's identifier as one OID; its authority alone when the identifier is not a number."""
    identifier = document.custodian.ids[0] if document.custodian and document.custodian.ids else None
    if identifier is None:
        return ""
    numeric = identifier.extension.isascii() and identifier.extension.isdigit()
    return f"{identifier.root}.{identifier.extension}" if numeric else identifier.root


def with_masks(entry: DocumentEntry, masks: Sequence[str]) -> DocumentEntry:
    """The entry with visibility flags after its confidentiality (``MASQUE_PS``, ``INVISIBLE_PATIENT`` …)."""
    flags = codes.value_set("confidentiality_codes")
    return replace(entry, confidentiality_codes=entry.confidentiality_codes + tuple(flags[mask] for mask in masks))
