"""Mailbox addresses of the space of trust.

Source rules: Ref#2 ECO.2.2.6 (patient addresses), RFC 5321 4.1.2 (syntax).
"""

import re
from dataclasses import dataclass
from typing import Self

from connector.domain.errors import InvalidSubmission

__all__ = ["PATIENT_DOMAIN", "MailboxAddress"]

PATIENT_DOMAIN = "patient.mssante.fr"
"""The one domain of the citizens' mailboxes (Mon espace santé)."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True, order=True)
class MailboxAddress:
    """One mailbox, ``local_part@domain``; the domain is a lower-case A-label form.

    Comparison of local parts is exact: an operator may or may not fold their case.
    """

    local_part: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address as a person or a sidecar writes it.

        Args:
            text: ``dr.modele@exemple.mssante.fr``; surrounding blanks and ``mailto:`` are taken off.

        Raises:
            InvalidSubmission: ``DESTINATAIRE_INVALIDE`` when it is not one address.
        """
        bare = text.strip().removeprefix("mailto:")
        local, at, domain = bare.rpartition("@")
        if not at or not _LOCAL_PART.fullmatch(local) or len(local) > 64:
            raise InvalidSubmission("DESTINATAIRE_INVALIDE", f"not a mailbox address ({len(bare)} characters)")
        try:
            ascii_domain = domain.encode("idna").decode("ascii").lower()
        except UnicodeError as error:
            raise InvalidSubmission("DESTINATAIRE_INVALIDE", "the domain of a recipient is not valid") from error
        labels = ascii_domain.split(".")
        if len(labels) < 2 or len(ascii_domain) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
            raise InvalidSubmission("DESTINATAIRE_INVALIDE", "the domain of a recipient is not valid")
        return cls(local, ascii_domain)

    @property
    def is_patient(self) -> bool:
        """True for a citizen's mailbox."""
        return self.domain == PATIENT_DOMAIN

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain}"
