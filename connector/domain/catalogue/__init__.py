"""Every stable code with its texts for people: what happened, and what to do.

French first, for the practitioner and the secretary; English second. The texts never hold patient data: what is
particular to one case (a file name, an address) is added by whoever shows them. A test fails when the source raises a
code that is not here, and when one of the four texts is missing.
"""

from collections.abc import Mapping
from types import MappingProxyType

from connector.domain.catalogue.api import API_CODES
from connector.domain.catalogue.card import CARD_CODES
from connector.domain.catalogue.checks import CHECK_CODES
from connector.domain.catalogue.doctor import DOCTOR_CODES
from connector.domain.catalogue.documents import DOCUMENT_CODES
from connector.domain.catalogue.drops import DROP_CODES
from connector.domain.catalogue.exchange import EXCHANGE_CODES
from connector.domain.catalogue.explanation import Explanation
from connector.domain.catalogue.hl7 import HL7_CODES
from connector.domain.catalogue.hprim import HPRIM_CODES
from connector.domain.catalogue.own import OWN_CODES
from connector.domain.catalogue.page import PAGE_CODES
from connector.domain.catalogue.pdfa import PDFA_CODES
from connector.domain.catalogue.receipts import RECEIPT_CODES
from connector.domain.catalogue.reception import RECEPTION_CODES
from connector.domain.catalogue.sessions import SESSIONS_CODES
from connector.domain.catalogue.trust import TRUST_CODES

__all__ = ["CATALOGUE", "UNKNOWN_CODE", "Explanation", "explain"]

CATALOGUE: Mapping[str, Explanation] = MappingProxyType(
    API_CODES
    | CARD_CODES
    | CHECK_CODES
    | DOCTOR_CODES
    | DOCUMENT_CODES
    | DROP_CODES
    | EXCHANGE_CODES
    | HL7_CODES
    | HPRIM_CODES
    | OWN_CODES
    | PAGE_CODES
    | PDFA_CODES
    | RECEIPT_CODES
    | RECEPTION_CODES
    | SESSIONS_CODES
    | TRUST_CODES
)
"""Code to texts."""

UNKNOWN_CODE = Explanation(
    "Une erreur non répertoriée s'est produite.",
    "Conservez le fichier et transmettez le code à votre éditeur.",
    "An error without a description occurred.",
    "Keep the file and give the code to your vendor.",
)


def explain(code: str) -> Explanation:
    """The texts of ``code``; a general sentence for one that this version does not know."""
    return CATALOGUE.get(code, UNKNOWN_CODE)
