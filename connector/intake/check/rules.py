"""Which text asks for what a code is about."""

__all__ = ["rule_of"]

_BY_PREFIX = (
    ("PDFA_", "ISO 19005-1:2005; Ref#2 ECO.2.1.1, 2.1.5"),
    ("PDF_", "Ref#2 ECO.2.1.1, 2.1.5"),
    ("XDM_", "IHE ITI-32 (XDM); CI-SIS, volet Échange de documents de santé"),
    ("CDA_CODE", "CI-SIS, jeux de valeurs (NOS)"),
    ("CDA_", "CI-SIS, volet Structuration minimale de documents de santé"),
    ("INS_", "Ref#2 ECO.2.2.6, 2.4.2; référentiel INS"),
    ("PATIENT", "Ref#2 ECO.2.1.1, 2.2.6"),
    ("DOCUMENT_MASQUE", "CI-SIS, confidentialityCode; Ref#2 ECO.2.2.6"),
    ("HL7_", "IG Transmission de documents CDA en HL7v2 2.1"),
    ("HPRIM_SANTE", "HPRIM Santé"),
    ("HPRIM_", "HPRIM Médecin 3.0"),
    ("REMPLACE", "CI-SIS, relatedDocument; Ref#2 ECO.2.2.2"),
    ("VALIDATION_", "CDA R2; CI-SIS"),
    ("PREUVE", "Ref#2 ECO.2.1.1 to 2.4.3"),
    ("TROP_GROS", "Ref#2; ENS §6"),
)


def rule_of(code: str) -> str:
    """The source rule of a code; empty for what only this product asks for."""
    return next((rule for prefix, rule in _BY_PREFIX if code.startswith(prefix)), "")
