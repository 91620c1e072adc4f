"""Reader and card, without touching the PIN: the system's card service, the middleware, the card, its certificate.

The card itself is looked at by the one who owns it: the connector that runs, or else the card room of this process
(:class:`connector.support.doctor.world.World`). Two processes at one card is more than some middleware bears.
"""

import os
from collections.abc import Iterator, Sequence

from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.identities.card.module import Host, architectures, find_module
from connector.identities.card.reader import Service
from connector.identities.card.status import CardStatus, Presence, TokenView
from connector.identities.card.subject import same_holder
from connector.identities.tls_key.self_check import self_test
from connector.settings.model import CardChoice
from connector.support.doctor.check import Check, Gives, Group, Need, once
from connector.support.doctor.expiry import EXPIRY_ERRORS, EXPIRY_OKS, EXPIRY_WARNINGS, expiry
from connector.support.doctor.finding import Finding, Severity, error, ok, refusal, warning
from connector.support.doctor.world import World

__all__ = ["CHECKS"]

_HEADER_BYTES = 4096
_READERS = ("LECTEUR_ABSENT", "SERVICE_CARTES_ABSENT", "SERVICE_CARTES_ARRETE", "SERVICE_CARTES_INTERDIT")
_TOLD_BEFORE = (*_READERS, "MODULE_ABSENT", "MODULE_ARCHITECTURE")  # by the checks of readers and middleware
_OF_PRESENCE = ("CARTE_BLOQUEE", "PIN_DERNIER_ESSAI", "PIN")  # what a presence says anyway
_OF_DATES = ("CARTE_EXPIREE", "CERTIFICAT_FUTUR")  # told with the dates
_CARD_SECONDS = 40.0  # a middleware that is loaded for the first time reads the whole card


def _tls_key(_: World) -> Iterator[Finding]:
    """Whether this Python can shake hands with a key that it never sees; no card is needed to know."""
    try:
        yield ok("CLE_TLS_OK", self_test())
    except ConnectorError as failure:
        yield refusal(failure, "")


def _readers(world: World) -> Iterator[Finding]:
    seen = world.ask_readers()
    match seen.service:
        case Service.ABSENT:
            yield error("SERVICE_CARTES_ABSENT", "", seen.detail)
        case Service.STOPPED:
            yield error("SERVICE_CARTES_ARRETE", "", seen.detail)
        case Service.FORBIDDEN:
            yield error("SERVICE_CARTES_INTERDIT", "", seen.detail)
        case Service.RUNNING if not seen.readers:
            yield error("LECTEUR_ABSENT", "")
        case Service.RUNNING:
            yield ok("LECTEUR_OK", ", ".join(reader.name for reader in seen.readers))


def _middleware(world: World) -> Iterator[Finding]:
    """There, and made for this process; whether it starts is seen when the card is looked at."""
    host = Host.here(os.environ)
    try:
        path = find_module(world.settings.card.module if world.settings else None, host)
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
    status = answer.status
    if status is None:
        why = answer.reason or Text("", "")
        yield warning("CARTE_NON_EXAMINEE", "", why.en, detail_fr=why.fr)
        return
    if not status.tokens:
        if status.code not in _TOLD_BEFORE:
            severity = Severity.WARNING if status.presence is Presence.NO_CARD else Severity.ERROR
            yield _hindered(status.code, ", ".join(status.readers) or status.middleware, status.detail, severity)
        return
    for token in status.tokens:
        yield from _token(world, token)
    yield from _owners(world, status.tokens)
    yield from _tls13(world, status)


def _token(world: World, token: TokenView) -> Iterator[Finding]:
    subject = f"{token.reader}, {token.serial}" if token.serial else token.reader
    yield _presence(token, subject)
    if token.tries_left_low and token.presence not in (Presence.LAST_TRY, Presence.BLOCKED):
        yield warning("PIN_ESSAI_PERDU", subject)
    held = token.certificate
    if held is not None:
        yield expiry(f"{held.name}, {held.issuer}", held.not_before, held.not_after, world.clock.now())


def _presence(token: TokenView, subject: str) -> Finding:  # noqa: PLR0911 - one line for each presence
    if token.code not in ("", *_OF_PRESENCE, *_OF_DATES):
        return _hindered(token.code, subject)
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
            return _hindered(token.code, subject)


def _owners(world: World, tokens: Sequence[TokenView]) -> Iterator[Finding]:
    """Each mailbox needs exactly one of the cards that are there."""
    known = [token for token in tokens if token.certificate is not None]
    for mailbox in world.mailboxes:
        if mailbox.identity.card is not None and known:
            number = sum(_fits(mailbox.identity.card, token) for token in known)
            if number == 0:
                yield warning("CARTE_AUTRE_PORTEUR", mailbox.folder)
            elif number > 1:
                yield warning("CARTES_MULTIPLES", mailbox.folder)


def _fits(choice: CardChoice, token: TokenView) -> bool:
    holder = token.certificate.holder if token.certificate is not None else ""
    return (not choice.holder or same_holder(choice.holder, holder)) and choice.serial in ("", token.serial)


def _tls13(world: World, status: CardStatus) -> Iterator[Finding]:
    """A card without PSS cannot do TLS 1.3 (RFC 8446 4.2.3); an operator set to nothing less is out of its reach."""
    if any(token.can_pss for token in status.tokens if token.certificate is not None):
        return
    on_card = {mailbox.operator for mailbox in world.mailboxes if mailbox.identity.card is not None}
    for name in sorted(on_card):
        if world.known.operators[name].tls.minimum == "1.3":
            yield error("CARTE_TLS12", f"operators.{name}.tls.minimum")


def _hindered(code: str, subject: str, detail: str = "", severity: Severity = Severity.ERROR) -> Finding:
    """What the card room says, under its own code."""
    return Finding(code or "CARTE_DEFAILLANTE", severity, subject, detail)


CHECKS = (
    Check(
        name="card key", group=Group.CARD, title=Text("clé sur la carte", "key on the card"), parts=once(_tls_key),
        needs=frozenset({Need.CARD}),
        gives=Gives(ok=("CLE_TLS_OK",), passes=("TLS_CLE_IMPOSSIBLE",)),
    ),
    Check(
        name="card readers", group=Group.CARD, title=Text("lecteur de carte", "card reader"), parts=once(_readers),
        needs=frozenset({Need.CARD}),
        gives=Gives(
            ok=("LECTEUR_OK",),
            error=("SERVICE_CARTES_ABSENT", "SERVICE_CARTES_ARRETE", "SERVICE_CARTES_INTERDIT", "LECTEUR_ABSENT"),
        ),
    ),
    Check(
        name="middleware", group=Group.CARD, title=Text("bibliothèque de la carte", "card middleware"),
        parts=once(_middleware), needs=frozenset({Need.CARD}),
        gives=Gives(
            ok=("MIDDLEWARE_OK",), error=("MODULE_ARCHITECTURE", "MODULE_ILLISIBLE"), passes=("MODULE_ABSENT",)
        ),
    ),
    Check(
        name="card", group=Group.CARD, title=Text("carte", "card"), parts=once(_card), seconds=_CARD_SECONDS,
        needs=frozenset({Need.CARD}),
        gives=Gives(
            ok=("CARTE_OUVERTE", "CARTE_SANS_PIN", *EXPIRY_OKS),
            warning=(
                "CARTE_NON_EXAMINEE", "CARTE_ATTEND_PIN", "PIN_DERNIER_ESSAI", "PIN_ESSAI_PERDU",
                "CARTE_AUTRE_PORTEUR", "CARTES_MULTIPLES", *EXPIRY_WARNINGS,
            ),
            error=("CARTE_BLOQUEE", "CARTE_TLS12", *EXPIRY_ERRORS),
            passes=(
                "CARTE_ABSENTE", "CARTE_CERTIFICATS", "CARTE_DEFAILLANTE", "CARTE_INCONNUE", "CARTE_MUETTE",
                "CARTE_SANS_CERTIFICAT", "CARTE_SANS_CLE", "CLE_PIN_A_CHAQUE_FOIS", "MODULE_ILLISIBLE",
                "MODULE_REFUSE", "PIN_NON_INITIALISE",
            ),
        ),
    ),
)  # fmt: skip
"""In the order in which they are told."""
