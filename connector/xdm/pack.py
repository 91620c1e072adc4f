"""CDA documents to one IHE XDM package: the door that the sending side uses. Each document is parsed once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from connector.documents.cda.model import AssignedEntity, CdaDocument, Organization
from connector.documents.cda.parse import OpenedCda, open_cda
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.ports import IdSource
from connector.xdm.derive import derive_entry, derive_submission_set, master_patient_id, with_masks
from connector.xdm.ebrim_writer import write_metadata
from connector.xdm.model import Association, AuthorEntry, DocumentEntry, Metadata
from connector.xdm.package_writer import SenderInfo, build_xdm, document_name
from connector.xdm.vocabulary import HAS_MEMBER, RPLC

__all__ = ["PackOptions", "PackedXdm", "SenderInfo", "pack"]

_OTHER_ENTRIES = 5  # of a package: two folders, INDEX.HTM, README.TXT, METADATA.XML


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOptions:
    """What a sending may ask for besides its documents."""

    oid_root: str = ""  # an OID that the sender owns, for uniqueId; 2.25.… without
    intended_recipients: tuple[str, ...] = ()  # XON|XCN|XTN, any part may be empty
    masks: tuple[str, ...] = ()  # MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REPRESENTANTS_LEGAUX
    deletion: bool = False  # withdraw the documents: action D
    author: AuthorEntry | None = None  # of the sending, when it is not the author of the first document
    replaced_entries: Mapping[str, str] = field(default_factory=dict)  # uniqueId of a document: entryUUID it replaces


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedXdm:
    """A finished package and what went into it."""

    content: bytes = field(repr=False)  # IHE_XDM.ZIP
    documents: tuple[OpenedCda, ...]  # in the order of the package
    metadata: Metadata = field(repr=False)

    @property
    def cdas(self) -> tuple[CdaDocument, ...]:
        """The headers of the documents."""
        return tuple(opened.document for opened in self.documents)


def pack(
    documents: Sequence[bytes | OpenedCda],
    *,
    now: datetime,
    ids: IdSource,
    sender: SenderInfo,
    options: PackOptions = PackOptions(),
    limits: Limits = DEFAULT_LIMITS,
) -> PackedXdm:
    """Wrap CDA documents of one patient.

    Args:
        documents: CDA files, or what :func:`~connector.documents.cda.parse.open_cda` made of them; packed unchanged.
        now: aware time of the sending.
        ids: for entryUUIDs and the uniqueId of the sending.
        sender: for README.TXT and INDEX.HTM.
        options: recipients, masks, deletion, replacement by association.
        limits: bounds of XML and archive.

    Raises:
        InvalidSubmission: ``INCOMPLET`` (no document), ``PATIENTS_MULTIPLES``, ``DOCUMENT_REPETE`` (the same document
            twice), ``CDA_INVALIDE``, ``XML_INVALIDE``, ``ENCODAGE`` or ``TROP_GROS``.
        ConfigurationError: ``REGLAGE_INVALIDE`` when the OID root is too long.
    """
    if not documents:
        raise InvalidSubmission("INCOMPLET", "there is no document to pack")
    if len(documents) > limits.max_members - _OTHER_ENTRIES:
        raise InvalidSubmission("TROP_GROS", f"{len(documents)} documents are too many for one package")
    opened = tuple(one if isinstance(one, OpenedCda) else open_cda(one, limits) for one in documents)
    headers = [one.document for one in opened]
    _refuse_repetition(headers)
    patient_id = _one_patient(headers)
    entries = tuple(_entry(one, number, ids, patient_id, options) for number, one in enumerate(opened, 1))
    submission_set = derive_submission_set(entries, headers, now=now, ids=ids, oid_root=options.oid_root)
    if options.author:
        submission_set = replace(submission_set, authors=(options.author,))
    if options.intended_recipients:
        submission_set = replace(submission_set, intended_recipients=options.intended_recipients)
    metadata = Metadata(
        submission_sets=(submission_set,),
        document_entries=entries,
        associations=_associations(submission_set.entry_uuid, entries, options),
    )
    content = build_xdm(
        [one.content for one in opened], write_metadata(metadata), sender=_complete(sender, headers[0]), now=now
    )
    return PackedXdm(content=content, documents=opened, metadata=metadata)


def _entry(opened: OpenedCda, number: int, ids: IdSource, patient_id: str, options: PackOptions) -> DocumentEntry:
    entry_uuid, uri = f"urn:uuid:{ids.uuid()}", document_name(number)
    entry = derive_entry(opened.document, opened.content, entry_uuid=entry_uuid, uri=uri, patient_id=patient_id)
    if options.deletion:
        entry = replace(entry, action="D")
    return with_masks(entry, options.masks) if options.masks else entry


def _associations(set_uuid: str, entries: Sequence[DocumentEntry], options: PackOptions) -> tuple[Association, ...]:
    """HasMember from the set to each entry; RPLC from an entry to the one it replaces, where that is known."""
    pairs = [(HAS_MEMBER, set_uuid, entry.entry_uuid) for entry in entries]
    replaced = options.replaced_entries
    pairs += [(RPLC, one.entry_uuid, replaced[one.unique_id]) for one in entries if one.unique_id in replaced]
    return tuple(
        Association(kind, source, target, f"as{number}") for number, (kind, source, target) in enumerate(pairs, 1)
    )


def _refuse_repetition(documents: Sequence[CdaDocument]) -> None:
    if len({document.id for document in documents}) < len(documents):
        raise InvalidSubmission("DOCUMENT_REPETE", "two documents of the sending have the same identifier")


def _one_patient(documents: Sequence[CdaDocument]) -> str:
    """The patientId of the package.

    All documents name the same one, or share an identifier while only some of them know the INS.
    """
    if any(document.patients_count != 1 for document in documents):
        raise InvalidSubmission("PATIENTS_MULTIPLES", "a document is about more than one patient")
    found = {master_patient_id(document.patient): document.patient for document in documents}
    if len(found) == 1:
        return next(iter(found))
    with_ins = [patient_id for patient_id, patient in found.items() if patient.ins]
    shared = frozenset.intersection(*(frozenset(patient.ids) for patient in found.values()))
    if len(with_ins) > 1 or not shared:
        raise InvalidSubmission("PATIENTS_MULTIPLES", "the documents are not about the same patient")
    return with_ins[0] if with_ins else next(iter(found))


def _complete(sender: SenderInfo, document: CdaDocument) -> SenderInfo:
    """The sender with what it does not say taken from the author and custodian of a document."""
    author = next((one.entity for one in document.authors if one.entity.name), AssignedEntity())
    keeper = document.custodian.organization if document.custodian else None
    organization = author.organization or keeper or Organization()
    place = organization if organization.address_lines else author
    telecoms = (*organization.telecoms, *author.telecoms)
    phone = next((telecom for telecom in telecoms if telecom.startswith("tel:")), "")
    name = author.name
    full_name = " ".join(part.strip() for part in (name.suffix, name.given, name.family) if part) if name else ""
    return replace(
        sender,
        name=sender.name or full_name,
        organization=sender.organization or organization.name,
        organization_id=sender.organization_id or next((one.extension for one in organization.ids), ""),
        address=sender.address or ", ".join(place.address_lines),
        phone=sender.phone or phone.removeprefix("tel:"),
    )
