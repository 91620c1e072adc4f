"""The CDA header against the CI-SIS "Structuration minimale": everything that it lacks, each with its place.

Reading (:mod:`connector.documents.cda.header`) is tolerant, because documents of all years have to leave; here
is what the volet asks for. Only what makes a document unreadable, or its matricule false, is an error: it is refused.
Source rules: CI-SIS "Structuration minimale de documents de santé" 1.16: obligation, patient and INS, versions.
"""

import re
from collections.abc import Iterator

from connector.documents.cda.header import decode_base64, gaps
from connector.documents.validation.attributes import attribute_findings
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
    "recordTarget?/patientRole?/id", "recordTarget?/patientRole?/patient/name/family",
    "recordTarget?/patientRole?/patient/name/given", "recordTarget?/patientRole?/patient/administrativeGenderCode",
    "recordTarget?/patientRole?/patient/birthTime",
    "author/time", "author/assignedAuthor/id", "author/assignedAuthor/assignedPerson?/name/family",
    "custodian/assignedCustodian/representedCustodianOrganization/id",
    "legalAuthenticator/time", "legalAuthenticator/signatureCode", "legalAuthenticator/assignedEntity/id",
    "legalAuthenticator/assignedEntity/assignedPerson?/name/family", "inFulfillmentOf?/order/id",
    "documentationOf/serviceEvent",
    "documentationOf/serviceEvent/performer?/assignedEntity/assignedPerson?/name?/family",
    "relatedDocument?/parentDocument/id", "componentOf/encompassingEncounter/effectiveTime",
    "componentOf/encompassingEncounter/location/healthCareFacility/code", "component",
)  # fmt: skip
"""Paths below ``ClinicalDocument``: a step is missing where its parent is and it is not; ``?`` may be missing."""

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
_TRAITS = (
    ("the family name at birth (qualifier BR)", "le nom de naissance (qualificatif BR)"),
    ("the list of first names at birth (no qualifier)", "la liste des prénoms de naissance (sans qualificatif)"),
    ("the first of the first names at birth (qualifier BR)", "le premier prénom de naissance (qualificatif BR)"),
    ("the code of the place of birth (county)", "le code du lieu de naissance (county)"),
)
"""What goes with a matricule, besides date of birth and sex."""

_REPLACES_NONE = (
    "a later version names none that it replaces",
    "une version suivante ne dit pas ce qu'elle remplace",
)
_FIRST_REPLACES = ("version 1 replaces another one", "la version 1 remplace un autre document")
_AT_MOST_ONCE = ("legalAuthenticator", "relatedDocument", "setId", "versionNumber", "custodian")
_MEDIA_TYPES = frozenset({"application/pdf", "text/plain", "text/rtf", "image/jpeg", "image/tiff"})


def header_findings(root: SafeElement) -> Iterator[Finding]:
    """Everything that a document's header, and its body of level 1, should say otherwise.

    Args:
        root: a ``ClinicalDocument``.
    """
    for path in gaps(root):
        yield _error("CDA_INVALIDE", place(root, path), f"{path} is missing or empty", f"{path} manque ou est vide")
    yield from _required(root)
    yield from _fixed(root)
    yield from attribute_findings(root)
    yield from _models(root)
    yield from _times(root)
    yield from _versions(root)
    for role in steps(root, "recordTarget/patientRole"):
        yield from _patient(role)
    yield from _author(root)
    yield from _main_act(root)
    yield from _body(root)


def _error(code: str, where: str, detail: str, french: str = "") -> Finding:
    return Finding(severity=Severity.ERROR, code=code, where=where, detail=detail, french=french)


def _warning(code: str, where: str, detail: str, french: str = "") -> Finding:
    return Finding(severity=Severity.WARNING, code=code, where=where, detail=detail, french=french)


def _expected(where: str, attribute: str, values: frozenset[str]) -> Finding:
    wanted = sorted(values)
    english = f"@{attribute} is expected to be {' or '.join(wanted)}"
    return _warning("CDA_VALEUR_INATTENDUE", where, english, f"@{attribute} : attendu {' ou '.join(wanted)}")


def _required(root: SafeElement) -> Iterator[Finding]:
    told: set[str] = set()
    for path in _REQUIRED:
        parents = [root]
        for step in path.split("/"):
            name = step.removesuffix("?")
            for parent in parents:
                where = place(parent, name)
                if step == name and first(parent, name) is None and where not in told:
                    told.add(where)
                    english, french = f"the element {name} is required", f"l'élément {name} est obligatoire"
                    yield _warning("CDA_ELEMENT_ABSENT", where, english, french)
            parents = [child for parent in parents for child in children(parent, name)]


def _fixed(root: SafeElement) -> Iterator[Finding]:
    for path, attribute, values in _FIXED:
        for element in steps(root, path):
            if element.get(attribute) not in values and element.get("nullFlavor") is None:
                yield _expected(place(element), attribute, values)
    for name in _AT_MOST_ONCE:
        if len(children(root, name)) > 1:
            detail, french = f"the element {name} may stand there once", f"l'élément {name} doit être unique"
            yield _warning("CDA_ELEMENT_REPETE", place(root, name), detail, french)


def _models(root: SafeElement) -> Iterator[Finding]:
    found = [element.get("root", "") for element in children(root, "templateId")]
    where = place(root, "templateId")
    for wanted in (_FRANCE, _CI_SIS):
        if wanted not in found:
            detail, french = f"the templateId {wanted} is missing", f"le templateId {wanted} manque"
            yield _warning("CDA_MODELE_ABSENT", where, detail, french)
    is_level_1 = bool(steps(root, "component/nonXMLBody"))
    others = [one for one in found if one not in {_FRANCE, _CI_SIS}]
    if is_level_1 and others != [_LEVEL_1]:
        detail = f"a document of level 1 has {_LEVEL_1} and no other model"
        yield _warning(
            "CDA_MODELE_ABSENT", where, detail, f"un document de niveau 1 a {_LEVEL_1} et nul autre modèle"
        )
    if not is_level_1 and others in ([], [_LEVEL_1]):
        yield _warning(
            "CDA_MODELE_ABSENT",
            where,
            "a structured document names its model",
            "un document structuré nomme son modèle",
        )


def _times(root: SafeElement) -> Iterator[Finding]:
    for element in steps(root, "effectiveTime"):
        if not _ZONED.fullmatch(element.get("value", "")):
            detail, french = "a date with hour and zone is expected", "une date avec heure et fuseau est attendue"
            yield _warning("CDA_DATE_INVALIDE", place(element), detail, french)
    for path in ("author/time", "legalAuthenticator/time", "recordTarget/patientRole/patient/birthTime"):
        for element in steps(root, path):
            value = element.get("value")
            if value is not None and not _TIME.fullmatch(value):
                detail = "this is no date of the form YYYYMMDD[hhmm[ss]]"
                french = "ce n'est pas une date de la forme AAAAMMJJ[hhmm[ss]]"
                yield _warning("CDA_DATE_INVALIDE", place(element), detail, french)


def _versions(root: SafeElement) -> Iterator[Finding]:
    """First version 1 without a predecessor; each later one names the one before it."""
    own, version = first(root, "id"), first(root, "versionNumber")
    parents = steps(root, "relatedDocument/parentDocument/id")
    if version is not None:
        text = version.get("value", "").strip()
        if not re.fullmatch(r"[1-9]\d{0,8}", text):
            detail, french = "the version is a positive whole number", "la version est un nombre entier positif"
            yield _warning("CDA_VERSION", place(version), detail, french)
        elif (int(text) > 1) != bool(parents):
            yield _warning("CDA_VERSION", place(version), *(_REPLACES_NONE if not parents else _FIRST_REPLACES))
    if own is not None and any(dict(own.attrib) == dict(parent.attrib) for parent in parents):
        detail, french = "the document replaces itself", "le document se remplace lui-même"
        yield _warning("CDA_VERSION", place(parents[0]), detail, french)


def _patient(role: SafeElement) -> Iterator[Finding]:
    identifiers = children(role, "id")
    carried = [one for one in identifiers if one.get("root", "").strip() in INS_OIDS]
    for element in carried:
        try:
            MatriculeINS.parse(element.get("extension", ""), element.get("root", "").strip())
        except InvalidSubmission as error:
            yield _error(error.code, place(element), error.detail)
        if element.get("root", "").strip() in INS_TEST_OIDS:
            detail, french = "the authority is that of test identities", "l'autorité est celle des identités de test"
            yield Finding(
                severity=Severity.ADVICE, code="INS_DE_TEST", where=place(element), detail=detail, french=french
            )
    if any(one.get("root", "").strip() == _INS_C for one in identifiers):
        yield _warning("INS_C_OBSOLETE", place(role, "id"), "the authority 1.2.250.1.213.1.4.2 is that of INS-C")
    if carried and identifiers[0] is not carried[0]:
        yield Finding(severity=Severity.ADVICE, code="CDA_INS_APRES", where=place(carried[0]))
    for family in steps(role, "patient/name/family"):
        if family.get("qualifier", "").strip() not in _FAMILY:
            detail, french = "the qualifier of a family name is BR or CL", "le qualificatif d'un nom est BR ou CL"
            yield _warning("CDA_NOM_QUALIFICATIF", place(family), detail, french)
    if carried:
        yield from _traits(role)


def _traits(role: SafeElement) -> Iterator[Finding]:
    """What a matricule goes with (Ref#2 ECO.2.4.2; volet, identity with INS)."""
    families = {one.get("qualifier", "") for one in steps(role, "patient/name/family")}
    givens = {one.get("qualifier", "") for one in steps(role, "patient/name/given")}
    where = place(role, "patient")
    county = steps(role, "patient/birthplace/place/addr/county")
    there = (
        "BR" in families, "" in givens, "BR" in givens, any("".join(one.itertext()).strip() for one in county)
    )  # fmt: skip
    for (english, french), is_there in zip(_TRAITS, there, strict=True):
        if not is_there:
            yield _warning("CDA_TRAIT_ABSENT", where, f"{english} is missing", f"il manque {french}")


def _author(root: SafeElement) -> Iterator[Finding]:
    for author in steps(root, "author/assignedAuthor"):
        persons, devices = children(author, "assignedPerson"), children(author, "assignedAuthoringDevice")
        if not persons and not devices:
            detail, french = "neither a person nor a device stands here", "ni personne ni dispositif n'est indiqué"
            yield _warning("CDA_AUTEUR", place(author), detail, french)


def _main_act(root: SafeElement) -> Iterator[Finding]:
    """Start, performer and his structure's activity, which become the practice setting of the metadata."""
    events = steps(root, "documentationOf/serviceEvent")
    setting = "performer/assignedEntity/representedOrganization/standardIndustryClassCode"
    wanted = ("effectiveTime/low", "performer/assignedEntity/id", setting)
    if events and not any(all(steps(event, path) for path in wanted) for event in events):
        paths = ", ".join(wanted)
        yield _warning("CDA_ACTE_PRINCIPAL", place(events[0]), f"no act has {paths}", f"aucun acte n'a {paths}")


def _body(root: SafeElement) -> Iterator[Finding]:
    for text in steps(root, "component/nonXMLBody/text"):
        is_base64 = text.get("representation", "").strip() == "B64"
        if is_base64 and decode_base64("".join(text.itertext())) is None:
            yield _error("CDA_INVALIDE", place(text), "the body is not Base64", "le corps n'est pas en Base64")
        media_type = text.get("mediaType", "").strip()
        if media_type not in _MEDIA_TYPES:
            yield _expected(place(text), "mediaType", _MEDIA_TYPES)
        elif not is_base64 and media_type != "text/plain":
            yield _expected(place(text), "representation", frozenset({"B64"}))
