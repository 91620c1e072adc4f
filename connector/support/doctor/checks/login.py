"""Logging in where that can harm nobody: no person is needed, and nothing that was refused is shown again.

A password that the operator has refused could lock the account: it is tried once at the most, and never again until
the connector itself has got in with it. A PIN is never given here, a one-time code never asked for.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.journal.journal import Journal
from connector.journal.records import TraceEntry
from connector.operators.errors import ConnectionFailed
from connector.operators.factory import make_receiver, make_sender
from connector.settings.model import MailboxSettings, ServerSettings
from connector.support.doctor.check import Check, Gives, Group, Need, Part
from connector.support.doctor.finding import Finding, Severity, ok, refusal, warning
from connector.support.doctor.readiness import ready_identity
from connector.support.doctor.world import World

__all__ = ["CHECKS"]

ACTION = "login"
"""In the trace: a login for its own sake (Ref#2 ECO.4.1.2 asks for each)."""

REFUSALS = ("AUTHENTIFICATION", "COMPTE_BLOQUE", "IDENTIFIANTS_REFUSES", "JETON_REFUSE", "MECANISME_ABSENT")
_LOOKED_AT = 2000  # trace entries
_GOT_IN = ("list", "fetch", "acknowledge")  # actions that prove a login

_REFUSED_BEFORE = Text("l'opérateur a déjà refusé ce mot de passe", "the operator has refused this password before")
_NOTHING_KNOWN = Text(
    "sans journal on ne peut pas savoir si ce mot de passe a déjà été refusé",
    "without a journal nobody knows whether this password was refused before",
)


def _logins(world: World) -> Iterator[Part]:
    return (partial(_login, world, mailbox) for mailbox in world.mailboxes)


def _login(world: World, mailbox: MailboxSettings) -> Iterator[Finding]:
    why_not = _why_not(world, mailbox)
    if why_not is not None:
        yield warning("CONNEXION_NON_ESSAYEE", mailbox.folder, why_not.en, detail_fr=why_not.fr)
        return
    operator = world.known.operators[mailbox.operator]
    if mailbox.send:
        told = _tried(world, mailbox, operator.smtp, partial(_send_side, world, mailbox))
        yield told
        if told.severity is Severity.ERROR and mailbox.identity.password is not None:
            return  # the same password again
    if mailbox.receive:
        yield _tried(world, mailbox, operator.imap, partial(_receive_side, world, mailbox))


def _why_not(world: World, mailbox: MailboxSettings) -> Text | None:
    ready = ready_identity(world, mailbox)
    if isinstance(ready, Text):
        return ready
    return _about_password(world, mailbox) if mailbox.identity.password is not None else None


def _about_password(world: World, mailbox: MailboxSettings) -> Text | None:
    """Why a password must not be shown: the last that is known of it is a refusal, or nothing can be known.

    Asked are the connector that runs, the messages that wait, and the trace.
    """
    if _shows_refusal(world.ask_health() or {}, mailbox.folder, inside=False):
        return _REFUSED_BEFORE
    try:
        with world.open_journal() as journal:
            if journal is None:
                return _NOTHING_KNOWN
            return _REFUSED_BEFORE if _journal_tells(journal, mailbox) else None
    except ConnectorError:
        return _NOTHING_KNOWN


def _shows_refusal(component: Mapping[str, Any], folder: str, *, inside: bool) -> bool:
    inside = inside or component.get("name") == folder
    if inside and component.get("code") in REFUSALS:
        return True
    return any(_shows_refusal(part, folder, inside=inside) for part in component.get("components") or [])


def _journal_tells(journal: Journal, mailbox: MailboxSettings) -> bool:
    if any(message.code in REFUSALS for message in journal.waiting(mailbox.address)):
        return True
    ours = (entry for entry in reversed(journal.trace(limit=_LOOKED_AT)) if entry.mailbox == str(mailbox.address))
    return next((told for entry in ours if (told := _tells(entry)) is not None), False)


def _tells(entry: TraceEntry) -> bool | None:
    """True for a refusal, false for a proof that the operator let us in, ``None`` for neither."""
    if entry.outcome.rpartition(" ")[2] in REFUSALS:
        return True
    proofs = (ACTION, "ok"), ("send", "sent")
    return False if entry.action in _GOT_IN or (entry.action, entry.outcome) in proofs else None


def _tried(world: World, mailbox: MailboxSettings, server: ServerSettings, visit: Callable[[], None]) -> Finding:
    """One login, traced. What has nothing to do with who we are is told by the check of the server."""
    where, subject = f"{server.host}:{server.port}", f"{mailbox.folder}, {server.host}:{server.port}"
    try:
        visit()
    except ConnectionFailed as failure:
        return warning("CONNEXION_NON_ESSAYEE", subject, failure.detail)
    except ConnectorError as failure:
        _note(world, mailbox, where, failure.code, getattr(failure, "answer", ""))
        return refusal(failure, subject)
    _note(world, mailbox, where, "ok", "")
    return ok("CONNEXION_OK", subject)


def _note(world: World, mailbox: MailboxSettings, server: str, outcome: str, answer: str) -> None:
    with world.open_journal() as journal:
        if journal is not None:
            journal.add_trace(
                action=ACTION, mailbox=mailbox.address, server=server, answer=answer, outcome=outcome, actor="doctor"
            )


def _send_side(world: World, mailbox: MailboxSettings) -> None:
    async def talk() -> None:
        sender = make_sender(mailbox, world.known.operators[mailbox.operator], world.services, world.trust)
        try:
            await sender.limits()
        finally:
            await sender.close()

    asyncio.run(talk())


def _receive_side(world: World, mailbox: MailboxSettings) -> None:
    """Also opens the first folder that is read, for reading only what it says of itself."""
    receiver = make_receiver(mailbox, world.known.operators[mailbox.operator], world.services, world.trust)
    try:
        receiver.wait(mailbox.reception.folders[0], seconds=0, stop=lambda: True)
    finally:
        receiver.close()


CHECKS = (
    Check(
        name="login", group=Group.OPERATORS, title=Text("connexion des boîtes", "login of the mailboxes"),
        parts=_logins, seconds=60.0, needs=frozenset({Need.SETTINGS, Need.NETWORK}),
        gives=Gives(
            ok=("CONNEXION_OK",), warning=("CONNEXION_NON_ESSAYEE",),
            passes=(*REFUSALS, "OPERATEUR_DIFFERE", "OPERATEUR_REFUS", "JETON_DIFFERE"),
        ),
    ),
)  # fmt: skip
"""In the order in which they are told."""
