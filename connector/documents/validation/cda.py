"""The CDA header against the CI-SIS "Structuration minimale": everything that it lacks, each with its place.

Reading (:mod:`connector.documents.cda.header`) is tolerant, because documents of all years have to leave; here
is what the volet asks for. Only what makes a document unreadable, or its matricule false, is an error: it is refused.
Source rules: CI-SIS "Structuration minimale de documents de santé" 1.16: obligation, patient and INS, versions.
"""

import re
from collections.abc import Iterator

from connector.documents.cda.header import decode_base64, gaps
from connector.documents.validation.tree import children, first, place, steps
from connector.documents.xml import SafeElement
from connector.domain.errors import InvalidSubmission
from connector.domain.finding import Finding, Severity
from connector.domain.patient import INS_OIDS, INS_TEST_OIDS, MatriculeINS

__all__ = ["header_findings"]

_FRANCE = "2.16.840.1.113883.2.8.2.1"
_CI_SIS = "1.2.250.1.213.1.1.1.1"
_LEVEL_1 = "1.3.6.1.4.1.19376.1.2.20"
_INS_C = "1.2.250.1.213.1.4.2"
_STRUCTURES = frozenset({"1.2.250.1.71.4.2.2", "1.2.250.1.213.4.1"})
_FAMILY = frozenset({"BR", "CL"})
_ZONED = re.compile(r"\d{8}(?:\d{2}|\d{4}|\d{6}(?:\.\d{1,4})?)[+-]\d{4}")
_TIME = re.compile(r"\d{4}(?:\d{2}(?:\d{2}(?:\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,4})?)?)?)?)?)?(?:[+-]\d{4})?")

_REQUIRED = (
    "realmCode", "typeId", "title", "effectiveTime", "confidentialityCode", "languageCode", "setId", "versionNumber",
    "author", "custodian", "legalAuthenticator", "documentationOf/serviceEvent", "componentOf/encompassingEncounter",
    "component", "author/time", "author/assignedAuthor/id",
    "custodian/assignedCustodian/representedCustodianOrganization/id",
    "legalAuthenticator/time", "legalAuthenticator/signatureCode", "legalAuthenticator/assignedEntity/id",
    "componentOf/encompassingEncounter/effectiveTime",
    "componentOf/encompassingEncounter/location/healthCareFacility/code", "relatedDocument/parentDocument/id",
    "recordTarget/patientRole/id", "recordTarget/patientRole/patient/name/family",
    "recordTarget/patientRole/patient/name/given", "recordTarget/patientRole/patient/administrativeGenderCode",
    "recordTarget/patientRole/patient/birthTime",
)  # fmt: skip
"""Paths below ``ClinicalDocument``: wherever the parent is, the child must be. Those of ``gaps`` are errors."""

_FIXED = (
    ("realmCode", "code", frozenset({"FR"})),
    ("typeId", "root", frozenset({"2.16.840.1.113883.1.3"})),
    ("typeId", "extension", frozenset({"POCD_HD000040"})),
    ("confidentialityCode", "code", frozenset({"N", "R", "V"})),
    ("confidentialityCode", "codeSystem", frozenset({"2.16.840.1.113883.5.25"})),
    ("languageCode", "code", frozenset({"fr-FR"})),
    ("custodian/assignedCustodian/representedCustodianOrganization/id", "root", _STRUCTURES),
    ("legalAuthenticator/signatureCode", "code", frozenset({"S"})),
    ("relatedDocument", "typeCode", frozenset({"RPLC"})),
)  # fmt: skip
_AT_MOST_ONCE = ("legalAuthenticator", "relatedDocument", "setId", "versionNumber", "custodian")
_MEDIA_TYPES = frozenset({"application/pdf", "text/plain", "text/rtf", "image/jpeg", "image/tiff"})


def header_findings(root: SafeElement) -> Iterator[Finding]:
    """Everything that a document's header, and its body of level 1, should say otherwise.

    Args:
        root: a ``ClinicalDocument``.
    """
    for path in gaps(root):
        yield _error("CDA_INVALIDE", place(root, path), f"{path} is missing or empty")
    yield from _required(root)
    yield from _fixed(root)
    yield from _models(root)
    yield from _times(root)
    yield from _versions(root)
    for role in steps(root, "recordTarget/patientRole"):
        yield from _patient(role)
    yield from _author(root)
    yield from _main_act(root)
    yield from _body(root)


def _error(code: str, where: str, detail: str) -> Finding:
    return Finding(severity=Severity.ERROR, code=code, where=where, detail=detail)


def _warning(code: str, where: str, detail: str) -> Finding:
    return Finding(severity=Severity.WARNING, code=code, where=where, detail=detail)


def _required(root: SafeElement) -> Iterator[Finding]:
    for path in _REQUIRED:
        above, _, name = path.rpartition("/")
        for parent in steps(root, above) if above else [root]:
            if first(parent, name) is None:
                yield _warning("CDA_ELEMENT_ABSENT", place(parent, name), f"the element {name} is required")


def _fixed(root: SafeElement) -> Iterator[Finding]:
    for path, attribute, values in _FIXED:
        for element in steps(root, path):
            if element.get(attribute) not in values and element.get("nullFlavor") is None:
                detail = f"@{attribute} is expected to be {' or '.join(sorted(values))}"
                yield _warning("CDA_VALEUR_INATTENDUE", place(element), detail)
    for name in _AT_MOST_ONCE:
        if len(children(root, name)) > 1:
            yield _warning("CDA_ELEMENT_REPETE", place(root, name), f"the element {name} may stand there once")


def _models(root: SafeElement) -> Iterator[Finding]:
    found = [element.get("root", "") for element in children(root, "templateId")]
    where = place(root, "templateId")
    for wanted in (_FRANCE, _CI_SIS):
        if wanted not in found:
            yield _warning("CDA_MODELE_ABSENT", where, f"the templateId {wanted} is missing")
    is_level_1 = bool(steps(root, "component/nonXMLBody"))
    others = [one for one in found if one not in {_FRANCE, _CI_SIS}]
    if is_level_1 and others != [_LEVEL_1]:
        yield _warning("CDA_MODELE_ABSENT", where, f"a document of level 1 has {_LEVEL_1} and no other model")
    if not is_level_1 and not others:
        yield _warning("CDA_MODELE_ABSENT", where, "a structured document names its model")


def _times(root: SafeElement) -> Iterator[Finding]:
    for element in steps(root, "effectiveTime"):
        if not _ZONED.fullmatch(element.get("value", "")):
            yield _warning("CDA_DATE_INVALIDE", place(element), "a date with hour and zone is expected")
    for path in ("author/time", "legalAuthenticator/time", "recordTarget/patientRole/patient/birthTime"):
        for element in steps(root, path):
            value = element.get("value")
            if value is not None and not _TIME.fullmatch(value):
                yield _warning("CDA_DATE_INVALIDE", place(element), "this is no date of the form YYYYMMDD[hhmm[ss]]")


def _versions(root: SafeElement) -> Iterator[Finding]:
    """First version 1 without a predecessor; each later one names the one before it."""
    own, version = first(root, "id"), first(root, "versionNumber")
    parents = steps(root, "relatedDocument/parentDocument/id")
    if version is not None:
        text = version.get("value", "").strip()
        if not re.fullmatch(r"[1-9]\d{0,8}", text):
            yield _warning("CDA_VERSION", place(version), "the version is a positive whole number")
        elif (int(text) > 1) != bool(parents):
            what = "a later version names none that it replaces" if not parents else "version 1 replaces another one"
            yield _warning("CDA_VERSION", place(version), what)
    if own is not None and any(dict(own.attrib) == dict(parent.attrib) for parent in parents):
        yield _warning("CDA_VERSION", place(parents[0]), "the document names itself as the one that it replaces")


def _patient(role: SafeElement) -> Iterator[Finding]:
    identifiers = children(role, "id")
    carried = [one for one in identifiers if one.get("root", "").strip() in INS_OIDS]
    for element in carried:
        try:
            MatriculeINS.parse(element.get("extension", ""), element.get("root", "").strip())
        except InvalidSubmission as error:
            yield _error(error.code, place(element), error.detail)
        if element.get("root", "").strip() in INS_TEST_OIDS:
            detail = "the authority is that of test identities, which never leave in production"
            yield Finding(severity=Severity.ADVICE, code="INS_DE_TEST", where=place(element), detail=detail)
    if any(one.get("root", "").strip() == _INS_C for one in identifiers):
        yield _warning("INS_C_OBSOLETE", place(role, "id"), "the authority 1.2.250.1.213.1.4.2 is no longer in use")
    if carried and identifiers[0] is not carried[0]:
        detail = "the matricule INS stands first among the identifiers"
        yield Finding(severity=Severity.ADVICE, code="CDA_INS_APRES", where=place(carried[0]), detail=detail)
    for family in steps(role, "patient/name/family"):
        if family.get("qualifier", "").strip() not in _FAMILY:
            yield _warning("CDA_NOM_QUALIFICATIF", place(family), "the qualifier of a family name is BR or CL")
    if carried:
        yield from _traits(role)


def _traits(role: SafeElement) -> Iterator[Finding]:
    """What a matricule goes with (Ref#2 ECO.2.4.2; volet, identity with INS)."""
    families = {one.get("qualifier", "") for one in steps(role, "patient/name/family")}
    givens = {one.get("qualifier", "") for one in steps(role, "patient/name/given")}
    where = place(role, "patient")
    if "BR" not in families:
        yield _warning("CDA_TRAIT_ABSENT", where, "the family name at birth (qualifier BR) is missing")
    if "" not in givens:
        yield _warning("CDA_TRAIT_ABSENT", where, "the list of first names at birth (no qualifier) is missing")
    if "BR" not in givens:
        yield _warning("CDA_TRAIT_ABSENT", where, "the first of the first names at birth (qualifier BR) is missing")
    if not any("".join(one.itertext()).strip() for one in steps(role, "patient/birthplace/place/addr/county")):
        yield _warning("CDA_TRAIT_ABSENT", where, "the code of the place of birth (county) is missing")


def _author(root: SafeElement) -> Iterator[Finding]:
    for author in steps(root, "author/assignedAuthor"):
        persons, devices = children(author, "assignedPerson"), children(author, "assignedAuthoringDevice")
        if not persons and not devices:
            yield _warning("CDA_AUTEUR", place(author), "neither a person nor a device stands here")
        if any(not steps(person, "name/family") for person in persons):
            yield _warning("CDA_AUTEUR", place(author), "the person has no family name")
        for identifier in children(author, "id"):
            if not identifier.get("extension") and identifier.get("nullFlavor") is None:
                yield _warning("CDA_AUTEUR", place(identifier), "the identifier has no extension")


def _main_act(root: SafeElement) -> Iterator[Finding]:
    """Start, performer and his structure's activity, which become the practice setting of the metadata."""
    events = steps(root, "documentationOf/serviceEvent")
    setting = "performer/assignedEntity/representedOrganization/standardIndustryClassCode"
    wanted = ("effectiveTime/low", "performer/assignedEntity/id", setting)
    if events and not any(all(steps(event, path) for path in wanted) for event in events):
        detail = f"no act has {', '.join(wanted)}"
        yield _warning("CDA_ACTE_PRINCIPAL", place(events[0]), detail)


def _body(root: SafeElement) -> Iterator[Finding]:
    for text in steps(root, "component/nonXMLBody/text"):
        is_base64 = text.get("representation", "").strip() == "B64"
        if is_base64 and decode_base64("".join(text.itertext())) is None:
            yield _error("CDA_INVALIDE", place(text), "the body is not Base64")
        media_type = text.get("mediaType", "").strip()
        if media_type not in _MEDIA_TYPES:
            detail = f"@mediaType is expected to be {' or '.join(sorted(_MEDIA_TYPES))}"
            yield _warning("CDA_VALEUR_INATTENDUE", place(text), detail)
        elif not is_base64 and media_type != "text/plain":
            yield _warning("CDA_VALEUR_INATTENDUE", place(text), "@representation is expected to be B64")
