"""What a laboratory says must be seen at once: interpretation codes ``AA``, ``HH`` and ``LL``.

Source rule: REM BIO/va1.01 (specific alert for these codes); HL7 table ObservationInterpretation. Nothing is judged
here: a value without a code of its laboratory raises nothing.
"""

from collections.abc import Iterable

from connector.documents.xml import SafeElement

__all__ = ["ALERT_CODES", "interpretation_alerts", "worst_first"]

ALERT_CODES = ("AA", "HH", "LL")
"""Critically abnormal, critically high, critically low; in this order wherever several are told."""

_INTERPRETATION = "{urn:hl7-org:v3}interpretationCode"
_SYSTEM = "2.16.840.1.113883.5.83"


def interpretation_alerts(element: SafeElement) -> tuple[str, ...]:
    """The alerts of a structured document, each once.

    Args:
        element: a ``ClinicalDocument``.
    """
    return worst_first(
        (code.get("code") or "").strip().upper()
        for code in element.iter(_INTERPRETATION)
        if (code.get("codeSystem") or _SYSTEM).strip() == _SYSTEM
    )


def worst_first(codes: Iterable[str]) -> tuple[str, ...]:
    """Those that are alerts, each once, in the order of :data:`ALERT_CODES`."""
    found = set(codes)
    return tuple(code for code in ALERT_CODES if code in found)
