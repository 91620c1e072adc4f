"""Settings of the documents that the connector makes: who writes them, and for which structure.

They are asked for when a document must be made around a file (a PDF with its sidecar, an HPRIM text): a mailbox that
only sends finished CDA documents needs none of them, so nothing here is missing before it is used.
"""

from typing import Literal

from pydantic import Field

from connector.documents.cda.identifiers import professional_id, structure_id
from connector.documents.cda.model import InstanceId
from connector.documents.cda.request import N1Author, N1Structure
from connector.domain.errors import ConfigurationError
from connector.settings.base import Section
from connector.xdm.n1_codes import facility_type, practice_setting, specialty

__all__ = ["AuthorSettings", "StructureSettings"]

_TITLES = {"dr": "DR", "docteur": "DR", "pr": "PR", "professeur": "PR"}
_PHONE = r"^(\+?[0-9 .()-]{4,30})?$"


class AuthorSettings(Section):
    """The professional who signs the documents made by the connector. Needed for drops without a CDA."""

    rpps: str = Field(default="", pattern=r"^(\d{9}|\d{11}|8\d{11}|0\d{9})?$")
    """RPPS number (11 digits), or ADELI (9)."""
    family: str = ""
    """Default: that of the mailbox."""
    given: str = ""
    """Default: that of the mailbox."""
    prefix: Literal["", "M", "MME"] = ""
    """Civility (JDV_J245)."""
    suffix: Literal["", "DR", "PR", "MC", "MG", "PC", "PG"] = ""
    """Title (JDV_J246). Default: from the title of the mailbox, ``Dr`` or ``Pr``."""
    specialty: str = ""
    """Profession and specialty (JDV_J01), e.g. ``G15_10/SM54`` for general practice; receivers sort by it."""

    def n1_author(self, *, family: str, given: str, title: str) -> N1Author:
        """The author of a document.

        Args:
            family: of the mailbox, where this table has none; so with the others.
            given: first name.
            title: as in the From label.

        Raises:
            ConfigurationError: ``AUTEUR_INCOMPLET``, ``CODE_REGLAGE_INCONNU``.
        """
        name = self.family or family
        lacking = [key for key, value in (("rpps", self.rpps), ("family", name)) if not value]
        if lacking:
            raise ConfigurationError("AUTEUR_INCOMPLET", f"not set: {_keys('author', lacking)}")
        return N1Author(
            id=professional_id(self.rpps),
            family=name,
            given=self.given or given,
            prefix=self.prefix,
            suffix=self.suffix or _TITLES.get(title.strip(". ").lower(), ""),
            specialty=specialty(self.specialty) if self.specialty else None,
        )


class StructureSettings(Section):
    """The practice, laboratory or hospital of the mailbox. Needed for drops without a CDA."""

    finess: str = Field(default="", pattern=r"^(\d[0-9AB]\d{7})?$")
    """FINESS number (9 characters); or ``siret``, or ``siren``. The first that is set counts, in this order."""
    siret: str = Field(default="", pattern=r"^(\d{14})?$")
    siren: str = Field(default="", pattern=r"^(\d{9})?$")
    national_id: str = Field(default="", pattern=r"^[0-9A-Z/]*$", max_length=40)
    """Finished national identifier (StructIdNat), for a practice without these numbers: ``4`` + RPPS + rank, or
    ``0`` + ADELI of the practice."""
    patient_id_root: str = Field(default="", pattern=r"^([0-2](\.(0|[1-9]\d*))+)?$", max_length=64)
    """OID under which the software numbers its patients; empty = one made from the structure's identifier."""
    name: str = ""
    """As the directory of health has it."""
    facility: str = ""
    """Kind of structure (JDV_J02): ``SA07`` practice of one, ``SA08`` of a group, ``SA25`` laboratory, ``SA01`` …"""
    setting: str = "AMBULATOIRE"
    """Frame of care (JDV_J04): ``AMBULATOIRE``, ``ETABLISSEMENT``, ``HAD``, ``SAD`` …"""
    phone: str = Field(default="", pattern=_PHONE)
    address: list[str] = Field(default=[], max_length=7)
    """Lines of the postal address."""

    def n1_structure(self) -> N1Structure:
        """The structure of a document.

        Raises:
            ConfigurationError: ``STRUCTURE_INCOMPLETE``, ``CODE_REGLAGE_INCONNU``.
        """
        identifier = self._identifier()
        values = (("finess", identifier), ("name", self.name), ("facility", self.facility), ("setting", self.setting))
        if lacking := [key for key, value in values if not value]:
            raise ConfigurationError("STRUCTURE_INCOMPLETE", f"not set: {_keys('structure', lacking)}")
        return N1Structure(
            id=identifier or InstanceId(""),
            name=self.name,
            facility=facility_type(self.facility),
            setting=practice_setting(self.setting),
            telecoms=(f"tel:{''.join(c for c in self.phone if c in '+0123456789')}",) if self.phone else (),
            address_lines=tuple(self.address),
        )

    def _identifier(self) -> InstanceId | None:
        for kind in ("finess", "siret", "siren", "national_id"):
            if number := getattr(self, kind):
                return structure_id(kind, number)
        return None


def _keys(table: str, names: list[str]) -> str:
    return ", ".join(f"mailboxes.{table}.{name}" for name in names)
