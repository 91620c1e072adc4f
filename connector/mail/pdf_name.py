"""Names of the PDF copies: ``<date de l'acte>_<type document>_<NOM>_<prenom>[_<numéro de dossier>].pdf``.

Source rule: Ref#2 ECO.2.1.6. Names are ASCII, fit every file system, and are at most 210 characters long.
"""

import re
from collections.abc import Sequence

from connector.documents.cda.model import CdaDocument
from connector.domain.errors import InvalidSubmission
from connector.mail.subject import birth_name, document_label, first_name
from connector.mail.text import ascii_fold

__all__ = ["act_date", "pdf_names"]

MAX_NAME_CHARS = 60
MAX_GIVEN_CHARS = 40
MAX_NUMBER_CHARS = 40

_FORBIDDEN = re.compile(r'[/\\:*?"<>|_]')
_DAY = re.compile(r"\d{8}")


def act_date(document: CdaDocument) -> str:
    """Date of the main act as ``AAAAMMJJ``: its low time, else the time of the document.

    Raises:
        InvalidSubmission: ``CDA_INVALIDE`` when neither is a full date.
    """
    times = (document.main_act.low if document.main_act else "", document.effective_time)
    days = (_DAY.match(time) for time in times)
    if found := next(filter(None, days), None):
        return found[0]
    raise InvalidSubmission("CDA_INVALIDE", "neither the act nor the document has a date")


def pdf_names(documents: Sequence[CdaDocument], *, file_number: str | None = None) -> tuple[str, ...]:
    """One name per document, distinct within the message whatever the case.

    Args:
        documents: in the order of the message.
        file_number: *numéro de dossier*; for biology the registration number of the prescription.

    Returns:
        The names; from the second of equal ones on, a running number stands in the place of the file number
        (``…_Paul_2.pdf``) or behind it (``…_12150302014578-2.pdf``).

    Raises:
        InvalidSubmission: ``CDA_INVALIDE`` without date, birth name or first name.
    """
    number = _field(file_number or "", MAX_NUMBER_CHARS)
    names: list[str] = []
    taken: set[str] = set()
    for document in documents:
        stem = _stem(document)
        name, count = _joined(stem, number), 1
        while name.lower() in taken:
            count += 1
            name = _joined(stem, f"{number}-{count}" if number else str(count))
        taken.add(name.lower())
        names.append(name)
    return tuple(names)


def _stem(document: CdaDocument) -> str:
    label = _field(document_label(document), MAX_NAME_CHARS) or "Document"
    family = _field(birth_name(document.patient), MAX_NAME_CHARS) or "X"
    given = _field(first_name(document.patient), MAX_GIVEN_CHARS) or "X"
    return "_".join((act_date(document), label, family, given))


def _joined(stem: str, number: str) -> str:
    return f"{stem}_{number}.pdf" if number else f"{stem}.pdf"


def _field(text: str, max_chars: int) -> str:
    """One field: ``_`` is the separator, and what Windows refuses becomes ``-``."""
    return _FORBIDDEN.sub("-", ascii_fold(text))[:max_chars].strip(" .")
