"""What is needed to make a CDA document of level 1 around a file, and the rules that it must keep.

Source rules: CI-SIS "Structuration minimale de documents de santé" (header and its data types); Ref#2 ECO.2.4.2
and INS reference of identity (traits); IHE ITI-XDS-SD. Codes come resolved (:mod:`connector.xdm.n1_codes`),
identifiers and times come from the caller: the same request always gives the same bytes.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime

from connector.documents.cda.model import Code, InstanceId, UnstructuredBody
from connector.domain.patient import MatriculeINS, PatientIdentifier

__all__ = ["BODY_MEDIA_TYPES", "Moment", "N1Author", "N1Patient", "N1Request", "N1Structure", "one_line"]

BODY_MEDIA_TYPES = frozenset({"application/pdf", "text/plain", "text/rtf", "image/jpeg", "image/tiff"})
"""What the body may be (ASS_A12). The connector makes a PDF of everything: the copy beside the package must be one,
and for a level 1 document it is the body byte for byte (Ref#2 ECO.2.1.5)."""

Moment = datetime | date
"""An aware time, or a day when nothing finer is known."""

_BREAK = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class N1Patient:
    """The patient. The matricule is written only when its identity is qualified."""

    ids: tuple[PatientIdentifier, ...] = field(default=(), repr=False)  # of the practice, the main one first
    ins: MatriculeINS | None = field(default=None, repr=False)
    ins_is_qualified: bool = False
    birth_family: str = field(default="", repr=False)
    used_family: str = field(default="", repr=False)
    all_given: tuple[str, ...] = field(default=(), repr=False)  # all birth first names, in order
    birth_given: str = field(default="", repr=False)  # the first of them; default: ``all_given[0]``
    used_given: str = field(default="", repr=False)
    gender: str = ""  # M, F, or UN for unknown
    birth_date: date | None = field(default=None, repr=False)
    birth_place: str = field(default="", repr=False)  # COG code, 5 characters
    telecoms: tuple[str, ...] = field(default=(), repr=False)  # ``tel:…``, ``mailto:…``
    address_lines: tuple[str, ...] = field(default=(), repr=False)

    @property
    def first_given(self) -> str:
        """The first birth first name."""
        return self.birth_given or next(iter(self.all_given), "")

    @property
    def written_ins(self) -> MatriculeINS | None:
        """The matricule that may leave: that of a qualified identity."""
        return self.ins if self.ins_is_qualified else None


@dataclass(frozen=True, slots=True, kw_only=True)
class N1Author:
    """The professional who wrote the document, signs for it and performed the act."""

    id: InstanceId
    family: str
    given: str = ""
    prefix: str = ""  # M or MME (JDV_J245)
    suffix: str = ""  # DR, PR, MC, MG, PC or PG (JDV_J246)
    specialty: Code | None = None  # JDV_J01
    telecoms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class N1Structure:
    """The practice, laboratory or hospital where the act took place; it keeps the document."""

    id: InstanceId
    name: str
    facility: Code  # JDV_J02
    setting: Code  # JDV_J04
    telecoms: tuple[str, ...] = ()
    address_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class N1Request:
    """One document to make. Masks (``MASQUE_PS`` …) are no part of it: they stand in the metadata of the package."""

    id: InstanceId  # new for each version; a bare OID, which the DMP demands too
    set_id: InstanceId  # the same over all versions
    version: int = 1
    replaces: InstanceId | None = None  # id of the version before this one
    type: Code  # JDV_J07
    title: str
    created: datetime  # aware
    act_start: Moment
    act_end: Moment | None = None
    confidentiality: str = "N"  # N, R or V
    language: str = "fr-FR"
    patient: N1Patient
    author: N1Author
    structure: N1Structure
    orders: tuple[InstanceId, ...] = ()  # prescriptions that the document answers
    encounter: Code | None = None  # JDV_J142
    body: UnstructuredBody


def one_line(text: str) -> str:
    """A text as the document holds it: line breaks and runs of blanks are one blank, none at the ends."""
    return _BREAK.sub(" ", text).strip()
