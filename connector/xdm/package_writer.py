"""The zip: entry names and order, INDEX.HTM, README.TXT (IHE ITI-32; CI-SIS exchange volume).

The same input gives the same bytes: entry times come from the caller, host system and attributes are fixed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from connector.xdm.ascii_text import fold
from connector.xdm.vocabulary import METADATA_NAME
from connector.xdm.zip_writer import write_zip

__all__ = ["SUBSET_FOLDER", "SenderInfo", "build_xdm", "document_name"]

SUBSET_FOLDER = "IHE_XDM/SUBSET01/"


_README = "\r\n".join(
    [
        "Emetteur :",
        "==========",
        ". Nom : {name}",
        ". Organisme : {organization}",
        ". Adresse : {address}",
        ". Telephone : {phone}",
        "",
        "Application de l'emetteur :",
        "===========================",
        ". Nom : {software}",
        ". Version : {version}",
        ". Editeur : {editor}",
        "",
        "Instructions :",
        "==============",
        ". Consultez les fichiers dans votre logiciel de professionnel de sante,",
        "  ou ouvrez les copies PDF jointes au message.",
        "",
        "Arborescence :",
        "==============",
        "INDEX.HTM",
        "README.TXT",
        "{tree}",
        "",
    ]
)


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
    members = [("INDEX.HTM", _index(sender, names)), ("README.TXT", _readme(sender, names))]
    members += [("IHE_XDM/", b""), (SUBSET_FOLDER, b"")]
    members += [(SUBSET_FOLDER + name, content) for name, content in zip(names, documents, strict=True)]
    members.append((SUBSET_FOLDER + METADATA_NAME, metadata))
    return write_zip(members, moment=now)


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
    tree = "\r\n".join(f"IHE_XDM\\SUBSET01\\{name}" for name in (*names, METADATA_NAME))
    text = _README.format(
        name=fold(sender.name) or "-",
        organization=fold(organization) or "-",
        address=fold(sender.address) or "-",
        phone=fold(sender.phone) or "-",
        software=fold(sender.software) or "-",
        version=fold(sender.version) or "-",
        editor=fold(sender.editor) or "-",
        tree=tree,
    )
    return text.encode("ascii")
