"""XDS metadata as values, in the words of IHE ITI TF-3 section 4.2.

Every string is that of the file: composite HL7 v2 values (CX, XCN, XON) stay in one piece, sizes and times stay
text. What is absent is an empty string, an empty tuple or ``None``.
"""

from dataclasses import dataclass, field

__all__ = [
    "Association", "AuthorEntry", "CodedValue", "DocumentEntry", "ExtraSlot", "Metadata", "SubmissionSet",
    "XdmDocument", "XdmFile", "XdmPackage",
]  # fmt: skip

ExtraSlot = tuple[str, tuple[str, ...]]
"""A slot without a field of its own: name and values."""


@dataclass(frozen=True, slots=True)
class CodedValue:
    """A code, the OID of its system and its label."""

    code: str
    coding_scheme: str = ""
    display_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorEntry:
    """One author: XCN, XON, labels of roles, ``code^label^OID`` of specialties, XTN."""

    person: str = ""
    institutions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()
    telecommunications: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEntry:
    """One document of a submission (ExtrinsicObject). Field names are the XDS attribute names in snake case."""

    entry_uuid: str
    unique_id: str
    mime_type: str = ""
    availability_status: str = ""
    uri: str = ""
    hash: str = ""  # SHA-1, 40 hexadecimal digits
    size: str = ""  # decimal count of bytes
    creation_time: str = ""  # UTC, YYYYMMDDhhmmss, as all times here
    language_code: str = ""
    service_start_time: str = ""
    service_stop_time: str = ""
    legal_authenticator: str = ""  # XCN
    source_patient_id: str = ""  # CX
    source_patient_info: tuple[str, ...] = ()  # PID lines
    reference_id_list: tuple[str, ...] = ()  # CXi
    repository_unique_id: str = ""
    title: str = ""
    comments: str = ""
    authors: tuple[AuthorEntry, ...] = ()
    class_code: CodedValue | None = None
    confidentiality_codes: tuple[CodedValue, ...] = ()
    event_code_list: tuple[CodedValue, ...] = ()
    format_code: CodedValue | None = None
    healthcare_facility_type_code: CodedValue | None = None
    practice_setting_code: CodedValue | None = None
    type_code: CodedValue | None = None
    patient_id: str = ""  # CX
    action: str = ""  # French extra slot: C replaces an earlier document, D withdraws this one
    extra_slots: tuple[ExtraSlot, ...] = ()

    @property
    def size_in_bytes(self) -> int | None:
        """The size as a number, when it is one."""
        return int(self.size) if self.size.isascii() and self.size.isdigit() and len(self.size) <= 15 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSet:
    """One sending (RegistryPackage)."""

    entry_uuid: str
    unique_id: str
    availability_status: str = ""
    submission_time: str = ""
    title: str = ""
    comments: str = ""
    authors: tuple[AuthorEntry, ...] = ()
    content_type_code: CodedValue | None = None
    patient_id: str = ""
    source_id: str = ""
    intended_recipients: tuple[str, ...] = ()  # XON|XCN|XTN
    extra_slots: tuple[ExtraSlot, ...] = ()


@dataclass(frozen=True, slots=True)
class Association:
    """A relation between two entries: ``type`` is the URN of the file, or its short form in old files."""

    type: str
    source: str
    target: str
    id: str = ""

    @property
    def replaces(self) -> bool:
        """True for RPLC and XFRM_RPLC."""
        return self.type.rpartition(":")[2].upper() in {"RPLC", "XFRM_RPLC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The content of one METADATA.XML."""

    submission_sets: tuple[SubmissionSet, ...] = ()
    document_entries: tuple[DocumentEntry, ...] = ()
    associations: tuple[Association, ...] = ()


@dataclass(frozen=True, slots=True)
class XdmFile:
    """A file of the archive that no entry lists: PDF copy, style sheet, image. Never executed."""

    name: str  # as in the archive, slashes as separators; data, never a path to write to
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class XdmDocument:
    """A document with its entry."""

    entry: DocumentEntry
    name: str  # as in the archive
    content: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()  # catalogue codes: what was tolerated


@dataclass(frozen=True, slots=True, kw_only=True)
class XdmPackage:
    """One METADATA.XML of an archive, with the documents it lists."""

    folder: str  # of METADATA.XML, with a final slash, or empty
    metadata: Metadata
    documents: tuple[XdmDocument, ...]
    companions: tuple[XdmFile, ...] = ()  # unlisted files of the same folder
    missing: tuple[DocumentEntry, ...] = ()  # entries whose file is not in the archive
    is_degraded: bool = False  # there was no METADATA.XML: everything comes from the CDA headers

    @property
    def submission_set(self) -> SubmissionSet | None:
        """The sending, when the metadata have one."""
        return self.metadata.submission_sets[0] if self.metadata.submission_sets else None
