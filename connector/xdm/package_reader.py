"""From an IHE XDM zip to its documents, in every form met in real packages.

Names are matched without case; METADATA.XML may stand anywhere and more than once; noise of file managers is
ignored; style sheets and other unlisted files are kept aside and never opened.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from connector.documents.cda.parse import open_cda
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import ConnectorError, MalformedMessage
from connector.domain.limits import Limits
from connector.xdm.archive import Archive, base_name, folder_of, is_noise
from connector.xdm.derive import derive_entry
from connector.xdm.ebrim_reader import read_metadata
from connector.xdm.model import DocumentEntry, Metadata, XdmDocument, XdmFile, XdmPackage
from connector.xdm.vocabulary import METADATA_NAME

__all__ = ["metadata_names", "read_archive", "read_xdm"]


def read_xdm(
    data: bytes,
    limits: Limits = DEFAULT_LIMITS,
    *,
    error: type[ConnectorError] = MalformedMessage,
    verify: bool = True,
) -> tuple[XdmPackage, ...]:
    """The packages of a zip: one for each METADATA.XML, documents met before left out.

    Without any METADATA.XML but with CDA documents, one degraded package is made from their headers.

    Args:
        data: the zip.
        limits: bounds of archive and XML.
        error: what to raise.
        verify: refuse documents whose hash or size is not the one of their entry; absent values are accepted.

    Returns:
        At least one package.

    Raises:
        ConnectorError: ``error`` with ``XDM_INVALIDE``, ``XML_INVALIDE``, ``ENCODAGE``, ``TROP_GROS``,
            ``ARCHIVE_DANGEREUSE`` or ``EMPREINTE_FAUSSE``.
    """
    return read_archive(Archive(data, limits, error=error), limits, error=error, verify=verify)


def read_archive(
    archive: Archive, limits: Limits, *, error: type[ConnectorError], verify: bool
) -> tuple[XdmPackage, ...]:
    """The same for an archive that is open.

    Raises:
        ConnectorError: as :func:`read_xdm`.
    """
    reader = _Reader(archive, limits, error, verify)
    names = metadata_names(archive)
    if not names:
        return (reader.degraded(),)
    packages = [reader.package(name) for name in names]
    return tuple(package for package in packages if package is not None)


def metadata_names(archive: Iterable[str]) -> list[str]:
    """Every METADATA.XML that is not the shadow of one."""
    return [name for name in archive if base_name(name).upper() == METADATA_NAME and not is_noise(name)]


@dataclass
class _Reader:
    archive: Archive
    limits: Limits
    error: type[ConnectorError]
    verify: bool
    seen: set[tuple[str, str]] = field(default_factory=set)  # uniqueId and SHA-1 of the documents given so far

    def package(self, metadata_name: str) -> XdmPackage | None:
        """One METADATA.XML with its documents; ``None`` when all of them were in an earlier one."""
        folder = folder_of(metadata_name)
        metadata = read_metadata(self.archive.read(metadata_name), self.limits, error=self.error)
        candidates = [name for name in self._files(folder) if name != metadata_name]
        located = _locate(metadata.document_entries, folder, candidates, self.archive)
        documents = [self._document(entry, name) for entry, name in located if name is not None]
        fresh = [document for document in documents if document is not None]
        if documents and not fresh:
            return None
        listed = {name for _, name in located}
        return XdmPackage(
            folder=folder,
            metadata=metadata,
            documents=tuple(fresh),
            companions=tuple(XdmFile(name, self.archive.read(name)) for name in candidates if name not in listed),
            missing=tuple(entry for entry, name in located if name is None),
        )

    def degraded(self) -> XdmPackage:
        """A package without metadata: the CDA documents that the archive holds."""
        documents: list[XdmDocument] = []
        companions: list[XdmFile] = []
        for name in self._files(""):
            content = self.archive.read(name)
            document = self._unlisted_cda(name, content) if name.upper().endswith(".XML") else None
            if document is None:
                companions.append(XdmFile(name, content))
            elif document.entry.unique_id not in {known.entry.unique_id for known in documents}:
                documents.append(document)
        if not documents:
            raise self.error("XDM_INVALIDE", "the archive holds neither METADATA.XML nor a CDA document")
        entries = tuple(document.entry for document in documents)
        return XdmPackage(
            folder=folder_of(documents[0].name),
            metadata=Metadata(document_entries=entries),
            documents=tuple(documents),
            companions=tuple(companions),
            is_degraded=True,
        )

    def _unlisted_cda(self, name: str, content: bytes) -> XdmDocument | None:
        try:
            header = open_cda(content, self.limits).document
            entry_uuid = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, header.id.unique_id)}"
            entry = derive_entry(header, content, entry_uuid=entry_uuid, uri=base_name(name))
        except ConnectorError:
            return None
        return XdmDocument(entry=entry, name=name, content=content, warnings=("XDM_DEGRADE",))

    def _files(self, folder: str) -> list[str]:
        return [name for name in self.archive if name.startswith(folder) and not is_noise(name)]

    def _document(self, entry: DocumentEntry, name: str) -> XdmDocument | None:
        """The document of an entry; ``None`` when the very same one was given before."""
        content = self.archive.read(name)
        digest = _sha1(content)
        if self.verify:
            self._check_integrity(entry, content, digest)
        if (entry.unique_id, digest) in self.seen:
            return None
        self.seen.add((entry.unique_id, digest))
        return XdmDocument(entry=entry, name=name, content=content)

    def _check_integrity(self, entry: DocumentEntry, content: bytes, digest: str) -> None:
        if entry.hash and entry.hash.lower() != digest:
            raise self.error("EMPREINTE_FAUSSE", "the hash of a document is not that of its entry")
        if entry.size and entry.size_in_bytes != len(content):
            raise self.error("EMPREINTE_FAUSSE", "the size of a document is not that of its entry")


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _locate(
    entries: Sequence[DocumentEntry], folder: str, candidates: list[str], archive: Archive
) -> list[tuple[DocumentEntry, str | None]]:
    """The file of each entry: by URI, else the only one left for the only one, else by hash, else by size."""
    located = {index: _by_uri(entry.uri, folder, archive) for index, entry in enumerate(entries)}
    for index, entry in enumerate(entries):
        if located[index] is None and not entry.uri:
            free = [name for name in candidates if name not in located.values() and folder_of(name) == folder]
            located[index] = free[0] if len(free) == len(entries) == 1 else _by_content(entry, free, archive)
    return [(entry, located[index]) for index, entry in enumerate(entries)]


def _by_uri(uri: str, folder: str, archive: Archive) -> str | None:
    """The entry at ``folder/uri``, or of that base name beside METADATA.XML; letter case ignored."""
    if not uri:
        return None
    parts = [part for part in uri.replace("\\", "/").split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        return None
    return archive.find(folder + "/".join(parts)) or archive.find(folder + parts[-1])


def _by_content(entry: DocumentEntry, names: Sequence[str], archive: Archive) -> str | None:
    contents = {name: archive.read(name) for name in names}
    if entry.hash:
        return next((name for name, content in contents.items() if _sha1(content) == entry.hash.lower()), None)
    sizes = [name for name, content in contents.items() if len(content) == entry.size_in_bytes]
    return sizes[0] if len(sizes) == 1 else None
