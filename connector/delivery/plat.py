"""Profile ``plat``: one flat folder, names that sort by arrival, the index last.

Source rule: lps-folder-conventions 8.6.
"""

import hashlib
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Protocol

from connector.delivery.folder import HandOver, Package
from connector.delivery.index import IndexedFile, index_bytes
from connector.delivery.profile import LpsProfile, load_profile
from connector.domain.catalogue import explain
from connector.domain.legacy_text import encode_text, note
from connector.exchange.arrival import Arrival, ArrivalDocument, ArrivalPart, Delivered, PartRole, Quarantined
from connector.platform.files import private_folder, remove_litter, safe_name, unavailable, write_atomic
from connector.settings.model import MailboxSettings

__all__ = ["Inbox", "Places", "pack_flat"]

_ID_LENGTHS = (6, 10, 26)
_PATH = re.compile(r"[/\\]")
_NO_TEXT = "(message sans texte)"
_MEDIA_TYPES = {PartRole.CDA: "text/xml", PartRole.BODY: "text/plain"}


class Places(Protocol):
    """Where the delivery works; :class:`connector.intake.layout.BoxLayout` has them all."""

    @property
    def received(self) -> Path:
        """What the LPS reads."""
        ...

    @property
    def delivery_work(self) -> Path:
        """Ours, on the volume of :attr:`received`."""
        ...

    @property
    def errors(self) -> Path:
        """Where a person looks for what went wrong."""
        ...

    def check(self) -> None:
        """Make sure that the disk is there.

        Raises:
            Unavailable: it is not.
        """
        ...


class Inbox:
    """Delivers the messages of one mailbox; fulfils :class:`connector.exchange.arrival.DeliveryTarget`.

    A quarantined message never reaches the LPS's folder: its raw bytes go to ``ERREURS/RECEPTION/<prefix>.eml`` (they
    stay in the journal too) with a note in French beside them.

    Args:
        mailbox: its reception settings.
        places: its folders.
        zone: zone of the stamps; ``None`` = that of the machine.
    """

    def __init__(self, mailbox: MailboxSettings, places: Places, *, zone: tzinfo | None = None) -> None:
        self._reception = mailbox.reception
        self._places = places
        self._zone = zone
        self._profile = load_profile(mailbox.reception.profile)
        self._hand_over = HandOver(places.received, places.delivery_work)
        self._gate = threading.Lock()
        self._unsettled: set[str] = set()

    def deliver(self, arrival: Arrival) -> Delivered:
        """See :class:`connector.exchange.arrival.DeliveryTarget`."""
        with self._gate:
            self._places.check()
            return self._hand_over.hand_over(arrival.incoming_id, lambda: self._package(arrival))

    def settle(self, incoming_ids: Sequence[str]) -> None:
        """See :class:`connector.exchange.arrival.DeliveryTarget`."""
        with self._gate:
            self._unsettled.update(incoming_ids)
            for incoming_id in list(self._unsettled):
                with suppress(OSError):  # kept, and tried again with the next ones
                    self._hand_over.settle(incoming_id)
                    self._unsettled.discard(incoming_id)

    def recover(self, is_open: Callable[[str], bool]) -> int:
        """At the start: forget the receipts of deliveries that the journal has committed, and half-written files.

        Args:
            is_open: True for the id of a message that still has to be delivered.

        Raises:
            Unavailable: the folder is not there now; call again.
        """
        with self._gate:
            self._places.check()
            try:
                remove_litter(self._places.errors / "RECEPTION")
                return self._hand_over.sweep(is_open)
            except OSError as error:
                raise unavailable(error) from error

    def quarantine(self, message: Quarantined) -> Delivered:
        """See :class:`connector.exchange.arrival.DeliveryTarget`."""
        with self._gate:
            self._places.check()
            folder = self._places.errors / "RECEPTION"
            stamp = _stamp(message.received_at, self._zone)
            prefix = f"{stamp}_{message.incoming_id[-6:]}"
            texts = explain(message.code)
            told = note(
                "Un message reçu n'a pas pu être ouvert.",
                f"Arrivée : {message.received_at.astimezone(self._zone):%d/%m/%Y %H:%M:%S}\n"
                f"Numéro  : {message.incoming_id[-6:]}\nOriginal : {prefix}.eml",
                f"Ce qui s'est passé\n  {texts.title_fr}",
                f"Que faire\n  {texts.cure_fr}",
                f"Code : {message.code}",
            )
            try:
                if not folder.is_dir():
                    private_folder(folder)
                write_atomic(folder / f"{prefix}.eml", message.raw)
                write_atomic(folder / f"{prefix}.erreur.txt", told)
            except OSError as error:
                raise unavailable(error) from error
            files = ((f"{prefix}.eml", message.raw), (f"{prefix}.erreur.txt", told))
            return Delivered(prefix, tuple((name, hashlib.sha256(data).hexdigest()) for name, data in files))

    def _package(self, arrival: Arrival) -> Package:
        prefix = self._free_prefix(arrival)
        encoding, wants_flag = self._reception.text_encoding, self._reception.ok_flag
        return pack_flat(arrival, prefix, self._profile, encoding=encoding, wants_flag=wants_flag)

    def _free_prefix(self, arrival: Arrival) -> str:
        """With six characters of the id, or more when another message has them in the same second."""
        stamp = _stamp(arrival.received_at, self._zone)
        prefixes = [self._profile.prefix.format(stamp=stamp, id=arrival.incoming_id[-n:]) for n in _ID_LENGTHS]
        for prefix in prefixes[:-1]:
            if not self._belongs_to_another(prefix, arrival.incoming_id):
                return prefix
        return prefixes[-1]

    def _belongs_to_another(self, prefix: str, incoming_id: str) -> bool:
        try:
            index = (self._places.received / f"{prefix}.mss.json").read_bytes()
        except FileNotFoundError:
            return False
        return incoming_id.encode("ascii") not in index


def pack_flat(arrival: Arrival, prefix: str, profile: LpsProfile, *, encoding: str, wants_flag: bool) -> Package:
    """Name the files of a message and write its index. Pure.

    Args:
        arrival: the message.
        prefix: what all names start with.
        profile: which roles are given, and how they are named.
        encoding: of the body text; UTF-8 with a byte order mark when it cannot hold the text.
        wants_flag: an empty ``<prefix>.ok`` comes last.
    """
    named = list(_named(arrival, prefix, profile, encoding))
    files = tuple((file.name, content) for file, content in named)
    index = index_bytes(arrival, prefix, _with_duplicates([file for file, _ in named]))
    flag = ((f"{prefix}.ok", b""),) if wants_flag else ()
    return Package(prefix, files, ((f"{prefix}.mss.json", index), *flag))


def _named(arrival: Arrival, prefix: str, profile: LpsProfile, encoding: str) -> Iterator[tuple[IndexedFile, bytes]]:
    number, archives = 0, 0
    for file, content, label in _ordered(arrival, profile, encoding):
        extension = profile.extensions.get(file.role, "")
        if file.role is PartRole.XDM:
            archives += 1
            tail = "" if archives == 1 else f"-{archives}"
            yield replace(file, name=f"{prefix}_{profile.archive_name}{tail}{extension}"), content
        else:
            number += 1
            word = f"_{label}" if label else ""
            yield replace(file, name=f"{prefix}_{number:02}{word}{extension}"), content


def _ordered(arrival: Arrival, profile: LpsProfile, encoding: str) -> Iterator[tuple[IndexedFile, bytes, str]]:
    """Every file that the profile gives, with the word that follows its number; names are still empty."""
    for role in profile.roles:
        if role is PartRole.BODY:
            yield from _body(arrival, encoding)
        elif role is PartRole.CDA:
            yield from (_document(document, profile) for document in arrival.documents)
        yield from (_part(part, arrival, profile) for part in arrival.parts if part.role is role)


def _body(arrival: Arrival, encoding: str) -> Iterator[tuple[IndexedFile, bytes, str]]:
    """The text of the message; one that says nothing is only given when nothing else is."""
    text = arrival.body.strip()
    if not text and (arrival.documents or arrival.parts):
        return
    content, used = encode_text((text or _NO_TEXT) + "\n", encoding)
    yield _indexed(PartRole.BODY, content, _MEDIA_TYPES[PartRole.BODY], encoding=used), content, ""


def _document(document: ArrivalDocument, profile: LpsProfile) -> tuple[IndexedFile, bytes, str]:
    file = IndexedFile(
        name="", role=PartRole.CDA, media_type=_MEDIA_TYPES[PartRole.CDA], size_bytes=len(document.content),
        sha256=document.sha256, original_name=document.file_name, document=document,
    )  # fmt: skip
    return file, document.content, _word(document.label, profile)


def _part(part: ArrivalPart, arrival: Arrival, profile: LpsProfile) -> tuple[IndexedFile, bytes, str]:
    file = IndexedFile(
        name="", role=part.role, media_type=part.media_type, size_bytes=len(part.content), sha256=part.sha256,
        original_name=part.name, part=part,
    )  # fmt: skip
    if part.role is PartRole.OTHER:
        return file, part.content, safe_name(_PATH.split(part.name)[-1], max_chars=profile.name_chars)
    if part.role is PartRole.PDF and len(arrival.documents) == 1:  # it is the copy of the one document
        return file, part.content, _word(arrival.documents[0].label, profile)
    return file, part.content, ""


def _indexed(role: PartRole, content: bytes, media_type: str, *, encoding: str) -> IndexedFile:
    return IndexedFile(
        name="", role=role, media_type=media_type, size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(), encoding=encoding,
    )  # fmt: skip


def _word(label: str, profile: LpsProfile) -> str:
    """The type of a document as ASCII letters, digits and hyphens; never more, since it becomes part of a name."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", label) if not unicodedata.combining(c))
    return re.sub(r"[^A-Za-z0-9]+", "-", bare).strip("-")[: profile.label_chars].strip("-")


def _with_duplicates(files: Sequence[IndexedFile]) -> list[IndexedFile]:
    """Mark what has the same content as a file before it, or as the PDF inside a document."""
    first: dict[str, str] = {}
    has_pdf = any(file.role is PartRole.PDF for file in files)
    if has_pdf:
        for file in files:
            if file.document is not None and file.document.pdf:
                first.setdefault(hashlib.sha256(file.document.pdf).hexdigest(), file.name)
    marked = []
    for file in files:
        earlier = first.setdefault(file.sha256, file.name)
        marked.append(file if earlier == file.name else replace(file, duplicate_of=earlier))
    return marked


def _stamp(moment: datetime, zone: tzinfo | None) -> str:
    return moment.astimezone(zone).strftime("%Y%m%d-%H%M%S")
