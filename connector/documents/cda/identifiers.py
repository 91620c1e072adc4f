"""Identifiers that a document of ours needs: professional, structure, patient of the practice.

Source rules: ANS, PSIdNat and StructIdNat; ITU-T X.667 for OIDs made from UUIDs.
"""

import re
from uuid import NAMESPACE_OID, uuid5

from connector.documents.cda.model import InstanceId
from connector.domain.patient import PatientIdentifier

__all__ = ["PSIDNAT", "STRUCTIDNAT", "local_patient_id", "professional_id", "structure_id"]

PSIDNAT = "1.2.250.1.71.4.2.1"
"""Authority of the national identifier of professionals."""

STRUCTIDNAT = "1.2.250.1.71.4.2.2"
"""Authority of the national identifier of structures."""

_PROFESSIONAL = {11: "8", 9: "0"}  # digits: kind of PSIdNat (RPPS, ADELI)
_STRUCTURE = {"finess": "1", "siren": "2", "siret": "3"}


def professional_id(number: str) -> InstanceId:
    """The national identifier of a professional, from an RPPS (11 digits), an ADELI (9) or a finished PSIdNat.

    >>> professional_id("99700000017")
    InstanceId(root='1.2.250.1.71.4.2.1', extension='899700000017')
    """
    bare = re.sub(r"\s", "", number)
    return InstanceId(PSIDNAT, _PROFESSIONAL.get(len(bare), "") + bare)


def structure_id(kind: str, number: str) -> InstanceId:
    """The national identifier of a structure.

    Args:
        kind: ``finess``, ``siren`` or ``siret``; anything else for a finished StructIdNat.
        number: 9 characters, or 14 digits for a SIRET.

    >>> structure_id("finess", "010000017")
    InstanceId(root='1.2.250.1.71.4.2.2', extension='1010000017')
    """
    return InstanceId(STRUCTIDNAT, _STRUCTURE.get(kind, "") + re.sub(r"\s", "", number))


def local_patient_id(structure: InstanceId, number: str, root: str = "") -> PatientIdentifier:
    """A patient as the practice numbers them; every patient in a document needs an identifier.

    Args:
        structure: whose number it is.
        number: file number of the LPS, or where there is none an identifier that is new for each drop: a patient
            may then have several, but two patients never share one.
        root: OID of the LPS's patient numbers; without one, it is made from the structure's identifier and is the
            same for all its patients.
    """
    made = f"2.25.{uuid5(NAMESPACE_OID, structure.unique_id).int}"
    return PatientIdentifier(root or made, number)
