"""Reader and card, without touching the PIN: the system's card service, the middleware, the card, its certificate.

The card itself is looked at by the one who owns it: the connector that runs, or else the card room of this process
(:class:`connector.support.doctor.world.World`). Two processes at one card is more than some middleware bears.
"""

import os
from collections.abc import Iterator

from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.identities.card.module import Host, architectures, find_module
from connector.identities.card.reader import Service
from connector.identities.card.status import CardStatus, Presence, TokenView
from connector.support.doctor.check import Check, Gives, Group, Need, once
from connector.support.doctor.expiry import EXPIRY_ERRORS, EXPIRY_OKS, EXPIRY_WARNINGS, expiry
from connector.support.doctor.finding import Finding, Severity, error, ok, refusal, warning
from connector.support.doctor.world import World

__all__ = ["CHECKS"]

_HEADER_BYTES = 4096
_TOLD_BY_MIDDLEWARE = ("MODULE_ABSENT", "MODULE_ARCHITECTURE")
_CARD_SECONDS = 40.0  # a middleware that is loaded for the first time reads the whole card


def _readers(world: World) -> Iterator[Finding]:
    seen = world.ask_readers()
    match seen.service:
        case Service.ABSENT:
            yield error("PCSC_ABSENT", "", seen.detail)
        case Service.STOPPED:
            yield error("PCSC_ARRETE", "", seen.detail)
        case Service.FORBIDDEN:
            yield error("PCSC_INTERDIT", "", seen.detail)
        case Service.RUNNING if not seen.readers:
            yield error("LECTEUR_NON_VU", "")
        case Service.RUNNING:
            yield ok("LECTEUR_OK", ", ".join(reader.name for reader in seen.readers))


def _middleware(world: World) -> Iterator[Finding]:
    """There, and made for this process; whether it starts is seen when the card is looked at."""
    host = Host.here(os.environ)
    try:
        path = find_module(world.known.card.module, host)
        with path.open("rb") as file:
            made_for = architectures(file.read(_HEADER_BYTES))
    except ConnectorError as failure:
        yield refusal(failure, "")
        return
    except OSError as failure:
        yield error("MODULE_ILLISIBLE", str(path), f"{failure.strerror}")
        return
    if made_for and host.machine not in made_for:
        yield error("MODULE_ARCHITECTURE", str(path), f"{', '.join(sorted(made_for))} / {host.machine}")
    else:
        yield ok("MIDDLEWARE_OK", str(path))


def _card(world: World) -> Iterator[Finding]:
    answer = world.ask_card()
    if answer.status is None:
        why = answer.reason or Text("", "")
        yield warning("CARTE_NON_EXAMINEE", "", why.en, detail_fr=why.fr)
        return
    status = answer.status
    if status.presence is Presence.NO_MIDDLEWARE or not status.middleware:
        if status.code not in _TOLD_BY_MIDDLEWARE:
            yield _hindered(status.code, status.middleware, status.detail)
        return
    if not status.tokens:
        if status.presence is not Presence.NO_READER or status.readers:
            yield _without_token(status)
        return  # a missing reader is told by the check of the readers
    for token in status.tokens:
        yield from _token(world, token)
    yield from _tls13(world, status)


def _without_token(status: CardStatus) -> Finding:
    subject = ", ".join(status.readers)
    severity = Severity.WARNING if status.presence is Presence.NO_CARD else Severity.ERROR
    return _hindered(status.code, subject, status.detail, severity)


def _token(world: World, token: TokenView) -> Iterator[Finding]:
    subject = f"{token.reader}, {token.serial}" if token.serial else token.reader
    yield _presence(token, subject)
    if token.tries_left_low and token.presence not in (Presence.LAST_TRY, Presence.BLOCKED):
        yield warning("PIN_ESSAI_PERDU", subject)
    held = token.certificate
    if held is not None:
        whose = f"{held.common_name}, {held.issuer}"
        yield expiry(whose, held.not_before, held.not_after, world.clock.now())


def _presence(token: TokenView, subject: str) -> Finding:
    match token.presence:
        case Presence.OPEN:
            return ok("CARTE_OUVERTE", subject)
        case Presence.LOCKED:
            return ok("CARTE_SANS_PIN", subject)
        case Presence.PIN_NEEDED:
            return warning("CARTE_ATTEND_PIN", subject)
        case Presence.LAST_TRY:
            return warning("PIN_DERNIER_ESSAI", subject)
        case Presence.BLOCKED:
            return error("CARTE_BLOQUEE", subject)
        case _:
            return _hindered(token.code, subject, "")


def _tls13(world: World, status: CardStatus) -> Iterator[Finding]:
    """A card without PSS cannot do TLS 1.3 (RFC 8446 4.2.3); an operator set to nothing less is out of its reach."""
    if any(token.can_pss for token in status.tokens if token.certificate is not None):
        return
    on_card = {mailbox.operator for mailbox in world.mailboxes if mailbox.identity.card is not None}
    for name in sorted(on_card):
        if world.known.operators[name].tls.minimum == "1.3":
            yield error("CARTE_TLS12", f"operators.{name}.tls.minimum")


def _hindered(code: str, subject: str, detail: str, severity: Severity = Severity.ERROR) -> Finding:
    """What the card room says, under its own code."""
    return Finding(code or "CARTE_DEFAILLANTE", severity, subject, detail)


CHECKS = (
    Check(
        name="card readers", group=Group.CARD, title=Text("lecteur de carte", "card reader"), parts=once(_readers),
        needs=frozenset({Need.SETTINGS, Need.CARD}),
        gives=Gives(
            ok=("LECTEUR_OK",), error=("PCSC_ABSENT", "PCSC_ARRETE", "PCSC_INTERDIT", "LECTEUR_NON_VU")
        ),
    ),
    Check(
        name="middleware", group=Group.CARD, title=Text("bibliothèque de la carte", "card middleware"),
        parts=once(_middleware), needs=frozenset({Need.SETTINGS, Need.CARD}),
        gives=Gives(
            ok=("MIDDLEWARE_OK",), error=("MODULE_ARCHITECTURE", "MODULE_ILLISIBLE"), passes=("MODULE_ABSENT",)
        ),
    ),
    Check(
        name="card", group=Group.CARD, title=Text("carte", "card"), parts=once(_card), seconds=_CARD_SECONDS,
        needs=frozenset({Need.SETTINGS, Need.CARD}),
        gives=Gives(
            ok=("CARTE_OUVERTE", "CARTE_SANS_PIN", *EXPIRY_OKS),
            warning=(
                "CARTE_NON_EXAMINEE", "CARTE_ATTEND_PIN", "PIN_DERNIER_ESSAI", "PIN_ESSAI_PERDU", *EXPIRY_WARNINGS,
            ),
            error=("CARTE_BLOQUEE", "CARTE_TLS12", *EXPIRY_ERRORS),
            passes=(),
        ),
    ),
)  # fmt: skip
"""In the order in which they are told."""
