"""An HPRIM Médecin record as text for a person.

Source rule: folder conventions 1.2 and 1.3; the text of the record stays as it is, the header is told in words.
"""

from collections.abc import Iterator

from connector.documents.hprim.dates import french_date
from connector.documents.hprim.model import HprimRecord, HprimResult

__all__ = ["record_as_text"]

_FLAGS = {
    "L": "bas", "H": "haut", "LL": "TRÈS BAS - ALERTE", "HH": "TRÈS HAUT - ALERTE", "AA": "TRÈS ANORMAL - ALERTE",
}  # fmt: skip
_STATUS = {"R": "non validé", "C": "corrigé"}


def record_as_text(record: HprimRecord) -> str:
    """The record as plain text in French: who, by whom, for whom, and the report.

    Args:
        record: its own text is shown; without one the lines of the coded part, or else the results themselves.

    Returns:
        Lines that end with a line feed; the columns of the report are kept.
    """
    body = record.text or record.tex or "\n".join(map(_result, record.coded))
    return "\n".join([*_header(record), "", *(body.split("\n") if body else ["(aucun texte)"]), ""])


def _header(record: HprimRecord) -> Iterator[str]:
    born = french_date(record.birth_date) if record.birth_date else record.birth_raw
    dated = french_date(record.report_date) if record.report_date else record.report_raw
    address = ", ".join(
        filter(None, (record.address_1, record.address_2, f"{record.postcode} {record.town}".strip()))
    )
    facts = {
        "Patient": f"{record.family.upper()} {record.given}".strip(),
        "Date de naissance": born,
        "Adresse": address,
        "Numéro de dossier": record.patient_code,
        "Numéro de demande": record.request_number,
        "Date du compte rendu": dated,
        "Expéditeur": record.sender_name or record.sender_code,
        "Destinataire": record.recipient_name or record.recipient_code,
    }
    yield from (f"{label} : {value}" for label, value in facts.items() if value)


def _result(result: HprimResult) -> str:
    low, high = result.bounds
    normal = f"(normale : {' - '.join(filter(None, (low, high)))})" if low or high else ""
    told = [_FLAGS.get(result.flag.upper(), ""), _STATUS.get(result.status.upper(), "")]
    value = " ".join(filter(None, (result.value, result.unit)))
    second = " ".join(filter(None, (result.value_2, result.unit_2)))
    words = (value, f"soit {second}" if second else "", normal, *(f"[{word}]" for word in told if word))
    return f"{result.label} : {' '.join(filter(None, words))}"
