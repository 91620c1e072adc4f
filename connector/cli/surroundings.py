"""What the doctor and the support bundle look at, gathered for a command."""

from pathlib import Path

import typer
from pydantic import TypeAdapter, ValidationError

from connector.cli.place import settings_at
from connector.cli.words import say
from connector.daemon.endpoint import ask_health, data_paths
from connector.daemon.readiness import problems_before_start
from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.identities.card.status import CardStatus
from connector.settings.load import InvalidSettings, Problem
from connector.settings.model import Settings
from connector.support.doctor import CardAnswer, World
from connector.support.doctor.beside import world_beside
from connector.support.doctor.instance import lock_holder

__all__ = ["surroundings"]


def surroundings(path: Path, *, mailbox: str = "", offline: bool = False) -> World:
    """Everything that the checks need; a settings file that cannot be used is only one more thing to tell.

    Args:
        path: of the settings.
        mailbox: folder name or address of the only one to look at.
        offline: ask nothing of the network.

    Raises:
        typer.BadParameter: there is no such mailbox.
    """
    settings, problems = _settings(path)
    box = _box(settings, mailbox) if mailbox else ""

    return world_beside(
        path, settings, problems, offline=offline, box=box, ask_card=lambda: _card(settings or Settings()),
        ask_health=lambda: ask_health(settings) if settings is not None else None,
    )  # fmt: skip


def _settings(path: Path) -> tuple[Settings | None, list[Problem]]:
    try:
        settings = settings_at(path)
    except InvalidSettings as invalid:
        return None, invalid.problems
    return settings, problems_before_start(settings)


def _box(settings: Settings | None, name: str) -> str:
    for mailbox in settings.mailboxes if settings is not None else ():
        if name in (mailbox.folder, str(mailbox.address)):
            return mailbox.folder
    raise typer.BadParameter(say(f"{name} : aucune boîte ne porte ce nom", f"{name}: no mailbox has this name"))


def _card(settings: Settings) -> CardAnswer:
    """From the connector that runs, which holds the card; else from a card room of our own.

    A connector that runs and cannot be asked keeps its card to itself: two processes at one card is more than some
    middleware bears.
    """
    from connector.cli.card_room import card_room  # noqa: PLC0415 - httpx: slow to import, needed with a card only

    is_held = lock_holder(data_paths(settings)) is not None
    try:
        with card_room(settings, only_service=is_held) as room:
            told = room.card().model_dump()
        return CardAnswer(TypeAdapter(CardStatus).validate_python(told))
    except ConnectorError as failure:
        fr, en = f"le connecteur ne le dit pas ({failure.code})", f"the connector does not tell ({failure.code})"
    except ValidationError:
        fr, en = "le connecteur lancé est d'une autre version", "the connector that runs is of another version"
    return CardAnswer(None, Text(fr, en))
