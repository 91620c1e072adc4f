"""Mailboxes as the API shows them: settings, health and journal put together."""

from collections.abc import Iterator, Mapping

from connector.api.services import ApiServices
from connector.client.models.mailboxes import MailboxModel, TokenStateModel
from connector.domain.catalogue import explain
from connector.domain.errors import InvalidSubmission
from connector.domain.states import WaitingFor
from connector.identities.tokens import TokenStatus
from connector.settings.model import IdentityMethod, MailboxSettings, Settings
from connector.support.health import Component, Condition

__all__ = ["find_mailbox", "mailbox_models", "sending_mailbox", "token_state_model"]


def find_mailbox(settings: Settings, name: str, method: IdentityMethod | None = None) -> MailboxSettings:
    """The mailbox that is meant.

    Args:
        settings: with all mailboxes.
        name: of its folder, or its address; without regard to case.
        method: the way in that it must have; ``None`` = any.

    Raises:
        InvalidSubmission: ``BOITE_INCONNUE``, ``BOITE_AUTRE_IDENTITE``.
    """
    wanted = name.casefold()
    for mailbox in settings.mailboxes:
        if wanted in (mailbox.folder, str(mailbox.address).casefold()):
            if method is not None and mailbox.identity.method is not method:
                raise InvalidSubmission(
                    "BOITE_AUTRE_IDENTITE", f"identity.auth of this mailbox is not a {method.value}"
                )
            return mailbox
    raise InvalidSubmission("BOITE_INCONNUE", "no mailbox of the settings has this folder name or address")


def sending_mailbox(settings: Settings, name: str) -> MailboxSettings:
    """The mailbox that is meant, when it sends.

    Raises:
        InvalidSubmission: ``BOITE_INCONNUE``, ``BOITE_SANS_ENVOI``.
    """
    mailbox = find_mailbox(settings, name)
    if not mailbox.send:
        raise InvalidSubmission("BOITE_SANS_ENVOI", "this mailbox does not send (send = false)")
    return mailbox


def mailbox_models(services: ApiServices) -> list[MailboxModel]:
    """All of them, in the order of the settings. Asks the journal: may block for milliseconds."""
    parts = {part.name: part for part in services.report().parts}
    waiting = services.journal.waiting_counts()
    return [
        _model(services, one, parts.get(one.folder) or Component(one.folder), waiting.get(one.address, {}))
        for one in services.settings.mailboxes
    ]


def _model(
    services: ApiServices, mailbox: MailboxSettings, component: Component, waiting: Mapping[WaitingFor, int]
) -> MailboxModel:  # fmt: skip
    hindered = next((part for part in _worst_first(component) if part.code), None)
    texts = explain(hindered.code) if hindered and hindered.code else None
    return MailboxModel(
        box=mailbox.folder, address=str(mailbox.address), kind=mailbox.kind.value, operator=mailbox.operator,
        identity=mailbox.identity.method.value, status=component.overall.value,
        waiting_for=sorted(reason.value for reason in waiting),
        code=(hindered.code or "") if hindered else "", since=(hindered.since or "") if hindered else "",
        title_fr=texts.title_fr if texts else "", cure_fr=texts.cure_fr if texts else "",
        title_en=texts.title_en if texts else "", cure_en=texts.cure_en if texts else "",
        waiting_messages=sum(waiting.values()), token=_token(services, mailbox),
    )  # fmt: skip


def _worst_first(component: Component) -> Iterator[Component]:
    """The component and everything below it, broken ones before waiting ones."""
    everything = list(_all(component))
    for condition in (Condition.ERROR, Condition.WAITING, Condition.OK):
        yield from (part for part in everything if part.condition is condition)


def _all(component: Component) -> Iterator[Component]:
    yield component
    for part in component.parts:
        yield from _all(part)


def _token(services: ApiServices, mailbox: MailboxSettings) -> TokenStateModel | None:
    if services.tokens is None or mailbox.identity.method is not IdentityMethod.TOKEN:
        return None
    return token_state_model(services.tokens.status(mailbox.address))


def token_state_model(status: TokenStatus) -> TokenStateModel:
    """A token's state as it goes over the wire."""
    return TokenStateModel(usable=status.usable, expires_at=status.expires_at, code=status.code)
