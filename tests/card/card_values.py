"""Values that describe cards."""

from datetime import UTC, datetime

from connector.identities.card.status import CardCertificate

__all__ = ["CERTIFICATE"]

CERTIFICATE = CardCertificate(
    common_name="899700012345",
    holder="899700012345",
    profession="Médecin",
    organization="CABINET TEST MODELE",
    issuer="TEST AC IGC-SANTE STANDARD PERSONNES",
    label="Certificat d'Authentification CPS",
    not_before=datetime(2026, 1, 1, tzinfo=UTC),
    not_after=datetime(2028, 1, 1, tzinfo=UTC),
    sha256="ab" * 32,
)
