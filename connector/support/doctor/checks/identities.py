"""Certificates in files: readable with their password, with their key and issuers, made for this, in date."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.identities import CertificateIdentity, make_identity
from connector.operators.trust.chain import is_signed_by
from connector.settings.model import AuthMethod, MailboxSettings
from connector.support.doctor.check import Check, Gives, Group, once
from connector.support.doctor.expiry import EXPIRY_ERRORS, EXPIRY_OKS, EXPIRY_WARNINGS, expiry
from connector.support.doctor.finding import Finding, error, refusal, warning
from connector.support.doctor.world import World

__all__ = ["CHECKS"]


def _certificates(world: World) -> Iterator[Finding]:
    for mailbox in world.mailboxes:
        if mailbox.identity.certificate is not None:
            yield from _certificate(world, mailbox, mailbox.identity.certificate)


def _certificate(world: World, mailbox: MailboxSettings, file: Path) -> Iterator[Finding]:
    subject = f"{mailbox.folder}, {file.name}"
    try:
        chain = _chain(world, mailbox)
    except ConnectorError as failure:
        yield refusal(failure, subject)
        return
    ours = chain[0]
    yield expiry(subject, ours.not_valid_before_utc, ours.not_valid_after_utc, world.clock.now())
    if not _is_for_clients(ours):
        yield error("CERTIFICAT_USAGE", subject)
    if not _is_complete(chain):
        yield warning("CERTIFICAT_SANS_CHAINE", subject, f"{len(chain)} in the file")


def _chain(world: World, mailbox: MailboxSettings) -> Sequence[x509.Certificate]:
    """Through the identity that the connector works with, whatever it says after the handshake."""
    only_key = mailbox.identity.model_copy(update={"auth": AuthMethod.NONE})
    identity = make_identity(only_key, mailbox.address, world.services)
    return cast("CertificateIdentity", identity).chain()  # a table that names a file makes nothing else


def _is_for_clients(certificate: x509.Certificate) -> bool:
    """Extended key usage, when there is one, names client authentication (card-tls 6)."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage


def _is_complete(chain: Sequence[x509.Certificate]) -> bool:
    """The issuer comes along: a server often knows the root only."""
    return any(is_signed_by(chain[0], issuer) for issuer in chain[1:])


CHECKS = (
    Check(
        name="certificates", group=Group.IDENTITIES, title=Text("certificats des boîtes", "mailbox certificates"),
        parts=once(_certificates), seconds=30.0,
        gives=Gives(
            ok=EXPIRY_OKS, warning=(*EXPIRY_WARNINGS, "CERTIFICAT_SANS_CHAINE"),
            error=(*EXPIRY_ERRORS, "CERTIFICAT_USAGE"),
            passes=(
                "CERTIFICAT_INVALIDE", "CERTIFICAT_MOT_DE_PASSE", "CLE_PERMISSIONS", "SECRET_ABSENT",
                "SECRET_INDISPONIBLE",
            ),
        ),
    ),
)  # fmt: skip
"""In the order in which they are told."""
