"""The accepted authorities of IGC-Santé and their revocation lists, as they are on this machine."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from connector.domain.text import Text
from connector.operators.trust import Trust, hierarchies_in_use
from connector.operators.trust.certificates import common_name, read_certificates, read_lists
from connector.operators.trust.pins import Igc
from connector.operators.trust.report import ListView, list_views, missing_authorities, unpinned_files
from connector.settings.model import OperatorSettings
from connector.support.doctor.check import Check, Gives, Group, once
from connector.support.doctor.finding import Finding, error, ok, warning
from connector.support.doctor.world import World

__all__ = ["CHECKS"]

AUTHORITY_ENDS_SOON = timedelta(days=180)


def _authorities(world: World) -> Iterator[Finding]:
    now = world.clock.now()
    for igc in sorted(hierarchies_in_use(world.operators)):
        yield from _accepted(world.trust, igc, now)
    for name, operator in world.operators.items():
        if operator.tls.trust:
            yield from _given(name, operator.tls.trust, now)
    for file in unpinned_files(world.operators):
        yield warning("AUTORITE_HORS_IGC", f"operators.{file.operator}.tls.trust", file.name)


def _accepted(trust: Trust, igc: Igc, now: datetime) -> Iterator[Finding]:
    subject, accepted = f"IGC-Santé {igc}", trust.store.servers(igc)
    if not accepted:
        yield error("TRUST_VIDE", subject)
        return
    age = (now - min(authority.added_at for authority in accepted)).days
    told = {"detail": f"here for {age} days", "detail_fr": f"ici depuis {age} jours"}
    missing = missing_authorities(trust, igc)
    if missing:
        yield warning("AUTORITES_INCOMPLETES", subject, ", ".join(missing))
    else:
        yield ok("AUTORITES_OK", subject, **told)
    yield from _ending([authority.certificate for authority in accepted], now)


def _given(name: str, files: Iterable[Path], now: datetime) -> Iterator[Finding]:
    """Files that the settings name stand in for the accepted authorities."""
    certificates = []
    for path in files:
        try:
            certificates += read_certificates(path.read_bytes())
        except (OSError, ValueError) as failure:
            yield error("TRUST_ILLISIBLE", f"operators.{name}.tls.trust", f"{path.name}: {type(failure).__name__}")
    if certificates:
        yield ok("AUTORITES_OK", f"operators.{name}.tls.trust", f"{len(certificates)}")
    yield from _ending(certificates, now)


def _ending(certificates: Iterable[x509.Certificate], now: datetime) -> Iterator[Finding]:
    for certificate in certificates:
        ends, name = certificate.not_valid_after_utc, common_name(certificate.subject)
        if ends < now:
            yield error("AUTORITE_EXPIREE", name, f"{ends:%Y-%m-%d}")
        elif ends - now < AUTHORITY_ENDS_SOON:
            yield warning("AUTORITE_BIENTOT_EXPIREE", name, f"{ends:%Y-%m-%d}")


def _lists(world: World) -> Iterator[Finding]:
    """Kept lists where revocation is required; lists given by hand wherever they are looked at."""
    now, operators = world.clock.now(), world.operators
    strict = [operator for operator in operators.values() if operator.tls.revocation == "required"]
    grace = timedelta(hours=max((operator.tls.crl_grace_hours for operator in strict), default=0))
    if strict:
        kept = list_views(world.trust)
        if not kept and not any(operator.tls.crl for operator in strict):
            yield error("CRL_ABSENTE", "")
        for view in kept:
            yield _kept(view, now, grace)
    for name, operator in operators.items():
        if operator.tls.revocation != "off":
            yield from _by_hand(name, operator, now)
        else:
            yield warning("REVOCATION_IGNOREE", f"operators.{name}.tls.revocation")


def _kept(view: ListView, now: datetime, grace: timedelta) -> Finding:
    if view.issued_at is None:
        return error("CRL_ABSENTE", view.issuer, f"{view.address} {view.code}".strip())
    return _fresh(view.issuer, view.issued_at, view.valid_until or now, now, grace)


def _by_hand(name: str, operator: OperatorSettings, now: datetime) -> Iterator[Finding]:
    grace = timedelta(hours=operator.tls.crl_grace_hours)
    for path in operator.tls.crl:
        subject = f"operators.{name}.tls.crl, {path.name}"
        try:
            lists = read_lists(path.read_bytes())
        except (OSError, ValueError) as failure:
            yield error("TRUST_ILLISIBLE", subject, type(failure).__name__)
            continue
        yield from (_fresh(subject, one.last_update_utc, one.next_update_utc or now, now, grace) for one in lists)


def _fresh(subject: str, issued: datetime, ends: datetime, now: datetime, grace: timedelta) -> Finding:
    hours = int((now - issued).total_seconds() // 3600)
    told = {
        "detail": f"{hours} h old, until {ends:%Y-%m-%d %H:%M} UTC",
        "detail_fr": f"datée d'il y a {hours} h, jusqu'au {ends:%d/%m/%Y %H:%M} UTC",
    }
    if now > ends + grace:
        return error("CRL_PERIMEE", subject, **told)
    if now > ends:
        return warning("CRL_EN_SURSIS", subject, **told)
    return ok("CRL_OK", subject, **told)


CHECKS = (
    Check(
        name="authorities", group=Group.TRUST, title=Text("autorités", "authorities"), parts=once(_authorities),
        gives=Gives(
            ok=("AUTORITES_OK",), warning=("AUTORITES_INCOMPLETES", "AUTORITE_BIENTOT_EXPIREE", "AUTORITE_HORS_IGC"),
            error=("TRUST_VIDE", "TRUST_ILLISIBLE", "AUTORITE_EXPIREE"),
        ),
    ),
    Check(
        name="revocation lists", group=Group.TRUST, title=Text("listes de révocation", "revocation lists"),
        parts=once(_lists),
        gives=Gives(
            ok=("CRL_OK",), warning=("CRL_EN_SURSIS", "REVOCATION_IGNOREE"),
            error=("CRL_ABSENTE", "CRL_PERIMEE", "TRUST_ILLISIBLE"),
        ),
    ),
)  # fmt: skip
"""In the order in which they are told."""
