"""A PDF, an image or a text with what is said of it, as a CDA document of level 1 made by us.

The identity comes from whoever knows it (sidecar, PID, HPRIM header), author and structure from the settings of the
mailbox. Identifiers are new for each version; a replacement keeps the set of what it replaces (§3.3 of the CDA
digest: new id, same setId, version + 1, relatedDocument RPLC).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from connector.documents.cda.build import build_n1
from connector.documents.cda.identifiers import local_patient_id
from connector.documents.cda.model import InstanceId, UnstructuredBody
from connector.documents.cda.request import N1Patient, N1Request, N1Structure
from connector.domain.address import MailboxAddress
from connector.domain.finding import Finding
from connector.domain.patient import MatriculeINS
from connector.domain.ports import IdSource
from connector.domain.submission import FileRole, SubmittedFile
from connector.exchange.pdfa import FitPdf
from connector.intake.problem import BadDrop
from connector.settings.model import MailboxSettings
from connector.xdm.derive import new_oid
from connector.xdm.n1_codes import document_type

__all__ = [
    "Built", "Desk", "Earlier", "Identity", "Words", "document_again", "document_around", "sent_before",
    "warnings_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The patient as somebody told us, whatever the format."""

    ins: MatriculeINS | None = field(default=None, repr=False)
    ins_is_qualified: bool = False
    local_number: str = ""  # file number of the LPS; empty: a new one for each drop
    local_root: str = ""  # its OID, when the format names it
    birth_family: str = field(default="", repr=False)
    used_family: str = field(default="", repr=False)
    all_given: tuple[str, ...] = field(default=(), repr=False)
    given: str = field(default="", repr=False)
    birth_date: date | None = field(default=None, repr=False)
    gender: str = ""
    birth_place: str = ""  # COG code


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is said of one file."""

    types: tuple[str, ...] = ()  # code or short name, the best first
    title: str = ""  # default: the label of the type
    date: "date | None" = None  # of the act; default: the day of the drop
    replaces: str = ""  # reference or identifier of what was sent before


@dataclass(frozen=True, slots=True)
class Earlier:
    """The newest version of a document that left from here."""

    id: InstanceId
    set_id: InstanceId
    version: int
    content: bytes = field(repr=False)  # the CDA


@dataclass(frozen=True, slots=True)
class Built:
    """A document that we made."""

    file: SubmittedFile
    warnings: tuple[str, ...] = ()  # about its PDF


def _nothing_found(_: Sequence[SubmittedFile]) -> tuple[Finding, ...]:
    """What is found where nobody looks."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What making a document needs beside the drop."""

    mailbox: MailboxSettings
    ids: IdSource
    now: datetime  # aware
    oid_root: str = ""
    pdf_of: Callable[[SubmittedFile], FitPdf]  # the copy that leaves: a PDF of anything, PDF/A as the settings want
    earlier: Callable[[str], Earlier | None]  # by reference, submission or document id
    correspondent: Callable[[str], MailboxAddress | None]  # by the code that a laboratory has for a doctor
    deep: Callable[[Sequence[SubmittedFile]], tuple[Finding, ...]] = _nothing_found  # against official schemas


def document_around(file: SubmittedFile, name: str, who: Identity, words: Words, desk: Desk) -> Built:
    """The document that leaves for a file.

    Args:
        file: PDF, image or text.
        name: of the document, without extension.
        who: the patient.
        words: type, title, date, what is replaced.
        desk: settings and helpers.

    Raises:
        InvalidSubmission: ``PATIENT_INCOMPLET``, ``INS_SANS_TRAITS``, ``TYPE_DOCUMENT_ABSENT``,
            ``TYPE_DOCUMENT_INCONNU``, ``DOCUMENT_INCOMPLET``, ``REMPLACE_INCONNU``, what making a PDF raises.
        ConfigurationError: ``AUTEUR_INCOMPLET``, ``STRUCTURE_INCOMPLETE``: the mailbox is not set up for it.
    """
    structure = desk.mailbox.structure.n1_structure()
    pdf = desk.pdf_of(file)
    kind = document_type(*words.types)
    before = sent_before(words.replaces, desk) if words.replaces else None
    request = N1Request(
        id=InstanceId(new_oid(desk.ids, desk.oid_root)),
        set_id=before.set_id if before else InstanceId(new_oid(desk.ids, desk.oid_root)),
        version=before.version + 1 if before else 1,
        replaces=before.id if before else None,
        type=kind,
        title=words.title or kind.display_name,
        created=desk.now,
        act_start=words.date or desk.now.astimezone().date(),
        patient=_patient(who, structure, desk),
        author=desk.mailbox.document_author,
        structure=structure,
        body=UnstructuredBody("application/pdf", pdf.content),
    )
    content = build_n1(request)
    made = SubmittedFile(f"{name}.xml", FileRole.CDA_BUILT, content, hashlib.sha256(content).hexdigest())
    return Built(made, (pdf.warning,) if pdf.warning else ())


def _patient(who: Identity, structure: N1Structure, desk: Desk) -> N1Patient:
    """The matricule of an identity that is not qualified is left out here, and nowhere else needs to think of it."""
    root = who.local_root or (desk.mailbox.structure.patient_id_root if who.local_number else "")
    local = local_patient_id(structure.id, who.local_number or desk.ids.ulid(), root)
    return N1Patient(
        ids=(local,), ins=who.ins, ins_is_qualified=who.ins_is_qualified, birth_family=who.birth_family,
        used_family=who.used_family, all_given=who.all_given, birth_given=who.given, gender=who.gender,
        birth_date=who.birth_date, birth_place=who.birth_place,
    )  # fmt: skip


def document_again(name: str, asked: str, desk: Desk) -> SubmittedFile:
    """The document that was made then, to go once more as the one that is withdrawn.

    Args:
        name: of the document, without extension.
        asked: reference, submission or document id.
        desk: knows what was sent.

    Raises:
        BadDrop: ``REMPLACE_INCONNU``.
    """
    content = sent_before(asked, desk).content
    return SubmittedFile(f"{name}.xml", FileRole.CDA_BUILT, content, hashlib.sha256(content).hexdigest())


def warnings_of(built: Iterable[Built]) -> tuple[str, ...]:
    """Each once."""
    return tuple(dict.fromkeys(code for one in built for code in one.warnings))


def sent_before(asked: str, desk: Desk) -> Earlier:
    """The document that a sidecar means.

    Raises:
        BadDrop: ``REMPLACE_INCONNU``.
    """
    found = desk.earlier(asked)
    if found is None:
        raise BadDrop(
            "REMPLACE_INCONNU", "what is to be replaced was not sent from here, or is no longer kept",
            "Rubrique « options.remplace » : aucun envoi de cette boîte n'a cette référence.",
        )  # fmt: skip
    return found
