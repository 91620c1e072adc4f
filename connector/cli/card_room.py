"""Whom a command asks about cards: the connector that runs, which holds them; else a card room of our own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from connector.cli.service import connection_to
from connector.client.failure import ServiceError, ServiceUnreachable
from connector.client.models.card import CardStatusModel, CardTestModel
from connector.identities.card.status import CardPort, CardStatus
from connector.platform.system import SystemClock
from connector.settings.model import Settings

__all__ = ["CardRoom", "LocalCards", "card_room"]


class CardRoom(Protocol):
    """What commands do with cards; :class:`connector.client.connection.Connection` does it through the connector."""

    def card(self) -> CardStatusModel:
        """Readers and cards now."""
        ...

    def unlock_card(self, pin: str | None, *, serial: str = "", accept_last_try: bool = False) -> CardStatusModel:
        """Give one PIN to one card, once; raises what :class:`CardPort` raises."""
        ...

    def lock_card(self) -> CardStatusModel:
        """Forget that the PIN was typed."""
        ...

    def test_card(self, *, serial: str = "") -> CardTestModel:
        """Sign something meaningless and verify it."""
        ...


@contextmanager
def card_room(settings: Settings, *, only_service: bool = False) -> Iterator[CardRoom]:
    """The running connector when there is one, else the cards themselves.

    Args:
        settings: which connector, which middleware.
        only_service: what was opened here would be closed with the command, so it makes no sense without a connector.

    Raises:
        ServiceUnreachable: ``SERVICE_ARRETE``.
        ConfigurationError: ``ACCES_LOCAL_EXPOSE``.
    """
    with ExitStack() as stack:
        room = _service(settings, stack)
        if room is None:
            if only_service:
                raise ServiceUnreachable("the connector does not run, or uses no card")
            room = stack.enter_context(_beside(settings))
        yield room


def _service(settings: Settings, stack: ExitStack) -> CardRoom | None:
    """The running connector; ``None`` when there is none, or when it uses no cards."""
    try:
        service = stack.enter_context(connection_to(settings))
        service.card()
    except ServiceUnreachable:
        return None
    except ServiceError as error:
        if error.code == "API_ROUTE_INCONNUE":
            return None
        raise
    return service


@contextmanager
def _beside(settings: Settings) -> Iterator[CardRoom]:
    """The cards themselves, for as long as the command lasts; what it opens is closed with it."""
    from connector.identities.card.service import CardService  # noqa: PLC0415 - middleware and readers: rarely needed

    service = CardService(settings.card, SystemClock())
    try:
        service.look()
        yield LocalCards(service)
    finally:
        service.close()


class LocalCards:
    """Fulfils :class:`CardRoom` over a card room of this process."""

    def __init__(self, cards: CardPort) -> None:
        self._cards = cards

    def card(self) -> CardStatusModel:
        """See :class:`CardRoom`."""
        return _model(self._cards.status())

    def unlock_card(self, pin: str | None, *, serial: str = "", accept_last_try: bool = False) -> CardStatusModel:
        """See :class:`CardRoom`."""
        return _model(self._cards.unlock(pin, serial=serial, accept_last_try=accept_last_try))

    def lock_card(self) -> CardStatusModel:
        """See :class:`CardRoom`."""
        return _model(self._cards.lock())

    def test_card(self, *, serial: str = "") -> CardTestModel:
        """See :class:`CardRoom`."""
        return CardTestModel(mechanism=self._cards.test(serial=serial))


def _model(status: CardStatus) -> CardStatusModel:
    from connector.api.routes.card import card_status_model  # noqa: PLC0415 - FastAPI: slow to import

    return card_status_model(status, SystemClock().now())
