"""Header lines of what we send: safe against injection, ASCII, no line over 998 bytes.

Each function returns one whole line (or folded lines) with its CRLF.
Source rules: Ref#2 ECO.2.2.1, 2.2.2, 2.2.5, 2.2.7, 2.2.8, 2.3.1, 2.3.2, 2.4.1 to 2.4.3; RFC 5322, RFC 3834.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum

from connector.documents.cda.model import CdaDocument
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.mail.text import clean_line
from connector.mail.words import encode_words

__all__ = [
    "NO_REPLY", "SenderKind", "SenderLabel", "addresses_header", "check_no_reply", "codes_header", "date_header",
    "from_header", "ids_header", "ins_header", "message_id", "product_header", "text_header",
]  # fmt: skip

NO_REPLY = "FIN"
"""X-MSS-MES: the patient cannot answer this message (Ref#2 ECO.2.2.8)."""

MAX_LINE_BYTES = 998
MAX_REFERENCES = 20
MAX_LABEL_CHARS = 200

_MSS_VALUE = re.compile(r"[A-Za-z0-9.\-_]{1,50}")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9.-]{1,253}")
_UNIQUE = re.compile(r"[A-Za-z0-9._+-]{1,100}")
_ID = re.compile(r"<[!-;=?-~]{1,400}>")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


class SenderKind(StrEnum):
    """Who holds the sending mailbox; same values as the settings."""

    PER = "PER"
    ORG = "ORG"
    APP = "APP"


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderLabel:
    """What the From label is made of (Ref#2 ECO.2.2.7); it comes from the settings, never from a drop."""

    kind: SenderKind
    title: str = ""
    given: str = ""
    family: str = ""  # nom d'exercice
    entity: str = ""  # entité fonctionnelle

    @property
    def text(self) -> str:
        """``<Titre>_<Prénom>_<NOM>_<Entité fonctionnelle>`` for PER, the entity for ORG and APP.

        Raises:
            ConfigurationError: ``LIBELLE_EXPEDITEUR_ABSENT`` without a mandatory part.
        """
        entity = _label_part(self.entity)
        if self.kind is not SenderKind.PER:
            return _mandatory(entity)
        parts = [_label_part(part).replace("_", " ") for part in (self.title, self.given, self.family)]
        title, given, family = (part.strip() for part in parts)
        person = [title, _mandatory(given), _mandatory(family).upper(), entity]
        return "_".join(filter(None, person))


def message_id(unique: str, domain: str) -> str:
    """``<unique@domain>``; the unique part comes from outside, so that a resend carries the same.

    Raises:
        ValueError: our own mistake, when one of them does not fit in a Message-ID.
    """
    made = f"<{unique}@{domain}>"
    if not _UNIQUE.fullmatch(unique) or not _ADDRESS.fullmatch(made.strip("<>")):
        raise ValueError("a Message-ID needs an identifier and a domain")
    return made


def text_header(name: str, text: str) -> str:
    """A header of free text: on one line when ASCII, else in encoded words (RFC 2047)."""
    return f"{name}: {encode_words(clean_line(text), header_name=name)}\r\n"


def addresses_header(name: str, addresses: Sequence[MailboxAddress]) -> str:
    """Bare addresses, one a line."""
    return f"{name}: " + ",\r\n ".join(map(_address, addresses)) + "\r\n"


def from_header(label: SenderLabel, address: MailboxAddress) -> str:
    """The From line: label and address.

    Raises:
        ConfigurationError: ``LIBELLE_EXPEDITEUR_ABSENT``.
    """
    encoded = encode_words(label.text, header_name="From")
    if not encoded.startswith("=?") and not _ATOMS.fullmatch(encoded):
        encoded = f'"{encoded}"'
    return f"From: {encoded}\r\n <{_address(address)}>\r\n"


def date_header(date: datetime) -> str:
    """The Date line, with the offset of ``date``.

    Raises:
        ValueError: our own mistake, a time without zone.
    """
    if date.tzinfo is None:
        raise ValueError("a message needs a time with its zone")
    return f"Date: {format_datetime(date)}\r\n"


def ids_header(name: str, ids: Iterable[str]) -> str:
    """In-Reply-To or References, one id a line; ids came from outside, so what is not one is left out.

    Returns:
        The lines, or ``""`` when no id is left. Of more than 20 the first and the last 19 stay (RFC 5322 3.6.4
        allows trimming).
    """
    safe = [each for each in ids if _ID.fullmatch(each)]
    kept = safe if len(safe) <= MAX_REFERENCES else [safe[0], *safe[-MAX_REFERENCES + 1 :]]
    return f"{name}: " + "\r\n ".join(kept) + "\r\n" if kept else ""


def product_header(reference: str) -> str:
    """X-MSS-NIL, on every message (Ref#2 ECO.2.4.3).

    Raises:
        ConfigurationError: ``REFERENCE_PRODUIT_ABSENTE`` when it is missing or is not a reference.
    """
    if not _MSS_VALUE.fullmatch(reference):
        raise ConfigurationError("REFERENCE_PRODUIT_ABSENTE", "software.product_reference is not set")
    return f"X-MSS-NIL: {reference}\r\n"


def codes_header(documents: Sequence[CdaDocument]) -> str:
    """X-MSS-CODECDA: the code of each CDA, in order, repeats kept, no space (Ref#2 ECO.2.4.1).

    Raises:
        InvalidSubmission: ``ENTETE_INVALIDE`` for a code that cannot stand in a header; ``TROP_DE_DOCUMENTS`` when
            the codes do not fit on the one line that is allowed.
    """
    codes = [document.code.code for document in documents]
    if not all(_MSS_VALUE.fullmatch(code) for code in codes):
        raise InvalidSubmission("ENTETE_INVALIDE", "the code of a document is not one of LOINC or of the ANS")
    line = f"X-MSS-CODECDA: {','.join(codes)}\r\n"
    if len(line) > MAX_LINE_BYTES + 2:
        raise InvalidSubmission("TROP_DE_DOCUMENTS", f"{len(codes)} document codes do not fit on one line")
    return line


def ins_header(documents: Sequence[CdaDocument]) -> str:
    """X-MSS-INS: ``O`` when a document carries a qualified INS, else ``N`` (Ref#2 ECO.2.4.2)."""
    qualified = any(document.patient.has_qualified_ins for document in documents)
    return f"X-MSS-INS: {'O' if qualified else 'N'}\r\n"


def check_no_reply(recipients: Sequence[MailboxAddress]) -> None:
    """X-MSS-MES is for messages to patients only (Ref#2 ECO.2.2.8).

    Raises:
        InvalidSubmission: ``FIN_SANS_PATIENT`` without patient among the recipients; ``DESTINATAIRES_MELANGES``
            with somebody else beside.
    """
    patients = sum(address.is_patient for address in recipients)
    if not patients:
        raise InvalidSubmission("FIN_SANS_PATIENT", "X-MSS-MES was asked for and no recipient is a patient")
    if patients < len(recipients):
        raise InvalidSubmission("DESTINATAIRES_MELANGES", "X-MSS-MES was asked for and a recipient is no patient")


def _address(address: MailboxAddress) -> str:
    text = str(address)
    if not _ADDRESS.fullmatch(text):
        raise InvalidSubmission("DESTINATAIRE_INVALIDE", "an address cannot stand in a header")
    return text


def _label_part(text: str) -> str:
    return re.sub(r'[<>"\\]', "", clean_line(text)).strip()[:MAX_LABEL_CHARS]


def _mandatory(part: str) -> str:
    if not part:
        raise ConfigurationError("LIBELLE_EXPEDITEUR_ABSENT", "the From label of the mailbox is incomplete")
    return part
