"""Whether documents are held against the official schemas and schematrons before they are sent.

The ANS publishes both without a licence that lets us ship them: a folder with them is named here.
"""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from connector.domain.text import Text
from connector.settings.base import BadSetting, Section

__all__ = ["ValidationPolicy", "ValidationSettings"]


class ValidationPolicy(StrEnum):
    """What happens to a document that breaks a rule."""

    OFF = "off"  # nobody looks
    WARN = "warn"  # it leaves, and the submission says so
    REFUSE = "refuse"  # nothing leaves


class ValidationSettings(Section):
    """Deep validation of CDA documents, ours included. Off by default: it needs files that are not ours to ship."""

    xsd: ValidationPolicy = ValidationPolicy.OFF
    """The CDA schema with the extensions of the ANS (``CDA_extended.xsd``): ``refuse``, ``warn`` or ``off``."""
    schematron: ValidationPolicy = ValidationPolicy.OFF
    """The rules of the "Structuration minimale" (``ASIP-STRUCT-MIN-StrucMin.sch``), and those of ``volets``. Needs
    the extra ``mssante-connector[schematron]``."""
    schemas: Path | None = None
    """Folder with the publication of the ANS (``TestContenuCDA``), as it was unpacked; files are found by name."""
    volets: dict[str, str] = Field(default={}, max_length=200)
    """Further schematrons by model: a templateId of the document, and the file, e.g.
    ``"1.2.250.1.213.1.1.1.55" = "CI-SIS_BIO-CR-BIO_2024.01.sch"``."""

    @property
    def is_on(self) -> bool:
        """True when anything is looked at."""
        return {self.xsd, self.schematron} != {ValidationPolicy.OFF}

    @model_validator(mode="after")
    def _has_folder(self) -> Self:
        if self.is_on and self.schemas is None:
            raise BadSetting(
                Text("la validation demande les schémas de l'ANS", "validation needs the schemas of the ANS"),
                Text("attendu : schemas = un dossier", "expected schemas = a folder"),
            )
        if any("/" in name or "\\" in name for name in self.volets.values()):
            raise BadSetting(
                Text("un fichier de volets est un simple nom", "a file of volets is a bare name"),
                Text("attendu : un nom sans dossier", "expected a name without a folder"),
            )
        return self
