"""The subject of a message with documents, and what can be read from one.

Source rules: Ref#2 ECO.2.1.3 (format), ECO.3.1.3 (the marker is hidden from people), IG "Transmission au LPS",
annex on MDN (KO subject). A received subject is never used to identify a patient (ECO.2.1.2).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.documents.cda.model import CdaDocument, PatientRole
from connector.domain.errors import InvalidSubmission
from connector.mail.text import ascii_fold, clean_line
from connector.mail.words import decode_words

__all__ = [
    "END_OF_EXCHANGE", "MARKER", "ReplaceTag", "SubjectFacts", "birth_name", "document_label", "document_subject",
    "first_name", "free_subject", "parse_subject",
]  # fmt: skip

MARKER = "XDM/1.0/DDM"
"""Announces an IHE_XDM.zip; followed by ``+`` and the label."""

END_OF_EXCHANGE = "[FIN]"
"""A message to Mon espace santé with exactly this subject takes away the answer to all previous ones."""

MAX_LABEL_CHARS = 40
MAX_SUBJECT_CHARS = 900
MAX_PERSON_NAME_CHARS = 100

_REPLACE_TAG = "[Annule et remplace]"
_MARKER = re.compile(r"XDM/1\.0/DDM ?\+? ?", re.IGNORECASE)
_KO = re.compile(
    r"\[ ?(?:KO int[ée]gration syst[èe]me|Erreur d['’]int[ée]gration) ?!? ?\] ?(?:\[ ?(\d{1,3}) ?\])?",
    re.IGNORECASE,
)
_TAG = re.compile(r"\[ ?([^\[\]]{1,60}?) ?\]")
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")


class ReplaceTag(StrEnum):
    """Where "[Annule et remplace]" stands in the subject of a replacement."""

    NONE = "none"
    AFTER_MARKER = "after_marker"
    BEFORE_MARKER = "before_marker"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectFacts:
    """What a received subject of the field says: hints for display, never an identification."""

    display: str  # decoded, without the marker
    has_marker: bool  # announces an XDM
    is_integration_failure: bool = False  # starts with "[KO Intégration système !]" or its variants
    integration_code: str = ""  # "902" …, "" when none was given
    tags: tuple[str, ...] = ()  # texts between brackets, without them

    @property
    def is_replacement(self) -> bool:
        """True when a tag says "Annule et remplace"; only a hint, the CDA decides."""
        return any(ascii_fold(tag).lower() == "annule et remplace" for tag in self.tags)


def document_label(document: CdaDocument) -> str:
    """The label of one document: display name of its code (else title, else code), ASCII, at most 40 characters."""
    candidates = (document.code.display_name, document.title, document.code.code)
    folded = next(filter(None, map(ascii_fold, candidates)), "Document")
    return folded[:MAX_LABEL_CHARS].rstrip()


def birth_name(patient: PatientRole) -> str:
    """NOM: upper case, without accents.

    Raises:
        InvalidSubmission: ``CDA_INVALIDE`` when the document names no patient.
    """
    return _required(patient.family, "birth name").upper()


def first_name(patient: PatientRole) -> str:
    """Prénom: without accents, case kept.

    Raises:
        InvalidSubmission: ``CDA_INVALIDE`` when the document gives no first name.
    """
    return _required(patient.given, "first name")


def document_subject(
    documents: Sequence[CdaDocument],
    *,
    birth_date: bool = True,
    replace_tag: ReplaceTag = ReplaceTag.AFTER_MARKER,
) -> str:
    """``XDM/1.0/DDM+<libellé> <NOM> <prenom> <date de naissance>``, ASCII (Ref#2 ECO.2.1.3).

    Args:
        documents: the CDA of the archive, at least one, all of one patient; the first one names the patient.
        birth_date: put the birth date, the only optional field; left out anyway when it is not a full date.
        replace_tag: where to say that a document replaces another one.

    Raises:
        InvalidSubmission: ``CDA_INVALIDE`` without a patient's name.
    """
    first = documents[0]
    label = document_label(first) if len(documents) == 1 else f"{len(documents)} documents"
    patient = first.patient
    words = [label, birth_name(patient), first_name(patient)]
    if birth_date and (day := _DAY.match(patient.birth_time)):
        words.append(f"{day[3]}/{day[2]}/{day[1]}")
    subject = " ".join(words)
    tag = replace_tag if any(document.replaces for document in documents) else ReplaceTag.NONE
    after = f"{_REPLACE_TAG} " if tag is ReplaceTag.AFTER_MARKER else ""
    before = f"{_REPLACE_TAG} " if tag is ReplaceTag.BEFORE_MARKER else ""
    return f"{before}{MARKER}+{after}{subject}"


def free_subject(text: str, *, end_exchange: bool = False) -> str:
    """Check the subject of a message without documents.

    Args:
        text: as the LPS gave it; put on one line.
        end_exchange: the LPS explicitly asks to end all exchanges with the patient.

    Raises:
        InvalidSubmission: ``OBJET_RESERVE`` when it is ``[FIN]`` without being asked for, or starts with the
            marker that announces an archive; ``OBJET_TROP_LONG`` over 900 characters.
    """
    subject = END_OF_EXCHANGE if end_exchange else clean_line(text)
    if subject == END_OF_EXCHANGE and not end_exchange:
        raise InvalidSubmission("OBJET_RESERVE", "the subject [FIN] ends all exchanges and was not asked for")
    if subject.upper().startswith(MARKER):
        raise InvalidSubmission("OBJET_RESERVE", "the subject announces an XDM archive that the message has not")
    if len(subject) > MAX_SUBJECT_CHARS:
        raise InvalidSubmission("OBJET_TROP_LONG", f"the subject has {len(subject)} characters")
    return subject


def parse_subject(raw: str) -> SubjectFacts | None:
    """Read a received subject.

    Args:
        raw: header value, encoded words allowed.

    Returns:
        What it says, or ``None`` when it has neither the marker nor a KO mention: a free subject.
    """
    text = unicodedata.normalize("NFC", clean_line(decode_words(raw)))
    marker, failure = _MARKER.search(text), _KO.match(text)
    if marker is None and failure is None:
        return None
    display = text[: marker.start()] + text[marker.end() :] if marker else text
    tags = _TAG.findall(text[failure.end() :] if failure else text)
    return SubjectFacts(
        display=display.strip(),
        has_marker=marker is not None,
        is_integration_failure=failure is not None,
        integration_code=(failure[1] or "") if failure else "",
        tags=tuple(tags),
    )


def _required(name: str, what: str) -> str:
    folded = ascii_fold(name)
    if not folded:
        raise InvalidSubmission("CDA_INVALIDE", f"the document does not give the patient's {what}")
    return folded[:MAX_PERSON_NAME_CHARS].rstrip()
