"""How long a certificate still lives, and when that begins to matter: 90, 60, 30 and 7 days before its end."""

from datetime import datetime

from connector.identities.card.subject import expiry_warning
from connector.support.doctor.finding import Finding, error, ok, warning

__all__ = ["EXPIRY_ERRORS", "EXPIRY_OKS", "EXPIRY_WARNINGS", "expiry"]

EXPIRY_OKS = ("CERTIFICAT_OK",)
EXPIRY_WARNINGS = ("CERTIFICAT_A_RENOUVELER", "CERTIFICAT_BIENTOT_EXPIRE")
EXPIRY_ERRORS = ("CERTIFICAT_DERNIERS_JOURS", "CERTIFICAT_EXPIRE", "CERTIFICAT_FUTUR")
"""What :func:`expiry` can give, by severity."""


def expiry(subject: str, not_before: datetime, not_after: datetime, now: datetime) -> Finding:
    """One finding about the dates of one of our certificates.

    Args:
        subject: whose.
        not_before: aware.
        not_after: aware.
        now: aware.
    """
    if now < not_before:
        return error("CERTIFICAT_FUTUR", subject, f"{not_before:%Y-%m-%d}")
    passed, left = expiry_warning(not_after, now), not_after - now
    told = {
        "detail": f"{left.days} days left, until {not_after:%Y-%m-%d}",
        "detail_fr": f"encore {left.days} jours, jusqu'au {not_after:%d/%m/%Y}",
    }
    match passed:
        case None:
            return ok("CERTIFICAT_OK", subject, **told)
        case 60 | 90:
            return warning("CERTIFICAT_A_RENOUVELER", subject, **told)
        case 30:
            return warning("CERTIFICAT_BIENTOT_EXPIRE", subject, **told)
        case 0:
            return error("CERTIFICAT_EXPIRE", subject, f"{not_after:%Y-%m-%d}")
        case _:
            return error("CERTIFICAT_DERNIERS_JOURS", subject, **told)
