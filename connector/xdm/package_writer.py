"""The zip: entry names and order, INDEX.HTM, README.TXT (IHE ITI-32; CI-SIS exchange volume).

The same input gives the same bytes: entry times come from the caller, host system and attributes are fixed.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from connector.xdm.ascii_text import fold
from connector.xdm.package_reader import METADATA_NAME

__all__ = ["SUBSET_FOLDER", "SenderInfo", "build_xdm", "document_name"]

SUBSET_FOLDER = "IHE_XDM/SUBSET01/"

_FAT_ARCHIVE = 0x20
_FAT_DIRECTORY = 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderInfo:
    """Who sends, as INDEX.HTM and README.TXT show it. What is empty is taken from the first document."""

    software: str
    version: str
    editor: str
    name: str = ""
    organization: str = ""
    organization_id: str = ""  # StructIdNat
    address: str = ""
    phone: str = ""


def document_name(number: int) -> str:
    """The 8.3 name of the ``number``-th document, from 1.

    >>> document_name(2)
    'DOC0002.XML'
    """
    return f"DOC{number:04d}.XML"


def build_xdm(documents: Sequence[bytes], metadata: bytes, *, sender: SenderInfo, now: datetime) -> bytes:
    """The bytes of IHE_XDM.ZIP with one submission set.

    Args:
        documents: in the order of their names, DOC0001.XML first.
        metadata: METADATA.XML.
        sender: for the two files that people read.
        now: aware; the time of all entries, in UTC.
    """
    names = [document_name(number) for number in range(1, len(documents) + 1)]
    moment = max(now.astimezone(UTC), datetime(1980, 1, 1, tzinfo=UTC)).timetuple()[:6]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        _add(package, "INDEX.HTM", _index(sender, names), moment)
        _add(package, "README.TXT", _readme(sender, names), moment)
        _add(package, "IHE_XDM/", b"", moment)
        _add(package, SUBSET_FOLDER, b"", moment)
        for name, content in zip(names, documents, strict=True):
            _add(package, SUBSET_FOLDER + name, content, moment)
        _add(package, SUBSET_FOLDER + METADATA_NAME, metadata, moment)
    return buffer.getvalue()


def _add(package: zipfile.ZipFile, name: str, content: bytes, moment: tuple[int, ...]) -> None:
    info = zipfile.ZipInfo(name, moment)  # type: ignore[arg-type] # a slice of struct_time has six numbers
    info.create_system = 0
    info.external_attr = _FAT_DIRECTORY if name.endswith("/") else _FAT_ARCHIVE
    info.compress_type = zipfile.ZIP_STORED if name.endswith("/") else zipfile.ZIP_DEFLATED
    package.writestr(info, content)


def _index(sender: SenderInfo, names: Sequence[str]) -> bytes:
    """INDEX.HTM: XHTML 1.0 Strict, ASCII with numeric entities, CRLF."""
    links = "\r\n".join(f'<li><a href="{SUBSET_FOLDER}{name}">{name}</a></li>' for name in names)
    identifier = f" ({escape(sender.organization_id)})" if sender.organization_id else ""
    page = (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"'
        ' "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\r\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr" lang="fr">\r\n'
        "<head><title>IHE XDM</title></head>\r\n<body>\r\n"
        f"<p>Emetteur : {escape(sender.organization or sender.name)}{identifier}</p>\r\n"
        '<p>Voir le fichier <a href="README.TXT">README.TXT</a></p>\r\n'
        f"<ul>\r\n{links}\r\n</ul>\r\n"
        "<p>Données de santé à caractère personnel : accès réservé aux destinataires.</p>\r\n"
        "</body>\r\n</html>\r\n"
    )
    return page.encode("ascii", "xmlcharrefreplace")


def _readme(sender: SenderInfo, names: Sequence[str]) -> bytes:
    """README.TXT: 7-bit ASCII, CRLF; contact of the sender, application, how to read, tree."""
    organization = sender.organization + (f" ({sender.organization_id})" if sender.organization_id else "")
    sections = {
        "Emetteur :": [
            f". Nom : {sender.name or '-'}",
            f". Organisme : {organization or '-'}",
            f". Adresse : {sender.address or '-'}",
            f". Telephone : {sender.phone or '-'}",
        ],
        "Application de l'emetteur :": [
            f". Nom : {sender.software or '-'}",
            f". Version : {sender.version or '-'}",
            f". Editeur : {sender.editor or '-'}",
        ],
        "Instructions :": [
            ". Consultez les fichiers dans votre logiciel de professionnel de sante,",
            "  ou ouvrez les copies PDF jointes au message.",
        ],
        "Arborescence :": [
            "INDEX.HTM",
            "README.TXT",
            *(f"{SUBSET_FOLDER}{name}".replace("/", "\\") for name in (*names, METADATA_NAME)),
        ],
    }
    lines = []
    for title, items in sections.items():
        lines += [
            title,
            "=" * len(title),
            *(line[: len(line) - len(line.lstrip())] + fold(line) for line in items),
            "",
        ]
    return "\r\n".join([*lines, ""]).encode("ascii")
